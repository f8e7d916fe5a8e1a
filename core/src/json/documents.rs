//! Random JSON documents for tests, and the way from their text to a value.

use proptest::collection::vec;
use proptest::prelude::*;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::{Payload, Strings, Value};

/// A JSON text: every kind of value, string, escape and blank, numbers at the edges of their types.
pub(crate) fn document() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![Just("null".to_string()), Just("true".into()), Just("false".into()), number(), string()];
    scalar.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            (vec(inner.clone(), 0..8), blanks()).prop_map(|(elements, blanks)| {
                let elements: Vec<_> = elements.iter().map(|e| format!("{blanks}{e}{blanks}")).collect();
                format!("[{}{blanks}]", elements.join(","))
            }),
            (vec((string(), inner), 0..8), blanks()).prop_map(|(members, blanks)| {
                let members: Vec<_> =
                    members.iter().map(|(key, value)| format!("{blanks}{key}{blanks}:{blanks}{value}")).collect();
                format!("{{{}{blanks}}}", members.join(","))
            }),
        ]
    })
}

/// Numbers on which serde_json, which rounds some floats otherwise, agrees with `core`.
pub(crate) fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        (0u8..10).prop_map(|n| n.to_string()),
        proptest::sample::select(
            &["-0", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615"][..]
        )
        .prop_map(String::from),
        "-?(0|[1-9][0-9]{0,3})\\.[0-9]{1,6}([eE][+-]?[0-9])?",
        "-?(0|[1-9][0-9]{0,3})[eE][+-]?[0-9]",
    ]
}

/// A JSON string in its quotes.
pub(crate) fn string() -> impl Strategy<Value = String> {
    let plain = "[a-z-]{0,12}".prop_map(|name| format!("\"{name}\""));
    let escaped = vec((character(), 0u8..4), 0..30)
        .prop_map(|characters| format!("\"{}\"", characters.iter().map(|&(c, how)| spell(c, how)).collect::<String>()));
    prop_oneof![1 => plain, 2 => escaped]
}

/// Any character, those that JSON escapes and those that enclose decoded strings more often.
pub(crate) fn character() -> impl Strategy<Value = char> {
    prop_oneof![
        2 => proptest::char::range('a', 'z'),
        2 => proptest::char::range('\0', '\u{1f}'),
        1 => proptest::sample::select(&['"', '\\', '/', '\'', '\u{7f}', '{', '}', '[', ']', ',', ':', ' '][..]),
        1 => proptest::char::range('\u{80}', '\u{ffff}'),
        1 => any::<char>(),
    ]
}

/// All control characters that can enclose a string, as a string that has to be counted.
pub(crate) fn all_enclosing() -> String {
    (1..0x20u8).filter(|c| !b"\t\n\r".contains(c)).map(char::from).collect()
}

/// One of the ways to write `c` in a JSON string.
pub(crate) fn spell(c: char, how: u8) -> String {
    let units = |upper: bool| {
        c.encode_utf16(&mut [0; 2])
            .iter()
            .map(|unit| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") })
            .collect()
    };
    let short = match c {
        '"' | '\\' | '/' => c,
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{c}' => 'f',
        '\r' => 'r',
        _ => ' ',
    };
    match how {
        1 => units(false),
        2 => units(true),
        _ if short != ' ' && (how == 3 || c != '/') => format!("\\{short}"),
        _ if c < ' ' => units(false),
        _ => c.to_string(),
    }
}

fn blanks() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&["", "", " ", "\r\n    ", "\t"][..])
}

/// A document in its own buffer, to be decoded there.
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }

    /// Says "escaped" of every text. That takes longer at worst.
    pub(crate) fn payload(&mut self) -> Payload<'_> {
        Payload::new(&mut self.0, Strings::Escaped)
    }

    pub(crate) fn value(&mut self) -> Value<'_> {
        self.payload().into_value()
    }
}

/// The value as serde_json holds it, gathered by the methods of [`Value`].
pub(crate) fn gather(value: Value<'_>) -> serde_json::Value {
    use super::Kind;
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool => value.as_bool().unwrap().into(),
        Kind::Number if value.number_text() == Some("-0") => value.as_f64().unwrap().into(),
        Kind::Number => match (value.as_u64(), value.as_i64()) {
            (Some(number), _) => number.into(),
            (_, Some(number)) => number.into(),
            _ => value.as_f64().unwrap().into(),
        },
        Kind::String => value.as_str().unwrap().into(),
        Kind::Array => value.elements().map(gather).collect::<Vec<_>>().into(),
        Kind::Object => value
            .entries()
            .map(|(key, value)| (key.to_string(), gather(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}
