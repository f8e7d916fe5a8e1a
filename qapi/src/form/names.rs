//! Names looked up in tables, so that a definition costs a table and not a comparison in code for each of its names.

use core::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, Visitor};

/// Where names stand in their table, by a few of their bytes: looking for a name does not go through all of them.
///
/// It costs memory for each definition, so bare metal does without.
#[derive(Debug)]
pub(crate) struct Index {
    names: &'static [&'static str],
    #[cfg(not(target_os = "none"))]
    places: [u8; PLACES],
}

/// Twice as many as there may be names.
#[cfg(not(target_os = "none"))]
const PLACES: usize = 128;
/// A place that is free.
#[cfg(not(target_os = "none"))]
const FREE: u8 = u8::MAX;

#[cfg(target_os = "none")]
impl Index {
    pub(crate) const fn of(names: &'static [&'static str]) -> Self {
        Self { names }
    }

    fn position(&self, name: &str) -> Option<usize> {
        position(self.names, name)
    }
}

#[cfg(not(target_os = "none"))]
impl Index {
    pub(crate) const fn of(names: &'static [&'static str]) -> Self {
        assert!(names.len() < PLACES, "a place is free, so that every search ends");
        let mut places = [FREE; PLACES];
        let mut number = 0;
        while number < names.len() {
            let mut place = Self::place(names[number].as_bytes());
            while places[place] != FREE {
                place = (place + 1) % PLACES;
            }
            places[place] = number as u8;
            number += 1;
        }
        Self { names, places }
    }

    /// Where the search for a name begins.
    #[inline]
    const fn place(name: &[u8]) -> usize {
        let length = name.len();
        if length == 0 {
            return 0;
        }
        let (first, middle, last) = (name[0] as usize, name[length / 2] as usize, name[length - 1] as usize);
        length.wrapping_mul(37).wrapping_add(first * 5 + middle * 11 + last * 3) % PLACES
    }

    #[inline]
    fn position(&self, name: &str) -> Option<usize> {
        let mut place = Self::place(name.as_bytes());
        loop {
            let number = usize::from(self.places[place]);
            // What is free is the number of no name.
            if self.names.get(number)?.as_bytes() == name.as_bytes() {
                return Some(number);
            }
            place = (place + 1) % PLACES;
        }
    }
}

impl Index {
    /// The name with this number.
    pub(crate) fn name(&self, number: usize) -> &'static str {
        self.names.get(number).copied().unwrap_or_default()
    }
}

/// Where `name` stands in `names`.
pub(crate) fn position(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|it| *it == name)
}

/// Reads the name of a member: its position among those known, `None` if it is another.
pub(crate) struct Name(pub(crate) &'static Index);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.position(name))
    }
}
