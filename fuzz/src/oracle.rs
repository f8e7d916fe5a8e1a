//! What serde_json makes of bytes, as far as it can be asked.

use qmp_core::json::{Kind, Value};

/// serde_json's judgement of bytes that are to be one JSON value.
#[derive(Debug)]
pub enum Verdict {
    /// It is this.
    Json(serde_json::Value),
    /// It is none.
    NotJson,
    /// serde_json gave up before the end: at a number beyond f64, or below 127 levels.
    Unknown,
}

/// Asks.
pub fn judge(bytes: &[u8]) -> Verdict {
    match serde_json::from_slice(bytes) {
        Ok(value) => Verdict::Json(value),
        Err(error) if gave_up(&error) => Verdict::Unknown,
        Err(_) => Verdict::NotJson,
    }
}

/// Whether serde_json met a limit of its own, not a mistake.
pub fn gave_up(error: &serde_json::Error) -> bool {
    let text = error.to_string();
    text.starts_with("number out of range") || text.starts_with("recursion limit exceeded")
}

/// The value as serde_json holds it, gathered by the methods of [`Value`]. Of several members of one name the last is kept, as there.
pub fn gather(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool => value.as_bool().expect("a bool").into(),
        Kind::Number => number(value),
        Kind::String => value.as_str().expect("a string").into(),
        Kind::Array => value.elements().map(gather).collect::<Vec<_>>().into(),
        Kind::Object => value
            .entries()
            .map(|(key, value)| (key.to_owned(), gather(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn number(value: Value<'_>) -> serde_json::Value {
    let text = value.number_text().expect("a number");
    // A zero with a sign is none of serde_json's whole numbers.
    if text != "-0" {
        if let Some(number) = value.as_u64() {
            return number.into();
        }
        if let Some(number) = value.as_i64() {
            return number.into();
        }
    }
    let float = value.as_f64().expect("a number");
    assert_eq!(float.to_bits(), text.parse::<f64>().expect("a number").to_bits(), "{text}");
    float.into()
}

/// Whether both are the same JSON. serde_json rounds some floats otherwise than the standard library.
pub fn same(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (one, other) {
        (Number(one), Number(other)) if one.is_f64() && other.is_f64() => {
            let (one, other) = (one.as_f64().expect("a float"), other.as_f64().expect("a float"));
            let close = (one - other).abs() <= one.abs().max(other.abs()) * 1e-14;
            one.is_sign_negative() == other.is_sign_negative() && (close || one.abs().max(other.abs()) < 1e-300)
        }
        (Array(one), Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Object(one), Object(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| one.0 == other.0 && same(one.1, other.1))
        }
        _ => one == other,
    }
}
