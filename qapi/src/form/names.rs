//! Names looked up in tables, so that a definition costs a table and not a comparison in code for each of its names.

use core::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, Visitor};

/// Where `name` stands in `names`.
pub(crate) fn position(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|it| *it == name)
}

/// Reads the name of a member: its position among those known, `None` if it is another.
pub(crate) struct Name(pub(crate) &'static [&'static str]);

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
        Ok(position(self.0, name))
    }
}
