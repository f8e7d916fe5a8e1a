//! Payloads and arguments by way of [serde-json-core](::serde_json_core), for types made for it.
//!
//! That crate keeps few of this crate's promises, so each way has a guard before it. What the guards cannot see is for
//! the types to keep: see [`Payload::decode_with_serde_json_core`] and [`to_slice_with_serde_json_core`].

use core::fmt;
use core::mem;

use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
};
use serde::{Deserialize, Serialize};

use super::payload::{Payload, Strings};
use super::ser::Error;
use super::value::TOKEN;

/// The levels of arrays and objects that a payload may have: serde-json-core recurses into what a type ignores.
pub const SERDE_JSON_CORE_DEPTH: usize = 32;

impl<'m> Payload<'m> {
    /// Reads a `T` with serde-json-core, which may borrow from the message. `scratch` holds one escaped string at a
    /// time, decoded.
    ///
    /// It is that crate's reading and not [`decode`](Self::decode)'s:
    ///
    /// - An escaped string fits an owned type such as heapless's `String`, and a `&str` is an error. The crate's
    ///   `EscapedStr` stays undecoded. `\u` pairs (characters beyond U+FFFF) are an error.
    /// - A float that is `null` is NaN.
    /// - Keys of maps must be read as `&str`, as `&str` and heapless's `String` are. At any other, alloc's `String`
    ///   among them, *the crate panics*.
    /// - There are no `i128`, no bytes and no types that take what comes.
    ///
    /// # Errors
    ///
    /// The payload nests deeper than [`SERDE_JSON_CORE_DEPTH`], uses QEMU's own string forms, or does not fit `T`.
    pub fn decode_with_serde_json_core<T: Deserialize<'m>>(self, scratch: &mut [u8]) -> Result<T, SerdeJsonCoreError> {
        let (text, strings) = self.into_raw();
        if strings == Strings::Input {
            return Err(SerdeJsonCoreError::Dialect);
        }
        if levels(text) > SERDE_JSON_CORE_DEPTH {
            return Err(SerdeJsonCoreError::TooDeep);
        }
        let (value, _) = ::serde_json_core::from_slice_escaped(text, scratch).map_err(SerdeJsonCoreError::Type)?;
        Ok(value)
    }
}

/// Why serde-json-core did not read a type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SerdeJsonCoreError {
    /// The payload has strings as only QEMU reads them: in `'`, or with `C0 80`.
    Dialect,
    /// The payload nests deeper than [`SERDE_JSON_CORE_DEPTH`].
    TooDeep,
    /// It does not fit the type.
    Type(::serde_json_core::de::Error),
}

impl fmt::Display for SerdeJsonCoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dialect => f.write_str("strings that are no JSON"),
            Self::TooDeep => f.write_str("nested too deep"),
            Self::Type(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SerdeJsonCoreError {}

#[cfg(feature = "defmt")]
impl defmt::Format for SerdeJsonCoreError {
    fn format(&self, f: defmt::Formatter<'_>) {
        match self {
            Self::Dialect => defmt::write!(f, "Dialect"),
            Self::TooDeep => defmt::write!(f, "TooDeep"),
            Self::Type(error) => defmt::write!(f, "Type({})", defmt::Debug2Format(error)),
        }
    }
}

/// How many levels of arrays and objects there are in a JSON text.
fn levels(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if mem::take(&mut escaped) => {}
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Writes `value` with serde-json-core at the beginning of `buffer` and returns the JSON written, which has been
/// checked.
///
/// `value` is serialized twice, first to see whether that crate can. So it must do the same both times.
///
/// # Errors
///
/// What this crate's [writer](super::ser::to_slice) refuses is refused here. Beyond it these are [`Error::Unsupported`]:
/// `char`, 128-bit integers, tuple variants, a [`Value`](super::Value), and names of fields and variants that would
/// have to be escaped.
pub fn to_slice_with_serde_json_core<'b, T: Serialize + ?Sized>(
    value: &T,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Error> {
    Guard { failure: None, place: Place::Value }.pass(value)?;
    let len = ::serde_json_core::to_slice(value, buffer).map_err(|_| Error::Full)?;
    let json = buffer.get(..len).unwrap_or_default();
    super::scan::check(json).map_err(|_| Error::Malformed)?;
    Ok(json)
}

/// Goes through a value as a writer would, writes nothing, and fails where serde-json-core panics or writes what is no
/// JSON. Its first failure stays, in case a type keeps it to itself.
struct Guard {
    failure: Option<Error>,
    place: Place,
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Value,
    Key,
    /// In that crate's type for text that is escaped already.
    Escaped,
}

/// The name of serde-json-core's newtype for text that is escaped already.
const ESCAPED: &str = "__serde_json_core_escaped_string__";

impl Guard {
    fn pass<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let result = value.serialize(&mut *self);
        self.note(result)
    }

    fn pass_at<T: Serialize + ?Sized>(&mut self, place: Place, value: &T) -> Result<(), Error> {
        let before = mem::replace(&mut self.place, place);
        let result = self.pass(value);
        self.place = before;
        result
    }

    fn note(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if self.failure.is_none() {
            self.failure = result.err();
        }
        self.failure.map_or(Ok(()), Err)
    }

    fn fail(&mut self, error: Error) -> Result<(), Error> {
        self.note(Err(error))
    }

    /// A value that is no string.
    fn other(&mut self) -> Result<(), Error> {
        match self.place {
            Place::Value => self.note(Ok(())),
            Place::Key => self.fail(Error::KeyNotString),
            Place::Escaped => self.fail(Error::Unsupported),
        }
    }

    fn container(&mut self) -> Result<GuardedParts<'_>, Error> {
        self.other()?;
        Ok(GuardedParts { guard: self, keyed: false })
    }

    /// A name that is written as it stands.
    fn name(&mut self, name: &str) -> Result<(), Error> {
        if name.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
            return self.fail(Error::Unsupported);
        }
        self.note(Ok(()))
    }

    fn number(&mut self, finite: bool) -> Result<(), Error> {
        if finite { self.other() } else { self.fail(Error::NotFinite) }
    }
}

