//! Reading a caller's types from a value, with serde.
//!
//! The reader goes over the value's text once and hands out strings that borrow from it. It asks nothing that the
//! scanner has checked, yet no text, whatever it holds, makes it panic or stand still.

mod access;
mod again;
mod error;

use serde::de::Visitor;

use super::number::{Whole, float, is_number, whole64, whole128};
use super::text::opens_string;
use super::token::{skip_blanks, skip_byte, split_scalar, split_string, split_value};
use super::value::{TOKEN, Value};
use access::{Content, Elements, Members, Name};
pub use again::again;
use again::{AGAIN, Again};
pub use error::{Error, ErrorKind};

/// How deep the types that are read may nest, if [`Deserializer::depth`] does not say otherwise.
pub const DEPTH: u16 = 128;

/// Reads types from a [`Value`], as a serde deserializer: `T::deserialize(&mut Deserializer::new(value))`.
/// [`Value::decode`] is the short form, which also tells where an error lies.
///
/// - Strings and bytes are borrowed from the value, escaped or not. Bytes are a string's UTF-8, or an array of numbers.
/// - Integers must be whole numbers within the range of their type, `i128` and `u128` too. `-0` is 0.
/// - Floats may be any number, and QEMU's `inf` and `nan`; too large a number is infinite. An `f32` is read by way of
///   `f64`.
/// - A struct is an object or an array, an enum `"variant"` or `{"variant": content}`. Keys are strings, which integer,
///   `bool` and enum types are read out of.
/// - A type that takes what comes (`deserialize_any`) gets whole numbers as `u64` or `i64`; `-0`, larger ones, and the
///   rest as `f64`. No other type links what floats take.
/// - What a type ignores is skipped without recursion, however deep it is.
#[derive(Clone, Debug)]
pub struct Deserializer<'de> {
    rest: &'de str,
    /// The length of the whole text.
    len: usize,
    depth: u16,
}

impl<'de> Deserializer<'de> {
    /// A reader at the beginning of `value`.
    pub const fn new(value: Value<'de>) -> Self {
        Self { rest: value.text(), len: value.text().len(), depth: DEPTH }
    }

    /// Sets how deep types may nest: each struct, tuple, list, map, enum with content and newtype counts one.
    ///
    /// Types that contain themselves nest as deep as the peer likes, and each level takes stack. Beyond this limit is
    /// an error, [`ErrorKind::TooDeep`].
    #[must_use]
    pub const fn depth(mut self, limit: u16) -> Self {
        self.depth = limit;
        self
    }

    /// How many bytes of the value have been read. After an error this is where it lies.
    pub const fn offset(&self) -> usize {
        self.len.saturating_sub(self.rest.len())
    }

    /// The first byte that is no blank. The reader stands at it then.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        self.rest = skip_blanks(self.rest);
        self.rest.as_bytes().first().copied()
    }

    // The functions from here to `ascend` are in the way of every part of a value. A bare kind is returned in a
    // register, a whole error is not.

    /// Goes past `byte`, which must come next.
    #[inline]
    fn expect(&mut self, byte: u8, otherwise: ErrorKind) -> Result<(), ErrorKind> {
        if self.peek() != Some(byte) {
            return Err(otherwise);
        }
        self.rest = skip_byte(self.rest);
        Ok(())
    }

    /// One level down, and past the bracket.
    fn enter(&mut self, bracket: u8, otherwise: ErrorKind) -> Result<(), ErrorKind> {
        self.expect(bracket, otherwise)?;
        self.descend()
    }

    fn descend(&mut self) -> Result<(), ErrorKind> {
        self.depth = self.depth.checked_sub(1).ok_or(ErrorKind::TooDeep)?;
        Ok(())
    }

    /// One level up, and past the bracket. The type must have read everything before it.
    fn leave(&mut self, bracket: u8) -> Result<(), ErrorKind> {
        self.ascend();
        self.expect(bracket, ErrorKind::Length)
    }

    fn ascend(&mut self) {
        self.depth = self.depth.saturating_add(1);
    }

    /// Goes on to `rest` if the visitor has taken what stands before it, and stays if not: there the error lies.
    fn pass<T>(&mut self, rest: &'de str, visited: Result<T, Error>) -> Result<T, Error> {
        if visited.is_ok() {
            self.rest = rest;
        }
        visited
    }

    /// The string that comes next and what follows it. This function and the three below do not go past it yet.
    fn string(&mut self, otherwise: ErrorKind) -> Result<(&'de str, &'de str), Error> {
        self.peek();
        split_string(self.rest).ok_or_else(|| otherwise.into())
    }

    fn scalar(&mut self) -> (&'de str, &'de str) {
        self.peek();
        split_scalar(self.rest)
    }

    fn null(&mut self) -> Option<&'de str> {
        let (text, rest) = self.scalar();
        (text == "null").then_some(rest)
    }

    fn value(&mut self) -> Result<(&'de str, &'de str), Error> {
        self.peek();
        split_value(self.rest).ok_or_else(|| ErrorKind::Malformed.into())
    }

    fn read_str<V: Visitor<'de>>(&mut self, otherwise: ErrorKind, visitor: V) -> Result<V::Value, Error> {
        let (content, rest) = self.string(otherwise)?;
        self.pass(rest, visitor.visit_borrowed_str(content))
    }

    fn read_array<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.enter(b'[', ErrorKind::ExpectedArray)?;
        let value = visitor.visit_seq(Elements::new(self))?;
        self.leave(b']')?;
        Ok(value)
    }

    fn read_object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.enter(b'{', ErrorKind::ExpectedObject)?;
        let value = visitor.visit_map(Members::new(self))?;
        self.leave(b'}')?;
        Ok(value)
    }

    fn read_float<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let (text, rest) = self.scalar();
        let number = float(text).ok_or(ErrorKind::ExpectedNumber)?;
        self.pass(rest, visitor.visit_f64(number))
    }
}

