use super::*;
use crate::json::documents::{Buffer, all_enclosing, document, number, string};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::boxed::Box;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

fn read<T: DeserializeOwned>(text: &str) -> Result<T, ErrorKind> {
    Buffer::new(text).value().decode().map_err(|error| error.kind())
}

/// Reads `text` as serde_json does, the error left out.
#[track_caller]
fn agree<T: DeserializeOwned + Debug + PartialEq>(text: &str) -> Option<T> {
    let ours = read::<T>(text).ok();
    assert_eq!(ours, serde_json::from_str(text).ok(), "{text}");
    ours
}

#[test]
fn each_error_says_something_of_its_own() {
    let all = [
        ErrorKind::ExpectedNull,
        ErrorKind::ExpectedBool,
        ErrorKind::ExpectedInteger,
        ErrorKind::ExpectedNumber,
        ErrorKind::ExpectedString,
        ErrorKind::ExpectedArray,
        ErrorKind::ExpectedObject,
        ErrorKind::ExpectedEnum,
        ErrorKind::WrongType,
        ErrorKind::NumberOutOfRange,
        ErrorKind::InvalidValue,
        ErrorKind::MissingMember,
        ErrorKind::UnknownMember,
        ErrorKind::DuplicateMember,
        ErrorKind::UnknownVariant,
        ErrorKind::Length,
        ErrorKind::TooDeep,
        ErrorKind::Malformed,
        ErrorKind::Custom,
    ];
    let mut said: Vec<_> = all.iter().map(ErrorKind::to_string).collect();
    // Where it is not known yet where it lies, that is not told.
    assert!(all.iter().zip(&said).all(|(kind, text)| Error::from(*kind).to_string() == *text && text.len() > 8));
    said.sort();
    said.dedup();
    assert_eq!(said.len(), all.len());
}

/// Refuses whatever it is.
#[derive(Debug)]
struct Refusing;

impl<'de> Deserialize<'de> for Refusing {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("no"))
    }
}

#[test]
fn an_error_shows_what_it_knows() {
    let mut buffer = Buffer::new("[1, true]");
    let error = buffer.value().decode::<(u8, Refusing)>().unwrap_err();
    assert_eq!(error.to_string(), "value refused by its type at byte 3");
    assert_eq!(format!("{error:?}"), "Error { kind: Custom, offset: Some(3) }");
    let error = <Error as serde::de::Error>::missing_field("a");
    assert_eq!(format!("{error:?}"), "Error { kind: MissingMember, offset: None, name: \"a\" }");
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Shapes {
    Unit,
    Newtype(u32),
    Tuple(bool, String),
    Struct {
        first_field: i8,
        #[serde(default)]
        second: Option<Box<Self>>,
    },
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Everything {
    boolean: bool,
    small: i8,
    byte: u8,
    wide: u64,
    signed: i64,
    widest: i128,
    float: f64,
    single: f32,
    letter: char,
    text: String,
    unit: (),
    option: Option<u16>,
    nested: Option<Option<Vec<u8>>>,
    pair: (i32, String),
    list: Vec<Option<bool>>,
    map: BTreeMap<String, i64>,
    numbers: BTreeMap<i32, bool>,
    shape: Option<Shapes>,
    inner: Option<Box<Self>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[serde(rename = "a-b")]
    a: u8,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Newtype(Strict);

#[derive(Debug, Deserialize, PartialEq)]
struct Pair(u8, Option<String>);

#[derive(Debug, Deserialize, PartialEq)]
struct Nothing;

#[test]
fn errors_are_small() {
    assert!(size_of::<Error>() <= 16);
    assert!(size_of::<Result<(), Error>>() <= 16);
}

#[test]
fn integers_are_checked_against_their_type() {
    use ErrorKind::{ExpectedInteger, NumberOutOfRange};
    assert_eq!(read("127"), Ok(127i8));
    assert_eq!(read::<i8>("128"), Err(NumberOutOfRange));
    assert_eq!(read("-128"), Ok(-128i8));
    assert_eq!(read::<i8>("-129"), Err(NumberOutOfRange));
    assert_eq!(read::<u8>("256"), Err(NumberOutOfRange));
    assert_eq!(read::<u64>("-1"), Err(NumberOutOfRange));
    assert_eq!(read("-0"), Ok(0u64));
    assert_eq!(read("18446744073709551615"), Ok(u64::MAX));
    assert_eq!(read::<u64>("18446744073709551616"), Err(NumberOutOfRange));
    assert_eq!(read("18446744073709551616"), Ok(18446744073709551616u128));
    assert_eq!(read("-9223372036854775808"), Ok(i64::MIN));
    assert_eq!(read::<i64>("-9223372036854775809"), Err(NumberOutOfRange));
    assert_eq!(read::<i64>("9223372036854775808"), Err(NumberOutOfRange));
    assert_eq!(read("-170141183460469231731687303715884105728"), Ok(i128::MIN));
    assert_eq!(read::<i128>("170141183460469231731687303715884105728"), Err(NumberOutOfRange));
    assert_eq!(read::<u128>("-1"), Err(NumberOutOfRange));
    for text in ["1.0", "1e3", "inf", "nan", "\"1\"", "true", "null", "[1]", "{}"] {
        assert_eq!(read::<u64>(text), Err(ExpectedInteger), "{text}");
        assert_eq!(read::<i128>(text), Err(ExpectedInteger), "{text}");
    }
}

#[test]
fn floats_take_what_qemu_writes() {
    assert_eq!(read("1"), Ok(1.0));
    assert_eq!(read("1.5"), Ok(1.5f32));
    assert_eq!(read("-inf"), Ok(f64::NEG_INFINITY));
    assert!(read::<f64>("nan").is_ok_and(f64::is_nan));
    assert_eq!(read::<f64>("\"1\""), Err(ErrorKind::ExpectedNumber));
    assert_eq!(read::<f64>("null"), Err(ErrorKind::ExpectedNumber));
}

#[test]
fn what_comes_is_shown_as_it_is() {
    #[derive(Debug, PartialEq)]
    enum Seen {
        U(u64),
        I(i64),
        F(u64),
    }
    impl<'de> Deserialize<'de> for Seen {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Look;
            impl Visitor<'_> for Look {
                type Value = Seen;
                fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.write_str("a number")
                }
                fn visit_u64<E>(self, v: u64) -> Result<Seen, E> {
                    Ok(Seen::U(v))
                }
                fn visit_i64<E>(self, v: i64) -> Result<Seen, E> {
                    Ok(Seen::I(v))
                }
                fn visit_f64<E>(self, v: f64) -> Result<Seen, E> {
                    Ok(Seen::F(v.to_bits()))
                }
            }
            deserializer.deserialize_any(Look)
        }
    }
    assert_eq!(read("1"), Ok(Seen::U(1)));
    assert_eq!(read("-1"), Ok(Seen::I(-1)));
    assert_eq!(read("-0"), Ok(Seen::F((-0.0f64).to_bits())));
    assert_eq!(read("1.0"), Ok(Seen::F(1.0f64.to_bits())));
    assert_eq!(read("18446744073709551616"), Ok(Seen::F(18446744073709551616f64.to_bits())));
    assert_eq!(read("-9223372036854775809"), Ok(Seen::F((-9223372036854775809f64).to_bits())));
    assert_eq!(read("inf"), Ok(Seen::F(f64::INFINITY.to_bits())));
    assert_eq!(read::<Seen>("true"), Err(ErrorKind::WrongType));
}

