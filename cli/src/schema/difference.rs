//! One difference between what runs and a release.

use core::fmt;

use crate::output::Line;

/// A line of the comparison.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) mark: Mark,
    /// The command or the event that it is found below, first of all.
    pub(super) of: String,
    /// All that is said of it.
    pub(super) text: String,
    /// What of QEMU's build may be the reason.
    pub(super) condition: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// This QEMU has it, the release does not.
    More,
    /// The release has it, this QEMU does not.
    Less,
    /// Both have it, each in its way.
    Other,
}

impl Mark {
    const fn text(self) -> &'static str {
        match self {
            Self::More => "+",
            Self::Less => "-",
            Self::Other => "~",
        }
    }
}

impl Difference {
    /// It as a JSON object on one line.
    pub(super) fn json(&self) -> Vec<u8> {
        let mut object = Line::default();
        object.member("mark", self.mark.text());
        object.member("name", &self.of);
        object.member("line", &self.text);
        if let Some(condition) = self.condition {
            object.member("if", condition);
        }
        object.finish()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.mark.text(), self.text)?;
        match self.condition {
            Some(condition) => write!(f, " (if {condition})"),
            None => Ok(()),
        }
    }
}
