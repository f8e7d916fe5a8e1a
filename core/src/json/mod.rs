//! JSON: scanning, values, serde. Knows nothing of QMP.
pub mod scan;

pub mod de;
#[cfg(test)]
pub(crate) mod documents;
pub(crate) mod number;
mod path;
pub(crate) mod payload;
#[cfg(feature = "delivery")]
mod probe;
pub(crate) mod projection;
pub mod ser;
#[cfg(feature = "serde-json-core")]
mod serde_json_core;
pub mod squeeze;
pub(crate) mod text;
pub(crate) mod token;
mod value;

pub use path::{Path, Paths};
pub use payload::Payload;
pub(crate) use payload::Strings;
pub use projection::Projection;
#[cfg(feature = "serde-json-core")]
pub use serde_json_core::{SERDE_JSON_CORE_DEPTH, SerdeJsonCoreError, to_slice_with_serde_json_core};
pub use value::{Elements, Entries, Kind, Value};
