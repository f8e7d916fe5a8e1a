//! Writing, as far as it is the same for all definitions of a form.

use core::fmt;

use qmp_core::json::ser::{Full, Serializer as Writer, Sink};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// What has members, which can be written into an object among others.
pub(crate) trait Members {
    /// Writes the members that are there.
    fn write<M: SerializeMap>(&self, object: &mut M) -> Result<(), M::Error>;
}

/// Writes one member.
pub(crate) fn entry<M: SerializeMap, T: Serialize>(object: &mut M, name: &str, value: &T) -> Result<(), M::Error> {
    object.serialize_entry(name, value)
}

/// Writes one member if it is there.
pub(crate) fn entry_if<M: SerializeMap, T: Serialize>(
    object: &mut M,
    name: &str,
    value: &Option<T>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => entry(object, name, value),
        None => Ok(()),
    }
}

/// Writes the members as an object.
pub(crate) fn whole<S: Serializer, T: Members>(of: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(None)?;
    of.write(&mut object)?;
    object.end()
}

/// Shows what it is on the wire.
pub(crate) fn show<T: Serialize>(it: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut sink = Shown(f);
    match it.serialize(&mut Writer::new(&mut sink)) {
        Ok(()) => Ok(()),
        // What is no JSON, NaN for one, breaks off here. A formatter's own error comes again with the next text.
        Err(error) => write!(f, " ({error})"),
    }
}

/// A formatter as the end of the writer, which hands over whole characters.
struct Shown<'s, 'f>(&'s mut fmt::Formatter<'f>);

impl Sink for Shown<'_, '_> {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let text = core::str::from_utf8(bytes).map_err(|_| Full)?;
        self.0.write_str(text).map_err(|_| Full)
    }
}
