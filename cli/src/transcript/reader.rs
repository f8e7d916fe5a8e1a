//! Reads transcripts, and recordings that are none.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};
use qmp_core::frame::{Buffer, Reading};
use qmp_core::reader::{FromBoth, Reader, Recorded};

use super::{Entry, Side, What};

/// The longest line: a message as long as QEMU's may be, and what stands around it.
const LONGEST: usize = (64 << 20) + 4096;

/// The entries of a transcript, one after the other.
pub(crate) struct Entries<R> {
    source: BufReader<R>,
    reader: Reader<'static, FromBoth>,
    ended: bool,
}

impl<R: Read> Entries<R> {
    pub(crate) fn new(source: R) -> Self {
        let reader = Reader::of_both(Buffer::growing(1 << 16, LONGEST), Reading::DEFAULT);
        Self { source: BufReader::with_capacity(1 << 16, source), reader, ended: false }
    }

    /// Shows `look` the next one. What is neither an entry nor a message by itself is an error, which says where it is.
    pub(crate) fn next<T>(&mut self, look: impl FnOnce(Entry<'_>) -> T) -> Result<Option<T>> {
        loop {
            if let Some((recorded, origin)) = self.reader.poll() {
                let reason = match recorded {
                    Recorded::Message(payload) => {
                        let value = payload.into_value();
                        match Entry::of(value).or_else(|| Entry::of_message(value)) {
                            Some(entry) => return Ok(Some(look(entry))),
                            None => "no line of a transcript, and no message".to_owned(),
                        }
                    }
                    Recorded::Oversize(_) => "a line that is too long, or too deep".to_owned(),
                    Recorded::Malformed(malformed) => format!("no JSON: {}", malformed.reason),
                    _ => "a line that is cut off".to_owned(),
                };
                bail!("at byte {}: {reason}", origin.offset);
            }
            if self.ended {
                return Ok(None);
            }
            let taken = match self.source.fill_buf() {
                Ok([]) => {
                    self.ended = true;
                    self.reader.rx_eof();
                    continue;
                }
                Ok(bytes) => self.reader.feed(bytes)?,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.source.consume(taken);
        }
    }
}

/// What one side sent, by a transcript, as a stream of bytes. Between messages are line ends.
struct Said<R> {
    entries: Entries<R>,
    by: Side,
    bytes: Cursor<Vec<u8>>,
}

impl<R: Read> Read for Said<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.bytes.read(space)?;
            if count > 0 || space.is_empty() {
                return Ok(count);
            }
            let by = self.by;
            let said = self.entries.next(|entry| match entry.what {
                What::Message(message) if entry.from == by => format!("{message}\n").into_bytes(),
                What::Bytes(bytes) if entry.from == by => bytes,
                _ => Vec::new(),
            });
            match said.map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))? {
                Some(bytes) => self.bytes = Cursor::new(bytes),
                None => return Ok(0),
            }
        }
    }
}

/// The entries of a recording, standard input if `path` is none or `-`, with what to call it.
pub(crate) fn entries(path: Option<&Path>) -> Result<(Entries<impl Read>, String)> {
    let (source, name) = source(path)?;
    Ok((Entries::new(source), name))
}

/// Opens a recording likewise. Of a transcript, only what one side said is
/// read; any other is taken as that already.
pub(crate) fn open(path: Option<&Path>, by: Side) -> Result<(Box<dyn Read>, String)> {
    let (mut source, name) = source(path)?;
    let mut begins = Vec::new();
    let transcript = is_transcript(&mut source, &mut begins).with_context(|| format!("reading {name}"))?;
    let source = Cursor::new(begins).chain(source);
    Ok(if transcript {
        (Box::new(Said { entries: Entries::new(source), by, bytes: Cursor::default() }), name)
    } else {
        (Box::new(source), name)
    })
}

fn source(path: Option<&Path>) -> Result<(Box<dyn Read>, String)> {
    Ok(match path {
        Some(path) if path.as_os_str() != "-" => {
            let name = path.display().to_string();
            (Box::new(File::open(path).with_context(|| format!("opening {name}"))?), name)
        }
        _ => (Box::new(io::stdin().lock()), "standard input".into()),
    })
}

/// How each line of a transcript begins, white space aside. No message of QMP does.
const BEGINNING: &[u8] = b"{\"time\":";
/// The most white space in front that is looked behind.
const BLANKS: usize = 1024;

/// Whether `source` is a transcript. What was read to tell is in `begins`.
fn is_transcript(source: &mut impl Read, begins: &mut Vec<u8>) -> io::Result<bool> {
    let mut expected = BEGINNING;
    while let [next, rest @ ..] = expected {
        let mut byte = [0];
        match source.read(&mut byte) {
            Ok(0) => return Ok(false),
            Ok(_) => begins.extend_from_slice(&byte),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if byte == [*next] {
            expected = rest;
        } else if !byte[0].is_ascii_whitespace() || begins.len() > BLANKS {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_is_told_by_its_beginning() {
        for (text, expected) in [
            ("{\"time\":1,", true),
            (" \n{ \"time\" : 1", true),
            ("{\"timestamp\": {", false),
            ("{\"QMP\": {", false),
            ("", false),
            ("{\"time\"", false),
        ] {
            let mut begins = Vec::new();
            let mut source = text.as_bytes();
            assert_eq!(is_transcript(&mut source, &mut begins).unwrap(), expected, "{text}");
            begins.extend_from_slice(source);
            assert_eq!(begins, text.as_bytes());
        }
    }

    #[test]
    fn one_side_of_it() {
        let text = "{\"time\":1,\"from\":\"client\",\"message\":{\"a\":\"\\u00e9\"}}\n{\"time\":2,\"from\":\"server\",\"bytes\":\"\u{FF}x\"}\n\
                    {\"from\":\"client\",\"connection\":\"closed\"}\n{\"from\":\"server\",\"message\":{\"b\":inf}}";
        for (by, expected) in [(Side::Client, "{\"a\":\"\u{e9}\"}\n".as_bytes()), (Side::Server, b"\xFFx{\"b\":inf}\n")]
        {
            let mut said = Said { entries: Entries::new(text.as_bytes()), by, bytes: Cursor::default() };
            let mut bytes = Vec::new();
            said.read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, expected);
        }
        let mut said = Said { entries: Entries::new(&b"{\"time\":1}"[..]), by: Side::Client, bytes: Cursor::default() };
        assert!(said.read(&mut [0; 9]).unwrap_err().to_string().contains("at byte 0: no line of a transcript"));
    }
}
