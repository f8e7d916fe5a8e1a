//! Replies that are delivered in pieces: which command wants that, and which reply is its own.
//!
//! A server writes the id behind what it returns, so whose elements they are is assumed while they come: in-band replies come in
//! the order of their commands. The id confirms it, or takes it back.

use super::outbox::Outbox;
use super::slots::{SlotState, Ticket};
use crate::error::{Error, Misuse, Resource};
use crate::frame::{Frames, Oversized, Piece, What};
use crate::json::scan::Take;
use crate::json::{Payload, Value};
use crate::message::{self, Kind};

/// How the reply to a command is delivered, if it is no error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Delivery {
    /// In one piece, which must fit the receive buffer.
    #[default]
    Whole,
    /// Element by element: of the array at these member names below `return`, or with none of `return` itself. Only one element
    /// must fit. What else the reply holds is checked and dropped.
    ///
    /// A reply that has no array there is delivered whole. More than 16 names are not looked for.
    Elements(&'static [&'static str]),
    /// In pieces: the string at these member names below `return`, or with none `return` itself, decoded. A piece takes the whole
    /// receive buffer, but for the last one; how long it is does not depend on how the bytes arrive. What else the reply holds is
    /// checked and dropped.
    ///
    /// A reply that has no string there is delivered whole. More than 16 names are not looked for.
    Text(&'static [&'static str]),
}

impl Delivery {
    /// The elements of the array that is returned.
    pub const ELEMENTS: Self = Self::Elements(&[]);
    /// The string that is returned, in pieces.
    pub const TEXT: Self = Self::Text(&[]);
}

/// An element that was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OversizeElement {
    /// How long it was: the buffer that it would have taken, and a byte more for a number or word, which ends by what follows.
    pub bytes: u64,
    /// What it was too much for.
    pub cause: Oversized,
}

/// Why elements or pieces of a text were not the command's, or not all of them came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Retraction {
    /// The reply bears the id of this other command, which ended by it: they were its own. Happens where that command is
    /// executed out of band and returns such a value, too.
    Other(Ticket),
    /// The reply bears the id of no command in flight, or none.
    Foreign,
    /// The message was more than a reply: it had members that make it something else, too.
    NoReply,
    /// Bytes that are no JSON, or the end of the stream, came before the reply's end.
    Broken,
}

/// The one command whose reply is delivered in pieces.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    delivery: Option<&'static Delivery>,
    /// The command; 0 for none. It may have ended.
    id: u32,
    /// How many elements or pieces were handed out of the reply at hand.
    count: u32,
    /// A reply is being taken apart for it; its id was seen, or need not be.
    begun: bool,
    certain: bool,
    /// That reply broke off, which is yet to be told.
    broken: bool,
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
    pub(crate) fn set_delivery(&mut self, ticket: Ticket, delivery: &'static Delivery) -> Result<(), Error> {
        if !self.is_in_flight(ticket) {
            return Err(Misuse::Ticket.into());
        }
        let Stream { id, begun, .. } = self.stream;
        if *delivery == Delivery::Whole {
            if id == ticket.0 && !begun {
                self.stream = Stream::default();
            }
            return Ok(());
        }
        if self.delivers_in_pieces() && id != ticket.0 {
            return Err(Resource::Delivery.into());
        }
        if !begun {
            self.stream = Stream { delivery: Some(delivery), id: ticket.0, ..Stream::default() };
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
        self.stream.id != 0
    }

    /// Whether replies are to be looked at for the one that is delivered in pieces. If none is awaited any more, that is forgotten.
    pub(crate) fn awaits_pieces(&mut self) -> bool {
        let awaits = self.stream.begun || self.slots.with_id(self.stream.id).is_some();
        if !awaits {
            self.stream = Stream::default();
        }
        awaits
    }

    /// Says what becomes of the reply that begins: the command `number` is answered by it, as far as can be told, and if it
    /// is `certain` to be.
    pub(crate) fn begin_pieces(&mut self, frames: &mut Frames<'_>, number: Option<u32>, certain: bool) {
        if !self.has_stream() {
            frames.arm(false);
        }
        let stream = &mut self.stream;
        match stream.delivery {
            Some(delivery) if number == Some(stream.id) => {
                stream.begun = true;
                stream.certain = certain;
                stream.count = 0;
                frames.take_apart(match delivery {
                    Delivery::Whole => None,
                    Delivery::Elements(names) => Some((names, Take::Elements)),
                    Delivery::Text(names) => Some((names, Take::Text)),
                });
            }
            _ => frames.take_apart(None),
        }
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
                Some(cause) => Err(OversizeElement { bytes, cause }),
            };
            return Delivered::Element { ticket, index, element };
        }
        if piece == Piece::Text {
            self.stream.count = self.stream.count.saturating_add(1);
            return Delivered::Text { ticket, text: message::text(frames) };
        }
        let Stream { count, certain, delivery, .. } = self.stream;
        let ended = |late| match delivery {
            Some(Delivery::Text(_)) => Delivered::TextEnd { ticket, late },
            _ => Delivered::End { ticket, count, late },
        };
        // Where the reply is another's, this one's is still awaited.
        self.stream.begun = false;
        let (kind, id) = message::behind_elements(frames);
        let by = match Self::answered(kind, id, certain.then_some(ticket)) {
            Ok(actual) if actual == ticket => {
                self.stream = Stream::default();
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

    /// A message ended that has not come in pieces to its end. If it is one that was being taken apart, that
    /// is to be told.
    pub(crate) const fn end_pieces(&mut self, what: &What) {
        if self.stream.begun {
            self.stream.begun = false;
            self.stream.broken = self.stream.count > 0 && matches!(what, What::Malformed { .. } | What::Incomplete);
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
