use super::*;
use crate::json::documents::character;
use crate::json::{Value, ser};
use ::serde_json_core::str::EscapedStr;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

fn written<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    let mut space = std::vec![0; 1 << 14];
    to_slice_with_serde_json_core(value, &mut space).map(|json| String::from_utf8(json.to_vec()).unwrap())
}

fn payload(text: &mut [u8]) -> Payload<'_> {
    Payload::new(text, Strings::Escaped)
}

#[derive(Clone, Debug, Serialize)]
enum Shapes {
    Unit,
    Newtype(u8),
    Struct { a: Option<bool>, b: () },
}

#[derive(Debug, Deserialize, PartialEq)]
struct Plain<'a> {
    name: &'a str,
    count: i64,
    #[serde(default)]
    flag: Option<bool>,
}

#[test]
fn plain_payloads_are_read() {
    let mut text = *br#"{"name": "ide0", "other": [{"x": [1, "]"]}], "count": -5}"#;
    let read: Plain<'_> = payload(&mut text).decode_with_serde_json_core(&mut []).unwrap();
    assert_eq!(read, Plain { name: "ide0", count: -5, flag: None });
}

#[test]
fn an_escaped_string_is_decoded_or_refused() {
    let text = *br#"["a\"b", "\u00e9"]"#;
    let mut copy = text;
    let error = payload(&mut copy).decode_with_serde_json_core::<(&str, &str)>(&mut [0; 8]).unwrap_err();
    assert!(matches!(error, SerdeJsonCoreError::Type(_)));
    let mut copy = text;
    let read = payload(&mut copy).decode_with_serde_json_core::<(String, String)>(&mut [0; 8]);
    assert_eq!(read, Ok(("a\"b".into(), "é".into())));
    let mut copy = text;
    let read = payload(&mut copy).decode_with_serde_json_core::<(String, String)>(&mut [0; 2]);
    assert_eq!(read, Err(SerdeJsonCoreError::Type(::serde_json_core::de::Error::EscapedStringIsTooLong)));
    let mut copy = text;
    let read = payload(&mut copy).decode_with_serde_json_core::<(EscapedStr<'_>, EscapedStr<'_>)>(&mut []);
    assert_eq!(read.unwrap().0, EscapedStr(r#"a\"b"#));
}

#[test]
fn what_that_crate_must_not_see_is_refused() {
    let nested = |levels: usize| format!(r#"{{"name":"\"[","x":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let read = |text: &str| {
        let mut text = text.as_bytes().to_vec();
        let read = payload(&mut text).decode_with_serde_json_core::<serde::de::IgnoredAny>(&mut [0; 8]);
        read.map(|_| ())
    };
    assert_eq!(read(&nested(SERDE_JSON_CORE_DEPTH - 1)), Ok(()));
    assert_eq!(read(&nested(SERDE_JSON_CORE_DEPTH)), Err(SerdeJsonCoreError::TooDeep));
    // What stands side by side does not add up.
    assert_eq!(read(&format!("[{}{{}}]", "{},[],".repeat(SERDE_JSON_CORE_DEPTH))), Ok(()));
    let input = Payload::new(&mut [], Strings::Input).decode_with_serde_json_core::<u8>(&mut []);
    assert_eq!(input, Err(SerdeJsonCoreError::Dialect));
}

#[test]
fn each_error_says_something_of_its_own() {
    let type_error = ::serde_json_core::de::Error::ExpectedSomeValue;
    let said = [SerdeJsonCoreError::Dialect, SerdeJsonCoreError::TooDeep, SerdeJsonCoreError::Type(type_error)]
        .map(|error| error.to_string());
    assert!(said.iter().all(|text| text.len() > 8), "{said:?}");
    assert_ne!(said[0], said[1]);
    assert_eq!(said[2], type_error.to_string());
}

#[test]
fn what_that_crate_panics_at_is_refused() {
    #[derive(Serialize)]
    enum Tuple {
        Two(u8, u8),
    }
    #[derive(Serialize)]
    struct Renamed {
        #[serde(rename = "a\": 1, \"b")]
        a: u8,
    }
    #[derive(Serialize)]
    struct Control {
        #[serde(rename = "a\n")]
        a: u8,
    }
    #[derive(Serialize)]
    struct Blank {
        #[serde(rename = "a b")]
        a: u8,
    }
    #[derive(Serialize)]
    enum RenamedVariant {
        #[serde(rename = "\"")]
        Newtype(u8),
        #[serde(rename = "\"")]
        Struct { a: u8 },
        #[serde(rename = "\"")]
        Unit,
    }
    #[derive(Serialize)]
    #[serde(rename = "__serde_json_core_escaped_string__")]
    struct NotEscaped<T>(T);
    struct Failing;
    impl Serialize for Failing {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    struct Hiding;
    impl Serialize for Hiding {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut list = serializer.serialize_seq(None)?;
            let _ = list.serialize_element(&'x');
            list.end()
        }
    }
    struct ValueFirst;
    impl Serialize for ValueFirst {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_value(&'x')?;
            map.end()
        }
    }
    struct KeyLast;
    impl Serialize for KeyLast {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_key("x")?;
            map.end()
        }
    }
    fn map<K: Ord>(key: K) -> BTreeMap<K, u8> {
        [(key, 1)].into()
    }
    assert_eq!(written(&['x']), Err(Error::Unsupported));
    assert_eq!(written(&Some(1i128)), Err(Error::Unsupported));
    assert_eq!(written(&1u128), Err(Error::Unsupported));
    assert_eq!(written(&Tuple::Two(1, 2)), Err(Error::Unsupported));
    assert_eq!(written(&Value::NULL), Err(Error::Unsupported));
    assert_eq!(written(&Renamed { a: 1 }), Err(Error::Unsupported));
    assert_eq!(written(&Control { a: 1 }), Err(Error::Unsupported));
    assert_eq!(written(&Blank { a: 1 }).unwrap(), "{\"a b\":1}");
    assert_eq!(written(&RenamedVariant::Newtype(1)), Err(Error::Unsupported));
    assert_eq!(written(&RenamedVariant::Struct { a: 1 }), Err(Error::Unsupported));
    assert_eq!(written(&RenamedVariant::Unit).unwrap(), r#""\"""#);
    assert_eq!(written(&NotEscaped(1)), Err(Error::Unsupported));
    assert_eq!(written(&NotEscaped(NotEscaped("x"))), Err(Error::Unsupported));
    assert_eq!(written(&NotEscaped(Shapes::Unit)), Err(Error::Unsupported));
    assert_eq!(written(&EscapedStr("x\",\"y")), Err(Error::Malformed));
    assert_eq!(written(&[EscapedStr("x\",\"y")]), Err(Error::Malformed), "two elements of one");
    assert_eq!(written(&EscapedStr("x\\")), Err(Error::Malformed));
    assert_eq!(written(&EscapedStr("\\x")), Err(Error::Malformed));
    assert_eq!(written(&EscapedStr("\\n")).unwrap(), "\"\\n\"");
    assert_eq!(written(&EscapedStr("a\\\"b")).unwrap(), "\"a\\\"b\"");
    assert_eq!(written(&Failing), Err(Error::Custom));
    assert_eq!(written(&Hiding), Err(Error::Unsupported));
    assert_eq!(written(&NotEscaped(format_args!("x"))), Err(Error::Unsupported));
    assert_eq!(written(&ValueFirst), Err(Error::Unpaired));
    assert_eq!(written(&KeyLast), Err(Error::Unpaired));
    assert_eq!(written(&f32::NAN), Err(Error::NotFinite));
    assert_eq!(written(&map(1)), Err(Error::KeyNotString));
    assert_eq!(written(&map('x')), Err(Error::Unsupported));
    assert_eq!(written(&map(Some("x"))), Err(Error::KeyNotString));
    assert_eq!(written(&map(["x"])), Err(Error::KeyNotString));
    assert_eq!(written(&map("x\n")).unwrap(), r#"{"x\n":1}"#);
}

proptest! {
    #[test]
    fn both_writers_agree(
        characters in vec(character(), 0..20),
        (signed, unsigned) in (any::<i64>(), any::<u64>()),
        (float, single) in (-1e300..1e300, any::<i16>()),
    ) {
        let text: String = characters.iter().collect();
        let map: BTreeMap<String, Vec<i64>> = [(text.clone(), std::vec![signed]), (String::new(), Vec::new())].into();
        let shapes = [Shapes::Unit, Shapes::Newtype(1), Shapes::Struct { a: None, b: () }];
        let value = (&text, signed, unsigned, float, f32::from(single), map, shapes, Some(signed as i8));
        let mut space = std::vec![0; 1 << 14];
        let ours = ser::to_slice(&value, &mut space).unwrap();
        let theirs = written(&value).unwrap();
        prop_assert_eq!(theirs.as_bytes(), ours);
        let mut space = std::vec![0; theirs.len() - 1];
        prop_assert_eq!(to_slice_with_serde_json_core(&value, &mut space), Err(Error::Full));
    }

    #[test]
    fn both_readers_agree(text in "[ -!#-\\[\\]-~é]{0,9}", count in any::<i64>(), flag in any::<Option<bool>>()) {
        let flag = flag.map_or("null".to_string(), |flag| flag.to_string());
        let mut json = format!(r#"{{"flag":{flag},"name":"{text}","x":{{}}, "count":{count}}}"#).into_bytes();
        let mut again = json.clone();
        let theirs: Plain<'_> = payload(&mut json).decode_with_serde_json_core(&mut []).unwrap();
        prop_assert_eq!(payload(&mut again).decode::<Plain<'_>>().unwrap(), theirs);
    }
}
