//! A stream of messages without a session: for who has a client of their own and wants the framing and parsing done, for recorded
//! streams, for proxies.

use crate::error::Error;
use crate::frame::{Buffer, Frames, Oversized, Peer, Reading, What};
use crate::json::scan::members::Members;
use crate::json::scan::{Input, Output, grammar};
use crate::json::{Payload, Strings};
use crate::message::{
    CLIENT_MEMBERS, ClientMessage, Malformed, Origin, SERVER_MEMBERS, ServerMessage, Whole, client_message,
    server_message,
};

/// Reads the messages of one peer, as a [`Client`](crate::client::Client) or [`Server`](crate::server::Server) would.
///
/// ```
/// use qmp_core::frame::Reading;
/// use qmp_core::message::ServerMessage;
/// use qmp_core::reader::Reader;
///
/// let mut memory = [0; 256];
/// let mut reader = Reader::of_server(&mut memory, Reading::DEFAULT);
/// let mut bytes: &[u8] = b"{\"return\": {\"running\": true}, \"id\": 1}\r\n{\"event\": \"STOP\"}\r\n";
/// let mut names = Vec::new();
/// while !bytes.is_empty() {
///     let taken = reader.feed(bytes)?;
///     bytes = &bytes[taken..];
///     while let Some((message, _origin)) = reader.poll() {
///         match message {
///             ServerMessage::Return { payload, .. } => assert_eq!(payload.raw(), b"{\"running\": true}"),
///             ServerMessage::Event(event) => names.push(event.name.to_owned()),
///             other => panic!("{other:?}"),
///         }
///     }
/// }
/// assert_eq!(names, ["STOP"]);
/// # Ok::<(), qmp_core::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader<'b, S: Source> {
    frames: Frames<'b, S::Grammar>,
}

/// What a server sends: [`ServerMessage`]s.
#[derive(Debug)]
pub enum FromServer {}

/// What a client sends: [`ClientMessage`]s.
#[derive(Debug)]
pub enum FromClient {}

/// What both sides send, in one stream: [`Recorded`] messages.
#[derive(Debug)]
pub enum FromBoth {}

