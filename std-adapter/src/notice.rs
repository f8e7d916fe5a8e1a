//! What came and was nobody's.

use alloc::collections::VecDeque;

use qmp_core::client::Ticket;
use qmp_core::frame::Oversized;
use qmp_core::json::scan::Reason;
use qmp_core::message::{self, Kind};

use crate::error::Failure;
use crate::log;

/// Something that came and that no call waited for. Most monitors never see one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The reply to a command whose time was up: raw JSON, or the failure.
    Late {
        /// The command.
        ticket: Ticket,
        /// What it came to.
        outcome: Result<String, Failure>,
    },
    /// The connection was ended by [`Monitor::reconnect`](crate::Monitor::reconnect), and with it the wait for the reply to a command
    /// whose time was up: whether it is executed is unknown.
    Lost {
        /// The command.
        ticket: Ticket,
    },
    /// A reply to a command that this monitor did not send: an earlier client did, most likely.
    Foreign {
        /// The reply's id as JSON, if it has one.
        id: Option<String>,
        /// What that command came to.
        outcome: Result<String, Failure>,
    },
    /// The server could not read some input. It does not say which.
    Diagnostic(Failure),
    /// A message that does not fit, passed over. The reply to a command in flight is not reported here, but as that command's error.
    Oversize {
        /// The command whose time was up, if it was the reply to one.
        ticket: Option<Ticket>,
        /// What it was.
        of: Kind,
        /// An event's name.
        name: Option<String>,
        /// Its length.
        bytes: u64,
        /// The limit that it is beyond.
        cause: Oversized,
    },
    /// Bytes that are no message. If they were to be a reply, its command only ends by its timeout.
    Malformed {
        /// Where in the stream.
        at: u64,
        /// What is wrong with them.
        reason: Reason,
        /// What came before of the same message: the last of it, if it is long.
        text: Vec<u8>,
    },
    /// An object that is no message of the protocol, as raw JSON.
    Unknown(String),
    /// The stream ended inside a message.
    Incomplete,
    /// The server greeted once more: it has begun anew.
    Greeting,
}

impl Notice {
    /// As many bytes of a malformed text are kept.
    const EXCERPT: usize = 1024;

    /// Whether it is what the command came to.
    pub(crate) fn ends(&self, ticket: Ticket) -> bool {
        matches!(
            self,
            Self::Late { ticket: of, .. } | Self::Lost { ticket: of } | Self::Oversize { ticket: Some(of), .. } if *of == ticket
        )
    }

    pub(crate) fn malformed(malformed: message::Malformed<'_>) -> Self {
        let text = malformed.text;
        let text = text.get(text.len().saturating_sub(Self::EXCERPT)..).unwrap_or(text).to_owned();
        Self::Malformed { at: malformed.at, reason: malformed.reason, text }
    }

    pub(crate) fn oversize(ticket: Option<Ticket>, message: message::Oversize<'_>) -> Self {
        let name = message.name.map(str::to_owned);
        Self::Oversize { ticket, of: message.of, name, bytes: message.bytes, cause: message.cause }
    }
}

/// The newest so many of what came, and the number of those that it took to make room.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    pub(crate) items: VecDeque<T>,
    /// What they are.
    of: &'static str,
    most: usize,
    lost: u64,
}

impl<T> Queue<T> {
    pub(crate) const fn new(of: &'static str, most: usize) -> Self {
        Self { items: VecDeque::new(), of, most, lost: 0 }
    }

    pub(crate) fn push(&mut self, item: T) {
        self.items.push_back(item);
        if self.items.len() > self.most {
            self.items.pop_front();
            self.lost = self.lost.saturating_add(1);
            log::dropped(self.of, self.lost);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// Takes the first one that is `wanted`.
    pub(crate) fn take(&mut self, wanted: impl FnMut(&T) -> bool) -> Option<T> {
        let index = self.items.iter().position(wanted)?;
        self.items.remove(index)
    }

    pub(crate) const fn lost(&self) -> u64 {
        self.lost
    }
}
