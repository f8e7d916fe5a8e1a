//! What was decoded, in numbers.

use core::fmt;

/// How many lines there were of each kind, in the order in which the kinds first appeared.
#[derive(Debug, Default)]
pub(super) struct Tally {
    bytes: u64,
    kinds: Vec<(&'static str, u64)>,
}

impl Tally {
    pub(super) fn received(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub(super) fn count(&mut self, kind: &'static str) {
        match self.kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.kinds.push((kind, 1)),
        }
    }

    /// Whether every byte belonged to a message.
    pub(super) fn is_sound(&self) -> bool {
        self.kinds.iter().all(|(kind, _)| !["malformed", "incomplete"].contains(kind))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes)?;
        for (at, (kind, count)) in self.kinds.iter().enumerate() {
            write!(f, "{}{count} {kind}", if at == 0 { ": " } else { ", " })?;
        }
        Ok(())
    }
}