fn visit_bool<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
    match text {
        "true" => visitor.visit_bool(true),
        "false" => visitor.visit_bool(false),
        _ => Err(ErrorKind::ExpectedBool.into()),
    }
}

/// Shows `visitor` the whole number of `text`, as unsigned if it can be.
fn visit_whole<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
    let whole = whole64(text);
    match (whole.as_u64(), whole.as_i64()) {
        (Some(number), _) => visitor.visit_u64(number),
        (_, Some(number)) => visitor.visit_i64(number),
        _ => Err(not_whole(whole)),
    }
}

fn visit_i128<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
    let whole = whole128(text);
    visitor.visit_i128(whole.as_i128().ok_or_else(|| not_whole(whole))?)
}

fn visit_u128<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
    let whole = whole128(text);
    visitor.visit_u128(whole.as_u128().ok_or_else(|| not_whole(whole))?)
}

#[cold]
fn not_whole<M: Copy>(whole: Whole<M>) -> Error {
    match whole {
        Whole::No => ErrorKind::ExpectedInteger.into(),
        _ => ErrorKind::NumberOutOfRange.into(),
    }
}

/// Methods that read a scalar by `$visit`, which gets its text.
macro_rules! read_scalar {
    ($($method:ident => $visit:path;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let (text, rest) = self.scalar();
            self.pass(rest, $visit(text, visitor))
        }
    )*};
}

// No method but `deserialize_any`, `deserialize_f32` and `deserialize_f64` may reach `read_float`, and none may forward
// to `deserialize_any`: see `number`.
impl<'de> serde::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b'{') => return self.read_object(visitor),
            Some(b'[') => return self.read_array(visitor),
            Some(first) if opens_string(first) => return self.read_str(ErrorKind::ExpectedString, visitor),
            _ => {}
        }
        let (text, rest) = self.scalar();
        let visited = match text {
            "null" => visitor.visit_unit(),
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ if is_number(text) => match whole64(text) {
                // A float's zero has a sign to keep.
                Whole::Number { magnitude: 0, .. } if text.starts_with('-') => return self.read_float(visitor),
                whole if whole.as_u64().is_some() || whole.as_i64().is_some() => visit_whole(text, visitor),
                _ => return self.read_float(visitor),
            },
            _ => Err(ErrorKind::Malformed.into()),
        };
        self.pass(rest, visited)
    }

    read_scalar! {
        deserialize_bool => visit_bool;
        deserialize_i8 => visit_whole;
        deserialize_i16 => visit_whole;
        deserialize_i32 => visit_whole;
        deserialize_i64 => visit_whole;
        deserialize_i128 => visit_i128;
        deserialize_u8 => visit_whole;
        deserialize_u16 => visit_whole;
        deserialize_u32 => visit_whole;
        deserialize_u64 => visit_whole;
        deserialize_u128 => visit_u128;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.read_float(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.read_float(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.read_str(ErrorKind::ExpectedString, visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.read_str(ErrorKind::ExpectedString, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.read_str(ErrorKind::ExpectedString, visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() == Some(b'[') {
            return self.read_array(visitor);
        }
        let (content, rest) = self.string(ErrorKind::ExpectedString)?;
        self.pass(rest, visitor.visit_borrowed_bytes(content.as_bytes()))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.null() {
            Some(rest) => {
                self.rest = rest;
                visitor.visit_none()
            }
            None => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.rest = self.null().ok_or(ErrorKind::ExpectedNull)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == TOKEN {
            let (text, rest) = self.value()?;
            return self.pass(rest, visitor.visit_borrowed_str(text));
        }
        // Neither adds anything to the text, so one that contains itself could go on for ever.
        self.descend()?;
        let value = if name == AGAIN {
            let start = self.rest;
            visitor.visit_seq(Again { reader: &mut *self, start })?
        } else {
            visitor.visit_newtype_struct(&mut *self)?
        };
        self.ascend();
        Ok(value)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.read_array(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.read_array(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.read_array(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.read_object(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b'[') => self.read_array(visitor),
            _ => self.read_object(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.peek() != Some(b'{') {
            return visitor.visit_enum(Name { reader: self, otherwise: ErrorKind::ExpectedEnum });
        }
        self.enter(b'{', ErrorKind::ExpectedEnum)?;
        let value = visitor.visit_enum(Content { reader: self })?;
        self.leave(b'}')?;
        Ok(value)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.read_str(ErrorKind::ExpectedString, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (_, rest) = self.value()?;
        self.rest = rest;
        visitor.visit_unit()
    }
}

#[cfg(test)]
mod tests;
