//! Writing, as far as it is the same for all definitions of a form.

use core::{fmt, slice};

use qmp_core::json::ser::{Full, Serializer as Writer, Sink};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// What has members, which can be written into an object among others.
pub(crate) trait ToMembers {
    /// Writes the members that are there.
    fn write<M: SerializeMap>(&self, object: &mut Writing<'_, M>);
}

/// Writes the members as an object.
pub(crate) fn whole<S: Serializer, T: ToMembers>(of: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_map(None)?;
    let mut writing = Writing { object: &mut object, names: [].iter(), outcome: Ok(()) };
    of.write(&mut writing);
    match writing.outcome {
        Ok(()) => object.end(),
        Err(error) => Err(error),
    }
}

/// An object on its way out. Nothing is written after an error.
pub(crate) struct Writing<'m, M: SerializeMap> {
    object: &'m mut M,
    /// The names of the members that come next.
    names: slice::Iter<'static, &'static str>,
    outcome: Result<(), M::Error>,
}

impl<M: SerializeMap> Writing<'_, M> {
    /// Says how the members that follow are named.
    pub(crate) fn named(&mut self, names: &'static [&'static str]) {
        self.names = names.iter();
    }

    /// Writes the next member.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn write<T: Serialize>(&mut self, value: &T) {
        let name = self.name();
        self.pair(name, value);
    }

    /// Writes the next member if it is there.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn write_some<T: Serialize>(&mut self, value: &Option<T>) {
        let name = self.name();
        if let Some(value) = value {
            self.pair(name, value);
        }
    }

    /// Writes a member.
    pub(crate) fn pair<T: Serialize>(&mut self, name: &str, value: &T) {
        if self.outcome.is_ok() {
            self.outcome = self.object.serialize_entry(name, value);
        }
    }

    fn name(&mut self) -> &'static str {
        self.names.next().copied().unwrap_or_default()
    }
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
