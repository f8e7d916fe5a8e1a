//! Messages that outlive the receive buffer: kept as the raw JSON that came.

use qmp_core::error::Misuse;
use qmp_core::json::Payload;

use crate::error::{Error, Failure};

/// What a command came to that nobody waited for at the time.
#[derive(Debug)]
pub(crate) enum Kept {
    Returned(String),
    Failed(Failure),
    /// An error that stands for the reply.
    Error(Error),
}

/// A payload's raw JSON, to keep.
pub(crate) fn own(payload: &Payload<'_>) -> String {
    // The scanner has passed it: this only names the type.
    String::from_utf8_lossy(payload.raw()).into_owned()
}

/// Reads raw JSON that was kept as if it had come just now.
pub(crate) fn read<R>(raw: &str, read: impl FnOnce(Payload<'_>) -> Result<R, Error>) -> Result<R, Error> {
    let mut text = raw.as_bytes().to_vec();
    // It was scanned before: there is no error to come.
    read(Payload::parse(&mut text).map_err(|_| Error::Misuse(Misuse::NotJson.into()))?)
}
