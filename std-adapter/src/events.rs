//! Events: kept as they come, given out in order or by name.

use core::ops::ControlFlow;
use core::time::Duration;

use qmp_core::client::Message;
use qmp_core::message::{Event, Timestamp};
use qmp_core::time::Instant;
use serde::de::DeserializeOwned;

use crate::drive::pass;
use crate::error::Error;
use crate::kept;
use crate::monitor::Monitor;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedEvent {
    /// Its name: `SHUTDOWN`, `RESUME`, … An open set.
    pub name: String,
    /// Its data, raw JSON as it came, if it has any.
    pub data: Option<String>,
    /// When it happened, by the host's clock. QEMU holds some events back for up to a second and lets the latest win: what they tell
    /// can be of the past.
    pub timestamp: Option<Timestamp>,
}

impl OwnedEvent {
    /// Reads the data; `null` if there is none.
    ///
    /// # Errors
    /// [`Error::Decode`].
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        kept::read(self.data.as_deref().unwrap_or("null"), |payload| Ok(payload.decode()?))
    }
}

impl From<Event<'_>> for OwnedEvent {
    fn from(event: Event<'_>) -> Self {
        Self { name: event.name.to_owned(), data: event.data.as_ref().map(kept::own), timestamp: event.timestamp }
    }
}

/// Events. They are kept from the connection on, so that what a command causes is there to be waited for behind it, though it may
/// have come before its reply.
impl Monitor {
    /// The next event, waited for up to `timeout`: `None` is as long as it takes, zero only looks at what has come. Gives `None`
    /// when time is up.
    ///
    /// # Errors
    /// [`Error::Closed`] when the connection has ended and every event was given out.
    pub fn next_event(&mut self, timeout: Option<Duration>) -> Result<Option<OwnedEvent>, Error> {
        self.event(timeout, |_| true)
    }

    /// The next event that has one of the `names`. Other events stay for later calls.
    ///
    /// # Errors
    /// As [`next_event`](Self::next_event).
    pub fn wait_event(&mut self, names: &[&str], timeout: Option<Duration>) -> Result<Option<OwnedEvent>, Error> {
        self.event(timeout, |name| names.contains(&name))
    }

    /// Forgets the events that have come: for who only wants what happens from now on.
    ///
    /// # Errors
    /// [`Error::Closed`] when the connection has ended.
    pub fn discard_events(&mut self) -> Result<(), Error> {
        let outcome = self.driver.drive(Instant::ZERO, pass);
        self.driver.inbox.events.items.clear();
        outcome.map(drop)
    }

    /// How many events were dropped, as more came than are kept, since the connection was made.
    pub const fn events_lost(&self) -> u64 {
        self.driver.inbox.events.lost()
    }

    fn event(&mut self, timeout: Option<Duration>, wanted: impl Fn(&str) -> bool) -> Result<Option<OwnedEvent>, Error> {
        if let Some(event) = self.driver.inbox.events.take(|event| wanted(&event.name)) {
            return Ok(Some(event));
        }
        let deadline = self.driver.clock.deadline(timeout);
        self.driver.drive(deadline, |message| match message {
            Message::Event(event) if wanted(event.name) => ControlFlow::Break(event.into()),
            other => ControlFlow::Continue(other),
        })
    }
}
