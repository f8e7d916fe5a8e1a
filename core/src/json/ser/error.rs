//! Why a value could not be written.

use core::fmt;

use super::Full;

/// Why a value could not be written as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The sink has no room for it.
    Full,
    /// Bytes (`serialize_bytes`) have no form in JSON.
    Bytes,
    /// A key of a map is no string.
    KeyNotString,
    /// NaN and infinities have no form in JSON, also where QEMU sent them.
    NotFinite,
    /// A type wrote a map's key without a value, or a value without a key.
    Unpaired,
    /// A [`Value`](crate::json::Value) holds no JSON. None from a message is so, only one forged by another
    /// deserializer.
    Malformed,
    /// The writer chosen lacks a form for it. Only serde-json-core, a feature, lacks any.
    Unsupported,
    /// The caller's type says so. Its message is not kept.
    Custom,
}

impl From<Full> for Error {
    fn from(Full: Full) -> Self {
        Self::Full
    }
}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Custom
    }
}

impl core::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "no room for the value",
            Self::Bytes => "bytes have no form in JSON",
            Self::KeyNotString => "the key of a map is no string",
            Self::NotFinite => "not a finite number",
            Self::Unpaired => "key without value, or value without key",
            Self::Malformed => "malformed value",
            Self::Unsupported => "no form for it in the writer chosen",
            Self::Custom => "value refused by its type",
        })
    }
}
