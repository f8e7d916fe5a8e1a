//! Reading a caller's types from a value, with serde.
//!
//! The reader goes over the value's text once and hands out strings that borrow from it. It asks nothing that the
//! scanner has checked, yet no text, whatever it holds, makes it panic or stand still.

mod access;
mod again;
mod error;

use serde::de::Visitor;

use super::number::{Whole, digits, float, is_number, whole64, whole128};
use super::text::opens_string;
use super::text::words::find_byte;
use super::token::{skip_blanks, split_scalar, split_string, split_value};
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
    text: &'de str,
    /// How much of the text was read: never more than there is, and never within a character.
    at: usize,
    depth: u16,
    /// More follows behind the value.
    within: bool,
}

/// Without the short ways to what is most common: on bare metal, where each costs flash.
const SMALL: bool = cfg!(target_os = "none");

impl<'de> Deserializer<'de> {
    /// A reader at the beginning of `value`.
    pub const fn new(value: Value<'de>) -> Self {
        Self { text: value.text(), at: 0, depth: DEPTH, within: false }
    }

    /// A reader at the beginning of an element of an array, the rest of which `text` is.
    pub(super) const fn within(text: &'de str) -> Self {
        Self { text, at: 0, depth: DEPTH, within: true }
    }

    /// What follows the element, if a type has read just that.
    pub(super) fn behind_element(&mut self) -> Option<&'de str> {
        let is_behind = self.at > 0 && self.depth == DEPTH && matches!(self.peek(), Some(b',' | b']'));
        is_behind.then(|| self.rest())
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
        self.at
    }

    /// The first byte that is no blank. The reader stands at it then.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn peek(&mut self) -> Option<u8> {
        if SMALL {
            return self.peek_far();
        }
        let mut rest = self.text.as_bytes().get(self.at..)?.iter();
        // Almost always there is one blank or none.
        match *rest.next()? {
            first if first > b' ' => Some(first),
            b' ' => match *rest.next()? {
                second if second > b' ' => {
                    self.at = self.at.wrapping_add(1);
                    Some(second)
                }
                _ => self.peek_far(),
            },
            _ => self.peek_far(),
        }
    }

    #[cold]
    #[inline(never)]
    fn peek_far(&mut self) -> Option<u8> {
        let rest = skip_blanks(self.rest());
        self.at = self.text.len().saturating_sub(rest.len());
        rest.as_bytes().first().copied()
    }

    /// What was not read yet.
    fn rest(&self) -> &'de str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes past `separator` and a blank, if both come next, as QEMU writes it in front of another token.
    #[inline(always)]
    fn passes(&mut self, separator: u8) -> bool {
        let passes = !SMALL && self.text.as_bytes().get(self.at..self.at.wrapping_add(2)) == Some(&[separator, b' ']);
        if passes {
            self.at = self.at.wrapping_add(2);
        }
        passes
    }

    /// The byte behind the one at which the reader stands.
    const fn behind(&self) -> usize {
        self.at.wrapping_add(1)
    }

    // The functions from here to `ascend` are in the way of every part of a value. A bare kind is returned in a
    // register, a whole error is not.

    /// Goes past `byte`, which must come next.
    #[inline]
    fn expect(&mut self, byte: u8, otherwise: ErrorKind) -> Result<(), ErrorKind> {
        if self.peek() != Some(byte) {
            return Err(otherwise);
        }
        self.at = self.behind();
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

    /// Goes on to `end` if the visitor has taken what stands before it, and stays if not: there the error lies.
    #[inline]
    fn pass<T>(&mut self, end: usize, visited: Result<T, Error>) -> Result<T, Error> {
        if visited.is_ok() {
            self.at = end;
        }
        visited
    }

    /// The string that comes next, and where what follows it begins. This function and those below do not go past it yet.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn string(&mut self, otherwise: ErrorKind) -> Result<(&'de str, usize), Error> {
        if !SMALL && self.peek() == Some(b'"') {
            let start = self.behind();
            let end = find_byte(self.text.as_bytes(), start, b'"');
            if let Some(content) = self.text.get(start..end) {
                return Ok((content, end.wrapping_add(1).min(self.text.len())));
            }
        }
        self.decoded_string(otherwise)
    }

    /// One that had escapes, or none.
    #[cfg_attr(not(target_os = "none"), cold, inline(never))]
    fn decoded_string(&mut self, otherwise: ErrorKind) -> Result<(&'de str, usize), Error> {
        self.peek();
        let (content, rest) = split_string(self.rest()).ok_or(otherwise)?;
        Ok((content, self.text.len().saturating_sub(rest.len())))
    }

    fn scalar(&mut self) -> (&'de str, usize) {
        self.peek();
        let (scalar, rest) = split_scalar(self.rest());
        (scalar, self.text.len().saturating_sub(rest.len()))
    }

    /// The whole number of a few digits that comes next; nothing else is read here.
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn small(&mut self) -> Option<(bool, u64, usize)> {
        if SMALL {
            return None;
        }
        let negative = self.peek() == Some(b'-');
        let start = if negative { self.behind() } else { self.at };
        let (magnitude, end) = digits(self.text.as_bytes(), start)?;
        let ends = matches!(self.text.as_bytes().get(end), Some(b',' | b'}' | b']' | 0..=b' '));
        ends.then_some((negative && magnitude != 0, magnitude, end))
    }

    /// Where the `null` ends that comes next, if it does.
    #[inline]
    fn null(&mut self) -> Option<usize> {
        self.peek();
        let end = self.at.wrapping_add(4);
        (self.text.as_bytes().get(self.at..end) == Some(b"null")).then_some(end)
    }

    fn value(&mut self) -> Result<(&'de str, usize), Error> {
        let first = self.peek();
        let rest = self.rest();
        if !SMALL && self.at == 0 && !self.within && matches!(first, Some(b'{' | b'[')) {
            // A value's text ends with it.
            return Ok((rest, self.text.len()));
        }
        let (value, rest) = split_value(rest).ok_or(ErrorKind::Malformed)?;
        Ok((value, self.text.len().saturating_sub(rest.len())))
    }

    fn read_str<V: Visitor<'de>>(&mut self, otherwise: ErrorKind, visitor: V) -> Result<V::Value, Error> {
        let (content, end) = self.string(otherwise)?;
        self.pass(end, visitor.visit_borrowed_str(content))
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

    #[inline]
    fn read_whole<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        if let Some((negative, magnitude, end)) = self.small() {
            let visited = if negative {
                visitor.visit_i64(0_i64.wrapping_sub_unsigned(magnitude))
            } else {
                visitor.visit_u64(magnitude)
            };
            return self.pass(end, visited);
        }
        let (text, end) = self.scalar();
        self.pass(end, visit_whole(text, visitor))
    }

    fn read_float<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let (text, end) = self.scalar();
        let number = float(text).ok_or(ErrorKind::ExpectedNumber)?;
        self.pass(end, visitor.visit_f64(number))
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
            let (text, end) = self.scalar();
            self.pass(end, $visit(text, visitor))
        }
    )*};
}

