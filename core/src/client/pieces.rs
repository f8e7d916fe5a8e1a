//! Replies that are not delivered whole: which command wants that, and which reply is its own.
//!
//! A server writes the id behind what it returns, so whose elements they are is assumed while they come: in-band replies come in
//! the order of their commands. The id confirms it, or takes it back.

use super::delivery::{Delivery, OversizeElement, Retraction};
use super::outbox::Outbox;
use super::slots::{SlotState, Ticket};
use crate::error::{Error, Misuse, Resource};
use crate::frame::{Frames, Piece, What};
use crate::json::scan::{Take, Wanted};
use crate::json::{Payload, Projection, Value};
use crate::message::{self, Kind};

/// The one command whose reply is delivered in pieces.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    delivery: Delivery,
    /// The command; 0 for none. It may have ended.
    id: u32,
    /// How many elements or pieces were handed out of the reply at hand.
    count: u32,
    /// A reply is being taken apart for it; its id was seen, or need not be.
    begun: bool,
    certain: bool,
    /// That reply broke off, which is yet to be told.
    broken: bool,
    /// The frames stop where replies begin.
    armed: bool,
}

/// What a piece of a reply means. Becomes a message of the kind of client that it came to.
#[derive(Debug)]
pub(crate) enum Delivered<'m> {
    Element { ticket: Ticket, index: u32, element: Result<Payload<'m>, OversizeElement> },
    Text { ticket: Ticket, text: &'m str },
    End { ticket: Ticket, count: u32, late: bool },
    TextEnd { ticket: Ticket, late: bool },
    Retracted { ticket: Ticket, count: u32, by: Retraction },
}

impl Outbox<'_> {
    /// Sets how the reply to `ticket` is delivered.
    pub(crate) fn set_delivery(&mut self, ticket: Ticket, delivery: Delivery) -> Result<(), Error> {
        if !self.is_in_flight(ticket) {
            return Err(Misuse::Ticket.into());
        }
        let Stream { id, begun, .. } = self.stream;
        if matches!(delivery, Delivery::Whole) {
            if id == ticket.0 && !begun {
                self.forget_stream();
            }
            return Ok(());
        }
        if self.delivers_in_pieces() && id != ticket.0 {
            return Err(Resource::Delivery.into());
        }
        if !begun {
            self.stream = Stream { delivery, id: ticket.0, armed: self.stream.armed, ..Stream::default() };
        }
        Ok(())
    }

    /// Whether the reply to a command is to come in pieces.
    pub(crate) fn delivers_in_pieces(&self) -> bool {
        let Stream { id, begun, broken, .. } = self.stream;
        begun || broken || self.is_in_flight(Ticket(id))
    }

    /// Whether there is anything here to do at all.
    #[inline(always)]
    pub(crate) const fn has_stream(&self) -> bool {
        self.stream.id != 0 || self.stream.armed
    }

    /// No reply is to come but whole.
    pub(crate) fn forget_stream(&mut self) {
        self.stream = Stream { armed: self.stream.armed, ..Stream::default() };
    }

    /// Has replies looked at, if one is awaited that is not to come whole. If none is any more, that is forgotten.
    fn arm(&mut self, frames: &mut Frames<'_>) {
        let Stream { id, begun, .. } = self.stream;
        let awaits = begun || id != 0 && self.slots.with_id(id).is_some();
        self.stream.armed = awaits;
        frames.arm(awaits);
        if !awaits {
            self.forget_stream();
        }
    }

    /// The next message or piece. `unnamed` tells which command a reply answers whose id does not stand in front, as far as can be told,
    /// and whether that is certain.
    #[inline(always)]
    pub(crate) fn advance(
        &mut self,
        frames: &mut Frames<'_>,
        unnamed: impl Fn(&mut Self) -> (Option<u32>, bool),
    ) -> Option<What> {
        self.arm(frames);
        loop {
            let what = frames.advance()?;
            match what {
                What::Piece(Piece::Member) => self.begin_pieces(frames, &unnamed),
                What::Piece(_) => return Some(what),
                _ if self.has_lost_members(frames, &what) => return Some(What::Piece(Piece::End)),
                _ => {
                    self.end_pieces(&what);
                    return Some(what);
                }
            }
        }
    }

    /// A reply begins: whether it is the one that is not delivered whole, and how it is.
    #[inline(never)]
    fn begin_pieces(&mut self, frames: &mut Frames<'_>, unnamed: impl Fn(&mut Self) -> (Option<u32>, bool)) {
        let (number, certain) = match message::id_so_far(frames) {
            Ok(Some(id)) => (Self::number(id), true),
            Ok(None) => unnamed(self),
            Err(()) => (None, false),
        };
        let stream = &mut self.stream;
        if stream.id == 0 || number != Some(stream.id) {
            return frames.take_apart(None);
        }
        stream.begun = true;
        stream.certain = certain;
        stream.count = 0;
        let (take, names, projection): (_, &[_], _) = match stream.delivery {
            Delivery::Whole => return frames.take_apart(None),
            Delivery::Elements(names) => (Take::Elements, names, Projection::All),
            Delivery::Text(names) => (Take::Text, names, Projection::All),
            Delivery::Members(projection) => (Take::Whole, &[], projection),
            Delivery::ElementMembers(names, projection) => (Take::Elements, names, projection),
        };
        frames.take_apart(Some(Wanted { names, take, projection }));
    }

    /// A piece has come. `end` ends a command by its number.
    pub(crate) fn piece<'m>(
        &mut self,
        frames: &'m mut Frames<'_>,
        piece: Piece,
        bytes: u64,
        end: impl Fn(&mut Self, u32) -> SlotState,
    ) -> Delivered<'m> {
        let ticket = Ticket(self.stream.id);
        if let Piece::Element(passed) = piece {
            let index = self.stream.count;
            self.stream.count = index.saturating_add(1);
            let element = match passed {
                None => Ok(message::element(frames)),
                Some(passed) => Err(OversizeElement { bytes, cause: frames.oversized(passed) }),
            };
            return Delivered::Element { ticket, index, element };
        }
        if piece == Piece::Text {
            self.stream.count = self.stream.count.saturating_add(1);
            return Delivered::Text { ticket, text: message::text(frames) };
        }
        let Stream { count, certain, delivery, .. } = self.stream;
        let ended = |late| match delivery {
            Delivery::Text(_) => Delivered::TextEnd { ticket, late },
            _ => Delivered::End { ticket, count, late },
        };
        // Where the reply is another's, this one's is still awaited.
        self.stream.begun = false;
        let (kind, id) = message::behind_elements(frames);
        let by = match Self::answered(kind, id, certain.then_some(ticket)) {
            Ok(actual) if actual == ticket => {
                self.forget_stream();
                match end(self, actual.0) {
                    SlotState::InFlight => return ended(false),
                    SlotState::TimedOut => return ended(true),
                    SlotState::Free | SlotState::Succeeded => Retraction::Foreign,
                }
            }
            Ok(other) if end(self, other.0) == SlotState::InFlight => Retraction::Other(other),
            Ok(_) => Retraction::Foreign,
            Err(by) => by,
        };
        Delivered::Retracted { ticket, count, by }
    }

    /// The command that a reply is to, which its end tells.
    fn answered(kind: Kind, id: Option<Value<'_>>, known: Option<Ticket>) -> Result<Ticket, Retraction> {
        match (kind, id) {
            (Kind::Return, Some(id)) => Self::number(id).map(Ticket).ok_or(Retraction::Foreign),
            (Kind::Return, None) => known.ok_or(Retraction::Foreign),
            _ => Err(Retraction::NoReply),
        }
    }

    /// Whether the outlined message lacks members that were taken for not wanted, and is another command's.
    fn has_lost_members(&self, frames: &mut Frames<'_>, what: &What) -> bool {
        if !self.stream.begun || *what != What::Complete || !frames.has_cut() {
            return false;
        }
        let ticket = Ticket(self.stream.id);
        let (kind, id) = message::behind_elements(frames);
        Self::answered(kind, id, self.stream.certain.then_some(ticket)) != Ok(ticket)
    }

    /// A message ended that has not come in pieces to its end. If it is one that was being taken apart, that
    /// is to be told.
    const fn end_pieces(&mut self, what: &What) {
        if self.stream.begun {
            self.stream.begun = false;
            self.stream.broken = self.stream.count > 0 && matches!(what, What::Malformed(_) | What::Incomplete);
        }
    }

    /// Tells once that elements or pieces were handed out of a reply that broke off. The command is still in flight, if it was.
    pub(crate) const fn broken_pieces(&mut self) -> Option<(Ticket, u32, Retraction)> {
        if !self.stream.broken {
            return None;
        }
        self.stream.broken = false;
        Some((Ticket(self.stream.id), self.stream.count, Retraction::Broken))
    }
}
