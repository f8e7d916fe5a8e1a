//! Where each message goes that no call waits for.

use std::collections::HashMap;

use qmp_core::client::{Message, Retraction, Ticket};
use qmp_core::json::Payload;
use qmp_core::message::{self, Greeting, Version};

use crate::call;
use crate::error::{Error, Failure};
use crate::events::OwnedEvent;
use crate::kept::{self, Kept};
use crate::notice::{Notice, Queue};
use crate::options::Options;
use crate::watch::Mailboxes;

/// What the server said of itself in its greeting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// QEMU's version, if it is in the greeting.
    pub version: Option<Version>,
    /// What a distributor calls the build; empty for QEMU as released.
    pub package: String,
    /// What can be enabled: `oob`, or nothing, or what later releases have.
    pub capabilities: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Inbox {
    pub(crate) server: Option<Server>,
    pub(crate) events: Queue<OwnedEvent>,
    /// Who wants events apart from that queue.
    pub(crate) mailboxes: Mailboxes,
    pub(crate) notices: Queue<Notice>,
    pub(crate) replies: HashMap<Ticket, Kept>,
    /// Commands whose time is up and whose reply may come all the same.
    pub(crate) overdue: Vec<Ticket>,
}

impl Inbox {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            server: None,
            events: Queue::new("events", options.events),
            mailboxes: Mailboxes::default(),
            notices: Queue::new("notices", options.notices),
            replies: HashMap::new(),
            overdue: Vec::new(),
        }
    }

    pub(crate) fn file(&mut self, message: Message<'_>) {
        match message {
            Message::Greeting(greeting) if self.server.is_none() => {
                self.server = Some(Server::from(greeting));
            }
            Message::Greeting(_) => self.notices.push(Notice::Greeting),
            Message::Reply { ticket, outcome } => {
                let kept = match outcome {
                    Ok(payload) => Kept::Returned(kept::own(&payload)),
                    Err(failure) => Kept::Failed(failure.into()),
                };
                self.replies.insert(ticket, kept);
            }
            Message::Event(event) => self.file_event((&event).into()),
            Message::TimedOut { ticket } => self.overdue.push(ticket),
            Message::Late { ticket, outcome } => {
                self.overdue.retain(|overdue| *overdue != ticket);
                self.notices.push(Notice::Late { ticket, outcome: own(outcome) });
            }
            Message::Lost { ticket } => {
                self.replies.insert(ticket, Kept::Error(Error::OutcomeUnknown { source: None }));
            }
            Message::Foreign { id, outcome } => {
                self.notices.push(Notice::Foreign { id: id.map(|id| id.to_string()), outcome: own(outcome) });
            }
            Message::Diagnostic(failure) => self.notices.push(Notice::Diagnostic(failure.into())),
            Message::Oversize { ticket: Some(ticket), message } => {
                self.replies
                    .insert(ticket, Kept::Error(Error::Oversize { bytes: message.bytes, cause: message.cause }));
            }
            Message::Oversize { ticket: None, message } => {
                let late = self.overdue.iter().position(|ticket| call::is_late_reply(&message, *ticket));
                let ticket = late.map(|place| self.overdue.remove(place));
                self.notices.push(Notice::oversize(ticket, message));
            }
            Message::Malformed(malformed) => self.notices.push(Notice::malformed(malformed)),
            Message::Unknown(payload) => self.notices.push(Notice::Unknown(kept::own(&payload))),
            Message::Incomplete => self.notices.push(Notice::Incomplete),
            Message::Retracted { count, by, .. } => self.retracted(count, by),
            // Whoever wanted them has given up.
            Message::Element { .. } | Message::Text { .. } => {}
            Message::ElementsEnd { ticket, .. } | Message::TextEnd { ticket, .. } => {
                self.overdue.retain(|overdue| *overdue != ticket);
            }
            // These are the handshake's, which looks at them itself.
            Message::Ready { .. } | Message::Refused(_) | Message::HandshakeTimedOut(_) => {}
            other => self.notices.push(Notice::Unknown(format!("{other:?}"))),
        }
    }

    /// What was handed out in pieces may have been the reply to another command, which has ended by that.
    pub(crate) fn retracted(&mut self, count: u32, by: Retraction) {
        if let Retraction::Other(ticket) = by {
            self.replies.insert(ticket, Kept::Error(Error::Retracted { count, by }));
        }
    }

    pub(crate) fn file_event(&mut self, event: OwnedEvent) {
        self.mailboxes.offer(&event);
        self.events.push(event);
    }

    /// What the server said of itself.
    pub(crate) fn server(&self) -> &Server {
        const UNSAID: &Server = &Server { version: None, package: String::new(), capabilities: Vec::new() };
        self.server.as_ref().unwrap_or(UNSAID)
    }

    /// Nobody waits for the command any more: the reply, if it is here, becomes a notice. Whether it is.
    #[cfg(feature = "async")]
    pub(crate) fn abandon(&mut self, ticket: Ticket) -> bool {
        let outcome = match self.replies.remove(&ticket) {
            Some(Kept::Returned(raw)) => Ok(raw),
            Some(Kept::Failed(failure)) => Err(failure),
            Some(Kept::Error(_)) => return true,
            None => return false,
        };
        self.notices.push(Notice::Late { ticket, outcome });
        true
    }

    /// Whether what the command came to is here.
    pub(crate) fn has(&self, ticket: Ticket) -> bool {
        self.replies.contains_key(&ticket) || self.notices.items.iter().any(|notice| notice.ends(ticket))
    }

    /// The reply to a command, if it came before: in time, or late.
    pub(crate) fn take(&mut self, ticket: Ticket) -> Option<Kept> {
        if let Some(kept) = self.replies.remove(&ticket) {
            return Some(kept);
        }
        match self.notices.take(|notice| notice.ends(ticket))? {
            Notice::Late { outcome: Ok(raw), .. } => Some(Kept::Returned(raw)),
            Notice::Late { outcome: Err(failure), .. } => Some(Kept::Failed(failure)),
            Notice::Lost { .. } => Some(Kept::Error(Error::OutcomeUnknown { source: None })),
            Notice::Oversize { bytes, cause, .. } => Some(Kept::Error(Error::Oversize { bytes, cause })),
            _ => None,
        }
    }
}

/// What a command came to, to keep.
pub(crate) fn own(outcome: Result<Payload<'_>, message::Failure<'_>>) -> Result<String, Failure> {
    outcome.map(|payload| kept::own(&payload)).map_err(Failure::from)
}

impl From<Greeting<'_>> for Server {
    fn from(greeting: Greeting<'_>) -> Self {
        Self {
            version: greeting.version(),
            package: greeting.package().to_owned(),
            capabilities: greeting.capabilities().map(str::to_owned).collect(),
        }
    }
}
