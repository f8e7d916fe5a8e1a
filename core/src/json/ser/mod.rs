//! Writing a caller's types as compact JSON, with serde.
//!
//! Whatever a type's `Serialize` does, the outcome is one JSON value or an error. So the writer remembers its first
//! error: a type that goes on after one, or hides it, does not get through.

mod capture;
mod compound;
mod error;
mod escape;
mod key;
mod number;
mod sink;

use core::fmt;

use serde::Serialize;

use super::value::TOKEN;
use capture::Capture;
use compound::{Map, Parts};
pub use error::Error;
pub(crate) use escape::{write_escaped, write_json_as_ascii, write_str};
use number::decimal128;
pub(crate) use number::{decimal32, decimal64};
#[cfg(feature = "alloc")]
pub use sink::VecSink;
pub use sink::{Full, Sink, SliceSink};

/// Writes `value` at the beginning of `buffer` and returns the JSON written.
///
/// # Errors
///
/// See [`Error`]. What is in `buffer` after an error is of no use.
pub fn to_slice<'b, T: Serialize + ?Sized>(value: &T, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
    let mut sink = SliceSink::new(buffer);
    value.serialize(&mut Serializer::new(&mut sink))?;
    Ok(sink.into_written())
}

/// Writes one value as JSON on one line, without blanks, to a [`Sink`]: `value.serialize(&mut Serializer::new(&mut sink))`.
///
/// - A float is written with the fewest digits that read back as the same float. NaN and infinities are an error.
/// - `None`, `()` and unit structs are `null`. An enum is `"variant"` or `{"variant": content}`.
/// - The keys of a map are strings: `str`, `char`, or the name of a variant, alone or in newtypes. Any other key is an
///   error.
/// - Bytes are an error; JSON has no form for them.
/// - A [`Value`](super::Value) is written as the JSON it is.
///
/// What has been pushed into the sink before an error stays there. Taking it back is up to the sink's owner.
#[derive(Debug)]
pub struct Serializer<'w, S> {
    sink: &'w mut S,
    ascii: bool,
    failure: Option<Error>,
}

impl<'w, S: Sink> Serializer<'w, S> {
    /// A writer of one value to `sink`, as UTF-8.
    pub const fn new(sink: &'w mut S) -> Self {
        Self { sink, ascii: false, failure: None }
    }

    /// Whether all but printable ASCII is written as escapes, which is QEMU's own way.
    #[must_use]
    pub const fn ascii(mut self, ascii: bool) -> Self {
        self.ascii = ascii;
        self
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let result = self.sink.push(bytes).map_err(Error::from);
        self.note(result)
    }

    fn push_str(&mut self, text: &str) -> Result<(), Error> {
        let result = write_str(self.sink, text, self.ascii).map_err(Error::from);
        self.note(result)
    }

    fn push_integer(&mut self, negative: bool, digits: &[u8]) -> Result<(), Error> {
        if negative {
            self.push(b"-")?;
        }
        self.push(digits)
    }

    fn push_float<F: ryu::Float>(&mut self, finite: bool, float: F) -> Result<(), Error> {
        if !finite {
            return self.fail(Error::NotFinite);
        }
        self.push(ryu::Buffer::new().format_finite(float).as_bytes())
    }

    /// Writes a part of the value, whose error a type might keep to itself.
    fn write<T: Serialize + ?Sized>(&mut self, part: &T) -> Result<(), Error> {
        let result = part.serialize(&mut *self);
        self.note(result)
    }

    /// Fails if anything has failed before, and remembers it if this is the first failure.
    fn note(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if self.failure.is_none() {
            self.failure = result.err();
        }
        self.failure.map_or(Ok(()), Err)
    }

    fn fail(&mut self, error: Error) -> Result<(), Error> {
        self.note(Err(error))
    }
}

