//! Commands that wait to be executed.

use alloc::collections::VecDeque;

use qmp_core::json::Payload;
use qmp_core::server::{Message, Ticket};

/// A command as a client gave it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) ticket: Ticket,
    pub(crate) name: String,
    pub(crate) oob: bool,
    /// JSON, an object.
    pub(crate) arguments: Option<String>,
}

/// What was asked and not begun with, oldest first. The server delivers no more than there may be.
#[derive(Debug, Default)]
pub(crate) struct Queue(VecDeque<Asked>);

impl Queue {
    /// Keeps `message` if it is a command.
    pub(crate) fn take(&mut self, message: Message<'_>) {
        if let Message::Command { ticket, name, oob, arguments } = message {
            let arguments = arguments.map(Payload::into_value).map(|value| value.to_string());
            self.0.push_back(Asked { ticket, name: name.to_owned(), oob, arguments });
        }
    }

    /// The next one to be executed: out-of-band ones overtake. `in_band`: whether one of the others may be begun with.
    pub(crate) fn next(&mut self, in_band: bool) -> Option<Asked> {
        let overtaking = self.0.iter().position(|asked| asked.oob);
        self.0.remove(overtaking.or(in_band.then_some(0))?)
    }

    /// The oldest one, in band or not.
    pub(crate) fn front(&self) -> Option<&Asked> {
        self.0.front()
    }

    /// Takes the oldest one.
    pub(crate) fn pop(&mut self) -> Option<Asked> {
        self.0.pop_front()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
