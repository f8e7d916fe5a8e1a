use super::*;
use crate::json::documents::character;
use proptest::collection::vec;
use proptest::prelude::*;
use serde::ser::{SerializeMap as _, SerializeSeq as _, SerializeStruct as _};
use std::boxed::Box;
use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

fn written<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    let mut space = std::vec![0xFF; 1 << 16];
    to_slice(value, &mut space).map(|json| String::from_utf8(json.to_vec()).unwrap())
}

fn written_ascii<T: Serialize + ?Sized>(value: &T) -> String {
    let mut space = std::vec![0; 1 << 16];
    let mut sink = SliceSink::new(&mut space);
    value.serialize(&mut Serializer::new(&mut sink).ascii(true)).unwrap();
    String::from_utf8(sink.written().to_vec()).unwrap()
}

#[test]
fn each_error_says_something_of_its_own() {
    let all = [
        Error::Full,
        Error::Bytes,
        Error::KeyNotString,
        Error::NotFinite,
        Error::Unpaired,
        Error::Malformed,
        Error::Unsupported,
        Error::Custom,
    ];
    let mut said: Vec<_> = all.iter().map(Error::to_string).chain([Full.to_string()]).collect();
    said.sort();
    said.dedup();
    assert_eq!(said.len(), all.len() + 1);
    assert!(said.iter().all(|text| text.len() > 8), "{said:?}");
}

#[derive(Clone, Debug, Serialize)]
enum Shapes {
    Unit,
    #[serde(rename = "new\"type\n")]
    Newtype(Option<i64>),
    Tuple(bool, String),
    Struct {
        #[serde(rename = "key\\\u{1}\"é")]
        key: u8,
        unit: (),
    },
}

#[derive(Clone, Debug, Serialize)]
struct Everything {
    numbers: (i8, u8, i16, u16, i32, u32, i64, u64, i128, u128),
    text: String,
    letter: char,
    option: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<bool>,
    map: BTreeMap<String, Vec<u16>>,
    letters: BTreeMap<char, ()>,
    shapes: [Shapes; 4],
    empty: (Vec<u8>, BTreeMap<String, u8>, [u8; 0]),
}

fn everything(text: &str, number: i128) -> Everything {
    Everything {
        numbers: (
            number as i8,
            number as u8,
            number as i16,
            number as u16,
            number as i32,
            number as u32,
            number as i64,
            number as u64,
            number,
            number as u128,
        ),
        text: text.into(),
        letter: text.chars().next().unwrap_or('\0'),
        option: None,
        skipped: None,
        map: [(text.to_string(), std::vec![1, 65535]), ("x".into(), Vec::new())].into(),
        letters: text.chars().map(|letter| (letter, ())).collect(),
        shapes: [
            Shapes::Unit,
            Shapes::Newtype(Some(number as i64)),
            Shapes::Tuple(true, text.into()),
            Shapes::Struct { key: 1, unit: () },
        ],
        empty: Default::default(),
    }
}

#[test]
fn errors_are_small() {
    assert!(size_of::<Error>() <= 16);
    assert!(size_of::<Result<(), Error>>() <= 16);
}

#[test]
fn strings_are_escaped_by_the_shortest_form() {
    let all: String = ('\0'..='\u{1f}').collect();
    assert_eq!(
        written(&all).unwrap(),
        r#""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000B\f\r\u000E\u000F\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u001C\u001D\u001E\u001F""#
    );
    assert_eq!(written("\"\\/'\u{7f}é\u{1f600}").unwrap(), "\"\\\"\\\\/'\u{7f}é\u{1f600}\"");
    assert_eq!(
        written_ascii("\"\\/'\u{7f}é\u{ffff}\u{1f600}\u{10ffff}"),
        r#""\"\\/'\u007F\u00E9\uFFFF\uD83D\uDE00\uDBFF\uDFFF""#
    );
}

#[test]
fn zero_is_zero_and_unit_is_null_of_whatever_type() {
    #[derive(Serialize)]
    struct Unit;
    assert_eq!(written(&(0_i8, 0_i64, 0_i128, 0_u128, -1_i128, Unit, ())).unwrap(), "[0,0,0,0,-1,null,null]");
}

#[test]
fn a_key_may_be_whatever_displays() {
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    struct Shown(u8);
    impl Serialize for Shown {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&format_args!("<{}>", self.0))
        }
    }
    assert_eq!(written(&BTreeMap::from([(Shown(1), Shown(2))])).unwrap(), r#"{"<1>":"<2>"}"#);
}

