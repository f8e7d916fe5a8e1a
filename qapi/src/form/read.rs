//! Reading, as far as it is the same for all definitions of a form: one visitor for objects, one for what is looked at before
//! it is read. A definition brings a function only.

use core::fmt;
use core::marker::PhantomData;

use qmp_core::json::de::again;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, Expected, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Name;

/// What is read from the members of an object.
pub(crate) trait FromMembers<'de>: Sized {
    /// The names of the members known.
    const NAMES: &'static [&'static str];

    /// Reads the members that are left.
    fn from_members<M: MapAccess<'de>>(object: &mut M) -> Result<Self, M::Error>;
}

/// Reads an object.
pub(crate) fn object<'de, D: Deserializer<'de>, T: FromMembers<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_struct("", T::NAMES, Read(PhantomData))
}

/// Reads an object, or `null` as an empty one: where an event has no data, a command no arguments.
pub(crate) fn object_or_null<'de, D: Deserializer<'de>, T: FromMembers<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_option(Read(PhantomData))
}

/// The name of the next member, as its position among `names`, or `None` at the end. Members unknown are passed over.
pub(crate) fn next_known<'de, M: MapAccess<'de>>(
    object: &mut M,
    names: &'static [&'static str],
) -> Result<Option<usize>, M::Error> {
    while let Some(index) = object.next_key_seed(Name(names))? {
        if index.is_some() {
            return Ok(index);
        }
        object.next_value::<IgnoredAny>()?;
    }
    Ok(None)
}

/// Reads the value of the member `name` to its place.
pub(crate) fn place<'de, M: MapAccess<'de>, T: Deserialize<'de>>(
    object: &mut M,
    place: &mut Option<T>,
    name: &'static str,
) -> Result<(), M::Error> {
    if place.is_some() {
        return Err(M::Error::duplicate_field(name));
    }
    *place = Some(object.next_value()?);
    Ok(())
}

/// The value read, or an error that it is missing.
pub(crate) fn member<T, E: Error>(place: Option<T>, name: &'static str) -> Result<T, E> {
    place.ok_or_else(|| missing(name))
}

/// The error that a member is missing.
pub(crate) fn missing<E: Error>(name: &'static str) -> E {
    E::missing_field(name)
}

struct Read<T>(PhantomData<T>);

impl<'de, T: FromMembers<'de>> Visitor<'de> for Read<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Expected::fmt(&Other, f)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut object: M) -> Result<T, M::Error> {
        T::from_members(&mut object)
    }

    fn visit_none<E: Error>(self) -> Result<T, E> {
        T::from_members(&mut NoMembers(PhantomData))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        object(deserializer)
    }
}

/// An object without members.
struct NoMembers<E>(PhantomData<E>);

impl<'de, E: Error> MapAccess<'de> for NoMembers<E> {
    type Error = E;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, E> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, _: V) -> Result<V::Value, E> {
        Err(E::invalid_length(0, &Other))
    }
}

/// What is read from a value after a look at it.
pub(crate) trait FromValue<'de>: Sized {
    /// Reads the value, which comes again and again.
    fn from_value<V: SeqAccess<'de>>(value: &mut V) -> Result<Self, V::Error>;
}

/// Reads a value that has to be looked at first.
pub(crate) fn value<'de, D: Deserializer<'de>, T: FromValue<'de>>(deserializer: D) -> Result<T, D::Error> {
    again(deserializer, Look(PhantomData))
}

/// The value once more, as another type.
pub(crate) fn next<'de, V: SeqAccess<'de>, T: Deserialize<'de>>(value: &mut V) -> Result<T, V::Error> {
    value.next_element()?.ok_or_else(|| V::Error::invalid_length(0, &Other))
}

struct Look<T>(PhantomData<T>);

impl<'de, T: FromValue<'de>> Visitor<'de> for Look<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Expected::fmt(&Other, f)
    }

    fn visit_seq<V: SeqAccess<'de>>(self, mut value: V) -> Result<T, V::Error> {
        T::from_value(&mut value)
    }
}

/// What an error expects. Errors of qmp-core keep their kind, not this text.
pub(crate) struct Other;

impl Expected for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of another form, read by qmp-core")
    }
}
