//! What every client sends by: commands written whole or not at all, each in a slot until it has ended.

use serde::Serialize;

#[cfg(feature = "delivery")]
use super::pieces::Stream;
use super::slots::{Generation, Slot, SlotState, Slots, Ticket};
use crate::error::{Error, Misuse, Resource};
use crate::json::ser::{self, Full, Serializer};
use crate::json::{Value, scan, squeeze};
use crate::time::Instant;
use crate::transmit::Transmit;

/// The bytes to be sent, and the commands in flight.
#[derive(Debug)]
pub(crate) struct Outbox<'b> {
    pub(crate) tx: Transmit<'b>,
    pub(crate) slots: Slots<'b>,
    pub(crate) generation: Generation,
    #[cfg(feature = "delivery")]
    pub(crate) stream: Stream,
    /// The in-band command answered last; 0 for none.
    #[cfg(feature = "delivery")]
    answered: u32,
}

/// A command but for its arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form<'n> {
    pub(crate) name: &'n str,
    /// Whether it is to be executed out of band.
    pub(crate) oob: bool,
    /// Whether it answers nothing when it succeeds.
    pub(crate) silent: bool,
    /// Whether it bears an id.
    pub(crate) with_id: bool,
}

impl<'b> Outbox<'b> {
    pub(crate) fn new(tx: Transmit<'b>, slots: Slots<'b>, seed: u32) -> Self {
        Self {
            tx,
            slots,
            generation: Generation::seeded(seed),
            #[cfg(feature = "delivery")]
            stream: Stream::default(),
            #[cfg(feature = "delivery")]
            answered: 0,
        }
    }

    /// Forgets what was not sent and the commands in flight. Ids go on.
    pub(crate) fn reset(&mut self) {
        self.tx.clear();
        self.slots.all_mut().fill(Slot::FREE);
        #[cfg(feature = "delivery")]
        self.forget_stream();
    }

    /// Encodes a command, or on any error nothing.
    pub(crate) fn encode(
        &mut self,
        form: Form<'_>,
        arguments: impl FnOnce(&mut Transmit<'b>) -> Result<(), Error>,
    ) -> Result<Ticket, Error> {
        let limit = self.slots.all().len() as u16;
        let number = self.slots.free().ok_or(Resource::Slots { limit })?;
        let id = self.generation.next(number);
        self.tx.append(|tx| {
            tx.text(if form.oob { "{\"exec-oob\":" } else { "{\"execute\":" })?;
            ser::write_str(tx, form.name, false).map_err(|Full| tx.full())?;
            let mark = tx.mark();
            tx.text(",\"arguments\":")?;
            let start = tx.mark();
            arguments(tx)?;
            match tx.written(start) {
                [b'{', ..] => {}
                b"null" => tx.rewind(mark),
                _ => return Err(Misuse::NotAnObject.into()),
            }
            finish(tx, form.with_id.then_some(id))
        })?;
        self.generation.advance(id);
        if let Some(slot) = self.slots.all_mut().get_mut(usize::from(number)) {
            let Form { oob, silent, .. } = form;
            *slot = Slot { id, state: SlotState::InFlight, oob, silent, deadline: Instant::NEVER.as_millis() };
        }
        Ok(Ticket(id))
    }

    pub(crate) fn set_deadline(&mut self, ticket: Ticket, deadline: Instant) -> Result<(), Error> {
        let slot =
            self.slots.with_id(ticket.0).filter(|slot| slot.state == SlotState::InFlight).ok_or(Misuse::Ticket)?;
        slot.deadline = deadline.as_millis();
        Ok(())
    }

    /// Whether `ticket` is in flight and not timed out.
    pub(crate) fn is_in_flight(&self, ticket: Ticket) -> bool {
        let slot = self.slots.all().get((ticket.0 & 0xFF) as usize);
        slot.is_some_and(|slot| slot.state == SlotState::InFlight && slot.id == ticket.0)
    }

    pub(crate) fn forget(&mut self, ticket: Ticket) -> Result<(), Error> {
        *self.slots.with_id(ticket.0).ok_or(Misuse::Ticket)? = Slot::FREE;
        Ok(())
    }

    /// The number of an id of ours that a reply bears, if it is one.
    pub(crate) fn number(id: Value<'_>) -> Option<u32> {
        id.as_u64().and_then(|id| u32::try_from(id).ok()).filter(|id| *id != 0)
    }

    /// Frees the slot of the command with this id and says what state it was in. One that is thought to have succeeded has not been
    /// reported yet: to its user it is in flight, and ends by what has come now.
    pub(crate) fn end(&mut self, id: u32) -> SlotState {
        let Some(slot) = self.slots.with_id(id) else { return SlotState::Free };
        #[cfg(feature = "delivery")]
        if !slot.oob {
            self.answered = id;
        }
        match core::mem::take(slot).state {
            SlotState::Succeeded => SlotState::InFlight,
            state => state,
        }
    }

    /// [`end`](Self::end), where commands are executed one after another: those before it that answer nothing have succeeded.
    pub(crate) fn end_in_order(&mut self, id: u32) -> SlotState {
        let state = self.end(id);
        if state != SlotState::Free {
            self.slots.answered(id, self.generation.newest());
        }
        state
    }

    /// The command sent first of those that the peer owes an answer, where it answers in order.
    pub(crate) fn oldest_to_answer(&mut self) -> Option<u32> {
        let newest = self.generation.newest();
        self.slots.oldest_in_band(newest, 0).map(|slot| slot.id)
    }

    /// The same as far as can be told: where a later one was answered, the answer to an earlier one is lost.
    #[cfg(feature = "delivery")]
    pub(crate) fn next_to_answer(&mut self) -> Option<u32> {
        let newest = self.generation.newest();
        self.slots.oldest_in_band(newest, self.answered).map(|slot| slot.id)
    }

    /// The slot of a command whose deadline is not behind `now`.
    pub(crate) fn due(&mut self, now: Instant) -> Option<&mut Slot> {
        let now = now.as_millis();
        let due = |slot: &&mut Slot| slot.state == SlotState::InFlight && slot.deadline <= now;
        self.slots.all_mut().iter_mut().filter(due).min_by_key(|slot| slot.deadline)
    }
}

/// Writes a command's end.
pub(crate) fn finish(tx: &mut Transmit<'_>, id: Option<u32>) -> Result<(), Error> {
    if let Some(id) = id {
        tx.text(",\"id\":")?;
        tx.number(id)?;
    }
    tx.text("}\n")
}

/// Writes arguments.
pub(crate) fn serialize<A: Serialize + ?Sized>(tx: &mut Transmit<'_>, arguments: &A) -> Result<(), Error> {
    match arguments.serialize(&mut Serializer::new(tx)) {
        Ok(()) => Ok(()),
        Err(ser::Error::Full) => Err(tx.full()),
        Err(error) => Err(Misuse::Serialize(error).into()),
    }
}

/// Writes arguments that are JSON already.
pub(crate) fn raw(tx: &mut Transmit<'_>, arguments: &str) -> Result<(), Error> {
    scan::check(arguments.as_bytes()).map_err(|_| Misuse::NotJson)?;
    squeeze::squeeze(arguments.as_bytes(), tx).map_err(|Full| tx.full())
}
