//! Members that may be any JSON.

use qmp_core::json::{Kind, Value};
use qmp_core::json::{Path, Paths};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Error, Serialize, Serializer};

/// Any JSON: built by the caller to be sent, or received.
///
/// What was received is always [`Received`](Self::Received), a [`Value`], whose methods look into it. Two are equal if they
/// are the same JSON, in whichever form: strings by content, whole numbers by value, other numbers by their text, members
/// and elements in their order.
#[derive(Clone, Copy, Debug)]
pub enum Any<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number without a sign.
    Uint(u64),
    /// A number as it is written, `1.5` or `2e3`. Text that is no number of JSON is an error when it is written.
    Number(&'a str),
    /// A string.
    Str(&'a str),
    /// An array.
    List(&'a [Self]),
    /// An object.
    Dict(&'a [(&'a str, Self)]),
    /// What came in a message. It can be read and written by the reader and the writer of qmp-core alone.
    Received(Value<'a>),
}

impl<'a> Any<'a> {
    /// What was received, if it was.
    pub const fn received(self) -> Option<Value<'a>> {
        match self {
            Self::Received(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is the JSON that `value` is.
    fn is(self, value: Value<'_>) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Bool(it) => value.as_bool() == Some(it),
            Self::Int(it) => value.as_i64() == Some(it),
            Self::Uint(it) => value.as_u64() == Some(it),
            Self::Number(it) => Value::number(it) == Some(value),
            Self::Str(it) => value.as_str() == Some(it),
            Self::List(list) => {
                let mut elements = value.elements();
                value.kind() == Kind::Array
                    && list.iter().all(|it| elements.next().is_some_and(|element| it.is(element)))
                    && elements.next().is_none()
            }
            Self::Dict(dict) => {
                let mut entries = value.entries();
                let mut is_next =
                    |(name, it): &(&str, Self)| entries.next().is_some_and(|(key, value)| key == *name && it.is(value));
                value.kind() == Kind::Object && dict.iter().all(&mut is_next) && entries.next().is_none()
            }
            Self::Received(it) => it == value,
        }
    }
}

impl PartialEq for Any<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (it, Self::Received(value)) | (Self::Received(value), it) => it.is(value),
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Uint(one), Self::Uint(other)) => one == other,
            (Self::Int(one), Self::Uint(other)) | (Self::Uint(other), Self::Int(one)) => {
                u64::try_from(one) == Ok(other)
            }
            (Self::Number(number), it) | (it, Self::Number(number)) => {
                Value::number(number).is_some_and(|value| it.is(value))
            }
            (Self::Str(one), Self::Str(other)) => one == other,
            (Self::List(one), Self::List(other)) => one == other,
            (Self::Dict(one), Self::Dict(other)) => one == other,
            _ => false,
        }
    }
}

impl<'a> From<Value<'a>> for Any<'a> {
    fn from(value: Value<'a>) -> Self {
        Self::Received(value)
    }
}

impl<'a> From<&'a str> for Any<'a> {
    fn from(text: &'a str) -> Self {
        Self::Str(text)
    }
}

impl From<bool> for Any<'_> {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}

impl From<i64> for Any<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Any<'_> {
    fn from(number: u64) -> Self {
        Self::Uint(number)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Any<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::Received)
    }
}

impl Serialize for Any<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(it) => serializer.serialize_bool(*it),
            Self::Int(it) => serializer.serialize_i64(*it),
            Self::Uint(it) => serializer.serialize_u64(*it),
            Self::Number(it) => match Value::number(it) {
                Some(value) => value.serialize(serializer),
                None => Err(S::Error::custom("no number of JSON")),
            },
            Self::Str(it) => serializer.serialize_str(it),
            Self::List(it) => serializer.collect_seq(*it),
            Self::Dict(it) => serializer.collect_map(it.iter().map(|(name, value)| (name, value))),
            Self::Received(it) => it.serialize(serializer),
        }
    }
}

impl Paths for Any<'_> {
    const PATHS: &'static [Path] = &[];
}
