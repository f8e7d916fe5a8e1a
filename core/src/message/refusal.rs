//! What QEMU answers to input that it does not execute: an error class and a description.
//!
//! Clients see these texts, and some match on them, so they are QEMU's own behaviour to the letter, as releases 5.2 to 10.0 were
//! seen to answer. From 11.1 on the descriptions of JSON errors differ and begin with a place.

use core::fmt;

/// Why input was refused, and the error that answers it. Its [`Display`](fmt::Display) is the description that goes out, except that
/// a long [`detail`](Self::detail) may be cut there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Refusal<'m> {
    kind: RefusalKind,
    number: u32,
    detail: &'m str,
}

/// Why input was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
#[non_exhaustive]
pub enum RefusalKind {
    /// JSON, but no object. Without an id.
    #[default]
    NotAnObject,
    /// A member that a command does not have; its name is the detail. `exec-oob` is one while out-of-band execution is off.
    UnexpectedMember,
    /// Neither `execute` nor `exec-oob`.
    NoExecute,
    /// A command's name that is no string; the detail says in which member.
    NameNotString,
    /// Both `execute` and `exec-oob`.
    Clash,
    /// `arguments` that are no object.
    ArgumentsNotObject,
    /// A command, the detail, before `qmp_capabilities`.
    NotNegotiated,
    /// `qmp_capabilities` once more.
    AlreadyNegotiated,
    /// A capability, the detail, that is not offered.
    CapabilityNotAvailable,
    /// `enable` that is no list.
    EnableNotArray,
    /// An element of `enable` that is no string; the number says which.
    EnableNotString,
    /// An argument, the detail, that the command does not have.
    ParameterUnexpected,
    /// A synchronisation without an `id` argument.
    SyncIdMissing,
    /// A synchronisation whose `id` argument is no whole number that fits an `i64`.
    SyncIdNotInteger,
    /// A command, the detail, that cannot be executed out of band.
    NoOutOfBand,
    /// An id longer than the bytes, the number, that are kept for each.
    IdTooLong,
    /// Longer than the receive buffer. With an id if that was kept.
    TooLong,
    /// Nested too deeply. Without an id, as all below.
    TooDeep,
    /// More members than are looked at for duplicates.
    TooManyMembers,
    /// A text, the detail, that begins no token.
    Stray,
    /// A word, the detail, that is not `true`, `false` or `null`.
    Keyword,
    /// A bracket, comma or colon where a value must stand.
    ExpectingValue,
    /// A member's name that is no string.
    KeyNotString,
    /// A member's name without a colon behind it.
    MissingColon,
    /// No comma between two members.
    NoSeparatorInObject,
    /// No comma between two elements.
    NoSeparatorInArray,
    /// A member that stands twice in an object.
    DuplicateKey,
    /// Bytes in a string that are not UTF-8, or one of Unicode's noncharacters.
    InvalidUtf8,
    /// A backslash followed by something that is no escape.
    InvalidEscape,
    /// A `\u`, the detail, that is no character.
    NotUnicode,
}

impl RefusalKind {
    /// The error class.
    pub const fn class(self) -> &'static str {
        match self {
            Self::NotNegotiated | Self::AlreadyNegotiated => COMMAND_NOT_FOUND,
            _ => GENERIC_ERROR,
        }
    }

    /// The description: what stands before the detail or number, and what behind it.
    pub(crate) const fn around(self) -> (&'static str, &'static str) {
        match self {
            Self::NotAnObject => ("QMP input must be a JSON object", ""),
            Self::UnexpectedMember => ("QMP input member '", "' is unexpected"),
            Self::NoExecute => ("QMP input lacks member 'execute'", ""),
            Self::NameNotString => ("QMP input member '", "' must be a string"),
            Self::Clash => ("QMP input member 'execute' clashes with 'exec-oob'", ""),
            Self::ArgumentsNotObject => ("QMP input member 'arguments' must be an object", ""),
            Self::NotNegotiated => ("Expecting capabilities negotiation with 'qmp_capabilities'", ""),
            Self::AlreadyNegotiated => ("Capabilities negotiation is already complete, command ignored", ""),
            Self::CapabilityNotAvailable => ("Capability ", " not available"),
            Self::EnableNotArray => ("Invalid parameter type for 'enable', expected: array", ""),
            Self::EnableNotString => ("Invalid parameter type for 'enable[", "]', expected: string"),
            Self::ParameterUnexpected => ("Parameter '", "' is unexpected"),
            Self::SyncIdMissing => ("Parameter 'id' is missing", ""),
            Self::SyncIdNotInteger => ("Invalid parameter type for 'id', expected: integer", ""),
            Self::NoOutOfBand => ("The command ", " does not support OOB"),
            Self::IdTooLong => ("QMP input member 'id' is longer than ", " bytes"),
            Self::TooLong => ("JSON token size limit exceeded", ""),
            Self::TooDeep => ("JSON nesting depth limit exceeded", ""),
            Self::TooManyMembers => ("JSON token count limit exceeded", ""),
            Self::Stray => ("JSON parse error, stray '", "'"),
            Self::Keyword => ("JSON parse error, invalid keyword '", "'"),
            Self::ExpectingValue => ("JSON parse error, expecting value", ""),
            Self::KeyNotString => ("JSON parse error, key is not a string in object", ""),
            Self::MissingColon => ("JSON parse error, missing : in object pair", ""),
            Self::NoSeparatorInObject => ("JSON parse error, expected separator in dict", ""),
            Self::NoSeparatorInArray => ("JSON parse error, expected separator in list", ""),
            Self::DuplicateKey => ("JSON parse error, duplicate key", ""),
            Self::InvalidUtf8 => ("JSON parse error, invalid UTF-8 sequence in string", ""),
            Self::InvalidEscape => ("JSON parse error, invalid escape sequence in string", ""),
            Self::NotUnicode => ("JSON parse error, ", " is not a valid Unicode character"),
        }
    }

    /// Whether the number belongs into the description.
    const fn has_number(self) -> bool {
        matches!(self, Self::EnableNotString | Self::IdTooLong)
    }
}

pub(crate) const GENERIC_ERROR: &str = "GenericError";
pub(crate) const COMMAND_NOT_FOUND: &str = "CommandNotFound";

impl<'m> Refusal<'m> {
    pub(crate) const fn new(kind: RefusalKind) -> Self {
        Self { kind, number: 0, detail: "" }
    }

    pub(crate) const fn with(kind: RefusalKind, detail: &'m str) -> Self {
        Self { kind, number: 0, detail }
    }

    pub(crate) const fn numbered(kind: RefusalKind, number: u32) -> Self {
        Self { kind, number, detail: "" }
    }

    /// Why.
    pub const fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// The name that [`kind`](Self::kind) speaks of, decoded; empty if it speaks of none.
    pub const fn detail(&self) -> &'m str {
        self.detail
    }

    /// The number that [`kind`](Self::kind) speaks of; 0 if it speaks of none.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The error class: `GenericError` or `CommandNotFound`.
    pub const fn class(&self) -> &'static str {
        self.kind.class()
    }
}

/// The description.
impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, behind) = self.kind.around();
        f.write_str(before)?;
        // A fixed description needs neither.
        if self.kind.has_number() {
            self.number.fmt(f)?;
        } else if !behind.is_empty() {
            f.write_str(self.detail)?;
        }
        f.write_str(behind)
    }
}
