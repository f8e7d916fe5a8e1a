//! Where and why a value does not fit.

use core::fmt;

use qmp_core::json::{Kind, Value};

use super::definition::{Enum, Type};
use super::release::Absence;

/// A place in a value: `arguments.actions[3].data.name`.
///
/// It lives on the stack of the check that found it. To keep it, write it down.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Path<'p> {
    before: Option<&'p Self>,
    step: Step<'p>,
    depth: u8,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Step<'p> {
    Whole,
    Member(&'p str),
    Element(usize),
}

impl<'p> Path<'p> {
    /// How many steps a path has at most.
    pub const MOST: u8 = 128;

    /// A whole message, which has no name: its members begin a path.
    pub const WHOLE: Self = Self { before: None, step: Step::Whole, depth: 0 };

    /// The member of a message where a check begins.
    pub const fn root(name: &'p str) -> Self {
        Self { before: None, step: Step::Member(name), depth: 1 }
    }

    /// The member `name` of what is here.
    pub const fn member(&'p self, name: &'p str) -> Self {
        self.then(Step::Member(name))
    }

    /// The element at `index` of what is here.
    pub const fn element(&'p self, index: usize) -> Self {
        self.then(Step::Element(index))
    }

    const fn then(&'p self, step: Step<'p>) -> Self {
        Self { before: Some(self), step, depth: self.depth.saturating_add(1) }
    }

    pub(super) const fn is_too_deep(&self) -> bool {
        self.depth > Self::MOST
    }
}

/// Members behind dots, or in brackets and quotes where that could be misread; elements in brackets.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = self.before {
            fmt::Display::fmt(before, f)?;
        }
        match self.step {
            Step::Whole => Ok(()),
            Step::Element(index) => write!(f, "[{index}]"),
            Step::Member(name) if !is_plain(name) => write!(f, "[{name:?}]"),
            Step::Member(name) if self.before.is_none_or(|before| matches!(before.step, Step::Whole)) => {
                f.write_str(name)
            }
            Step::Member(name) => write!(f, ".{name}"),
        }
    }
}

/// As all names of QMP but two are.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// One place of a value, and why it does not fit there.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Misfit<'m> {
    /// Where.
    pub path: &'m Path<'m>,
    /// Why.
    pub reason: Reason,
    /// What stands there; nothing where a member is missing.
    pub found: Option<Value<'m>>,
}

/// `PATH: REASON`, and the value where that is what is wrong.
impl fmt::Display for Misfit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)?;
        match self.found {
            Some(found) if self.reason.is_about_value() => write!(f, ": {}", Short(found)),
            _ => Ok(()),
        }
    }
}

/// Why something does not fit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reason {
    /// No release has a member of this name here.
    UnknownMember,
    /// This release does not have the member.
    Member(Absence),
    /// The object has the member twice.
    Twice,
    /// A member that the release does not leave out is missing.
    Missing,
    /// The value is of another type.
    Mistyped {
        /// What it is to be.
        expected: Type,
        /// What it is.
        found: Kind,
    },
    /// A number with a fraction or an exponent.
    NotWhole {
        /// What it is to be.
        expected: Type,
    },
    /// A number that the type does not reach.
    OutOfRange {
        /// What it is to be.
        expected: Type,
    },
    /// No release has this value.
    UnknownValue {
        /// What it is to be a value of.
        of: &'static str,
    },
    /// This release does not have the value, or does not have it here.
    Value {
        /// What it is to be a value of.
        of: &'static str,
        /// Why not.
        absence: Absence,
    },
    /// This release does not have this alternative.
    Alternative {
        /// What it is to be a value of.
        of: &'static str,
        /// Why not.
        absence: Absence,
    },
    /// Deeper than [`Path::MOST`]: what lies there was not looked at.
    TooDeep,
}

impl Reason {
    pub(super) const fn unknown_value(of: &Enum) -> Self {
        Self::UnknownValue { of: of.name }
    }

    /// Whether it helps to see the value.
    const fn is_about_value(self) -> bool {
        matches!(
            self,
            Self::NotWhole { .. }
                | Self::OutOfRange { .. }
                | Self::UnknownValue { .. }
                | Self::Value { .. }
                | Self::Alternative { .. }
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownMember => f.write_str("unknown member"),
            Self::Member(absence) => write!(f, "member {absence}"),
            Self::Twice => f.write_str("member stands twice"),
            Self::Missing => f.write_str("missing"),
            Self::Mistyped { expected, found } => write!(f, "{} in place of {expected}", name_of(*found)),
            Self::NotWhole { expected } => write!(f, "no whole number, as {expected} is"),
            Self::OutOfRange { expected } => write!(f, "beyond {expected}"),
            Self::UnknownValue { of } => write!(f, "no value of {of}"),
            Self::Value { of, absence } => write!(f, "value of {of} {absence}"),
            Self::Alternative { of, absence } => write!(f, "in place of {of} {absence}"),
            Self::TooDeep => f.write_str("too deep to be looked at"),
        }
    }
}

const fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "a flag",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "an array",
        Kind::Object => "an object",
    }
}

/// The beginning of a value's JSON.
struct Short<'v>(Value<'v>);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Cut<'s, 'f> {
            to: &'s mut fmt::Formatter<'f>,
            room: usize,
        }
        impl fmt::Write for Cut<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                let end = text.char_indices().nth(self.room).map_or(text.len(), |(end, _)| end);
                let shown = text.get(..end).unwrap_or_default();
                self.to.write_str(shown)?;
                self.room = self.room.saturating_sub(shown.chars().fold(0, |count, _| count.saturating_add(1)));
                if end < text.len() { Err(fmt::Error) } else { Ok(()) }
            }
        }
        let mut cut = Cut { to: f, room: 60 };
        // An error is a value that was cut, or that of `f`, which the next write repeats.
        let whole = fmt::write(&mut cut, format_args!("{}", self.0)).is_ok();
        if whole { Ok(()) } else { f.write_str("…") }
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    use qmp_core::json::Payload;

    use super::*;

    #[test]
    fn paths_as_people_write_them() {
        let root = Path::root("arguments");
        let actions = root.member("actions");
        let third = actions.element(3);
        let data = third.member("data");
        assert_eq!(data.member("node-name").to_string(), "arguments.actions[3].data.node-name");
        assert_eq!((root.to_string(), Path::WHOLE.member("id").to_string()), ("arguments".into(), "id".into()));
        assert_eq!(root.member("a.b\n").to_string(), "arguments[\"a.b\\n\"]");
        assert_eq!(root.member("").to_string(), "arguments[\"\"]");
    }

    #[test]
    fn long_values_are_cut() {
        let root = Path::root("x");
        let shown = |text: &str| {
            let mut bytes: Vec<u8> = text.into();
            let found = Payload::parse(&mut bytes).unwrap().into_value();
            Misfit { path: &root, reason: Reason::UnknownValue { of: "E" }, found: Some(found) }.to_string()
        };
        assert_eq!(shown("\"a\\n\""), "x: no value of E: \"a\\n\"");
        assert_eq!(shown(&format!("\"{}\"", "é".repeat(58))), format!("x: no value of E: \"{}\"", "é".repeat(58)));
        let long: String = "é".repeat(70);
        assert_eq!(shown(&format!("\"{long}\"")), format!("x: no value of E: \"{}…", "é".repeat(59)));
    }
}
