//! The parts of a container, as serde asks for them one by one.

use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{Deserializer, Error, ErrorKind, visit_bool, visit_i128, visit_u128, visit_whole};

/// The elements of the array that the reader has entered.
pub(super) struct Elements<'r, 'de> {
    reader: &'r mut Deserializer<'de>,
    first: bool,
}

impl<'r, 'de> Elements<'r, 'de> {
    pub(super) fn new(reader: &'r mut Deserializer<'de>) -> Self {
        Self { reader, first: true }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if !another(self.reader, &mut self.first, b']')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

/// The members of the object that the reader has entered.
pub(super) struct Members<'r, 'de> {
    reader: &'r mut Deserializer<'de>,
    first: bool,
}

impl<'r, 'de> Members<'r, 'de> {
    pub(super) fn new(reader: &'r mut Deserializer<'de>) -> Self {
        Self { reader, first: true }
    }
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if !another(self.reader, &mut self.first, b'}')? {
            return Ok(None);
        }
        seed.deserialize(Name { reader: self.reader, otherwise: ErrorKind::Malformed }).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        if !self.reader.passes(b':') {
            self.reader.expect(b':', ErrorKind::Malformed)?;
        }
        seed.deserialize(&mut *self.reader)
    }
}

/// Whether a part comes next and not the bracket, which stays. Goes past the comma before the part.
///
/// A comma is not there either if a type has not read the part before.
fn another(reader: &mut Deserializer<'_>, first: &mut bool, bracket: u8) -> Result<bool, ErrorKind> {
    match reader.peek() {
        Some(byte) if byte == bracket => Ok(false),
        _ if core::mem::take(first) => Ok(true),
        Some(b',') => {
            reader.at = reader.behind();
            Ok(true)
        }
        _ => Err(ErrorKind::Malformed),
    }
}

/// A string in the place of a name: the key of a member, or an enum's variant without content.
pub(super) struct Name<'r, 'de> {
    pub(super) reader: &'r mut Deserializer<'de>,
    /// The error if no string is there.
    pub(super) otherwise: ErrorKind,
}

/// Methods that read what a name spells by `$visit`, which gets its content.
macro_rules! read_content {
    ($($method:ident => $visit:path;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let (content, end) = self.reader.string(self.otherwise)?;
            self.reader.pass(end, $visit(content, visitor))
        }
    )*};
}

impl<'de> serde::Deserializer<'de> for Name<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.reader.read_str(self.otherwise, visitor)
    }

    read_content! {
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
        deserialize_bytes => visit_bytes;
        deserialize_byte_buf => visit_bytes;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self)
    }

    // This `deserialize_any` reads strings only, so it reaches no float parsing.
    forward_to_deserialize_any! {
        f32 f64 char str string unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

fn visit_bytes<'de, V: Visitor<'de>>(content: &'de str, visitor: V) -> Result<V::Value, Error> {
    visitor.visit_borrowed_bytes(content.as_bytes())
}

impl<'de> EnumAccess<'de> for Name<'_, 'de> {
    type Error = Error;
    type Variant = NoContent;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, NoContent), Error> {
        Ok((seed.deserialize(self)?, NoContent))
    }
}

/// What follows the name of a variant that stands alone.
pub(super) struct NoContent;

impl<'de> VariantAccess<'de> for NoContent {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Error> {
        Err(ErrorKind::ExpectedObject.into())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(ErrorKind::ExpectedObject.into())
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Error> {
        Err(ErrorKind::ExpectedObject.into())
    }
}

/// A variant with content: the one member of the object that the reader has entered.
pub(super) struct Content<'r, 'de> {
    pub(super) reader: &'r mut Deserializer<'de>,
}

impl<'de> EnumAccess<'de> for Content<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let variant = seed.deserialize(Name { reader: &mut *self.reader, otherwise: ErrorKind::ExpectedEnum })?;
        self.reader.expect(b':', ErrorKind::Malformed)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Content<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        self.reader.at = self.reader.null().ok_or(ErrorKind::ExpectedNull)?;
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.reader.read_array(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        serde::Deserializer::deserialize_struct(self.reader, "", fields, visitor)
    }
}
