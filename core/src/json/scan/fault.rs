//! Why a byte stream stopped being JSON.

use core::fmt;

/// Why bytes are not JSON, or not JSON that is accepted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reason {
    /// A byte that can begin no token, or a token where another one must stand.
    UnexpectedByte,
    /// A text between messages that is not the `{` of a message.
    NotAnObject,
    /// A raw control character (below 0x20) inside a string.
    ControlCharacter,
    /// A backslash followed by something that is no escape, or `\u` without four hexadecimal digits.
    BadEscape,
    /// `\uD800` to `\uDFFF` that is not half of a pair.
    LoneSurrogate,
    /// Bytes that are not UTF-8.
    BadUtf8,
    /// A code point that QEMU's own parser refuses: U+FFFE, U+FDD0 and their like. Input dialect only.
    Noncharacter,
    /// A number that breaks off, or that has a leading zero.
    BadNumber,
    /// A word other than `true`, `false`, `null`.
    BadWord,
    /// A bracket that closes the other kind, or closes nothing.
    UnmatchedBracket,
    /// A member that this reader looks for stands twice in the message.
    DuplicateMember,
    /// A line ended inside a message, while [`Framing::Lines`](crate::frame::Framing::Lines) was asked for.
    LineEnd,
    /// The byte 0xFF inside a message: the peer starts anew.
    Interrupted,
    /// The text ended before the value did.
    UnexpectedEnd,
    /// Something other than white space follows the value.
    TrailingText,
    /// More nested arrays and objects than the limit.
    TooDeep,
}

impl Reason {
    /// The reason in words, lower case, without a full stop.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnexpectedByte => "unexpected byte",
            Self::NotAnObject => "text between messages",
            Self::ControlCharacter => "raw control character in a string",
            Self::BadEscape => "invalid escape in a string",
            Self::LoneSurrogate => "lone surrogate in a string",
            Self::BadUtf8 => "invalid UTF-8",
            Self::Noncharacter => "noncharacter in a string",
            Self::BadNumber => "invalid number",
            Self::BadWord => "unknown word",
            Self::UnmatchedBracket => "unmatched bracket",
            Self::DuplicateMember => "duplicate member",
            Self::LineEnd => "line ends inside a message",
            Self::Interrupted => "0xFF inside a message",
            Self::UnexpectedEnd => "text ends inside a value",
            Self::TrailingText => "text behind the value",
            Self::TooDeep => "nested too deeply",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where and why a text is not JSON. Returned by [`check`](super::check).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Error {
    /// Index of the first byte that cannot be part of a JSON text; the text's length if it ends too early.
    pub at: usize,
    /// What is wrong there.
    pub reason: Reason,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.reason, self.at)
    }
}

impl core::error::Error for Error {}