macro_rules! guard {
    ($($method:ident($($type:ty),*) => $check:ident($($argument:expr),*);)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<(), Error> {
            self.$check($($argument),*)
        }
    )*};
}

impl<'g> serde::Serializer for &'g mut Guard {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = GuardedParts<'g>;
    type SerializeTuple = GuardedParts<'g>;
    type SerializeTupleStruct = GuardedParts<'g>;
    type SerializeTupleVariant = serde::ser::Impossible<(), Error>;
    type SerializeMap = GuardedParts<'g>;
    type SerializeStruct = GuardedParts<'g>;
    type SerializeStructVariant = GuardedParts<'g>;

    guard! {
        serialize_bool(bool) => other();
        serialize_i8(i8) => other();
        serialize_i16(i16) => other();
        serialize_i32(i32) => other();
        serialize_i64(i64) => other();
        serialize_i128(i128) => fail(Error::Unsupported);
        serialize_u8(u8) => other();
        serialize_u16(u16) => other();
        serialize_u32(u32) => other();
        serialize_u64(u64) => other();
        serialize_u128(u128) => fail(Error::Unsupported);
        serialize_char(char) => fail(Error::Unsupported);
        serialize_bytes(&[u8]) => fail(Error::Bytes);
        serialize_none() => other();
        serialize_unit() => other();
        serialize_unit_struct(&'static str) => other();
    }

    fn serialize_f32(self, v: f32) -> Result<(), Error> {
        self.number(v.is_finite())
    }

    fn serialize_f64(self, v: f64) -> Result<(), Error> {
        self.number(v.is_finite())
    }

    fn serialize_str(self, v: &str) -> Result<(), Error> {
        if self.place == Place::Escaped && !is_inside_of_string(v) {
            return self.fail(Error::Malformed);
        }
        self.note(Ok(()))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.other()?;
        self.pass(value)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Error> {
        match self.place {
            Place::Escaped => self.fail(Error::Unsupported),
            _ => self.note(Ok(())),
        }
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Error> {
        match (name, self.place) {
            (TOKEN, _) | (_, Place::Escaped) => self.fail(Error::Unsupported),
            (ESCAPED, _) => self.pass_at(Place::Escaped, value),
            _ => self.pass(value),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.other()?;
        self.name(variant)?;
        self.pass(value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<GuardedParts<'g>, Error> {
        self.container()
    }

    fn serialize_tuple(self, _: usize) -> Result<GuardedParts<'g>, Error> {
        self.container()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<GuardedParts<'g>, Error> {
        self.container()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        self.fail(Error::Unsupported)?;
        Err(Error::Unsupported)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<GuardedParts<'g>, Error> {
        self.container()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<GuardedParts<'g>, Error> {
        self.container()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<GuardedParts<'g>, Error> {
        self.name(variant)?;
        self.container()
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Error> {
        match self.place {
            Place::Escaped => self.fail(Error::Unsupported),
            _ => self.note(Ok(())),
        }
    }
}

/// True for text between the quotes of a JSON string, as far as its end is concerned. The rest is checked once written.
fn is_inside_of_string(text: &str) -> bool {
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if mem::take(&mut escaped) => {}
            b'\\' => escaped = true,
            b'"' => return false,
            _ => {}
        }
    }
    !escaped
}

/// A container that the guard goes through.
struct GuardedParts<'g> {
    guard: &'g mut Guard,
    /// A key has been seen whose value has not.
    keyed: bool,
}

impl GuardedParts<'_> {
    fn require(&mut self, keyed: bool) -> Result<(), Error> {
        if self.keyed == keyed { Ok(()) } else { self.guard.fail(Error::Unpaired) }
    }
}

macro_rules! guard_parts {
    ($($trait:ident::$part:ident($($key:ident)?);)*) => {$(
        impl $trait for GuardedParts<'_> {
            type Ok = ();
            type Error = Error;

            fn $part<T: Serialize + ?Sized>(&mut self, $($key: &'static str,)? value: &T) -> Result<(), Error> {
                $(self.guard.name($key)?;)?
                self.guard.pass(value)
            }

            fn end(self) -> Result<(), Error> {
                self.guard.note(Ok(()))
            }
        }
    )*};
}

guard_parts! {
    SerializeSeq::serialize_element();
    SerializeTuple::serialize_element();
    SerializeTupleStruct::serialize_field();
    SerializeStruct::serialize_field(key);
    SerializeStructVariant::serialize_field(key);
}

impl SerializeMap for GuardedParts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.require(false)?;
        self.keyed = true;
        self.guard.pass_at(Place::Key, key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.require(true)?;
        self.keyed = false;
        self.guard.pass(value)
    }

    fn end(mut self) -> Result<(), Error> {
        self.require(false)?;
        self.guard.note(Ok(()))
    }
}

#[cfg(test)]
#[path = "serde_json_core_tests.rs"]
mod tests;
