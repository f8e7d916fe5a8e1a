//! Arrays and objects on their way out.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant,
};

use super::key::Key;
use super::{Error, Serializer, Sink};

/// An array, or an object whose keys serde knows, between its brackets.
#[derive(Debug)]
pub struct Parts<'s, 'w, S> {
    writer: &'s mut Serializer<'w, S>,
    close: &'static [u8],
    first: bool,
}

impl<'s, 'w, S: Sink> Parts<'s, 'w, S> {
    pub(super) fn open(
        writer: &'s mut Serializer<'w, S>,
        open: &'static [u8],
        close: &'static [u8],
    ) -> Result<Self, Error> {
        writer.push(open)?;
        Ok(Self { writer, close, first: true })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        separate(self.writer, &mut self.first)?;
        self.writer.write(value)
    }

    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        separate(self.writer, &mut self.first)?;
        self.writer.push_str(key)?;
        self.writer.push(b":")?;
        self.writer.write(value)
    }

    fn close(self) -> Result<(), Error> {
        self.writer.push(self.close)
    }
}

/// A comma before every part but the first.
fn separate<S: Sink>(writer: &mut Serializer<'_, S>, first: &mut bool) -> Result<(), Error> {
    if core::mem::take(first) { Ok(()) } else { writer.push(b",") }
}

macro_rules! array {
    ($($trait:ident::$part:ident),*) => {$(
        impl<S: Sink> $trait for Parts<'_, '_, S> {
            type Ok = ();
            type Error = Error;

            fn $part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        }
    )*};
}

macro_rules! object {
    ($($trait:ident),*) => {$(
        impl<S: Sink> $trait for Parts<'_, '_, S> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
                self.member(key, value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        }
    )*};
}

array! {
    SerializeSeq::serialize_element, SerializeTuple::serialize_element, SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
}
object! { SerializeStruct, SerializeStructVariant }

/// An object whose keys are values of a type, between its braces.
#[derive(Debug)]
pub struct Map<'s, 'w, S> {
    writer: &'s mut Serializer<'w, S>,
    first: bool,
    /// A key has been written whose value has not.
    keyed: bool,
}

impl<'s, 'w, S: Sink> Map<'s, 'w, S> {
    pub(super) fn open(writer: &'s mut Serializer<'w, S>) -> Result<Self, Error> {
        writer.push(b"{")?;
        Ok(Self { writer, first: true, keyed: false })
    }

    /// Fails unless a key has been written, or has not, as `keyed` says.
    fn require(&mut self, keyed: bool) -> Result<(), Error> {
        if self.keyed == keyed { Ok(()) } else { self.writer.fail(Error::Unpaired) }
    }
}

impl<S: Sink> SerializeMap for Map<'_, '_, S> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.require(false)?;
        separate(self.writer, &mut self.first)?;
        let result = key.serialize(Key { writer: &mut *self.writer });
        self.writer.note(result)?;
        self.keyed = true;
        self.writer.push(b":")
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.require(true)?;
        self.keyed = false;
        self.writer.write(value)
    }

    fn end(mut self) -> Result<(), Error> {
        self.require(false)?;
        self.writer.push(b"}")
    }
}
