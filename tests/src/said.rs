//! Messages that outlive the buffer they came in.

use core::fmt;

use qmp_core::client::{self, Message, Session, Ticket};
use qmp_core::json::Value;
use qmp_core::json::scan::Reason;
use qmp_core::message::{Event, Failure, Greeting, Kind, Oversize, Timestamp, Version};

/// What a client reported, owned.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// The server greeted.
    Greeting(Greeted),
    /// Negotiation is done.
    Ready {
        /// Whether out-of-band execution is on.
        oob: bool,
    },
    /// The server refused to negotiate.
    Refused(Failed),
    /// A command ended.
    Reply(Ticket, Outcome),
    /// A command that had timed out ended.
    Late(Ticket, Outcome),
    /// A reply to nobody here; its id as JSON.
    Foreign(Option<String>, Outcome),
    /// Something happened.
    Event(Happened),
    /// A command timed out.
    TimedOut(Ticket),
    /// The handshake did.
    HandshakeTimedOut(Session),
    /// A command went with the connection.
    Lost(Ticket),
    /// The server could not read something.
    Diagnostic(Failed),
    /// A message was passed over.
    Oversize(Option<Ticket>, Passed),
    /// Bytes were no message: where, and why.
    Malformed(u64, Reason),
    /// An object was no message of the protocol.
    Unknown(String),
    /// The stream ended inside a message.
    Incomplete,
}

/// What a command came to: what it returned, as received, or why it failed.
pub type Outcome = Result<String, Failed>;

/// A greeting.
#[derive(Clone, Debug, PartialEq)]
pub struct Greeted {
    /// The version.
    pub version: Option<Version>,
    /// The capabilities offered.
    pub capabilities: Vec<String>,
}

/// Why a command failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// The class.
    pub class: String,
    /// The description.
    pub desc: String,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// Its name.
    pub name: String,
    /// Its data as received.
    pub data: Option<String>,
    /// When.
    pub timestamp: Option<Timestamp>,
}

/// A message that was passed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Passed {
    /// What it was.
    pub of: Kind,
    /// Its id as JSON.
    pub id: Option<String>,
    /// An event's name.
    pub name: Option<String>,
    /// Its length.
    pub bytes: u64,
}

impl Said {
    /// The command that this message ended.
    pub fn ended(&self) -> Option<Ticket> {
        match self {
            Self::Reply(ticket, _) | Self::TimedOut(ticket) | Self::Lost(ticket) => Some(*ticket),
            Self::Oversize(ticket, _) => *ticket,
            _ => None,
        }
    }

    /// Whether it is the event `name`.
    pub fn is_event(&self, name: &str) -> bool {
        matches!(self, Self::Event(event) if event.name == name)
    }
}

impl From<Message<'_>> for Said {
    fn from(message: Message<'_>) -> Self {
        let id = |id: Option<Value<'_>>| id.map(|id| id.to_string());
        match message {
            Message::Greeting(greeting) => Self::Greeting(greeting.into()),
            Message::Ready { oob } => Self::Ready { oob },
            Message::Refused(failure) => Self::Refused(failure.into()),
            Message::Reply { ticket, outcome } => Self::Reply(ticket, owned(outcome)),
            Message::Late { ticket, outcome } => Self::Late(ticket, owned(outcome)),
            Message::Foreign { id: of, outcome } => Self::Foreign(id(of), owned(outcome)),
            Message::Event(event) => Self::Event(event.into()),
            Message::TimedOut { ticket } => Self::TimedOut(ticket),
            Message::HandshakeTimedOut(session) => Self::HandshakeTimedOut(session),
            Message::Lost { ticket } => Self::Lost(ticket),
            Message::Diagnostic(failure) => Self::Diagnostic(failure.into()),
            Message::Oversize { ticket, message } => Self::Oversize(ticket, message.into()),
            Message::Malformed(malformed) => Self::Malformed(malformed.at, malformed.reason),
            Message::Unknown(payload) => Self::Unknown(utf8(payload.raw())),
            Message::Incomplete => Self::Incomplete,
            other => panic!("a message that these tests do not know: {other:?}"),
        }
    }
}

/// An outcome, owned.
pub fn owned(outcome: client::Outcome<'_>) -> Outcome {
    outcome.map(|payload| utf8(payload.raw())).map_err(Failed::from)
}

fn utf8(raw: &[u8]) -> String {
    String::from_utf8(raw.to_vec()).expect("what a server sends is UTF-8, or is no message")
}

impl From<Greeting<'_>> for Greeted {
    fn from(greeting: Greeting<'_>) -> Self {
        Self { version: greeting.version(), capabilities: greeting.capabilities().map(Into::into).collect() }
    }
}

impl From<Failure<'_>> for Failed {
    fn from(failure: Failure<'_>) -> Self {
        Self { class: failure.class().into(), desc: failure.desc().into() }
    }
}

impl From<Event<'_>> for Happened {
    fn from(event: Event<'_>) -> Self {
        let data = event.data.map(|data| utf8(data.raw()));
        Self { name: event.name.into(), data, timestamp: event.timestamp }
    }
}

impl From<Oversize<'_>> for Passed {
    fn from(oversize: Oversize<'_>) -> Self {
        Self {
            of: oversize.of,
            id: oversize.id.map(|id| id.to_string()),
            name: oversize.name.map(Into::into),
            bytes: oversize.bytes,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.desc)
    }
}
