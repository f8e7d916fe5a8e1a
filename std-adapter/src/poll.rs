//! Monitors in a loop of the caller's own, which waits for other things, too: many monitors, a terminal, a signal.

use std::os::fd::BorrowedFd;

use qmp_core::client::{Session, Ticket};
use qmp_core::error::Misuse;

use crate::error::Error;
use crate::monitor::Monitor;

/// In a loop of one's own: wait until [`poll_fd`](Self::poll_fd) can be read, or written if that is [wanted](Self::wants_write); call
/// [`next_event`](Self::next_event) with no time to wait until it gives `None`, which receives and sends what can go; then ask for the
/// replies that have [arrived](Self::arrived_raw). Commands are [submitted](Self::submit_raw), with a
/// [timeout](Self::set_timeout) of zero if the loop shall not wait for a place in the queue either.
impl Monitor {
    /// What to poll. `None`, if the monitor speaks over a [`Stream`](crate::Stream) that has nothing of the kind.
    pub fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.driver.stream.poll_fd()
    }

    /// Whether a part of a command is still to be sent: then poll for writing, too.
    pub fn wants_write(&self) -> bool {
        !self.driver.client.tx_pending().is_empty() && !self.driver.unsendable
    }

    /// [`wait_raw`](Self::wait_raw) that neither waits nor receives: what the command came to, if that is among what other calls have
    /// received; `None` while it is not.
    ///
    /// # Errors
    /// As there, but [`Error::Timeout`].
    pub fn arrived_raw(&mut self, ticket: Ticket) -> Result<Option<String>, Error> {
        if let Some(kept) = self.kept(ticket) {
            return kept.map(Some);
        }
        let driver = &mut self.driver;
        if driver.inbox.overdue.contains(&ticket) {
            if driver.client.session() != Session::Closed {
                return Ok(None);
            }
            // One whose time was up is not lost, to the core: it had ended.
            driver.inbox.overdue.retain(|other| *other != ticket);
            return Err(Error::OutcomeUnknown { source: driver.take_cause() });
        }
        if driver.client.commands().is_in_flight(ticket) { Ok(None) } else { Err(Error::Misuse(Misuse::Ticket.into())) }
    }
}
