//! The table of commands in flight.
//!
//! A command's id on the wire is a number: its slot in the low byte, a generation above. Generations go on across connections
//! from a seed of the caller's, so that a reply to a command of another connection is told from one to ours.

use crate::memory::Entries;
use crate::time::Instant;

/// The memory of one command in flight. All zeroes when free.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Slot {
    pub(crate) id: u32,
    pub(crate) state: SlotState,
    pub(crate) oob: bool,
    /// It answers nothing when it succeeds.
    pub(crate) silent: bool,
    pub(crate) deadline: u64,
}

impl Slot {
    /// A free slot.
    pub const FREE: Self = Self { id: 0, state: SlotState::Free, oob: false, silent: false, deadline: 0 };
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) enum SlotState {
    #[default]
    Free,
    InFlight,
    /// Its deadline is past, but the server may still answer: the id stays taken.
    TimedOut,
    /// It answers nothing, and a later one was answered: it succeeded, which is yet to be reported.
    Succeeded,
}

/// A command in flight, until a message says how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ticket(pub(crate) u32);

impl Ticket {
    /// The command's `id` on the wire.
    pub const fn id(self) -> u32 {
        self.0
    }
}

/// The slots, at most [`MOST`] of them.
#[derive(Debug)]
pub(crate) struct Slots<'b>(pub(crate) Entries<'b, Slot>);

/// More slots than this are not used: the slot is a byte of the id, and 255 is the negotiation's.
pub(crate) const MOST: usize = 255;
/// The slot number of `qmp_capabilities`.
pub(crate) const NEGOTIATION: u8 = 255;

impl Slots<'_> {
    pub(crate) fn all(&self) -> &[Slot] {
        self.0.first(MOST)
    }

    pub(crate) fn all_mut(&mut self) -> &mut [Slot] {
        self.0.first_mut(MOST)
    }

    /// The slot of the command with this id, free or not in no case.
    pub(crate) fn with_id(&mut self, id: u32) -> Option<&mut Slot> {
        let slot = self.all_mut().get_mut((id & 0xFF) as usize)?;
        (slot.state != SlotState::Free && slot.id == id).then_some(slot)
    }

    /// The number of a free slot.
    pub(crate) fn free(&self) -> Option<u8> {
        self.all().iter().position(|slot| slot.state == SlotState::Free).map(|number| number as u8)
    }

    /// The in-band command sent first of those that the server has not answered, and will. `newest` is the generation last given
    /// out, `after` the id of a command in front of it; 0 for none.
    pub(crate) fn oldest_in_band(&mut self, newest: u32, after: u32) -> Option<&mut Slot> {
        let behind = |slot: &Slot| after == 0 || Generation::age(slot.id, newest) < Generation::age(after, newest);
        let in_band = |slot: &&mut Slot| slot.state != SlotState::Free && !slot.oob && !slot.silent && behind(slot);
        self.all_mut().iter_mut().filter(in_band).max_by_key(|slot| Generation::age(slot.id, newest))
    }

    /// The command with this id was answered, so those before it were executed: those that answer nothing have succeeded.
    pub(crate) fn answered(&mut self, id: u32, newest: u32) {
        let age = Generation::age(id, newest);
        for slot in self.all_mut() {
            if slot.state == SlotState::InFlight && slot.silent && Generation::age(slot.id, newest) > age {
                slot.state = SlotState::Succeeded;
            }
        }
    }

    /// Any command in this state.
    pub(crate) fn any(&mut self, state: SlotState) -> Option<&mut Slot> {
        self.all_mut().iter_mut().find(|slot| slot.state == state)
    }

    /// How many in-band commands the server has not answered.
    pub(crate) fn in_band(&self) -> usize {
        let in_band = |slot: &Slot| usize::from(slot.state != SlotState::Free && !slot.oob);
        self.all().iter().fold(0, |count, slot| count.wrapping_add(in_band(slot)))
    }

    /// The earliest deadline of a command in flight.
    pub(crate) fn earliest_deadline(&self) -> Instant {
        let in_flight = self.all().iter().filter(|slot| slot.state == SlotState::InFlight);
        in_flight.map(|slot| Instant::from_millis(slot.deadline)).min().unwrap_or(Instant::NEVER)
    }
}

/// The upper three bytes of ids.
#[derive(Debug)]
pub(crate) struct Generation(u32);

impl Generation {
    const MASK: u32 = 0x00FF_FFFF;

    pub(crate) const fn seeded(seed: u32) -> Self {
        Self(seed & Self::MASK)
    }

    /// How many generations were given out since the one of this id.
    const fn age(id: u32, newest: u32) -> u32 {
        newest.wrapping_sub(id >> 8) & Self::MASK
    }

    /// The generation last given out.
    pub(crate) const fn newest(&self) -> u32 {
        self.0
    }

    /// The id that the next command in slot `slot` has; never 0.
    pub(crate) const fn next(&self, slot: u8) -> u32 {
        let next = self.0.wrapping_add(1) & Self::MASK;
        let next = if next == 0 { 1 } else { next };
        next << 8 | slot as u32
    }

    /// The id was used.
    pub(crate) fn advance(&mut self, id: u32) {
        self.0 = id >> 8;
    }
}