/// A message of a client or a server, as a log has it, or what came in the place of one.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Recorded<'m> {
    /// An object, whole: whatever it is.
    Message(Payload<'m>),
    /// A message that was passed over.
    Oversize(Oversized),
    /// Bytes that are no message.
    Malformed(Malformed<'m>),
    /// The stream ended inside a message.
    Incomplete,
    /// A guest agent's 0xFF.
    Sentinel,
}

/// Whose messages a [`Reader`] reads.
pub trait Source: sealed::Sealed {
    /// The messages.
    type Message<'m>;
    #[doc(hidden)]
    type Grammar: grammar::Grammar + core::fmt::Debug;
    #[doc(hidden)]
    const MEMBERS: sealed::Names;
    #[doc(hidden)]
    fn message<'m>(frames: sealed::Read<'m, '_, Self::Grammar>, what: sealed::Outlined) -> Self::Message<'m>;
}

mod sealed {
    use super::{Frames, FromBoth, FromClient, FromServer, Members, What};

    pub trait Sealed {}
    impl Sealed for FromBoth {}
    impl Sealed for FromServer {}
    impl Sealed for FromClient {}

    #[derive(Debug)]
    pub struct Names(pub(super) &'static Members);
    #[derive(Debug)]
    pub struct Read<'m, 'b, G>(pub(super) &'m mut Frames<'b, G>);
    #[derive(Debug)]
    pub struct Outlined(pub(super) What);
}

impl Source for FromServer {
    type Message<'m> = ServerMessage<'m>;
    type Grammar = Output;
    const MEMBERS: sealed::Names = sealed::Names(SERVER_MEMBERS);
    fn message<'m>(frames: sealed::Read<'m, '_, Output>, what: sealed::Outlined) -> ServerMessage<'m> {
        server_message(frames.0, what.0, Whole)
    }
}

impl Source for FromClient {
    type Message<'m> = ClientMessage<'m>;
    type Grammar = Input;
    const MEMBERS: sealed::Names = sealed::Names(CLIENT_MEMBERS);
    fn message<'m>(frames: sealed::Read<'m, '_, Input>, what: sealed::Outlined) -> ClientMessage<'m> {
        client_message(frames.0, what.0, true)
    }
}

impl Source for FromBoth {
    type Message<'m> = Recorded<'m>;
    type Grammar = Output;
    const MEMBERS: sealed::Names = sealed::Names(Members::NONE);
    fn message<'m>(frames: sealed::Read<'m, '_, Output>, what: sealed::Outlined) -> Recorded<'m> {
        match what.0 {
            // Escapes may stand anywhere in it.
            What::Complete => Recorded::Message(Payload::new(frames.0.text(), Strings::Escaped)),
            What::Oversize(passed) => Recorded::Oversize(frames.0.oversized(passed)),
            What::Malformed(reason) | What::Mistaken(reason) => {
                Recorded::Malformed(Malformed { at: frames.0.fault(what.0), reason, text: frames.0.text() })
            }
            What::Incomplete | What::Piece(_) => Recorded::Incomplete,
            What::Sentinel => Recorded::Sentinel,
        }
    }
}

impl<'b> Reader<'b, FromServer> {
    /// Reads what a QMP server sends. `buffer` bounds the longest message that is delivered.
    pub fn of_server(buffer: impl Into<Buffer<'b>>, reading: Reading) -> Self {
        Self::new(buffer.into(), Peer::Server, reading)
    }

    /// Reads what a guest agent sends: a 0xFF between messages is [`ServerMessage::Sentinel`].
    pub fn of_agent(buffer: impl Into<Buffer<'b>>, reading: Reading) -> Self {
        Self::new(buffer.into(), Peer::Agent, reading)
    }
}

impl<'b> Reader<'b, FromClient> {
    /// Reads what a client sends, in the JSON dialect that QEMU accepts.
    pub fn of_client(buffer: impl Into<Buffer<'b>>, reading: Reading) -> Self {
        Self::new(buffer.into(), Peer::Client, reading)
    }
}

impl<'b> Reader<'b, FromBoth> {
    /// Reads what was recorded of both sides, QMP's or a guest agent's, as JSON that a server would send.
    pub fn of_both(buffer: impl Into<Buffer<'b>>, reading: Reading) -> Self {
        Self::new(buffer.into(), Peer::Agent, reading)
    }
}

impl<'b, S: Source> Reader<'b, S> {
    fn new(buffer: Buffer<'b>, peer: Peer, reading: Reading) -> Self {
        Self { frames: Frames::new(buffer, peer, reading, S::MEMBERS.0) }
    }

    /// The free part of the buffer. Releases the message last polled. Empty only while messages wait to be polled.
    pub fn rx_space(&mut self) -> &mut [u8] {
        self.frames.rx_space()
    }

    /// The first `count` bytes of [`rx_space`](Self::rx_space) were received.
    ///
    /// # Errors
    /// [`Misuse`](crate::error::Misuse) if there are not so many, or behind [`rx_eof`](Self::rx_eof).
    pub fn rx_commit(&mut self, count: usize) -> Result<(), Error> {
        self.frames.rx_commit(count)
    }

    /// Copies the beginning of `bytes` into the buffer and gives its length: 0 only while messages wait to be polled.
    ///
    /// # Errors
    /// [`Misuse`](crate::error::Misuse) behind [`rx_eof`](Self::rx_eof).
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.frames.feed(bytes)
    }

    /// No more bytes will come: a message that is cut off is then reported.
    pub fn rx_eof(&mut self) {
        self.frames.rx_eof();
    }

    /// Forgets all: a new stream.
    pub fn reset(&mut self) {
        self.frames.reset();
    }

    /// Whether the stream has ended and all of it was polled.
    pub fn is_finished(&self) -> bool {
        self.frames.is_finished()
    }

    /// The next message and where it was found. It borrows from the buffer until the next call.
    pub fn poll(&mut self) -> Option<(S::Message<'_>, Origin)> {
        let what = self.frames.advance()?;
        let origin = Origin::of(what, &self.frames);
        Some((S::message(sealed::Read(&mut self.frames), sealed::Outlined(what)), origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A member that turns out too long to be kept makes room for the next one, whether some of it was kept already or not.
    #[test]
    fn what_is_kept_of_a_message_that_does_not_fit_does_not_depend_on_its_pieces() {
        let stream = b"{\"arguments\":{\"connect\":\"qmp-none\",\"fd\":\"none\"},\"execute\":\"netdev_add\",\"id\":1}";
        for size in 8..32 {
            let read = |most: usize| {
                let mut memory = std::vec![0; size];
                let mut reader = Reader::of_client(memory.as_mut_slice(), Reading::DEFAULT);
                let (mut rest, mut seen) = (stream.as_slice(), std::vec::Vec::new());
                while !rest.is_empty() {
                    let taken = reader.feed(&rest[..most.min(rest.len())]).unwrap();
                    rest = &rest[taken..];
                    while let Some((message, _)) = reader.poll() {
                        seen.push(std::format!("{message:?}"));
                    }
                }
                seen
            };
            let whole = read(usize::MAX);
            assert_eq!(whole.len(), 1);
            for most in 1..20 {
                assert_eq!(read(most), whole, "{size} bytes, {most} at a time");
            }
        }
    }

    #[test]
    fn both_sides_are_read_whole() {
        let mut memory = [0; 40];
        let mut reader = Reader::of_both(&mut memory, Reading::DEFAULT);
        let mut bytes: &[u8] = b"{\"execute\": \"a\\u0062\"}{\"return\": [], \"x\": 1}\n\xFF[1]\n{\"QMP\": \
            {\"capabilities\": [\"oob\", \"and more\"]}}\n{\"event\"";
        let mut seen = std::vec::Vec::new();
        while !bytes.is_empty() {
            let taken = reader.feed(bytes).unwrap();
            bytes = &bytes[taken..];
            if bytes.is_empty() {
                reader.rx_eof();
            }
            while let Some((message, _)) = reader.poll() {
                seen.push(match message {
                    Recorded::Message(payload) => std::format!("{}", payload.into_value()),
                    other => std::format!("{other:?}"),
                });
            }
        }
        let expected = [
            "{\"execute\":\"ab\"}",
            "{\"return\":[],\"x\":1}",
            "Sentinel",
            "Malformed(Malformed { at: 46, reason: NotAnObject, text:  })",
            "Oversize(TooLong(40))",
            "Incomplete",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_number_that_is_no_json_is_told_of_whatever_came_of_its_message() {
        // Delivered whole, passed over for its length, passed over for its depth.
        for (size, max_depth, oversize) in [(64, 9, false), (32, 9, true), (64, 1, true)] {
            let mut memory = [0; 64];
            let mut reader = Reader::of_server(&mut memory[..size], Reading { max_depth, ..Reading::DEFAULT });
            let mut bytes: &[u8] = b"{\"return\": {\"a\": \"xxxxxxxxxx\"}, \"id\": inf}{\"event\": \"A\"}";
            let mut seen = std::vec::Vec::new();
            while !bytes.is_empty() {
                let taken = reader.feed(bytes).unwrap();
                bytes = &bytes[taken..];
                while let Some((message, origin)) = reader.poll() {
                    seen.push((matches!(message, ServerMessage::Oversize(_)), origin.not_finite));
                }
            }
            assert_eq!(seen, [(oversize, true), (false, false)]);
        }
    }
}
