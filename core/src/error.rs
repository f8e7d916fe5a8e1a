//! What goes wrong on this side of the wire, sorted by who must act.
//!
//! What a peer does wrong is never an `Err`: it is a message ([`Malformed`](crate::message::Malformed),
//! [`Oversize`](crate::message::Oversize) …), and the session goes on.

use core::fmt;

use crate::json::ser;

/// Why a call did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The peer is gone or refuses: connect again.
    Peer(PeerError),
    /// A buffer or table of the caller's is too small or momentarily full: try again later, or give more.
    Resource(Resource),
    /// The call does not fit the state or the arguments are wrong: a mistake in the calling program.
    Misuse(Misuse),
}

/// What the peer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PeerError {
    /// The stream has ended, and everything in it was reported.
    Closed,
}

/// What is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Resource {
    /// The transmit buffer, of this many bytes, has no room for the message just now, or never.
    Tx {
        /// The transmit buffer's size in bytes.
        limit: u32,
    },
    /// As many commands are in flight as there are slots.
    Slots {
        /// The number of slots.
        limit: u16,
    },
    /// As many in-band commands are in flight as the server queues.
    Credits {
        /// The number of credits.
        limit: u8,
    },
    /// The reply to another command is to be delivered in pieces; one can be at a time.
    Delivery,
    /// A command's id is longer than what the caller provides for each.
    Id {
        /// Bytes for each id.
        limit: u32,
    },
}

/// What the calling program did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Misuse {
    /// More bytes were committed than `rx_space` has.
    CommitTooLong,
    /// Bytes were committed behind the end of the stream.
    AfterEof,
    /// More bytes were said to be sent than were pending.
    SentTooLong,
    /// A command before the session is ready for it.
    NotReady,
    /// An out-of-band command, but the capability is not on.
    NoOutOfBand,
    /// Arguments that are no JSON object.
    NotAnObject,
    /// Text passed as JSON that is none.
    NotJson,
    /// Arguments that JSON cannot hold, or whose `Serialize` refuses.
    Serialize(ser::Error),
    /// A ticket that names no command in flight: answered already, or of an earlier connection.
    Ticket,
    /// A reply out of its turn: in-band commands are answered in the order in which they came.
    OutOfTurn,
}

impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        Self::Peer(error)
    }
}

impl From<Resource> for Error {
    fn from(error: Resource) -> Self {
        Self::Resource(error)
    }
}

impl From<Misuse> for Error {
    fn from(error: Misuse) -> Self {
        Self::Misuse(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(error) => error.fmt(f),
            Self::Resource(error) => error.fmt(f),
            Self::Misuse(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection has ended"),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tx { limit } => write!(f, "no room in the transmit buffer of {limit} bytes"),
            Self::Slots { limit } => write!(f, "all {limit} command slots are in use"),
            Self::Credits { limit } => {
                write!(f, "{limit} in-band commands are in flight, the most that the server queues")
            }
            Self::Delivery => {
                f.write_str("another command's reply is not delivered whole, which can be for one at a time")
            }
            Self::Id { limit } => write!(f, "the command's id is longer than {limit} bytes"),
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CommitTooLong => "more bytes committed than there is space",
            Self::AfterEof => "bytes behind the end of the stream",
            Self::SentTooLong => "more bytes sent than were pending",
            Self::NotReady => "the session is not ready for commands",
            Self::NoOutOfBand => "out-of-band execution was not negotiated",
            Self::NotAnObject => "arguments must be a JSON object",
            Self::NotJson => "not JSON",
            Self::Serialize(error) => return error.fmt(f),
            Self::Ticket => "no such command is in flight",
            Self::OutOfTurn => "an earlier command must be answered first",
        })
    }
}

impl core::error::Error for Error {}
impl core::error::Error for PeerError {}
impl core::error::Error for Resource {}
impl core::error::Error for Misuse {}
