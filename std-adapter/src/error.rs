//! What can go wrong, and what to do about it.

use core::fmt;
use core::time::Duration;
use std::io;
use std::path::PathBuf;
#[cfg(feature = "spawn")]
use std::process::ExitStatus;

use qmp_core::client::{Retraction, Ticket};
use qmp_core::frame::Oversized;
use qmp_core::json::de;

/// Why a call failed.
///
/// Each says in its text what a person can do. After [`Command`](Self::Command), [`Timeout`](Self::Timeout),
/// [`Unanswered`](Self::Unanswered), [`NotInStep`](Self::NotInStep),
/// [`QueueFull`](Self::QueueFull), [`Descriptor`](Self::Descriptor), [`Oversize`](Self::Oversize), [`OversizeElement`](Self::OversizeElement),
/// [`Retracted`](Self::Retracted), [`Decode`](Self::Decode) and
/// [`Misuse`](Self::Misuse) the monitor can be used on; behind [`OutcomeUnknown`](Self::OutcomeUnknown) and
/// [`Closed`](Self::Closed) [`reconnect`](crate::Monitor::reconnect).
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing at the socket's path.
    NoSuchSocket {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The socket, or a folder on the way to it, is not open to this user.
    PermissionDenied {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path is longer than the address of a Unix socket can be.
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
        /// The most that there can be.
        limit: usize,
    },
    /// There is a socket or a host, but no program that takes connections: refused.
    NobodyListens {
        /// Where.
        at: String,
        /// What the system said.
        source: io::Error,
    },
    /// What should be spoken over cannot be: a descriptor that is no connection, or a kind of address that this system or this build
    /// of qmp-std does not have.
    Unusable {
        /// Which.
        at: String,
        /// Why, and what to do.
        reason: &'static str,
        /// What the system said, if it was asked.
        source: Option<io::Error>,
    },
    /// The program could not be started.
    #[cfg(feature = "spawn")]
    Spawn {
        /// Which.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The program ended before its monitor was ready.
    #[cfg(feature = "spawn")]
    Exited {
        /// Which.
        program: String,
        /// How.
        status: ExitStatus,
    },
    /// It was [tried again](crate::Options::retry) until time was up.
    GaveUp {
        /// How often it was tried.
        attempts: u32,
        /// How long.
        after: Duration,
        /// What the last attempt came to.
        last: Box<Self>,
    },
    /// There is nothing to connect to again: the monitor was made over a stream or a descriptor that it was given.
    NoAddress,
    /// There was no connection for another reason.
    Connect {
        /// Where to.
        at: String,
        /// What the system said.
        source: io::Error,
    },
    /// Connected, but no greeting came: somebody else holds the monitor, or the server is stopped.
    NoGreeting {
        /// Where.
        at: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// Greeted, but `qmp_capabilities` was not answered: the server is busy with a command of an earlier client, or stopped.
    NotReady {
        /// Where.
        at: String,
        /// How long it was waited for, from the beginning.
        after: Duration,
    },
    /// Connected, but to something that does not speak QMP.
    NotQmp {
        /// Where.
        at: String,
        /// The first bytes that it sent.
        received: Vec<u8>,
    },
    /// Connected, but no guest agent answered a synchronisation.
    NoAgent {
        /// Where.
        at: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// Connected to a monitor, where a guest agent was expected.
    NotAgent {
        /// Where.
        at: String,
    },
    /// The command was not sent, as the guest agent is not in step: it did not answer an earlier command in time, and a
    /// synchronisation not either.
    NotInStep {
        /// How long it was waited for.
        after: Duration,
    },
    /// The guest agent did not answer the command in time, or not so that it could be read. Whether it is executed is unknown. A reply
    /// that comes after all is a [`Notice::Late`](crate::Notice::Late).
    Unanswered {
        /// The command.
        ticket: Ticket,
    },
    /// The server refused to negotiate.
    Refused {
        /// Where.
        at: String,
        /// Why.
        failure: Failure,
    },
    /// The server executed the command and reports that it failed.
    Command(Failure),
    /// The command was not answered in time. It stays pending: [`Monitor::wait`](crate::Monitor::wait) waits once more, and if nobody
    /// does, a reply that comes is a [`Notice::Late`](crate::Notice::Late).
    Timeout {
        /// The command.
        ticket: Ticket,
    },
    /// The command was not sent, as there are so many unanswered ones that the server would not queue it, and none was answered
    /// in time. One with a descriptor: as another with a descriptor was not answered in time.
    QueueFull,
    /// The command was not sent, as the descriptor cannot go with it: the stream is no Unix socket, or the system refused.
    Descriptor {
        /// What the system said.
        source: io::Error,
    },
    /// The monitor cannot be [shared](crate::Monitor::share), and is closed.
    Unshareable {
        /// Why.
        source: io::Error,
    },
    /// The connection ended before the reply came: whether the command was or will be executed is unknown.
    OutcomeUnknown {
        /// What the system said, if it was more than that the peer is gone.
        source: Option<io::Error>,
    },
    /// The connection has ended. No command was sent.
    Closed {
        /// What the system said, if it was more than that the peer is gone.
        source: Option<io::Error>,
    },
    /// The command was answered, but with more than fits.
    Oversize {
        /// The reply's length.
        bytes: u64,
        /// The limit that it is beyond.
        cause: Oversized,
    },
    /// An element of a list is more than fits. Those behind it come all the same.
    OversizeElement {
        /// Which, counted from 0.
        index: u32,
        /// Its length.
        bytes: u64,
        /// The limit that it is beyond.
        cause: Oversized,
    },
    /// The elements given out so far were not the command's, or not all of them come.
    Retracted {
        /// How many elements are meant.
        count: u32,
        /// Why.
        by: Retraction,
    },
    /// The JSON received does not fit the type asked for.
    Decode(de::Error),
    /// The call was wrong, and nothing was sent.
    Misuse(qmp_core::error::Error),
}

/// Why QEMU says that a command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The error class: `GenericError`, `CommandNotFound`, `DeviceNotFound`, … An open set.
    pub class: String,
    /// What happened, for a person. Its text changes between releases: do not parse it.
    pub desc: String,
}

impl From<qmp_core::message::Failure<'_>> for Failure {
    fn from(failure: qmp_core::message::Failure<'_>) -> Self {
        Self { class: failure.class().to_owned(), desc: failure.desc().to_owned() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.desc)
    }
}

impl core::error::Error for Failure {}

impl From<de::Error> for Error {
    fn from(error: de::Error) -> Self {
        Self::Decode(error)
    }
}

impl From<qmp_core::error::Error> for Error {
    fn from(error: qmp_core::error::Error) -> Self {
        match error {
            qmp_core::error::Error::Peer(_) => Self::Closed { source: None },
            error => Self::Misuse(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchSocket { path, .. } => write!(
                f,
                "no such socket: {path}. Is the virtual machine running, and was it started with -qmp unix:{path},server=on,wait=off \
                 (for its guest agent, -chardev socket,path={path},server=on,wait=off and so on)?",
                path = path.display()
            ),
            Self::PermissionDenied { path, .. } => write!(
                f,
                "no permission to connect to {}: it takes write permission for the socket and search permission for its folders. \
                 Become the user that runs QEMU, or change the socket's owner or mode",
                path.display()
            ),
            Self::PathTooLong { path, length, limit } => write!(
                f,
                "the path {} has {length} bytes, and that of a Unix socket at most {limit}. Change to its folder and use a relative \
                 path, or make a symbolic link with a short one",
                path.display()
            ),
            Self::NobodyListens { at, .. } => write!(
                f,
                "nobody listens at {at}: the program that did has ended, or it is not a listening socket. Start the virtual machine, \
                 or look for its present address"
            ),
            Self::Unusable { at, reason, .. } => write!(f, "{at} cannot be used: {reason}"),
            #[cfg(feature = "spawn")]
            Self::Spawn { program, source } => {
                write!(f, "cannot start {program}: {source}. Is it installed, and found by this name?")
            }
            #[cfg(feature = "spawn")]
            Self::Exited { program, status } => {
                write!(f, "{program} ended before its monitor was ready: {status}. Its standard error says why")
            }
            Self::GaveUp { attempts, after, last } => {
                write!(f, "{last} (gave up after {attempts} attempts in {after:.1?})")
            }
            Self::NoAddress => f.write_str(
                "there is no address to connect to again: the monitor was made over an open stream or descriptor. Make a new monitor",
            ),
            Self::Connect { at, source } => write!(f, "cannot connect to {at}: {source}"),
            Self::NoGreeting { at, after } => write!(
                f,
                "{at} takes connections, but sent no greeting for {after:.1?}. Most likely another client holds this monitor, which \
                 serves one at a time: end that client, or start QEMU with one more -qmp for this one. Or QEMU is stopped, or it is \
                 a guest agent's socket"
            ),
            Self::NotReady { at, after } => write!(
                f,
                "{at} greeted, but did not answer the negotiation for {after:.1?}: it is stopped, or still executes a command of an \
                 earlier client. Try again later, or with a longer deadline"
            ),
            Self::NotQmp { at, received } => {
                write!(f, "{at} is not a QMP server")?;
                if received.starts_with(b"QEMU ") {
                    // "QEMU 7.2.22 monitor - type 'help' for more information"
                    write!(f, ", but a monitor for people: start QEMU with -qmp, or with mode=control in -mon")?;
                }
                match received.escape_ascii() {
                    text if received.is_empty() => write!(f, "{text}: it sent nothing"),
                    text => write!(f, ". It sent: {text}"),
                }
            }
            Self::NoAgent { at, after } => write!(
                f,
                "{at} takes connections, but no guest agent answered for {after:.1?}. Is the guest up, and the agent running in it \
                 (qemu-guest-agent)? Or another client holds this socket, which serves one at a time: end that client"
            ),
            Self::NotAgent { at } => write!(
                f,
                "{at} is a QMP monitor, not a guest agent. Take the socket of the chardev behind the virtserialport \
                 org.qemu.guest_agent.0"
            ),
            Self::NotInStep { after } => write!(
                f,
                "the command was not sent: the guest agent has not answered a synchronisation for {after:.1?}, it is stopped or still \
                 busy with an earlier command. Try again later, or with a longer timeout"
            ),
            Self::Unanswered { ticket } => write!(
                f,
                "the guest agent gave no answer in time to command {}: whether it is executed is unknown. Look before repeating it; the \
                 next call gets in step again first",
                ticket.id()
            ),
            Self::Refused { at, failure } => write!(f, "{at} refuses the negotiation: {failure}"),
            Self::Command(failure) => failure.fmt(f),
            Self::Timeout { ticket } => write!(
                f,
                "no reply in time to command {}. It is still pending: wait for it again, or go on and take its reply for late",
                ticket.id()
            ),
            Self::QueueFull => f.write_str(
                "the command was not sent: as many as the server queues are unanswered, or another one with a descriptor, and none was \
                 answered in time. Wait for those",
            ),
            Self::Descriptor { source } => {
                write!(f, "the command was not sent, as its descriptor cannot go with it: {source}")
            }
            Self::Unshareable { source } => write!(
                f,
                "the monitor cannot be used by many threads: {source}. Speak over a socket, or give each thread a monitor of its own"
            ),
            Self::OutcomeUnknown { .. } => f.write_str(
                "the connection ended before the reply came: whether the command is executed is unknown. Connect again, and look \
                 before repeating it",
            ),
            Self::Closed { .. } => f.write_str("the server has closed the connection. Connect again"),
            Self::Oversize { bytes, cause: Oversized::TooLong(limit) } => {
                write!(f, "the reply has {bytes} bytes, more than the {limit} allowed. Raise rx_limit")
            }
            Self::Oversize { bytes, cause: Oversized::TooDeep(limit) } => {
                write!(f, "the reply of {bytes} bytes is nested more than {limit} deep")
            }
            Self::OversizeElement { index, bytes, cause: Oversized::TooLong(limit) } => {
                write!(f, "element {index} has {bytes} bytes, more than the {limit} allowed. Raise rx_limit")
            }
            Self::OversizeElement { index, bytes, cause: Oversized::TooDeep(limit) } => {
                write!(f, "element {index}, of {bytes} bytes, is nested more than {limit} deep")
            }
            Self::Retracted { count, by: Retraction::Broken } => {
                write!(f, "the reply was damaged behind {count} elements. Ask again")
            }
            Self::Retracted { count, .. } => {
                write!(f, "{count} elements were those of another reply. Forget them, and go on for the command's own")
            }
            Self::Decode(error) => write!(f, "what was received does not fit the type asked for: {error}"),
            Self::Misuse(error) => error.fmt(f),
        }
    }
}

/// What the system said. What else an error is made of stands in its text.
impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::NoSuchSocket { source, .. }
            | Self::PermissionDenied { source, .. }
            | Self::NobodyListens { source, .. }
            | Self::Connect { source, .. }
            | Self::Descriptor { source }
            | Self::Unshareable { source } => Some(source),
            #[cfg(feature = "spawn")]
            Self::Spawn { source, .. } => Some(source),
            #[cfg(feature = "spawn")]
            Self::Exited { .. } => None,
            Self::GaveUp { last, .. } => Some(&**last),
            Self::Unusable { source, .. } => source.as_ref().map(|source| source as _),
            Self::OutcomeUnknown { source } | Self::Closed { source } => source.as_ref().map(|source| source as _),
            Self::Refused { .. }
            | Self::Command(_)
            | Self::Decode(_)
            | Self::Misuse(_)
            | Self::PathTooLong { .. }
            | Self::NoAddress
            | Self::NoGreeting { .. }
            | Self::NotReady { .. }
            | Self::NotQmp { .. }
            | Self::NoAgent { .. }
            | Self::NotAgent { .. }
            | Self::NotInStep { .. }
            | Self::Unanswered { .. }
            | Self::Timeout { .. }
            | Self::QueueFull
            | Self::Oversize { .. }
            | Self::OversizeElement { .. }
            | Self::Retracted { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
