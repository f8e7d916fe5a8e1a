//! Members whose type contains itself.

use core::fmt;
use core::marker::PhantomData;

use qmp_core::json::{Path, Paths};
use qmp_core::json::{Value, de};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::form::Blank;

/// A `T` within a `T`: a reference to the caller's, to be sent, or the value of a message, read when it is asked for.
///
/// It is how a type contains itself without an allocator, and why reading takes no more stack however deep a message nests:
/// [`get`](Self::get) goes one level down.
///
/// Two are equal if what they hold is; what cannot be read is equal to nothing. Of two received ones nothing is read, however deep
/// they nest: they are equal if they are the same JSON, with the same members in the same order, those that `T` does not know
/// included.
///
/// A received one is read by the reader of qmp-core and written by its writer; any other format gets an error that says so.
#[derive(Clone, Copy)]
pub struct Nested<'a, T>(Form<'a, T>);

#[derive(Clone, Copy)]
enum Form<'a, T> {
    Given(&'a T),
    Received(Value<'a>, PhantomData<&'a T>),
}

impl<'a, T> Nested<'a, T> {
    /// One to be sent.
    pub const fn new(inner: &'a T) -> Self {
        Self(Form::Given(inner))
    }
}

impl<'a, T: Copy + Deserialize<'a>> Nested<'a, T> {
    /// What it holds. A received one is read anew at each call.
    ///
    /// # Errors
    ///
    /// What was received is no `T`.
    pub fn get(&self) -> Result<T, de::Error> {
        match self.0 {
            Form::Given(inner) => Ok(*inner),
            Form::Received(value, _) => value.decode(),
        }
    }
}

impl<'a, T> From<&'a T> for Nested<'a, T> {
    fn from(inner: &'a T) -> Self {
        Self::new(inner)
    }
}

impl<'a, T: Copy + Deserialize<'a> + PartialEq> PartialEq for Nested<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Form::Received(one, _), Form::Received(other, _)) => one == other,
            // No deeper than the given one.
            _ => matches!((self.get(), other.get()), (Ok(one), Ok(other)) if one == other),
        }
    }
}

impl<'a, T: Copy + Deserialize<'a> + fmt::Debug> fmt::Debug for Nested<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Ok(inner) => inner.fmt(f),
            Err(error) => error.fmt(f),
        }
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for Nested<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(Form::Received(value, PhantomData)))
    }
}

impl<T: Serialize> Serialize for Nested<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Form::Given(inner) => inner.serialize(serializer),
            Form::Received(value, _) => value.serialize(serializer),
        }
    }
}

impl<T> Blank for Nested<'_, T> {
    const BLANK: Self = Self(Form::Received(Value::NULL, PhantomData));
}

impl<T: Paths> Paths for Nested<'_, T> {
    const PATHS: &'static [Path] = T::PATHS;
}
