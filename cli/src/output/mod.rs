//! Standard output, and the JSON lines that go there.

mod color;
mod finite;
mod line;
mod pretty;

use core::fmt;
use std::io::{self, BufWriter, StdoutLock, Write};

pub(crate) use color::{Coloring, Paint, printable, style};
pub(crate) use line::{Line, compact, string};
pub(crate) use pretty::pretty;

/// Standard output, written in large pieces.
pub(crate) struct Output(BufWriter<StdoutLock<'static>>);

impl Output {
    pub(crate) fn new() -> Self {
        Self(BufWriter::new(io::stdout().lock()))
    }

    /// Writes a line of JSON, coloured or not, or of our own words. Characters of a peer's that could steer a terminal become escapes,
    /// which to JSON make no difference.
    pub(crate) fn line(&mut self, line: &[u8]) -> Result<(), Failed> {
        self.write(&color::harmless(line))
    }

    /// Writes a line that is no JSON. A peer's words in it do not steer the terminal.
    pub(crate) fn text(&mut self, line: &str) -> Result<(), Failed> {
        self.write(printable(line).as_bytes())
    }

    /// Hands what was written to whoever reads.
    pub(crate) fn flush(&mut self) -> Result<(), Failed> {
        self.0.flush().map_err(Failed)
    }

    fn write(&mut self, line: &[u8]) -> Result<(), Failed> {
        self.0.write_all(line).and_then(|()| self.0.write_all(b"\n")).map_err(Failed)
    }
}

/// Standard output cannot be written.
#[derive(Debug)]
pub(crate) struct Failed(io::Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("writing to standard output")
    }
}

impl core::error::Error for Failed {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

/// Whether `error` says no more than that nobody reads standard output any longer.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failed>().is_some_and(|Failed(cause)| cause.kind() == io::ErrorKind::BrokenPipe)
}
