//! Ids, made comparable.

use core::fmt::Write as _;

use qmp_core::json::{Kind, Value};

/// A text that two ids share if one can be the echo of the other: QEMU writes numbers anew and puts members in another order.
pub(crate) fn canonical(id: Value<'_>) -> String {
    match id.kind() {
        Kind::Number => number(id),
        Kind::Array => format!("[{}]", id.elements().map(canonical).collect::<Vec<_>>().join(",")),
        Kind::Object => {
            let mut members: Vec<_> = id.entries().map(|(name, value)| (name, canonical(value))).collect();
            members.sort();
            let mut text = "{".to_owned();
            for (name, value) in members {
                let _ = write!(text, "{name:?}:{value},");
            }
            text + "}"
        }
        _ => id.to_string(),
    }
}

fn number(id: Value<'_>) -> String {
    match (id.as_i64(), id.as_u64(), id.as_f64()) {
        (Some(whole), ..) => whole.to_string(),
        (_, Some(whole), _) => whole.to_string(),
        (.., float) => float.unwrap_or(f64::NAN).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use qmp_core::json::Payload;

    use super::*;

    fn read(text: &str) -> String {
        canonical(Payload::parse(&mut text.as_bytes().to_vec()).unwrap().into_value())
    }

    #[test]
    fn an_echo_is_known() {
        for (sent, echoed) in [
            ("1", "1"),
            ("-0", "0"),
            ("1e2", "100"),
            ("1.0", "1"),
            ("0.1", "0.10000000000000001"),
            ("18446744073709551616", "18446744073709551616.0"),
            ("1e999", "inf"),
            ("\"\\u00e9\"", "\"\u{e9}\""),
            ("{\"a\": [1, null], \"b\": true}", "{\"b\": true, \"a\": [1, null]}"),
        ] {
            assert_eq!(read(sent), read(echoed));
        }
        for (one, other) in [("1", "\"1\""), ("1", "2"), ("[1]", "1"), ("null", "false"), ("[1, 2]", "[2, 1]")] {
            assert_ne!(read(one), read(other));
        }
    }
}
