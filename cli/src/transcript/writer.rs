//! Writes a transcript, each line at once.

use std::io::{self, Write};
use std::time::SystemTime;

use super::Side;
use crate::output::Line;

/// A line has no more bytes than this that are no message.
const PIECE: usize = 4096;

/// Writes each line in one piece, so that nothing of it waits.
pub(crate) struct Writer<W>(W);

impl<W: Write> Writer<W> {
    pub(crate) const fn new(to: W) -> Self {
        Self(to)
    }

    /// `text` is JSON, but for numbers that are not finite.
    pub(crate) fn message(&mut self, from: Side, text: &[u8]) -> io::Result<()> {
        self.line(from, |line| line.raw("message", text, false))
    }

    pub(crate) fn bytes(&mut self, from: Side, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            let characters: String = piece.iter().copied().map(char::from).collect();
            self.line(from, |line| line.member("bytes", &characters))?;
        }
        Ok(())
    }

    pub(crate) fn descriptors(&mut self, from: Side, count: usize) -> io::Result<()> {
        self.line(from, |line| line.member("descriptors", &count))
    }

    pub(crate) fn opened(&mut self, from: Side) -> io::Result<()> {
        self.line(from, |line| line.member("connection", "opened"))
    }

    pub(crate) fn closed(&mut self, from: Side) -> io::Result<()> {
        self.line(from, |line| line.member("connection", "closed"))
    }

    fn line(&mut self, from: Side, fill: impl FnOnce(&mut Line)) -> io::Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut line = Line::default();
        line.raw("time", format!("{}.{:06}", now.as_secs(), now.subsec_micros()).as_bytes(), false);
        line.member("from", from.name());
        fill(&mut line);
        let mut line = line.finish();
        line.push(b'\n');
        self.0.write_all(&line)?;
        self.0.flush()
    }
}
