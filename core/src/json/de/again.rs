//! Reading one value several times, which serde has no word for.

use serde::de::{DeserializeSeed, SeqAccess, Visitor};

use super::{Deserializer, Error};

/// The name of the newtype by which [`again`] is asked for.
pub(super) const AGAIN: &str = "$qmp_core::json::de::again";

/// Shows `visitor` the value that comes next as often as it asks for an element: a sequence without an end, each element of
/// which is the same value, to be read as another type.
///
/// So a type can look at a value before it decides what to read it as: at the tag of a union, wherever in the object that
/// stands, or at the JSON type of an alternate. Each reading is one more pass over the value; errors keep their offsets, and
/// the depth of types counts on. The visitor must ask for an element once at least.
///
/// ```
/// use core::fmt;
///
/// use qmp_core::json::{Payload, Value, de};
/// use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
///
/// #[derive(Debug, PartialEq)]
/// enum Reference<'a> {
///     Name(&'a str),
///     Number(u32),
/// }
///
/// impl<'de: 'a, 'a> Deserialize<'de> for Reference<'a> {
///     fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
///         struct ByType;
///         impl<'de> Visitor<'de> for ByType {
///             type Value = Reference<'de>;
///             fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///                 f.write_str("a name or a number")
///             }
///             fn visit_seq<A: SeqAccess<'de>>(self, mut value: A) -> Result<Reference<'de>, A::Error> {
///                 let missing = || A::Error::missing_field("reference");
///                 let seen: Value<'de> = value.next_element()?.ok_or_else(missing)?;
///                 if let Some(name) = seen.as_str() {
///                     return Ok(Reference::Name(name));
///                 }
///                 value.next_element()?.map(Reference::Number).ok_or_else(missing)
///             }
///         }
///         de::again(deserializer, ByType)
///     }
/// }
///
/// let mut text = *br#"["disk0", 7]"#;
/// let read: (Reference<'_>, Reference<'_>) = Payload::parse(&mut text)?.decode()?;
/// assert_eq!(read, (Reference::Name("disk0"), Reference::Number(7)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of the visitor. With any deserializer but [ours](Deserializer) the visitor's error for a newtype.
pub fn again<'de, D: serde::Deserializer<'de>, V: Visitor<'de>>(
    deserializer: D,
    visitor: V,
) -> Result<V::Value, D::Error> {
    deserializer.deserialize_newtype_struct(AGAIN, visitor)
}

/// The value at which the reader stands, as a sequence of itself.
pub(super) struct Again<'r, 'de> {
    pub(super) reader: &'r mut Deserializer<'de>,
    pub(super) start: usize,
}

impl<'de> SeqAccess<'de> for Again<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.reader.at = self.start;
        seed.deserialize(&mut *self.reader).map(Some)
    }
}