impl<'s, 'w, S: Sink> serde::Serializer for &'s mut Serializer<'w, S> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'s, 'w, S>;
    type SerializeTuple = Parts<'s, 'w, S>;
    type SerializeTupleStruct = Parts<'s, 'w, S>;
    type SerializeTupleVariant = Parts<'s, 'w, S>;
    type SerializeMap = Map<'s, 'w, S>;
    type SerializeStruct = Parts<'s, 'w, S>;
    type SerializeStructVariant = Parts<'s, 'w, S>;

    fn serialize_bool(self, v: bool) -> Result<(), Error> {
        self.push(if v { b"true" } else { b"false" })
    }

    fn serialize_i8(self, v: i8) -> Result<(), Error> {
        self.serialize_i64(v.into())
    }

    fn serialize_i16(self, v: i16) -> Result<(), Error> {
        self.serialize_i64(v.into())
    }

    fn serialize_i32(self, v: i32) -> Result<(), Error> {
        self.serialize_i64(v.into())
    }

    fn serialize_i64(self, v: i64) -> Result<(), Error> {
        self.push_integer(v < 0, decimal64(v.unsigned_abs(), &mut [0; 20]))
    }

    fn serialize_i128(self, v: i128) -> Result<(), Error> {
        self.push_integer(v < 0, decimal128(v.unsigned_abs(), &mut [0; 39]))
    }

    fn serialize_u8(self, v: u8) -> Result<(), Error> {
        self.serialize_u64(v.into())
    }

    fn serialize_u16(self, v: u16) -> Result<(), Error> {
        self.serialize_u64(v.into())
    }

    fn serialize_u32(self, v: u32) -> Result<(), Error> {
        self.serialize_u64(v.into())
    }

    fn serialize_u64(self, v: u64) -> Result<(), Error> {
        self.push(decimal64(v, &mut [0; 20]))
    }

    fn serialize_u128(self, v: u128) -> Result<(), Error> {
        self.push(decimal128(v, &mut [0; 39]))
    }

    fn serialize_f32(self, v: f32) -> Result<(), Error> {
        self.push_float(v.is_finite(), v)
    }

    fn serialize_f64(self, v: f64) -> Result<(), Error> {
        self.push_float(v.is_finite(), v)
    }

    fn serialize_char(self, v: char) -> Result<(), Error> {
        self.push_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<(), Error> {
        self.push_str(v)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Error> {
        self.fail(Error::Bytes)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.push(b"null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.write(value)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.push(b"null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.push(b"null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.push_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Error> {
        if name != TOKEN {
            return self.write(value);
        }
        let mut outcome = Err(Error::Malformed);
        // The error that follows is meant for other writers.
        let _ = value.serialize(Capture { writer: self, outcome: &mut outcome });
        self.note(outcome)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.push(b"{")?;
        self.push_str(variant)?;
        self.push(b":")?;
        self.write(value)?;
        self.push(b"}")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        Parts::open(self, b"[", b"]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        Parts::open(self, b"[", b"]")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        Parts::open(self, b"[", b"]")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        self.push(b"{")?;
        self.push_str(variant)?;
        Parts::open(self, b":[", b"]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        Map::open(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
        Parts::open(self, b"{", b"}")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        self.push(b"{")?;
        self.push_str(variant)?;
        Parts::open(self, b":{", b"}}")
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.push(b"\"")?;
        // The sink's own error, and not that of a `Display`, is "full".
        let mut escaped = Escaped { writer: self };
        if fmt::write(&mut escaped, format_args!("{value}")).is_err() {
            return self.fail(Error::Custom);
        }
        self.push(b"\"")
    }
}

/// Escapes what a `Display` writes.
struct Escaped<'s, 'w, S> {
    writer: &'s mut Serializer<'w, S>,
}

impl<S: Sink> fmt::Write for Escaped<'_, '_, S> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Serializer { sink, ascii, .. } = &mut *self.writer;
        let result = write_escaped(*sink, text, *ascii).map_err(Error::from);
        self.writer.note(result).map_err(|_| fmt::Error)
    }
}

#[cfg(test)]
mod tests;
