//! What a value is on the wire, and how a text is read as one.

use qmp_core::json::scan;
use qmp_qapi::registry::{self, Release};

use super::catalogue::Type;
use crate::output::string;
use crate::schema::live::{self, Live};

/// What a value is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Str,
    Bool,
    Int,
    Number,
    Null,
    /// Whatever JSON there is.
    Any,
    Enum,
    List,
    Object,
    /// One of several, told apart by what they are on the wire.
    Alternate,
    Unknown,
}

/// What a type of the vocabulary is.
pub(super) fn of_known(known: registry::Type, release: Release) -> Kind {
    match known {
        registry::Type::Str => Kind::Str,
        registry::Type::Bool => Kind::Bool,
        registry::Type::Int(_) => Kind::Int,
        registry::Type::Number => Kind::Number,
        registry::Type::Null => Kind::Null,
        registry::Type::Any => Kind::Any,
        registry::Type::List(_) => Kind::List,
        registry::Type::Struct(_) | registry::Type::Union(_) => Kind::Object,
        registry::Type::Alternate(_) => Kind::Alternate,
        registry::Type::Enum(of) if of.bool_until.is_some_and(|until| release.series() <= until) => Kind::Bool,
        registry::Type::Enum(_) => Kind::Enum,
    }
}

/// What a type of the schema is, if it says.
pub(super) fn of_live(live: &Live, name: &str) -> Option<Kind> {
    Some(match live.types.get(name)? {
        live::Type::Builtin => match name {
            "str" => Kind::Str,
            "bool" => Kind::Bool,
            "int" => Kind::Int,
            "number" => Kind::Number,
            "null" => Kind::Null,
            "any" => Kind::Any,
            _ => return None,
        },
        live::Type::Enum(_) => Kind::Enum,
        live::Type::Array(_) => Kind::List,
        live::Type::Object(_) => Kind::Object,
        live::Type::Alternate(_) => Kind::Alternate,
    })
}

/// What a type that only the schema has is called: the schema's own name of it says nothing.
pub(super) fn name(live: Option<&Live>, name: &str) -> String {
    match live.and_then(|live| live.types.get(name).map(|of| (live, of))) {
        Some((_, live::Type::Builtin)) => name.to_owned(),
        Some((_, live::Type::Enum(_))) => "enum".into(),
        Some((_, live::Type::Object(_))) => "object".into(),
        Some((live, live::Type::Array(of))) => format!("[{}]", element(live, of)),
        Some((live, live::Type::Alternate(types))) => {
            types.iter().map(|of| element(live, of)).collect::<Vec<_>>().join(" | ")
        }
        None => "anything".into(),
    }
}

/// One level only: a schema may go in circles.
fn element(live: &Live, name: &str) -> String {
    match live.types.get(name) {
        Some(live::Type::Array(_)) => "list".into(),
        Some(live::Type::Alternate(_)) => "alternate".into(),
        _ => self::name(Some(live), name),
    }
}

/// The JSON that `text` is as a value of this type; a string, if it is nothing else.
pub(super) fn json(of: Type<'_>, text: &str) -> String {
    let read = match of.kind() {
        Kind::Alternate => {
            let alternatives = of.alternatives();
            let is_value = alternatives.iter().any(|it| it.values().contains(&text));
            let mut read = alternatives.iter().filter_map(|it| as_kind(it.kind(), text));
            if is_value { None } else { read.next() }
        }
        kind => as_kind(kind, text),
    };
    read.unwrap_or_else(|| string(text))
}

fn as_kind(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Bool => match text {
            "true" | "on" => Some("true".into()),
            "false" | "off" => Some("false".into()),
            _ => None,
        },
        Kind::Int => integer(text),
        Kind::Number => (is_json(text) && text.starts_with(|first: char| first == '-' || first.is_ascii_digit()))
            .then(|| text.to_owned()),
        Kind::Null => (text == "null").then(|| text.to_owned()),
        Kind::Any => is_json(text).then(|| text.to_owned()),
        Kind::Str | Kind::Enum | Kind::List | Kind::Object | Kind::Alternate | Kind::Unknown => None,
    }
}

/// Decimal, or hexadecimal behind `0x`, as addresses are.
fn integer(text: &str) -> Option<String> {
    if let Some(digits) = text.strip_prefix("0x") {
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return u64::from_str_radix(digits, 16).ok().filter(|_| plain).map(|number| number.to_string());
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    (digits.bytes().all(|byte| byte.is_ascii_digit()) && is_json(text)).then(|| text.to_owned())
}

fn is_json(text: &str) -> bool {
    scan::check(text.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_as_kinds() {
        for (kind, text, json) in [
            (Kind::Int, "10", Some("10")),
            (Kind::Int, "-1", Some("-1")),
            (Kind::Int, "18446744073709551615", Some("18446744073709551615")),
            (Kind::Int, "0x10", Some("16")),
            (Kind::Int, "0x+1", None),
            (Kind::Int, "10G", None),
            (Kind::Int, "1.5", None),
            (Kind::Int, "010", None),
            (Kind::Int, "", None),
            (Kind::Bool, "on", Some("true")),
            (Kind::Bool, "false", Some("false")),
            (Kind::Bool, "yes", None),
            (Kind::Number, "-1.5e3", Some("-1.5e3")),
            (Kind::Number, "true", None),
            (Kind::Null, "null", Some("null")),
            (Kind::Str, "10", None),
            (Kind::Enum, "on", None),
            (Kind::Any, "[1]", Some("[1]")),
            (Kind::Any, "true", Some("true")),
            (Kind::Any, "some text", None),
            (Kind::Unknown, "5.1", None),
        ] {
            assert_eq!(as_kind(kind, text).as_deref(), json, "{kind:?} {text}");
        }
    }
}
