use super::*;
use crate::json::documents::{Buffer, document, gather};
use proptest::collection::vec;
use proptest::prelude::*;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

#[test]
fn a_value_is_two_words() {
    assert_eq!(size_of::<Value<'_>>(), 2 * size_of::<usize>());
    assert_eq!(size_of::<Option<Value<'_>>>(), 2 * size_of::<usize>());
}

#[test]
fn kinds_are_those_of_json_and_of_qemu() {
    for (text, kind) in [
        ("null", Kind::Null),
        ("true", Kind::Bool),
        ("false", Kind::Bool),
        ("-0", Kind::Number),
        ("nan", Kind::Number),
        ("-nan", Kind::Number),
        ("inf", Kind::Number),
        ("-inf", Kind::Number),
        ("\"\"", Kind::String),
        ("\u{c}x\u{c}", Kind::String),
        ("[]", Kind::Array),
        ("{}", Kind::Object),
    ] {
        assert_eq!(Value::from_decoded(text).kind(), kind, "{text}");
    }
}

#[test]
fn every_question_but_the_right_one_is_answered_with_none() {
    let mut buffer = Buffer::new(r#"{"s": "1", "n": 1.5, "i": -1, "b": true, "z": null, "a": [], "o": {}}"#);
    let object = buffer.value();
    for (key, value) in object.entries() {
        assert_eq!(value.as_str().is_some(), key == "s", "{key}");
        assert_eq!(value.as_f64().is_some(), ["n", "i"].contains(&key), "{key}");
        assert_eq!(value.as_i64().is_some(), key == "i", "{key}");
        assert_eq!(value.as_bool().is_some(), key == "b", "{key}");
        assert_eq!(value.is_null(), key == "z", "{key}");
    }
    assert_eq!(object.get("i").and_then(Value::as_u64), None);
    assert_eq!(object.get("n").and_then(Value::number_text), Some("1.5"));
    assert_eq!(object.get("missing"), None);
    assert_eq!(object.elements().count(), 0);
    assert_eq!(object.get("a").map(|a| a.entries().count()), Some(0));
}

#[test]
fn numbers_are_made_of_what_is_one_in_json() {
    for text in ["0", "-0", "1.50", "-12e+3", "1E-9", "123456789012345678901234567890"] {
        assert_eq!(Value::number(text).and_then(Value::number_text), Some(text));
    }
    for text in ["", "-", "01", "1.", ".5", "1e", "1 ", "+1", "inf", "nan", "1,2", "\"1\""] {
        assert_eq!(Value::number(text), None, "{text}");
    }
}

/// Reads nothing of what is there.
struct Blind;

impl<'de> Deserialize<'de> for Blind {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

#[test]
fn elements_are_decoded_one_by_one() {
    let mut buffer = Buffer::new(r#"[1, 2 ,"x",[3, [4]] , {"a": [5]}, 6]"#);
    let mut elements = buffer.value().elements();
    assert_eq!(elements.decode_next(), Some(Ok(1)));
    // As it was, or as something else: each is left behind.
    let mut others = elements.clone();
    assert_eq!(elements.decode_next(), Some(Ok(2)));
    assert!(others.decode_next::<Blind>().is_some_and(|read| read.is_ok()));
    for mut elements in [elements, others] {
        assert!(elements.decode_next::<u8>().is_some_and(|read| read.is_err()));
        assert_eq!(elements.decode_next(), Some(Ok((3, [4]))));
        assert!(elements.decode_next::<u8>().is_some_and(|read| read.is_err()));
        assert_eq!(elements.next().and_then(Value::as_u64), Some(6));
        assert_eq!(elements.decode_next::<u8>(), None);
        assert!(elements.decode_next::<Blind>().is_none(), "not even of a type that looks at nothing");
    }
    assert_eq!(Value::NULL.elements().decode_next::<bool>(), None);
}

/// Makes do with what is no `T`.
struct Lenient<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(T::deserialize(deserializer).ok()))
    }
}

/// The bracket at which reading stopped within an element is not the one behind it.
#[test]
fn an_element_that_is_read_in_part_is_passed_all_the_same() {
    let mut buffer = Buffer::new("[[1], [2, 3]]");
    let mut elements = buffer.value().elements();
    assert!(elements.decode_next::<Lenient<(u8, u8)>>().is_some_and(|read| read.is_ok_and(|read| read.0.is_none())));
    assert_eq!(elements.decode_next(), Some(Ok((2, 3))));
    assert_eq!(elements.decode_next::<u8>(), None);
}

#[test]
fn the_first_of_two_members_counts() {
    let mut buffer = Buffer::new(r#"{"a": 1, "\u0061": 2}"#);
    assert_eq!(buffer.value().get("a").and_then(Value::as_i64), Some(1));
}

#[test]
fn equality_is_that_of_tokens() {
    let same = |one: &str, other: &str| {
        let (mut one, mut other) = (Buffer::new(one), Buffer::new(other));
        one.value() == other.value()
    };
    assert!(same(r#"{"a": ["x\n", 0]}"#, r#"{"\u0061":["x\u000a",-0]}"#));
    assert!(same("1.0", "1.0"));
    assert!(!same("1.0", "1"));
    assert!(!same("1.0", "1.00"));
    assert!(!same("[1]", "[1,1]"));
    assert!(!same("[1,1]", "[1]"));
    assert!(!same(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#));
    assert!(!same("18446744073709551616", "18446744073709551617"));
    assert!(!same("\"1\"", "1"));
    assert!(!same("true", "false"));
}

#[test]
fn a_value_is_captured_and_written_by_this_crate_alone() {
    #[derive(Debug, serde::Deserialize, serde::Serialize)]
    struct Holder<'a> {
        #[serde(borrow)]
        any: Value<'a>,
        last: bool,
    }
    let text = r#"{"any": {"x": ["\n", 1.50, nan]} , "last": true}"#;
    let mut buffer = Buffer::new(&text.replace("nan", "2"));
    let holder: Holder<'_> = buffer.payload().decode().unwrap();
    assert_eq!(holder.any.to_string(), r#"{"x":["\n",1.50,2]}"#);
    assert_eq!(holder.any.get("x").unwrap().decode::<(&str, f32, u8)>(), Ok(("\n", 1.5, 2)));
    let mut space = [0; 64];
    assert_eq!(ser::to_slice(&holder, &mut space), Ok(&br#"{"any":{"x":["\n",1.50,2]},"last":true}"#[..]));

    assert!(serde_json::to_string(&holder).unwrap_err().to_string().contains("writer of qmp-core"));
    let foreign = serde_json::from_str::<Holder<'_>>(r#"{"any": "x", "last": true}"#);
    assert!(foreign.unwrap_err().to_string().contains("reader of qmp-core"));
    let number = serde::de::value::U8Deserializer::<serde::de::value::Error>::new(1);
    let foreign = Value::deserialize(number).unwrap_err().to_string();
    assert_eq!(foreign, "invalid type: integer `1`, expected a value unread, which only the reader of qmp-core gives");

    let mut buffer = Buffer::new(text);
    let holder: Holder<'_> = buffer.payload().decode().unwrap();
    assert_eq!(ser::to_slice(&holder, &mut space), Err(ser::Error::NotFinite));
}

#[test]
fn a_forged_value_is_never_written() {
    use serde::de::value::{BorrowedStrDeserializer, Error};
    for text in [
        "",
        "}",
        "[",
        "[1",
        "[1,]",
        "{1:2}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1}",
        "{]",
        "1 2",
        "tru",
        "01",
        "\"a\":1",
        "1,2",
        "{\"a\":1]",
        "[,]",
        "{\"a\",1}",
        "+1",
        "é",
    ] {
        let forged = Value::deserialize(BorrowedStrDeserializer::<Error>::new(text)).unwrap();
        let mut space = [0; 64];
        assert_eq!(ser::to_slice(&forged, &mut space), Err(ser::Error::Malformed), "{text}");
    }
    let deep = "[".repeat(2000) + &"]".repeat(2000);
    let mut space = [0; 4096];
    assert_eq!(ser::to_slice(&Value(&deep), &mut space), Err(ser::Error::Malformed));
    let deep = "[".repeat(1024) + &"]".repeat(1024);
    assert_eq!(ser::to_slice(&Value(&deep), &mut space), Ok(deep.as_bytes()));
}

proptest! {
    #[test]
    fn documents_are_what_serde_json_reads(text in document()) {
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut buffer = Buffer::new(&text);
        let value = buffer.value();
        prop_assert_eq!(gather(value), expected.clone());

        // Read by serde, as what comes.
        let read: serde_json::Value = value.decode().unwrap();
        prop_assert_eq!(&read, &expected);

        // Written by this crate, in both ways, and by `Display`.
        for ascii in [false, true] {
            let mut space = std::vec![0; 6 * text.len() + 2];
            let mut sink = ser::SliceSink::new(&mut space);
            value.serialize(&mut ser::Serializer::new(&mut sink).ascii(ascii)).unwrap();
            prop_assert!(!ascii || sink.written().iter().all(|byte| (b' '..0x7F).contains(byte)));
            prop_assert_eq!(&serde_json::from_slice::<serde_json::Value>(sink.written()).unwrap(), &expected);
            prop_assert!(ascii || value.to_string().as_bytes() == sink.written());
        }

        // Equal to itself in another form.
        let mut again = Buffer::new(&value.to_string());
        prop_assert_eq!(again.value(), value);
    }

    #[test]
    fn equality_tells_documents_apart(one in document(), other in document()) {
        let (mut a, mut b) = (Buffer::new(&one), Buffer::new(&other));
        let (a, b) = (a.value(), b.value());
        prop_assert_eq!(a == b, a.to_string() == b.to_string() || same_whole_number(a.0, b.0));
    }

    #[test]
    fn any_text_is_survived(pieces in vec(prop_oneof![
        proptest::sample::select(&["{", "}", "[", "]", ",", ":", "\"", "\0", "\u{1}", " ", "null", "1", "-", "é", "\"k\":"][..]).prop_map(String::from),
        "\\PC{0,3}",
    ], 0..20)) {
        let text = pieces.concat();
        let value = Value(&text);
        prop_assert!(value.elements().count() <= text.len());
        prop_assert!(value.entries().count() <= text.len());
        let _ = (value.kind(), value.as_str(), value.as_i64(), value.as_f64(), value.as_bool(), value.get("k"));
        let _ = format!("{value} {value:?}");
        prop_assert_eq!(value, value);
        let _ = value.decode::<serde_json::Value>();
        let _ = value.decode::<Vec<Option<(u8, String)>>>();
        let mut space = [0; 512];
        if let Ok(written) = ser::to_slice(&value, &mut space) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(written).is_ok());
        }
    }
}