/// Methods that read a whole number.
macro_rules! read_whole {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.read_whole(visitor)
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
        let (text, end) = self.scalar();
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
        self.pass(end, visited)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.peek();
        let (value, length) = match self.text.as_bytes().get(self.at..).unwrap_or_default() {
            [b't', b'r', b'u', b'e', ..] => (true, 4),
            [b'f', b'a', b'l', b's', b'e', ..] => (false, 5),
            _ => return Err(ErrorKind::ExpectedBool.into()),
        };
        self.pass(self.at.wrapping_add(length), visitor.visit_bool(value))
    }

    read_scalar! {
        deserialize_i128 => visit_i128;
        deserialize_u128 => visit_u128;
    }

    read_whole! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
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
        let (content, end) = self.string(ErrorKind::ExpectedString)?;
        self.pass(end, visitor.visit_borrowed_bytes(content.as_bytes()))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.null() {
            Some(end) => {
                self.at = end;
                visitor.visit_none()
            }
            None => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.at = self.null().ok_or(ErrorKind::ExpectedNull)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == TOKEN {
            let (text, end) = self.value()?;
            return self.pass(end, visitor.visit_borrowed_str(text));
        }
        // Neither adds anything to the text, so one that contains itself could go on for ever.
        self.descend()?;
        let value = if name == AGAIN {
            let start = self.at;
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
        let (_, end) = self.value()?;
        self.at = end;
        visitor.visit_unit()
    }
}

#[cfg(test)]
mod tests;
