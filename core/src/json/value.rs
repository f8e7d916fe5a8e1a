//! A JSON value that is borrowed from the message it came in.

use core::fmt;
use core::iter::FusedIterator;

use serde::de::{Deserialize, Error as _, Visitor};
use serde::ser::{Error as _, Serialize};

use super::number::{float, is_json, is_number, whole64};
use super::text::opens_string;
use super::token::{Token, Tokens, content, skip_blanks, skip_byte, split_string, split_value, string_len, value_len};
use super::{de, ser};

/// A JSON value, borrowed for `'a` from the buffer of the message it came in.
///
/// A `Value` is two words, `Copy`, and has been checked: it comes from [`Payload::into_value`], from another value, or,
/// "unread", from a member of a type that [`Payload::decode`] fills. Strings are decoded, so each is a `&'a str`.
/// Nothing is looked up in advance: finding a member or an element reads what stands before it. No method recurses.
///
/// ```
/// # use qmp_core::json::Value;
/// fn running(status: Value<'_>) -> Option<bool> {
///     status.get("running")?.as_bool()
/// }
/// # assert_eq!(running(Value::NULL), None);
/// ```
///
/// # Equality
///
/// Two values are equal if their tokens are: strings by content, whole numbers by value, other numbers by text (`1.0` is
/// not `1.00`), members and elements in their order.
///
/// # serde
///
/// As a member of a type, a `Value` keeps any JSON for later; written, it goes out again as the JSON it is. Both work
/// with this crate's [reader](de::Deserializer) and [writer](ser::Serializer) alone. Any other format gets an error,
/// since a value's text is no longer JSON. (serde-json-core panics at every custom error, so at this one too. The
/// functions that this crate offers for it refuse a `Value` in time.)
///
/// [`Payload::into_value`]: super::Payload::into_value
/// [`Payload::decode`]: super::Payload::decode
#[derive(Clone, Copy)]
pub struct Value<'a>(&'a str);

/// The JSON type of a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, or one of `inf`, `-inf`, `nan` and `-nan`, which QEMU can write in a number's place.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl<'a> Value<'a> {
    /// `null`
    pub const NULL: Value<'static> = Value("null");

    /// The number that `text` is, as JSON writes it: any digits, no blanks. `None` if it is none; `inf` and `nan` are not.
    pub fn number(text: &'a str) -> Option<Self> {
        is_json(text).then_some(Self(text))
    }

    /// The value that `text` is, decoded: behind a string that had escapes there are spaces left.
    pub(crate) fn from_decoded(text: &'a str) -> Self {
        let text = skip_blanks(text);
        match text.as_bytes() {
            [first, ..] if opens_string(*first) => {
                Self(text.get(..string_len(text.as_bytes(), *first)).unwrap_or_default())
            }
            _ => Self(text),
        }
    }

    /// The value that `text` is, without blanks around it.
    pub(crate) const fn whole(text: &'a str) -> Self {
        Self(text)
    }

    /// The decoded text: of this value alone, for the reader and the writer.
    pub(crate) const fn text(self) -> &'a str {
        self.0
    }

    /// Its JSON type.
    pub fn kind(self) -> Kind {
        match self.0.as_bytes() {
            [b'{', ..] => Kind::Object,
            [b'[', ..] => Kind::Array,
            [b't' | b'f', ..] => Kind::Bool,
            [first, ..] if opens_string(*first) => Kind::String,
            _ if is_number(self.0) => Kind::Number,
            _ => Kind::Null,
        }
    }

    /// True for `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// `true` or `false`.
    pub fn as_bool(self) -> Option<bool> {
        match self.0 {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// A string's content.
    pub fn as_str(self) -> Option<&'a str> {
        #[cfg(feature = "fast")]
        if let [b'"', content @ .., b'"'] = self.0.as_bytes() {
            // Plain as most are: between its quotes there is no other.
            return self.0.get(1..content.len().wrapping_add(1));
        }
        split_string(self.0).map(|(content, _)| content)
    }

    /// A whole number that fits an `i64`. A number with a fraction or an exponent is none; `-0` is 0.
    pub fn as_i64(self) -> Option<i64> {
        whole64(self.0).as_i64()
    }

    /// A whole number that fits a `u64`. A number with a fraction or an exponent is none; `-0` is 0.
    pub fn as_u64(self) -> Option<u64> {
        whole64(self.0).as_u64()
    }

    /// Any number as the nearest `f64`, infinite if it is too large. QEMU's `inf` and `nan` are read too.
    ///
    /// Of all methods only this one links a float parser, 22 KB on a Cortex-M.
    pub fn as_f64(self) -> Option<f64> {
        float(self.0)
    }

    /// A number as it was written: every digit of it.
    pub fn number_text(self) -> Option<&'a str> {
        is_number(self.0).then_some(self.0)
    }

    /// The member named `key`, which is compared decoded; the first one if there are several.
    ///
    /// Reads the object up to the member's end. For many members of one object, go through [`entries`](Self::entries)
    /// once or [`decode`](Self::decode) a type.
    pub fn get(self, key: &str) -> Option<Self> {
        let mut rest = self.0.strip_prefix('{')?;
        // By lengths and not by `entries`: pairs of strings would take much of a small stack.
        loop {
            let member = skip_separators(rest);
            let first = *member.as_bytes().first()?;
            if !opens_string(first) {
                return None;
            }
            let (begin, end) = content(member.as_bytes(), first);
            let found = member.get(begin..end) == Some(key);
            let value = skip_separators(member.get(end.wrapping_add((first != 0).into())..)?);
            let length = value_len(value.as_bytes());
            if found || length == 0 {
                return value.get(..length).filter(|_| length > 0).map(Self);
            }
            rest = value.get(length..)?;
        }
    }

    /// An array's elements; none if the value is not an array.
    pub fn elements(self) -> Elements<'a> {
        Elements { rest: self.0.strip_prefix('[').unwrap_or_default() }
    }

    /// An object's members, the decoded name and the value of each, in the order they were sent; none if the value is
    /// not an object.
    pub fn entries(self) -> Entries<'a> {
        Entries { rest: self.0.strip_prefix('{').unwrap_or_default() }
    }

    /// Reads a `T` from the value. The types of `T` may nest [`DEPTH`](de::DEPTH) deep.
    ///
    /// # Errors
    ///
    /// The first difference between the value and what `T` expects. Its [offset](de::Error::offset) counts from the
    /// beginning of this value.
    pub fn decode<T: Deserialize<'a>>(self) -> Result<T, de::Error> {
        let mut reader = de::Deserializer::new(self);
        // Not by `map_err`, which would move what was read: that costs code for each type.
        let mut read = T::deserialize(&mut reader);
        if let Err(error) = &mut read {
            *error = error.at(reader.offset());
        }
        read
    }
}

