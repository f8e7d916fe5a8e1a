//! What our reader and serde_json make of the same JSON, value by value and type by type: everything that real QEMUs were recorded to
//! return, and a list of values that real QEMUs do not.

extern crate alloc;

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use core::fmt::Debug;
use std::collections::HashMap;
use std::fs;

use qmp_core::json;
use qmp_tests::transcript::{self, What, gather, payload, read};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

/// What the recorded QEMUs returned.
fn returned() -> Vec<String> {
    let streams = transcript::all();
    let heard = streams.iter().flat_map(|transcript| read(&transcript.bytes, 64 << 10, &[], true));
    let raw = |what| if let What::Return { raw, .. } = what { Some(raw) } else { None };
    heard.filter_map(|heard| raw(heard.what)).collect()
}

/// `fixtures/values.jsonl`: a value a line.
fn values() -> Vec<String> {
    let text = fs::read_to_string(transcript::fixtures().join("values.jsonl")).expect("the values");
    text.lines().map(Into::into).collect()
}

#[test]
fn values_are_those_of_serde_json() {
    let all = [returned(), values()].concat();
    assert!(all.len() > 400, "{}", all.len());
    for raw in all {
        let expected: Value = serde_json::from_str(&raw).unwrap_or_else(|error| panic!("{raw}: {error}"));
        payload(&raw, |payload| {
            assert_eq!(payload.raw(), raw.as_bytes());
            let value = payload.into_value();
            assert_eq!(gather(value), expected, "{raw}");
            assert_eq!(value.decode::<Value>().as_ref(), Ok(&expected), "{raw}");
            assert_eq!(value.decode::<IgnoredAny>().map(|_| ()), Ok(()), "{raw}");
            // Written, by either writer, and read by either reader.
            let mut space = vec![0; 6 * raw.len() + 8];
            let written = json::ser::to_slice(&value, &mut space).expect("room");
            assert_eq!(serde_json::from_slice::<Value>(written).expect("JSON"), expected, "{raw}");
            let mut space = vec![0; 6 * raw.len() + 8];
            let written = json::ser::to_slice(&expected, &mut space).expect("room");
            assert_eq!(serde_json::from_slice::<Value>(written).expect("JSON"), expected, "{raw}");
            let shown = value.to_string();
            assert_eq!(serde_json::from_str::<Value>(&shown).expect("JSON"), expected, "{raw}");
        });
    }
}

/// Reads each text as a `T` in both ways: the same value, or an error from both. How many could be read.
fn compare<T: DeserializeOwned + PartialEq + Debug>(texts: &[String]) -> usize {
    let agree = |raw: &String| {
        let expected = serde_json::from_str::<T>(raw);
        payload(raw, |payload| match (payload.decode::<T>(), expected) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours, theirs, "{raw}");
                true
            }
            (Err(_), Err(_)) => false,
            (ours, theirs) => panic!("{raw}: {ours:?}, but serde_json: {theirs:?}"),
        })
    };
    texts.iter().filter(|raw| agree(raw)).count()
}

#[test]
fn each_type_reads_what_it_reads_with_serde_json() {
    let mut texts = [returned(), values()].concat();
    // The one difference: QEMU has whole numbers, of which one may be written `-0`; serde_json holds that for a float.
    assert_eq!(payload("-0", |payload| payload.into_value().decode::<u8>()), Ok(0));
    texts.retain(|raw| raw != "-0");
    macro_rules! compare {
        ($($type:ty),* $(,)?) => {
            $(assert!(compare::<$type>(&texts) > 0, "nothing is a {}", stringify!($type));)*
        };
    }
    compare!(bool, u8, i8, u16, i16, u32, i32, u64, i64, f64, String, char, ());
    compare!(Option<bool>, Option<String>, Option<Vec<Option<u8>>>);
    compare!(Vec<u8>, Vec<Value>, (u8, u8), [u8; 3], (String, Value), Vec<Vec<Value>>);
    compare!(BTreeMap<String, Value>, HashMap<String, Option<Value>>, BTreeMap<String, u64>);
    compare!(
        Status,
        Version,
        Vec<Node>,
        Vec<Named>,
        Vec<Typed>,
        Unit,
        Newtype,
        Shape,
        Vec<Shape>,
        Tagged,
        Adjacent,
        Untagged
    );
}

#[derive(Debug, Deserialize, PartialEq)]
struct Status {
    running: bool,
    status: RunState,
    singlestep: Option<bool>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum RunState {
    Prelaunch,
    Running,
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Version {
    qemu: Triple,
    package: String,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Triple {
    major: u16,
    minor: u8,
    micro: i32,
}

/// A block node, with all that is not named here kept.
#[derive(Debug, Deserialize, PartialEq)]
struct Node {
    #[serde(rename = "node-name")]
    name: String,
    drv: String,
    ro: bool,
    image: Image,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
struct Image {
    virtual_size: u64,
    filename: String,
    format: String,
    #[serde(default)]
    backing_image: Option<Box<Self>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Typed {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Unit;

#[derive(Debug, Deserialize, PartialEq)]
struct Newtype(String);

#[derive(Debug, Deserialize, PartialEq)]
enum Shape {
    Empty,
    One(i32),
    Two(i32, String),
    Fields { a: u8, b: Option<String> },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "type")]
enum Tagged {
    #[serde(rename = "inet")]
    Inet { host: String, port: u16 },
    #[serde(rename = "unix")]
    Unix { path: String },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    A(u8),
    B { x: String },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
    List(Vec<i64>),
    Flag { flag: bool },
}

#[test]
fn strings_are_borrowed_where_serde_json_has_to_copy() {
    #[derive(Debug, Deserialize)]
    struct Borrowed<'a> {
        s: &'a str,
        #[serde(borrow)]
        c: Cow<'a, str>,
        #[serde(borrow)]
        m: BTreeMap<&'a str, &'a str>,
        #[serde(with = "bytes")]
        b: &'a [u8],
    }
    mod bytes {
        pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<&'de [u8], D::Error> {
            serde::Deserialize::deserialize(deserializer)
        }
    }
    let raw = r#"{"s": "a\u00e9\n", "c": "\ud83d\ude00", "m": {"k\"": "\u0000", "\t": "\\"}, "b": "\u20ac"}"#;
    assert!(serde_json::from_str::<Borrowed<'_>>(raw).is_err());
    payload(raw, |payload| {
        let read: Borrowed<'_> = payload.decode().expect("it can be borrowed");
        assert_eq!((read.s, &*read.c, read.b), ("aé\n", "\u{1f600}", "€".as_bytes()));
        assert_eq!(read.m, BTreeMap::from([("k\"", "\0"), ("\t", "\\")]));
    });
}
