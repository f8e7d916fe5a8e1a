//! Takes down what one side says, byte by byte as it goes, message by message as it is written.

use std::io::{self, Write};

use qmp_core::frame::{Buffer, Reading};
use qmp_core::json::scan;
use qmp_core::message::{ClientMessage, Origin, ServerMessage};
use qmp_core::reader::{FromClient, FromServer, Reader};

use super::{Side, Writer};
use crate::output::Line;

/// Cuts a side's bytes into messages. Keeps no more than the beginning of the one under way.
pub(crate) struct Scribe {
    side: Side,
    reader: Messages,
    /// What was sent and not written.
    held: Vec<u8>,
    /// The place of the first byte held in all that was sent.
    base: u64,
    /// What was written last is a message.
    fresh: bool,
    limit: usize,
}

enum Messages {
    Client(Reader<'static, FromClient>),
    Server(Reader<'static, FromServer>),
}

/// What a reader has found.
enum Found {
    /// A message, and what is to be written of it, if that is not what was sent.
    Message(Option<Vec<u8>>, Origin),
    /// Something else, up to here.
    Other(u64),
}

impl Scribe {
    /// For a message longer than `limit` bytes, these are written and it is not. `agent`: the server is a guest agent.
    pub(crate) fn new(side: Side, agent: bool, limit: usize) -> Self {
        let buffer = Buffer::growing(limit.min(1 << 16), limit);
        let reader = match side {
            Side::Client => Messages::Client(Reader::of_client(buffer, Reading::DEFAULT)),
            Side::Server if agent => Messages::Server(Reader::of_agent(buffer, Reading::DEFAULT)),
            Side::Server => Messages::Server(Reader::of_server(buffer, Reading::DEFAULT)),
        };
        Self { side, reader, held: Vec::new(), base: 0, fresh: true, limit }
    }

    /// The side has sent `bytes`.
    pub(crate) fn heard(&mut self, mut bytes: &[u8], to: &mut Writer<impl Write>) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        while !bytes.is_empty() {
            let taken = match &mut self.reader {
                Messages::Client(reader) => reader.feed(bytes),
                Messages::Server(reader) => reader.feed(bytes),
            };
            // Zero cannot be, nor an error: all was polled, and there was no end.
            let Ok(taken @ 1..) = taken else { break };
            bytes = &bytes[taken..];
            self.write(to)?;
        }
        if self.held.len() > self.limit {
            self.write_bytes(self.held.len(), to)?;
        }
        Ok(())
    }

    /// The side sends no more.
    pub(crate) fn end(&mut self, to: &mut Writer<impl Write>) -> io::Result<()> {
        match &mut self.reader {
            Messages::Client(reader) => reader.rx_eof(),
            Messages::Server(reader) => reader.rx_eof(),
        }
        self.write(to)?;
        self.write_bytes(self.held.len(), to)
    }

    fn write(&mut self, to: &mut Writer<impl Write>) -> io::Result<()> {
        while let Some(found) = self.reader.poll(&self.held, self.base) {
            match found {
                Found::Other(end) => self.write_bytes(self.place(end), to)?,
                Found::Message(text, origin) => {
                    self.write_bytes(self.place(origin.offset), to)?;
                    let end = self.place(origin.offset + origin.bytes);
                    to.message(self.side, text.as_deref().unwrap_or(&self.held[..end]))?;
                    self.fresh = true;
                    self.forget(end);
                }
            }
        }
        Ok(())
    }

    /// Where a place of the stream is in what is held.
    fn place(&self, at: u64) -> usize {
        usize::try_from(at.saturating_sub(self.base)).map_or(self.held.len(), |at| at.min(self.held.len()))
    }

    /// Writes the first bytes held as what they are, unless they are what may stand between messages.
    fn write_bytes(&mut self, count: usize, to: &mut Writer<impl Write>) -> io::Result<()> {
        // Behind other bytes white space can mean something: a line end ends a string that nobody has ended.
        let bytes = if self.fresh { self.held[..count].trim_ascii_start() } else { &self.held[..count] };
        if !bytes.iter().all(u8::is_ascii_whitespace) {
            to.bytes(self.side, bytes)?;
            self.fresh = false;
        }
        self.forget(count);
        Ok(())
    }

    fn forget(&mut self, count: usize) {
        self.held.drain(..count);
        self.base += count as u64;
    }
}

impl Messages {
    fn poll(&mut self, held: &[u8], base: u64) -> Option<Found> {
        let is_json = |origin: &Origin| {
            let start = usize::try_from(origin.offset.checked_sub(base)?).ok()?;
            let end = start.checked_add(usize::try_from(origin.bytes).ok()?)?;
            scan::check(held.get(start..end)?).ok()
        };
        Some(match self {
            Self::Client(reader) => match reader.poll()? {
                (ClientMessage::Command { .. } | ClientMessage::Refused { .. }, origin)
                    if is_json(&origin).is_some() =>
                {
                    Found::Message(None, origin)
                }
                (ClientMessage::Command { name, oob, id, arguments }, origin) => {
                    let mut line = Line::default();
                    line.member(if oob { "exec-oob" } else { "execute" }, name);
                    if let Some(arguments) = arguments {
                        line.value("arguments", arguments.into_value(), false);
                    }
                    if let Some(id) = id {
                        line.value("id", id, false);
                    }
                    Found::Message(Some(line.finish()), origin)
                }
                (ClientMessage::Malformed(malformed), _) => Found::Other(malformed.at + 1),
                (_, origin) => Found::Other(origin.offset + origin.bytes),
            },
            Self::Server(reader) => match reader.poll()? {
                (ServerMessage::Malformed(malformed), _) => Found::Other(malformed.at + 1),
                (ServerMessage::Oversize(_) | ServerMessage::Incomplete | ServerMessage::Sentinel, origin) => {
                    Found::Other(origin.offset + origin.bytes)
                }
                (_, origin) => Found::Message(None, origin),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written of a stream, in pieces of this size, without times.
    fn written(side: Side, agent: bool, limit: usize, stream: &[u8], size: usize) -> Vec<String> {
        let mut text = Vec::new();
        let mut writer = Writer::new(&mut text);
        let mut scribe = Scribe::new(side, agent, limit);
        for piece in stream.chunks(size) {
            scribe.heard(piece, &mut writer).unwrap();
        }
        scribe.end(&mut writer).unwrap();
        let text = String::from_utf8(text).unwrap();
        text.lines()
            .map(|line| line.split_once(&format!(r#","from":"{}","#, side.name())).unwrap().1.to_owned())
            .collect()
    }

    #[test]
    fn messages_stand_as_they_were_sent() {
        let sent = b"{\"return\": {\"a\": [1.50, \"\\u00e9\"]}, \"id\": inf}\r\n{\r\n    \"event\": \"X\"\r\n}\r\n";
        let expected = [r#""message":{"return":{"a":[1.50,"\u00e9"]},"id":inf}}"#, r#""message":{"event":"X"}}"#];
        for size in 1..sent.len() {
            assert_eq!(written(Side::Server, false, 999, sent, size), expected, "{size}");
        }
    }

    #[test]
    fn what_a_client_writes_beyond_json_becomes_json() {
        let sent = b"{'execute': 'a\\'b', 'id': 'x', 'arguments': {'c': '\"'}} {\"execute\": \"d\", \"e\": 1.0}[1]";
        let expected = [
            r#""message":{"execute":"a'b","arguments":{"c":"\""},"id":"x"}}"#,
            r#""message":{"execute":"d","e":1.0}}"#,
            r#""message":[1]}"#,
        ];
        for size in 1..sent.len() {
            assert_eq!(written(Side::Client, false, 999, sent, size), expected, "{size}");
        }
    }

    /// All bytes that are no message, joined; each message in its place.
    #[test]
    fn nothing_is_lost() {
        let sent = b"\0\xFF @@ {\"execute\":\"a\"}\n{'x': @@@}\n{\"execute\":\"b\"}\n{\"execute\":\"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\"}\n{\"execute\":\"d\"}{\"unfinished";
        for size in 1..sent.len() {
            let mut joined = String::new();
            for line in written(Side::Client, false, 64, sent, size) {
                if let Some(bytes) = line.strip_prefix(r#""bytes":""#) {
                    joined += bytes.strip_suffix("\"}").unwrap();
                } else {
                    joined += line.strip_prefix(r#""message":"#).unwrap().strip_suffix('}').unwrap();
                }
            }
            let joined = joined.replace("\\n", "").replace("\\\"", "\"");
            let expected = "\\u0000\u{FF} @@ {\"execute\":\"a\"}{'x': @@@}{\"execute\":\"b\"}{\"execute\":\"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\"}{\"execute\":\"d\"}{\"unfinished";
            assert_eq!(joined, expected, "{size}");
        }
    }

    #[test]
    fn an_agents_sentinel_is_a_byte() {
        let lines = written(Side::Server, true, 999, b"\xFF{\"return\": 7}\n", 3);
        assert_eq!(lines, ["\"bytes\":\"\u{FF}\"}", r#""message":{"return":7}}"#]);
    }
}
