//! The types that a question has yet to see.

use super::Trouble;

/// The longest name of a type that is kept. QEMU's are numbers of four digits, or such in brackets, or words as `number`.
pub(super) const LONGEST: usize = 13;

/// A set of names, each with the step that is to be taken there. Names stay in it when they were seen, so that a schema that
/// goes in circles comes to an end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<const N: usize> {
    names: [Name; N],
    count: usize,
    taken: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    text: [u8; LONGEST],
    length: u8,
    step: u8,
    seen: bool,
}

impl<const N: usize> Wanted<N> {
    pub(super) const NONE: Self =
        Self { names: [Name { text: [0; LONGEST], length: 0, step: 0, seen: false }; N], count: 0, taken: 0 };

    /// Adds a name unless it is there.
    pub(super) fn add(&mut self, name: &str, step: u8) -> Result<(), Trouble> {
        if self.held().iter().any(|held| held.is(name) && held.step == step) {
            return Ok(());
        }
        let mut text = [0; LONGEST];
        for (place, byte) in text.get_mut(..name.len()).ok_or(Trouble::Long)?.iter_mut().zip(name.as_bytes()) {
            *place = *byte;
        }
        let length = u8::try_from(name.len()).map_err(|_| Trouble::Long)?;
        let free = self.names.get_mut(self.count).ok_or(Trouble::Full)?;
        *free = Name { text, length, step, seen: false };
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// The next step to be taken at the type of this name. It counts as taken.
    pub(super) fn take(&mut self, name: &str) -> Option<u8> {
        let held = self.names.get_mut(..self.count).unwrap_or_default();
        let wanted = held.iter_mut().find(|wanted| !wanted.seen && wanted.is(name))?;
        wanted.seen = true;
        self.taken = self.taken.saturating_add(1);
        Some(wanted.step)
    }

    /// How many there are, seen or not.
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// How many of them were seen.
    pub(super) const fn taken(&self) -> usize {
        self.taken
    }

    fn held(&self) -> &[Name] {
        self.names.get(..self.count).unwrap_or_default()
    }
}

impl Name {
    fn is(&self, name: &str) -> bool {
        self.text.get(..self.length.into()) == Some(name.as_bytes())
    }
}