/// The elements of an array: [`Value::elements`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Elements<'a> {
    /// The next element read as a `T`: what `next` gives, [decoded](Value::decode), by one pass over it instead of two.
    pub fn decode_next<T: Deserialize<'a>>(&mut self) -> Option<Result<T, de::Error>> {
        let mut reader = de::Deserializer::within(skip_separators(self.rest));
        let read = T::deserialize(&mut reader);
        if read.is_ok()
            && let Some(rest) = reader.behind_element()
        {
            self.rest = rest;
            return Some(read);
        }
        // The end; an element that is not a `T`; or a type that does not read what is there.
        self.next().map(Value::decode)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let text = skip_separators(self.rest);
        // At the closing bracket there is no value, and the iterator stays there.
        let length = value_len(text.as_bytes());
        let element = text.get(..length).filter(|_| length > 0)?;
        self.rest = text.get(length..)?;
        Some(Value(element))
    }
}

impl FusedIterator for Elements<'_> {}

/// The members of an object: [`Value::entries`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entries<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a str, Value<'a>);

    fn next(&mut self) -> Option<(&'a str, Value<'a>)> {
        let (key, rest) = split_string(skip_separators(self.rest))?;
        let (value, rest) = split_value(skip_separators(rest))?;
        self.rest = rest;
        Some((key, Value(value)))
    }
}

impl FusedIterator for Entries<'_> {}

/// `text` behind its blanks and one separator. The scanner has seen to it that it is the right one.
#[inline]
fn skip_separators(text: &str) -> &str {
    let text = skip_blanks(text);
    match text.as_bytes() {
        [b',' | b':', ..] => skip_blanks(skip_byte(text)),
        _ => text,
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        let mut others = Tokens::new(other.0);
        Tokens::new(self.0).all(|token| match (token, others.next()) {
            (Token::Scalar(one), Some(Token::Scalar(other))) => one == other || same_whole_number(one, other),
            (token, other) => Some(token) == other,
        }) && others.next().is_none()
    }
}

impl Eq for Value<'_> {}

fn same_whole_number(one: &str, other: &str) -> bool {
    use super::number::Whole;
    let one = whole64(one);
    matches!(one, Whole::Number { .. }) && one == whole64(other)
}

/// Compact JSON on one line.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Tokens::new(self.0).try_for_each(|token| match token {
            Token::ObjectStart => f.write_str("{"),
            Token::ObjectEnd => f.write_str("}"),
            Token::ArrayStart => f.write_str("["),
            Token::ArrayEnd => f.write_str("]"),
            Token::Comma => f.write_str(","),
            Token::Colon => f.write_str(":"),
            Token::Scalar(text) => f.write_str(text),
            Token::String(content) => {
                let mut sink = Shown { to: f };
                ser::write_str(&mut sink, content, false).map_err(|_| fmt::Error)
            }
        })
    }
}

/// The compact JSON, as [`Display`](fmt::Display) writes it.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The decoded text as it stands, in which an escaped string is enclosed in control bytes.
#[cfg(feature = "defmt")]
impl defmt::Format for Value<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.0);
    }
}

/// A formatter as the end of the string writer, which hands over whole characters.
struct Shown<'s, 'f> {
    to: &'s mut fmt::Formatter<'f>,
}

impl ser::Sink for Shown<'_, '_> {
    fn push(&mut self, bytes: &[u8]) -> Result<(), ser::Full> {
        let text = core::str::from_utf8(bytes).map_err(|_| ser::Full)?;
        self.to.write_str(text).map_err(|_| ser::Full)
    }
}

/// The name of the newtype that this crate's reader and writer know a [`Value`] by.
pub(crate) const TOKEN: &str = "$qmp_core::json::Value";

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TOKEN, Unread)
    }
}

/// Takes the text of a value from this crate's reader. A foreign one offers a newtype or a value of its own instead.
struct Unread;

impl<'de> Visitor<'de> for Unread {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value unread, which only the reader of qmp-core gives")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value(text))
    }

    fn visit_newtype_struct<D: serde::Deserializer<'de>>(self, _: D) -> Result<Value<'de>, D::Error> {
        Err(D::Error::custom("a qmp-core value can be read by the reader of qmp-core only"))
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TOKEN, &Unwritten(self.0))
    }
}

/// Hands the text of a value to this crate's writer, and fails with every other.
struct Unwritten<'a>(&'a str);

impl Serialize for Unwritten<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // This crate's writer has taken what it needs when it gets the error, which it does not look at.
        serializer.serialize_str(self.0)?;
        Err(S::Error::custom("a qmp-core value can be written by the writer of qmp-core only"))
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