#[test]
fn what_json_lacks_is_an_error() {
    struct Bytes;
    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(b"1")
        }
    }
    assert_eq!(written(&[Bytes]), Err(Error::Bytes));
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(written(&Some(float)), Err(Error::NotFinite));
        assert_eq!(written(&(float as f32)), Err(Error::NotFinite));
    }
    fn map<K: Ord>(key: K) -> BTreeMap<K, u8> {
        [(key, 1)].into()
    }
    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    enum Name {
        #[serde(rename = "\"")]
        Unit,
        Newtype(u8),
    }
    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Wrapped(&'static str);
    assert_eq!(written(&map(1)), Err(Error::KeyNotString));
    assert_eq!(written(&map(true)), Err(Error::KeyNotString));
    assert_eq!(written(&map(())), Err(Error::KeyNotString));
    assert_eq!(written(&map(Some("x"))), Err(Error::KeyNotString));
    assert_eq!(written(&map(["x"])), Err(Error::KeyNotString));
    assert_eq!(written(&map(("x", "y"))), Err(Error::KeyNotString));
    assert_eq!(written(&map(map("x"))), Err(Error::KeyNotString));
    assert_eq!(written(&map(Name::Newtype(1))), Err(Error::KeyNotString));
    assert_eq!(written(&map(Name::Unit)).unwrap(), r#"{"\"":1}"#);
    assert_eq!(written(&map(Wrapped("a\n"))).unwrap(), r#"{"a\n":1}"#);
    assert_eq!(written(&map('\n')).unwrap(), r#"{"\n":1}"#);
}

#[test]
fn displayed_text_is_escaped() {
    struct Displayed(&'static str, bool);
    impl Serialize for Displayed {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
    impl fmt::Display for Displayed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}\"{}", self.0, 5)?;
            if self.1 { Err(fmt::Error) } else { Ok(()) }
        }
    }
    assert_eq!(written(&Displayed("\n", false)).unwrap(), r#""\n\"5""#);
    assert_eq!(written(&Displayed("\n", true)), Err(Error::Custom));
    assert_eq!(to_slice(&Displayed("x", false), &mut [0; 4]), Err(Error::Full));
    struct Careless;
    impl fmt::Display for Careless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let _ = f.write_str("too long");
            let _ = f.write_str("x");
            Ok(())
        }
    }
    impl Serialize for Careless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
    assert_eq!(to_slice(&Careless, &mut [0; 6]), Err(Error::Full));
}

/// Each breaks a rule of serde's, and most hide an error.
#[derive(Clone, Copy, Debug)]
enum Careless {
    ValueFirst,
    KeyTwice,
    ValueTwice,
    KeyLast,
    KeyRefused,
    ElementRefused,
    ElementAbandoned,
    FieldRefused,
    SequenceForgotten,
}

impl Serialize for Careless {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::ValueFirst => {
                let mut map = serializer.serialize_map(None)?;
                let _ = map.serialize_value(&1);
                map.end()
            }
            Self::KeyTwice => {
                let mut map = serializer.serialize_map(None)?;
                let _ = map.serialize_key("a");
                let _ = map.serialize_key("b");
                let _ = map.serialize_value(&1);
                map.end()
            }
            Self::ValueTwice => {
                let mut map = serializer.serialize_map(None)?;
                let _ = map.serialize_entry("a", &1);
                let _ = map.serialize_value(&1);
                map.end()
            }
            Self::KeyLast => {
                let mut map = serializer.serialize_map(None)?;
                let _ = map.serialize_key("a");
                map.end()
            }
            Self::KeyRefused => {
                let mut map = serializer.serialize_map(None)?;
                let _ = map.serialize_key(&1);
                let _ = map.serialize_entry("b", &1);
                map.end()
            }
            Self::ElementRefused => {
                let mut list = serializer.serialize_seq(None)?;
                let _ = list.serialize_element(&f64::NAN);
                let _ = list.serialize_element(&1);
                list.end()
            }
            Self::ElementAbandoned => {
                let mut list = serializer.serialize_seq(None)?;
                let _ = list.serialize_element(&Abandoned);
                list.end()
            }
            Self::FieldRefused => {
                let mut fields = serializer.serialize_struct("", 7)?;
                let _ = fields.serialize_field("a", &Abandoned);
                let _ = fields.serialize_field("b", &1);
                fields.end()
            }
            Self::SequenceForgotten => {
                core::mem::forget(serializer.serialize_seq(None)?);
                Err(serde::ser::Error::custom("forgotten"))
            }
        }
    }
}

/// Gives up half way.
struct Abandoned;

impl Serialize for Abandoned {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        list.serialize_element(&1)?;
        Err(serde::ser::Error::custom("given up"))
    }
}

