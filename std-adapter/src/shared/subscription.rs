//! Events, to each who wants them.

use alloc::sync::Arc;
use core::fmt;
use core::iter::FusedIterator;
use core::time::Duration;

use super::Shared;
use super::hub::Hub;
use crate::error::Error;
use crate::events::OwnedEvent;
use crate::watch::{Mailbox, Wanted};

impl Shared {
    /// Events that are `wanted`, from now on: subscribe before the command that causes them. Each subscriber gets each of its events.
    pub fn subscribe(&self, wanted: Wanted) -> Subscription {
        Subscription { mailbox: self.hub.subscribe(wanted), hub: Arc::clone(&self.hub) }
    }

    /// Calls `callback` with each event that is `wanted`, for as long as what this gives is held, in the thread that receives: it
    /// should be quick, and can [`submit`](Self::submit) but not wait for a reply, as nobody receives meanwhile.
    pub fn on_event(&self, wanted: Wanted, callback: impl FnMut(OwnedEvent) + Send + 'static) -> Callback {
        let mailbox = self.hub.subscribe(wanted);
        self.hub.call_back(&mailbox, Box::new(callback));
        Callback(mailbox)
    }
}

/// Events of a [`Shared`] monitor, kept until they are asked for. It ends when it is dropped. It does not keep the connection open.
#[must_use = "it keeps events for as long as it is there"]
pub struct Subscription {
    mailbox: Arc<Mailbox>,
    hub: Arc<Hub>,
}

impl Subscription {
    /// The next event, waited for up to `timeout`: `None` is as long as it takes, zero only looks at what has come. Gives `None`
    /// when time is up.
    ///
    /// # Errors
    /// [`Error::Closed`] when the connection has ended and every event was given out.
    pub fn next_within(&self, timeout: Option<Duration>) -> Result<Option<OwnedEvent>, Error> {
        match self.mailbox.wait(timeout, || self.hub.has_ended()) {
            Some(event) => Ok(Some(event)),
            None if self.hub.has_ended() => {
                self.mailbox.take().map_or_else(|| Err(self.hub.closed()), |event| Ok(Some(event)))
            }
            None => Ok(None),
        }
    }

    /// How many events were dropped, as more came than are kept.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.mailbox.lost()
    }
}

/// Events as they come, until the connection ends.
impl Iterator for Subscription {
    type Item = OwnedEvent;

    fn next(&mut self) -> Option<OwnedEvent> {
        self.next_within(None).ok().flatten()
    }
}

impl FusedIterator for Subscription {}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

/// A callback of a [`Shared`] monitor. It ends when this is dropped; it may be called once more meanwhile.
#[must_use = "the callback is called for as long as this is held"]
pub struct Callback(#[expect(dead_code, reason = "holding it is its use")] Arc<Mailbox>);

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").finish_non_exhaustive()
    }
}
