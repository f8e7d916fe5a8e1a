//! Getting in step: the numbers sent, and what comes back of them.

use core::time::Duration;

use super::session::{Config, Sync};
use crate::error::Error;
use crate::frame::{Frames, What};
use crate::json::ser::{Full, Sink, decimal64};
use crate::message::{is_error, raw_return};
use crate::time::Instant;
use crate::transmit::Transmit;

/// One synchronisation after another until one is answered.
#[derive(Debug)]
pub(super) struct Synchronization {
    by: Sync,
    /// In milliseconds.
    timeout: u32,
    ids: bool,
    /// The number sent last. Beyond any command's id, and exact in every reader's idea of a number.
    number: u64,
    /// Whether it went as the command's id, too, and whether an error has come since: an agent that refuses ids says so.
    with_id: bool,
    refused: bool,
    /// How many were sent since the session was last in step, and when the last one's time is up.
    attempts: u32,
    pub(super) deadline: Instant,
    /// The agent's 0xFF came last.
    sentinel: bool,
    /// An answer came back with its id.
    echoed: bool,
    /// What was learned of that in the end. At first ids are tried.
    pub(super) echoes: bool,
}

/// Numbers have 53 bits of which the highest is set.
const LOWEST: u64 = 1 << 52;

impl Synchronization {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            by: config.sync,
            timeout: u32::try_from(Instant::ZERO.after(config.sync_timeout).as_millis()).unwrap_or(u32::MAX),
            ids: config.ids,
            number: config.seed & (LOWEST - 1) | LOWEST,
            with_id: false,
            refused: false,
            attempts: 0,
            deadline: Instant::NEVER,
            sentinel: false,
            echoed: false,
            echoes: config.ids,
        }
    }

    /// Begins anew, with numbers that go on. Ids are tried again if `ids_too`: it may be another agent.
    pub(super) const fn restart(&mut self, ids_too: bool) {
        self.attempts = 0;
        self.echoed = false;
        if ids_too {
            self.echoes = self.ids;
        }
    }

    /// How many were sent.
    pub(super) const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Sends the next one, unless the last one waits to be sent yet: one is enough to wake up to.
    pub(super) fn send(&mut self, tx: &mut Transmit<'_>, now: Instant) -> Result<(), Error> {
        if self.attempts == 0 || tx.pending().is_empty() {
            let number = self.number.wrapping_add(1) & (LOWEST - 1) | LOWEST;
            let with_id = match self.attempts {
                0 => self.echoes,
                _ => self.ids && !(self.with_id && self.refused),
            };
            tx.append(|tx| {
                let (lead, name): (&[u8], _) = match self.by {
                    Sync::Delimited => (b"\xFF", "guest-sync-delimited"),
                    Sync::Plain => (b"\n", "guest-sync"),
                };
                tx.push(lead).map_err(|Full| tx.full())?;
                tx.text("{\"execute\":\"")?;
                tx.text(name)?;
                tx.text("\",\"arguments\":{\"id\":")?;
                tx.push(decimal64(number, &mut [0; 20])).map_err(|Full| tx.full())?;
                tx.text("}")?;
                if with_id {
                    tx.text(",\"id\":")?;
                    tx.push(decimal64(number, &mut [0; 20])).map_err(|Full| tx.full())?;
                }
                tx.text("}\n")
            })?;
            self.number = number;
            self.with_id = with_id;
            self.refused = false;
        }
        let timeout = u64::from(self.timeout) << self.attempts.min(5);
        self.deadline = now.after(Duration::from_millis(timeout));
        self.attempts = self.attempts.saturating_add(1);
        self.sentinel = false;
        Ok(())
    }

    /// Something else has come: what follows is not behind the sentinel.
    #[cfg(feature = "delivery")]
    pub(super) const fn passed(&mut self) {
        self.sentinel = false;
    }

    /// What a message means to the synchronisation under way.
    pub(super) fn receive(&mut self, frames: &mut Frames<'_>, what: What) -> Step {
        if what == What::Sentinel && self.by == Sync::Delimited {
            self.sentinel = true;
            return Step::Sentinel;
        }
        self.refused |= is_error(frames, what);
        let in_place = core::mem::replace(&mut self.sentinel, false) || self.by == Sync::Plain;
        let Some((number, id)) = raw_return(frames, what) else { return Step::None };
        // An earlier one is no proof that what follows is ours, but it has been read: with its id?
        self.echoed |= id == Some(number) && self.is_of_this_round(number);
        if in_place && number == decimal64(self.number, &mut [0; 20]) {
            self.echoes = self.echoed;
            self.restart(false);
            return Step::Done;
        }
        Step::None
    }

    /// Whether `text` is a number that was sent since the session was last in step.
    fn is_of_this_round(&self, text: &[u8]) -> bool {
        let number = core::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok());
        number.is_some_and(|number| self.number.wrapping_sub(number) & (LOWEST - 1) < u64::from(self.attempts))
    }
}

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It has nothing to do with it.
    None,
    /// The sentinel: what follows may be the answer.
    Sentinel,
    /// The answer.
    Done,
}