#[test]
fn careless_types_do_not_get_through() {
    use Careless::*;
    for (careless, error) in [
        (ValueFirst, Error::Unpaired),
        (KeyTwice, Error::Unpaired),
        (ValueTwice, Error::Unpaired),
        (KeyLast, Error::Unpaired),
        (KeyRefused, Error::KeyNotString),
        (ElementRefused, Error::NotFinite),
        (ElementAbandoned, Error::Custom),
        (FieldRefused, Error::Custom),
        (SequenceForgotten, Error::Custom),
    ] {
        assert_eq!(written(&careless), Err(error), "{careless:?}");
        assert_eq!(written(&Some((careless, 1))), Err(error), "{careless:?}");
        assert_eq!(written(&Hiding(careless)), Err(error), "{careless:?}");
    }
    // Fewer fields than were announced are still an object.
    struct Fewer;
    impl Serialize for Fewer {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_struct("", 3)?.end()
        }
    }
    assert_eq!(written(&Fewer).unwrap(), "{}");
}

/// Does not tell of its element's error.
struct Hiding(Careless);

impl Serialize for Hiding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let _ = list.serialize_element(&self.0);
        list.end()
    }
}

#[test]
fn a_token_of_ours_brings_no_foreign_text() {
    struct Forged<T>(T);
    impl<T: Serialize> Serialize for Forged<T> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_newtype_struct(TOKEN, &self.0)
        }
    }
    assert_eq!(written(&Forged("1}, {")), Err(Error::Malformed));
    assert_eq!(written(&Forged("[\"x\"]")).unwrap(), "[\"x\"]");
    assert_eq!(written(&Forged(1)), Err(Error::Malformed));
    assert_eq!(written(&Forged([1])), Err(Error::Malformed));
    assert_eq!(written(&Forged(Forged("1"))), Err(Error::Malformed));
}

#[test]
fn integers_are_written_to_their_last_digit() {
    assert_eq!(written(&i128::MIN).unwrap(), i128::MIN.to_string());
    assert_eq!(written(&u128::MAX).unwrap(), u128::MAX.to_string());
    assert_eq!(written(&(i64::MIN, u64::MAX, 0, -1)).unwrap(), format!("[{},{},0,-1]", i64::MIN, u64::MAX));
}

#[test]
fn a_sink_takes_a_piece_or_nothing() {
    let mut space = [0; 5];
    let mut sink = SliceSink::new(&mut space);
    assert_eq!(sink.push(b"abc"), Ok(()));
    assert_eq!(sink.push(b"def"), Err(Full));
    assert_eq!(sink.push(b"de"), Ok(()));
    assert_eq!(sink.push(b""), Ok(()));
    assert_eq!(sink.written(), b"abcde");
}

#[cfg(feature = "alloc")]
#[test]
fn a_vector_grows_up_to_its_limit() {
    let mut vec = std::vec![b'>'];
    assert_eq!("abc".serialize(&mut Serializer::new(&mut VecSink::new(&mut vec, 6))), Ok(()));
    assert_eq!(vec, b">\"abc\"");
    assert_eq!("".serialize(&mut Serializer::new(&mut VecSink::new(&mut vec, 7))), Err(Error::Full));
    assert_eq!("".serialize(&mut Serializer::new(&mut VecSink::new(&mut vec, 3))), Err(Error::Full));
}

proptest! {
    #[test]
    fn types_are_written_as_serde_json_writes_them(characters in vec(character(), 0..20), number in any::<i128>()) {
        let text: String = characters.iter().collect();
        let mut value = everything(&text, number);
        value.option = Some(Box::new(value.clone()));
        value.skipped = Some(true);
        let ours = written(&value).unwrap();
        // serde_json writes its \u00xx in lower case.
        prop_assert_eq!(lower_units(&ours), serde_json::to_string(&value).unwrap());
        prop_assert_eq!(serde_json::from_str::<String>(&written_ascii(&text)).unwrap(), text);
    }

    #[test]
    fn floats_read_back_as_themselves(float in any::<f64>(), single in any::<f32>()) {
        prop_assume!(float.is_finite() && single.is_finite());
        let [a, b] = [written(&float).unwrap(), written(&single).unwrap()];
        prop_assert_eq!(a.parse::<f64>().unwrap().to_bits(), float.to_bits());
        prop_assert_eq!(b.parse::<f32>().unwrap().to_bits(), single.to_bits());
        prop_assert!(crate::json::number::is_json(&a) && crate::json::number::is_json(&b));
    }

    #[test]
    fn too_small_a_buffer_is_full(characters in vec(character(), 0..6), number in any::<i128>()) {
        let value = everything(&characters.iter().collect::<String>(), number);
        let whole = written(&value).unwrap();
        let mut space = std::vec![0; whole.len()];
        for len in 0..whole.len() {
            prop_assert_eq!(to_slice(&value, &mut space[..len]), Err(Error::Full));
        }
        prop_assert_eq!(to_slice(&value, &mut space), Ok(whole.as_bytes()));
    }
}

fn lower_units(json: &str) -> String {
    let mut lower = String::new();
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let len = if rest[at..].starts_with("\\u") { 6 } else { 2 };
        lower += &rest[..at];
        lower += &rest[at..at + len].to_lowercase();
        rest = &rest[at + len..];
    }
    lower + rest
}
