//! Members whose names nobody knows in advance.

use core::fmt;
use core::slice;

use qmp_core::json::{Entries, Value};
use serde::ser::SerializeMap;

use crate::Any;
use crate::form::{ToMembers, Writing, position};

/// The members of an object beside those that have a field: names and values.
///
/// Two are equal if they are the same pairs in the same order.
#[derive(Clone, Copy)]
pub struct Pairs<'a>(Form<'a>);

#[derive(Clone, Copy)]
#[allow(dead_code, reason = "none is received where no chapter with an open object is on")]
enum Form<'a> {
    Given(&'a [(&'a str, Any<'a>)]),
    /// An object, and the members of it that are not among the pairs.
    Received(Value<'a>, &'static [&'static str]),
}

impl<'a> Pairs<'a> {
    /// None at all.
    pub const NONE: Self = Self(Form::Given(&[]));

    /// Pairs to be sent. Names that fields have, too, would stand in the object twice.
    pub const fn new(pairs: &'a [(&'a str, Any<'a>)]) -> Self {
        Self(Form::Given(pairs))
    }

    /// What is in `object` but those that are `known`.
    #[allow(dead_code, reason = "no chapter with an open object may be on")]
    pub(crate) const fn beside(object: Value<'a>, known: &'static [&'static str]) -> Self {
        Self(Form::Received(object, known))
    }

    /// The pairs in their order.
    pub fn iter(&self) -> PairsIter<'a> {
        PairsIter(match self.0 {
            Form::Given(pairs) => Rest::Given(pairs.iter()),
            Form::Received(object, known) => Rest::Received(object.entries(), known),
        })
    }

    /// The value of the first pair named so.
    pub fn get(&self, name: &str) -> Option<Any<'a>> {
        self.iter().find_map(|(it, value)| (it == name).then_some(value))
    }
}

/// The pairs of [`Pairs`].
#[derive(Clone, Debug)]
pub struct PairsIter<'a>(Rest<'a>);

#[derive(Clone, Debug)]
enum Rest<'a> {
    Given(slice::Iter<'a, (&'a str, Any<'a>)>),
    Received(Entries<'a>, &'static [&'static str]),
}

impl<'a> Iterator for PairsIter<'a> {
    type Item = (&'a str, Any<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Rest::Given(pairs) => pairs.next().copied(),
            Rest::Received(entries, known) => entries
                .find(|(name, _)| position(known, name).is_none())
                .map(|(name, value)| (name, Any::Received(value))),
        }
    }
}

impl<'a> IntoIterator for Pairs<'a> {
    type Item = (&'a str, Any<'a>);
    type IntoIter = PairsIter<'a>;

    fn into_iter(self) -> PairsIter<'a> {
        self.iter()
    }
}

impl ToMembers for Pairs<'_> {
    fn write<M: SerializeMap>(&self, object: &mut Writing<'_, M>) {
        for (name, value) in *self {
            object.pair(name, &value);
        }
    }
}

impl Default for Pairs<'_> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<'a> From<&'a [(&'a str, Any<'a>)]> for Pairs<'a> {
    fn from(pairs: &'a [(&'a str, Any<'a>)]) -> Self {
        Self::new(pairs)
    }
}

impl PartialEq for Pairs<'_> {
    fn eq(&self, other: &Self) -> bool {
        let mut others = other.iter();
        self.iter().all(|pair| others.next() == Some(pair)) && others.next().is_none()
    }
}

impl fmt::Debug for Pairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
