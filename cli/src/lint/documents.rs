//! The messages of a file, each with the line on which it begins.

use core::num::NonZeroU32;
use std::io::{BufRead, BufReader, ErrorKind, Read};

use anyhow::{Context, Result, ensure};
use qmp_core::frame::{Buffer, Reading};
use qmp_core::message::Origin;
use qmp_core::reader::{FromBoth, Reader, Recorded};

/// A message, and the line on which it begins, or on which it turns out to be none.
pub(super) struct Document<'m> {
    pub(super) line: u64,
    pub(super) message: Recorded<'m>,
}

/// Hands each message of `source`, which has a name, to `take`, in memory for the longest of them, which has `limit` bytes at most.
pub(super) fn read<T>(
    (source, name): (impl Read, &str),
    limit: NonZeroU32,
    to: &mut T,
    mut take: impl FnMut(Document<'_>, &mut T) -> Result<()>,
) -> Result<()> {
    let mut source = BufReader::with_capacity(1 << 16, source);
    let limit = limit.get() as usize;
    let mut reader = Reader::of_both(Buffer::growing(limit.min(1 << 16), limit), Reading::DEFAULT);
    let mut lines = Lines { line: 1, ..Lines::default() };
    loop {
        let piece = match source.fill_buf() {
            Ok([]) => break,
            Ok(bytes) => up_to_line_end(bytes),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).with_context(|| format!("reading {name}")),
        };
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = reader.feed(rest)?;
            ensure!(taken > 0, "the reader takes no more bytes");
            rest = &rest[taken..];
            hand_out(&mut reader, &mut lines, to, &mut take)?;
        }
        lines.pass(piece);
        let length = piece.len();
        source.consume(length);
    }
    reader.rx_eof();
    hand_out(&mut reader, &mut lines, to, &mut take)
}

fn hand_out<T>(
    reader: &mut Reader<'_, FromBoth>,
    lines: &mut Lines,
    to: &mut T,
    take: &mut impl FnMut(Document<'_>, &mut T) -> Result<()>,
) -> Result<()> {
    while let Some((message, origin)) = reader.poll() {
        let line = lines.of(&message, origin);
        take(Document { line, message }, to)?;
    }
    Ok(())
}

fn up_to_line_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
    &bytes[..end]
}

/// Counts lines. The reader is fed one line at a time, so that a message begins on the present line or on one that was noted.
#[derive(Debug, Default)]
struct Lines {
    /// The present line and where in the stream it begins.
    line: u64,
    begins: u64,
    /// Where the present piece of it begins.
    at: u64,
    /// Where the last message ended.
    ended: u64,
    /// The line on which the message under way began.
    began: Option<u64>,
    /// Behind malformed bytes: the next message begins with a line.
    searching: bool,
}

impl Lines {
    /// The line of a message that was read.
    fn of(&mut self, message: &Recorded<'_>, origin: Origin) -> u64 {
        self.ended = origin.offset + origin.bytes;
        self.searching = matches!(message, Recorded::Malformed(_));
        let began = self.began.take().filter(|_| origin.offset < self.begins);
        match message {
            // What is wrong is here, however long ago the message began.
            Recorded::Malformed(_) => self.line,
            _ => began.unwrap_or(self.line),
        }
    }

    /// The messages that end in `piece` were read.
    fn pass(&mut self, piece: &[u8]) {
        let ended = usize::try_from(self.ended.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let behind = piece.get(ended..).unwrap_or_default();
        if self.began.is_none() {
            let begins = if self.searching {
                self.at == self.begins && self.ended < self.at && piece.starts_with(b"{")
            } else {
                behind.iter().any(|byte| !byte.is_ascii_whitespace())
            };
            if begins {
                self.began = Some(self.line);
            }
        }
        self.at += piece.len() as u64;
        if piece.ends_with(b"\n") {
            self.line += 1;
            self.begins = self.at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kinds of messages and their lines.
    fn lines(bytes: &[u8], limit: u32) -> Vec<(&'static str, u64)> {
        let mut found = Vec::new();
        read((bytes, "-"), NonZeroU32::new(limit).unwrap(), &mut found, |document, found| {
            let kind = match document.message {
                Recorded::Message(_) => "message",
                Recorded::Oversize(_) => "oversize",
                Recorded::Malformed(_) => "malformed",
                Recorded::Incomplete => "incomplete",
                Recorded::Sentinel => "sentinel",
                _ => "other",
            };
            found.push((kind, document.line));
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn a_message_is_on_the_line_on_which_it_begins() {
        let stream = b"{\"a\": 1}\r\n\r\n  {\n  \"b\":\n  2\n} {\"c\": 3} {\n}\n{\"d\": 4}";
        assert_eq!(lines(stream, 999).iter().map(|(_, line)| *line).collect::<Vec<_>>(), [1, 3, 6, 6, 8]);
    }

    #[test]
    fn damage_is_told_where_it_is_and_the_next_message_where_that_is() {
        let stream = b"{\n\"a\": @\n}\n x {\n{\n\"b\": 2\n}\n\n[1]\n{\"c\": 3}\n{\n";
        let expected = [("malformed", 2), ("message", 5), ("malformed", 9), ("message", 10), ("incomplete", 11)];
        assert_eq!(lines(stream, 999), expected);
    }

    #[test]
    fn a_message_that_is_passed_over_began_somewhere() {
        let long = "x\",\n\"".repeat(50_000);
        let stream = format!("{{\"a\": 1}}\n{{\"b\": [\n\"{long}\"\n]}}\n{{\"c\": 3}}\n");
        let after = 2 + 50_000 + 3;
        assert_eq!(lines(stream.as_bytes(), 64), [("message", 1), ("oversize", 2), ("message", after)]);
        assert_eq!(lines(stream.as_bytes(), 1 << 20), [("message", 1), ("message", 2), ("message", after)]);
    }

    #[test]
    fn a_line_longer_than_what_is_read_at_once_is_one() {
        let stream = format!("\n{{\"a\": \"{}\"}} {{\"b\": 1}}\n{{}}", "x".repeat(200_000));
        assert_eq!(lines(stream.as_bytes(), 1 << 20), [("message", 2), ("message", 2), ("message", 3)]);
    }

    #[test]
    fn a_sentinel_stands_for_itself() {
        let expected =
            [("message", 1), ("sentinel", 2), ("message", 2), ("malformed", 4), ("sentinel", 4), ("message", 4)];
        assert_eq!(lines(b"{}\n\xFF{}\n{\"a\"\n\xFF{}", 9), expected);
    }
}
