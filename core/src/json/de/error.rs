//! Why a type could not be read.

use core::fmt;

use serde::de::{Expected, Unexpected};

/// Why a type could not be read from a value: what is wrong, where, and with which member.
///
/// 16 bytes, and made without `core::fmt`: what serde would format is told by the [kind](Self::kind), and a name is kept
/// up to its first ten bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// Where: `u32::MAX` is "not known".
    at: u32,
    kind: ErrorKind,
    /// The bytes of the name that are kept. The high bit says that there are more.
    name_len: u8,
    name: [u8; NAME],
}

const NAME: usize = 10;
const CUT: u8 = 0x80;
const UNKNOWN: u32 = u32::MAX;

/// What is wrong with a value for the type it is read into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ErrorKind {
    /// `null` is expected.
    ExpectedNull,
    /// `true` or `false` is expected.
    ExpectedBool,
    /// A number without fraction and exponent is expected.
    ExpectedInteger,
    /// A number is expected.
    ExpectedNumber,
    /// A string is expected.
    ExpectedString,
    /// An array is expected.
    ExpectedArray,
    /// An object is expected.
    ExpectedObject,
    /// The name of a variant is expected, or an object with that one member.
    ExpectedEnum,
    /// The value's JSON type is none that the caller's type takes.
    WrongType,
    /// The number is beyond the range of its type.
    NumberOutOfRange,
    /// The value has the right type, but the caller's type refuses it.
    InvalidValue,
    /// An object lacks the member named.
    MissingMember,
    /// An object has the member named, which the type refuses.
    UnknownMember,
    /// An object has the member named twice.
    DuplicateMember,
    /// An enum has no variant of the name.
    UnknownVariant,
    /// An array or an object has more or fewer parts than the type takes.
    Length,
    /// The types nest deeper than [`Deserializer::depth`](super::Deserializer::depth) allows.
    TooDeep,
    /// The text is no JSON. No value from a message is so, only one forged by another deserializer.
    Malformed,
    /// The caller's type says so. Its message is not kept.
    Custom,
}

impl Error {
    /// What is wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where in the text of the value it was found: for a payload the bytes before it, counted in the raw JSON.
    /// [`Value::decode`](crate::json::Value::decode) fills this in.
    pub const fn offset(&self) -> Option<u32> {
        if self.at == UNKNOWN { None } else { Some(self.at) }
    }

    /// The name of the member or variant in question, cut off after ten bytes.
    pub fn name(&self) -> Option<&str> {
        let name = self.name.get(..usize::from(self.name_len & !CUT))?;
        core::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    /// The same error, found at `offset`.
    #[cold]
    pub(crate) fn at(self, offset: usize) -> Self {
        Self { at: u32::try_from(offset).unwrap_or(UNKNOWN), ..self }
    }

    #[cold]
    fn named(kind: ErrorKind, name: &str) -> Self {
        // A character is kept whole or not at all.
        let len = (0..=NAME).rev().find(|&len| name.is_char_boundary(len)).unwrap_or(0);
        let mut error = Self::from(kind);
        for (to, from) in error.name.iter_mut().zip(name.bytes().take(len)) {
            *to = from;
        }
        error.name_len = name.len().min(len) as u8 | if name.len() > len { CUT } else { 0 };
        error
    }
}

impl From<ErrorKind> for Error {
    #[cold]
    fn from(kind: ErrorKind) -> Self {
        Self { at: UNKNOWN, kind, name_len: 0, name: [0; NAME] }
    }
}

// Every method is here, so that none of serde's own, which format, is linked.
impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(_: T) -> Self {
        ErrorKind::Custom.into()
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        ErrorKind::WrongType.into()
    }

    fn invalid_value(found: Unexpected<'_>, _: &dyn Expected) -> Self {
        match found {
            Unexpected::Signed(_) | Unexpected::Unsigned(_) | Unexpected::Float(_) => ErrorKind::NumberOutOfRange,
            _ => ErrorKind::InvalidValue,
        }
        .into()
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        ErrorKind::Length.into()
    }

    fn unknown_variant(variant: &str, _: &'static [&'static str]) -> Self {
        Self::named(ErrorKind::UnknownVariant, variant)
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::named(ErrorKind::UnknownMember, field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::named(ErrorKind::MissingMember, field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::named(ErrorKind::DuplicateMember, field)
    }
}

impl core::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.text())?;
        if let Some(name) = self.name() {
            let more = if self.name_len & CUT != 0 { "..." } else { "" };
            write!(f, " `{name}{more}`")?;
        }
        match self.offset() {
            Some(offset) => write!(f, " at byte {offset}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Error");
        shown.field("kind", &self.kind).field("offset", &self.offset());
        if let Some(name) = self.name() {
            shown.field("name", &name);
        }
        shown.finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Error {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{} {=str} at {}", self.kind, self.name().unwrap_or_default(), self.offset());
    }
}

impl ErrorKind {
    const fn text(self) -> &'static str {
        match self {
            Self::ExpectedNull => "expected null",
            Self::ExpectedBool => "expected true or false",
            Self::ExpectedInteger => "expected a whole number",
            Self::ExpectedNumber => "expected a number",
            Self::ExpectedString => "expected a string",
            Self::ExpectedArray => "expected an array",
            Self::ExpectedObject => "expected an object",
            Self::ExpectedEnum => "expected the name of a variant",
            Self::WrongType => "value of another JSON type than expected",
            Self::NumberOutOfRange => "number out of range",
            Self::InvalidValue => "invalid value",
            Self::MissingMember => "missing member",
            Self::UnknownMember => "unknown member",
            Self::DuplicateMember => "duplicate member",
            Self::UnknownVariant => "unknown variant",
            Self::Length => "too many or too few parts",
            Self::TooDeep => "types nested too deep",
            Self::Malformed => "malformed value",
            Self::Custom => "value refused by its type",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
