//! Where an agent's messages go that no call waits for.

use qmp_core::agent::{Client, Message};
use qmp_core::error::Error as Refusal;
use qmp_core::time::Instant;

use crate::engine::{Engine, moves_bytes};
use crate::inbox::own;
use crate::kept;
use crate::notice::{Notice, Queue};

pub(crate) struct Inbox {
    pub(crate) notices: Queue<Notice>,
    /// The session is not in step: each synchronisation draws an error.
    pub(crate) syncing: bool,
}

impl Engine for Client<'static> {
    type Message<'m> = Message<'m>;
    type Inbox = Inbox;

    moves_bytes!();

    fn file(inbox: &mut Inbox, message: Message<'_>) {
        let notice = match message {
            Message::Ready { .. } => {
                inbox.syncing = false;
                return;
            }
            Message::TimedOut { .. } | Message::Unanswered { .. } => {
                inbox.syncing = true;
                return;
            }
            Message::Diagnostic(_) if inbox.syncing => return,
            Message::Diagnostic(failure) => Notice::Diagnostic(failure.into()),
            Message::Late { ticket, outcome } => Notice::Late { ticket, outcome: own(outcome) },
            // Each command has a call that waits for it to end.
            Message::Reply { ticket, outcome } => Notice::Late { ticket, outcome: own(outcome) },
            Message::Sent { .. }
            | Message::Element { .. }
            | Message::ElementsEnd { .. }
            | Message::Text { .. }
            | Message::TextEnd { .. }
            | Message::Retracted { .. } => return,
            Message::Lost { ticket } => Notice::Lost { ticket },
            Message::Foreign { id, outcome } => {
                Notice::Foreign { id: id.map(|id| id.to_string()), outcome: own(outcome) }
            }
            Message::Oversize { ticket, message } => Notice::oversize(ticket, message),
            Message::Malformed(malformed) => Notice::malformed(malformed),
            Message::Unknown(payload) => Notice::Unknown(kept::own(&payload)),
            Message::Incomplete => Notice::Incomplete,
            Message::Greeting(_) => Notice::Greeting,
            Message::Event(event) => Notice::Unknown(format!("{{\"event\": {:?}, …}}", event.name)),
            other => Notice::Unknown(format!("{other:?}")),
        };
        inbox.notices.push(notice);
    }
}
