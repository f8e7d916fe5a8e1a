//! Which command a reply belongs to.

use alloc::collections::VecDeque;

use qmp_core::json::Value;
use qmp_qapi::registry::Command;

use super::id::canonical;

/// A command that was sent and not answered.
#[derive(Debug)]
pub(super) struct Sent {
    id: Option<String>,
    pub(super) name: String,
    /// Known, and in the release: what it returns can be checked.
    pub(super) command: Option<&'static Command>,
}

/// What was sent and not answered, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending {
    sent: VecDeque<Sent>,
    /// A command without an id went out of band: order tells nothing any more.
    out_of_order: bool,
}

/// What more is not remembered: a recording without replies would otherwise be kept.
const MOST: usize = 1024;

impl Pending {
    /// A new connection.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn push(&mut self, id: Option<Value<'_>>, name: &str, command: Option<&'static Command>, oob: bool) {
        let id = id.map(canonical);
        if id.is_none() && oob {
            self.out_of_order = true;
            return;
        }
        // An id that is used again: the reply to the first use is missing here.
        self.sent.retain(|sent| sent.id.is_none() || sent.id != id);
        if self.sent.len() == MOST {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { id, name: name.into(), command });
    }

    /// The command that succeeded.
    pub(super) fn succeeded(&mut self, id: Option<Value<'_>>) -> Option<Sent> {
        match id {
            Some(id) => self.with_id(&canonical(id)),
            // Some commands answer nothing when they succeed.
            None => self.in_order(|sent| sent.command.is_none_or(|command| !command.no_reply)),
        }
    }

    /// The command that failed. An error without an id may also answer what was no command; then nothing is lost but a reply that
    /// could have been checked.
    pub(super) fn failed(&mut self, id: Option<Value<'_>>) -> Option<Sent> {
        match id {
            Some(id) => self.with_id(&canonical(id)),
            None => self.in_order(|_| true),
        }
    }

    fn with_id(&mut self, id: &str) -> Option<Sent> {
        let at = self.sent.iter().position(|sent| sent.id.as_deref() == Some(id))?;
        self.sent.remove(at)
    }

    /// The oldest command without an id that can be the one. Those before it will not be answered.
    fn in_order(&mut self, fits: impl Fn(&Sent) -> bool) -> Option<Sent> {
        if self.out_of_order {
            return None;
        }
        loop {
            let at = self.sent.iter().position(|sent| sent.id.is_none())?;
            let sent = self.sent.remove(at)?;
            if fits(&sent) {
                return Some(sent);
            }
        }
    }
}
