//! Events: kept as they come, given out in order or by name.

use core::iter::FusedIterator;
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
use crate::watch::{Mailbox, Wanted, Watch};

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

impl From<&Event<'_>> for OwnedEvent {
    fn from(event: &Event<'_>) -> Self {
        Self { name: event.name.to_owned(), data: event.data.as_ref().map(kept::own), timestamp: event.timestamp }
    }
}

/// Events. They are kept from the connection on, so that what a command causes is there to be waited for behind it, though it may
/// have come before its reply.
///
/// Events that are [given out](Self::next_event) go to whoever asks first; those that somebody is [armed](Self::arm) for go to him, too.
impl Monitor {
    /// The next event, waited for up to `timeout`: `None` is as long as it takes, zero only looks at what has come. Gives `None`
    /// when time is up.
    ///
    /// # Errors
    /// [`Error::Closed`] when the connection has ended and every event was given out.
    pub fn next_event(&mut self, timeout: Option<Duration>) -> Result<Option<OwnedEvent>, Error> {
        self.event(timeout, |_| true, |_| true)
    }

    /// The next event that has one of the `names`. Other events stay for later calls.
    ///
    /// # Errors
    /// As [`next_event`](Self::next_event).
    pub fn wait_event(&mut self, names: &[&str], timeout: Option<Duration>) -> Result<Option<OwnedEvent>, Error> {
        self.event(timeout, |name| names.contains(&name), |_| true)
    }

    /// The next event for which `wanted` holds. Other events stay for later calls.
    ///
    /// # Errors
    /// As [`next_event`](Self::next_event).
    pub fn wait_event_that(
        &mut self,
        wanted: impl Fn(&OwnedEvent) -> bool,
        timeout: Option<Duration>,
    ) -> Result<Option<OwnedEvent>, Error> {
        self.event(timeout, |_| true, wanted)
    }

    /// Events as they come, until the connection ends: the last item says how, if it was more than an end.
    pub fn events(&mut self) -> Events<'_> {
        Events(Some(self))
    }

    /// Keeps the events that are `wanted` from now on, apart from all others: arm before the command that causes them, and ask behind
    /// it. What came before is not among them.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use qmp_std::{Monitor, Wanted};
    ///
    /// let mut monitor = Monitor::unix("/run/vm/qmp.sock")?;
    /// let down = monitor.arm(Wanted::named(["SHUTDOWN"]))?;
    /// monitor.run("system_powerdown", &())?;
    /// let event = monitor.next_of(&down, Some(Duration::from_secs(60)))?;
    /// # let _ = event;
    /// # Ok::<(), qmp_std::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Closed`] when the connection has ended.
    pub fn arm(&mut self, wanted: Wanted) -> Result<Watch, Error> {
        // What has come by now is of before.
        self.driver.drive(Instant::ZERO, pass)?;
        let mailbox = Mailbox::new(wanted);
        self.driver.inbox.mailboxes.add(&mailbox);
        Ok(Watch(mailbox))
    }

    /// The next event of `watch`, waited for up to `timeout`, as [`next_event`](Self::next_event) does.
    ///
    /// # Errors
    /// As there.
    pub fn next_of(&mut self, watch: &Watch, timeout: Option<Duration>) -> Result<Option<OwnedEvent>, Error> {
        if let Some(event) = watch.0.take() {
            return Ok(Some(event));
        }
        let deadline = self.driver.clock.deadline(timeout);
        let came = self.driver.drive(deadline, seeking(|_| true, |event| watch.0.includes(event)))?;
        Ok(came.and_then(|event| {
            self.driver.inbox.file_event(event);
            watch.0.take()
        }))
    }

    /// Forgets the events that have come: for who only wants what happens from now on. Those that the monitor is
    /// [armed](Self::arm) for stay.
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

    fn event(
        &mut self,
        timeout: Option<Duration>,
        named: impl Fn(&str) -> bool,
        wanted: impl Fn(&OwnedEvent) -> bool,
    ) -> Result<Option<OwnedEvent>, Error> {
        if let Some(event) = self.driver.inbox.events.take(|event| named(&event.name) && wanted(event)) {
            return Ok(Some(event));
        }
        let deadline = self.driver.clock.deadline(timeout);
        let came = self.driver.drive(deadline, seeking(named, wanted))?;
        Ok(came.inspect(|event| self.driver.inbox.mailboxes.offer(event)))
    }
}

/// Seeks an event among messages.
fn seeking(
    named: impl Fn(&str) -> bool,
    wanted: impl Fn(&OwnedEvent) -> bool,
) -> impl for<'m> FnMut(Message<'m>) -> ControlFlow<OwnedEvent, Message<'m>> {
    move |message| {
        if let Message::Event(event) = &message
            && named(event.name)
        {
            let event = OwnedEvent::from(event);
            if wanted(&event) {
                return ControlFlow::Break(event);
            }
        }
        ControlFlow::Continue(message)
    }
}

/// The events of a monitor as they come.
#[derive(Debug)]
pub struct Events<'m>(Option<&'m mut Monitor>);

impl Iterator for Events<'_> {
    type Item = Result<OwnedEvent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.0.as_mut()?.next_event(None) {
            Ok(event) => event.map(Ok),
            Err(error) => {
                self.0 = None;
                match error {
                    Error::Closed { source: None } => None,
                    error => Some(Err(error)),
                }
            }
        }
    }
}

impl FusedIterator for Events<'_> {}