#[test]
fn strings_are_borrowed_escaped_or_not() {
    let all = all_enclosing();
    let escaped = serde_json::to_string(&all).unwrap();
    let mut buffer = Buffer::new(&format!(r#"["plain", "\u00e9", {escaped}, "ab"]"#));
    let read: Result<(&str, &str, &str, &[u8]), _> = buffer.value().decode();
    assert_eq!(read, Ok(("plain", "é", &*all, &b"ab"[..])));
    assert_eq!(self::read("\"é\""), Ok('é'));
    assert_eq!(self::read::<char>("\"ab\""), Err(ErrorKind::InvalidValue));
    assert_eq!(self::read::<String>("1"), Err(ErrorKind::ExpectedString));
}

#[test]
fn enums_have_four_shapes() {
    for text in [
        r#""unit""#,
        r#"{"unit": null}"#,
        r#"{"unit": 1}"#,
        r#"{"newtype": 7}"#,
        r#""newtype""#,
        r#"{"tuple": [true, "x"]}"#,
        r#"{"tuple": [true]}"#,
        r#"{"tuple": [true, "x", 1]}"#,
        r#"{"struct": {"first_field": 1}}"#,
        r#"{"struct": {"first_field": -1, "second": "unit"}}"#,
        r#"{"struct": {"first_field": 1, "second": {"struct": {"first_field": 2}}}}"#,
        r#"{"struct": [1, null]}"#,
        r#"{"newtype": 7, "unit": null}"#,
        r#""other""#,
        r#"{"other": 1}"#,
        "{}",
        "[]",
        "1",
        "null",
    ] {
        agree::<Shapes>(text);
    }
    assert_eq!(read::<Shapes>("1"), Err(ErrorKind::ExpectedEnum));
    assert_eq!(read::<Shapes>("{}"), Err(ErrorKind::ExpectedEnum));
    assert_eq!(read::<Shapes>("\"tuple\""), Err(ErrorKind::ExpectedObject));
    assert_eq!(read::<Shapes>(r#"{"newtype": 7, "unit": null}"#), Err(ErrorKind::Length));
}

#[test]
fn keys_are_read_out_of_strings() {
    #[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    enum Name {
        A,
        B,
    }
    #[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Wrapped(String);
    agree::<BTreeMap<u8, u8>>(r#"{"1": 1, "255": 2}"#);
    agree::<BTreeMap<u8, u8>>(r#"{"256": 1}"#);
    agree::<BTreeMap<i64, u8>>(r#"{"-1": 1, "x": 2}"#);
    agree::<BTreeMap<bool, u8>>(r#"{"true": 1, "false": 2}"#);
    agree::<BTreeMap<char, u8>>(r#"{"\u00e9": 1}"#);
    agree::<BTreeMap<Name, u8>>(r#"{"A": 1, "\u0042": 2}"#);
    agree::<BTreeMap<Name, u8>>(r#"{"C": 1}"#);
    agree::<BTreeMap<Wrapped, u8>>(r#"{"a\n": 1}"#);
    agree::<BTreeMap<Option<String>, u8>>(r#"{"a\n": 1}"#);
    assert_eq!(read::<BTreeMap<i128, ()>>(r#"{"-5": null}"#).map(|map| map.len()), Ok(1));
}

#[test]
fn members_are_named_in_errors() {
    let error = |text: &str| Buffer::new(text).value().decode::<Newtype>().unwrap_err();
    assert_eq!(error("{}").to_string(), "missing member `a-b` at byte 1");
    assert_eq!(error(r#"{"a-b": 1, "a-b": 2}"#).to_string(), "duplicate member `a-b` at byte 16");
    assert_eq!(error(r#"{"unheard-of-member": 1}"#).to_string(), "unknown member `unheard-of...` at byte 1");
    assert_eq!(error(r#"{"123456789é": 1}"#).to_string(), "unknown member `123456789...` at byte 1");
    assert_eq!(error(r#"{"a-b": 300}"#).to_string(), "number out of range at byte 8");
    assert_eq!(error(r#"{"a-b": "x"}"#).kind(), ErrorKind::ExpectedInteger);
    let variant = Buffer::new("\"other\"").value().decode::<Shapes>().unwrap_err();
    assert_eq!((variant.kind(), variant.name(), variant.offset()), (ErrorKind::UnknownVariant, Some("other"), Some(0)));
    assert_eq!(error("[]").kind(), ErrorKind::Length);
    assert_eq!(Error::from(ErrorKind::Custom).offset(), None);
}

#[test]
fn every_part_of_an_array_is_asked_for() {
    assert_eq!(read("[1,null]"), Ok(Pair(1, None)));
    assert_eq!(read::<Pair>("[1]"), Err(ErrorKind::Length));
    assert_eq!(read::<Pair>("[1,null,2]"), Err(ErrorKind::Length));
    assert_eq!(read::<[u8; 2]>("[1,2,3]"), Err(ErrorKind::Length));
    assert_eq!(read::<Pair>("{}"), Err(ErrorKind::ExpectedArray));
    assert_eq!(read::<Vec<u8>>("{}"), Err(ErrorKind::ExpectedArray));
    assert_eq!(read::<BTreeMap<String, u8>>("[]"), Err(ErrorKind::ExpectedObject));
    assert_eq!(read::<Strict>("1"), Err(ErrorKind::ExpectedObject));
    assert_eq!(read("null"), Ok(Nothing));
    assert_eq!(read::<Nothing>("0"), Err(ErrorKind::ExpectedNull));
}

#[test]
fn a_part_that_its_type_does_not_read_is_an_error() {
    struct Careless;
    impl<'de> Deserialize<'de> for Careless {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    struct Endless;
    impl<'de> Deserialize<'de> for Endless {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Vec::<Careless>::deserialize(deserializer).map(|_| Self)
        }
    }
    assert!(read::<Endless>("[1]").is_err());
    assert!(read::<Endless>("[1,2]").is_err());
    assert!(read::<Endless>("[]").is_ok());
    assert!(read::<BTreeMap<String, Endless>>(r#"{"a": [1]}"#).is_err());
}

#[test]
fn types_nest_as_deep_as_they_may() {
    #[derive(Debug, Deserialize)]
    struct Chain {
        #[serde(default)]
        next: Option<Box<Self>>,
    }
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only its depth is of interest")]
    struct Bottomless(Option<Box<Self>>);

    let chain = |levels: usize| format!("{}{{}}{}", r#"{"next":"#.repeat(levels - 1), "}".repeat(levels - 1));
    let deepest = read::<Chain>(&chain(DEPTH.into())).unwrap();
    assert!(deepest.next.is_some());
    assert_eq!(read::<Chain>(&chain(usize::from(DEPTH) + 1)).unwrap_err(), ErrorKind::TooDeep);
    assert_eq!(read::<Bottomless>("1").unwrap_err(), ErrorKind::TooDeep);

    let mut buffer = Buffer::new(&chain(3));
    let value = buffer.value();
    assert!(Chain::deserialize(&mut Deserializer::new(value).depth(3)).is_ok());
    let mut reader = Deserializer::new(value).depth(2);
    assert_eq!(Chain::deserialize(&mut reader).unwrap_err().kind(), ErrorKind::TooDeep);

    // Siblings do not add up, and what is skipped takes no depth.
    assert!(read::<Vec<Vec<()>>>(&format!("[{}[]]", "[],".repeat(1000))).is_ok());
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert!(read::<Chain>(&format!(r#"{{"other": {deep}}}"#)).is_ok());
}

/// A value as it is, and read as a type.
#[derive(Debug, PartialEq)]
struct Twice<'a>(Value<'a>, BTreeMap<&'a str, u8>);

impl<'de: 'a, 'a> Deserialize<'de> for Twice<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Both;
        impl<'de> Visitor<'de> for Both {
            type Value = Twice<'de>;
            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an object of numbers")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut value: A) -> Result<Twice<'de>, A::Error> {
                let missing = || serde::de::Error::custom("it can be read again");
                Ok(Twice(value.next_element()?.ok_or_else(missing)?, value.next_element()?.ok_or_else(missing)?))
            }
        }
        again(deserializer, Both)
    }
}

/// Unions are read so: what is looked at first must end where the value does, not where the list does that it stands in.
#[test]
fn a_value_is_read_twice_wherever_it_stands() {
    let text = r#"[{"a": 1}, {"b": 2, "c": 3}]"#;
    let mut buffer = Buffer::new(text);
    let (one, two) = (r#"{"a":1}"#, r#"{"b":2,"c":3}"#);
    let mut elements = buffer.value().elements();
    let twice = elements.decode_next::<Twice<'_>>().unwrap().unwrap();
    assert_eq!((twice.0.to_string().as_str(), twice.1), (one, [("a", 1)].into()));
    let twice = elements.decode_next::<Twice<'_>>().unwrap().unwrap();
    assert_eq!((twice.0.to_string().as_str(), twice.1), (two, [("b", 2), ("c", 3)].into()));
    assert!(elements.next().is_none());
    let mut other = Buffer::new(text);
    let list: Vec<Twice<'_>> = other.payload().decode().unwrap();
    assert_eq!(list.iter().map(|twice| twice.0.to_string()).collect::<Vec<_>>(), [one, two]);
}

/// Only one that another deserializer has forged.
#[test]
fn a_value_that_is_no_json_is_malformed() {
    for text in ["nul", "truth", "nulls"] {
        assert_eq!(read::<serde_json::Value>(text), Err(ErrorKind::Malformed), "{text}");
    }
}

proptest! {
    #[test]
    fn documents_are_read_as_serde_json_reads_them(text in document()) {
        agree::<serde_json::Value>(&text);
        agree::<Vec<serde_json::Value>>(&text);
        agree::<BTreeMap<String, serde_json::Value>>(&text);
        agree::<Vec<Option<String>>>(&text);
        agree::<(Option<bool>, String)>(&text);
        agree::<serde::de::IgnoredAny>(&text);
        // An integer of -0 is an error to serde_json.
        if !text.contains("-0") {
            agree::<Vec<Vec<u8>>>(&text);
            agree::<Everything>(&text);
        }
    }

    #[test]
    fn structs_are_read_as_serde_json_reads_them(
        (small, wide, signed) in (any::<i16>(), any::<u64>(), any::<i64>()),
        (widest, float, letter) in (any::<i128>(), number(), string()),
        text in string(),
        (option, nested) in (any::<Option<u16>>(), any::<Option<Vec<u8>>>()),
        shape in proptest::sample::select(&["null", "\"unit\"", "{\"newtype\":5}", "{\"tuple\":[false,\"\\n\"]}", "{\"struct\":{\"first_field\":3}}"][..]),
        key in string(),
    ) {
        let option = option.map_or("null".into(), |n| n.to_string());
        let nested = nested.map_or("null".into(), |bytes| format!("{bytes:?}"));
        agree::<Everything>(&format!(
            r#"{{"boolean": true, "small": {small}, "wide": {wide}, "signed":{signed}, "text": {text}, "letter": {letter}}}"#
        ));
        agree::<Everything>(&format!(
            r#"{{ "widest":{widest},"float" : {float},"single":{float},"unit":null,"option":{option},"nested":{nested}, "shape":{shape},
                "pair": [{small}, {text}], "list": [true, null], "map": {{{text}: {signed}}}, "numbers": {{"{small}": false}}, {key}: {{}},
                "inner": {{"text": {text}, "byte": 1}} }}"#
        ));
    }
}
