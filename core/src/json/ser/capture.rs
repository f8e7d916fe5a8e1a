//! Writing a captured [`Value`](crate::json::Value).

use core::fmt;

use serde::Serialize;
use serde::ser::Impossible;

use super::key::{refuse, refuse_containers};
use super::{Error, Serializer, Sink, write_str};
use crate::json::number::{is_json, is_not_finite};
use crate::json::scan::{MAX_DEPTH, Nesting};
use crate::json::token::{Token, Tokens};

/// Takes the text of a value, which arrives as a string, and writes it. The newtype around it only brings it here.
pub(super) struct Capture<'s, 'w, S> {
    pub(super) writer: &'s mut Serializer<'w, S>,
    pub(super) outcome: &'s mut Result<(), Error>,
}

impl<S: Sink> serde::Serializer for Capture<'_, '_, S> {
    type Ok = ();
    type Error = Error;

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        *self.outcome = write_value(self.writer.sink, text, self.writer.ascii);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<(), Error> {
        Err(Error::Malformed)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Error> {
        Err(Error::Malformed)
    }

    refuse! { Err(Error::Malformed);
        serialize_bool(bool) serialize_char(char)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_f32(f32) serialize_f64(f64) serialize_bytes(&[u8])
        serialize_none() serialize_unit() serialize_unit_struct(&'static str)
        serialize_unit_variant(&'static str, u32, &'static str)
    }
    refuse_containers! { Error::Malformed }
}

/// Writes a decoded text as JSON. The text may be forged: what is not one value of JSON is an error.
fn write_value(sink: &mut impl Sink, text: &str, ascii: bool) -> Result<(), Error> {
    let mut brackets = Nesting::new();
    let mut next = Next::Value;
    for token in Tokens::new(text) {
        next = match (next, token) {
            (Next::Value | Next::ElementOrEnd, Token::ObjectStart) => {
                open(&mut brackets, true)?;
                sink.push(b"{")?;
                Next::KeyOrEnd
            }
            (Next::Value | Next::ElementOrEnd, Token::ArrayStart) => {
                open(&mut brackets, false)?;
                sink.push(b"[")?;
                Next::ElementOrEnd
            }
            (Next::Value | Next::ElementOrEnd, Token::String(content)) => {
                write_str(sink, content, ascii)?;
                after_value(&brackets)
            }
            (Next::Value | Next::ElementOrEnd, Token::Scalar(text)) => {
                sink.push(checked_scalar(text)?.as_bytes())?;
                after_value(&brackets)
            }
            (Next::Key | Next::KeyOrEnd, Token::String(content)) => {
                write_str(sink, content, ascii)?;
                Next::Colon
            }
            (Next::Colon, Token::Colon) => {
                sink.push(b":")?;
                Next::Value
            }
            (Next::CommaOrEnd, Token::Comma) => {
                sink.push(b",")?;
                if brackets.in_object() { Next::Key } else { Next::Value }
            }
            (Next::KeyOrEnd | Next::CommaOrEnd, Token::ObjectEnd) if brackets.in_object() => {
                sink.push(b"}")?;
                brackets.pop();
                after_value(&brackets)
            }
            (Next::ElementOrEnd | Next::CommaOrEnd, Token::ArrayEnd) if !brackets.in_object() => {
                sink.push(b"]")?;
                brackets.pop();
                after_value(&brackets)
            }
            _ => return Err(Error::Malformed),
        };
    }
    if next == Next::Nothing { Ok(()) } else { Err(Error::Malformed) }
}

fn checked_scalar(text: &str) -> Result<&str, Error> {
    match text {
        "true" | "false" | "null" => Ok(text),
        _ if is_json(text) => Ok(text),
        _ if is_not_finite(text) => Err(Error::NotFinite),
        _ => Err(Error::Malformed),
    }
}

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Value,
    ElementOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    /// The value is complete.
    Nothing,
}

/// Opens a bracket, where one more can be open: a scanned message is no deeper.
fn open(brackets: &mut Nesting, object: bool) -> Result<(), Error> {
    if brackets.depth() >= MAX_DEPTH {
        return Err(Error::Malformed);
    }
    brackets.push(object);
    Ok(())
}

fn after_value(brackets: &Nesting) -> Next {
    if brackets.depth() == 0 { Next::Nothing } else { Next::CommaOrEnd }
}
