//! What a client does while a reply is awaited that is not delivered whole.

use super::{Commands, Message, Session};
use crate::client::outbox::Outbox;
use crate::client::pieces::Delivered;
use crate::client::slots::SlotState;
use crate::frame::{Frames, Piece, What};

impl<'m> From<Delivered<'m>> for Message<'m> {
    fn from(delivered: Delivered<'m>) -> Self {
        match delivered {
            Delivered::Element { ticket, index, element } => Self::Element { ticket, index, element },
            Delivered::Text { ticket, text } => Self::Text { ticket, text },
            Delivered::TextEnd { ticket, late } => Self::TextEnd { ticket, late },
            Delivered::End { ticket, count, late } => Self::ElementsEnd { ticket, count, late },
            Delivered::Retracted { ticket, count, by } => Self::Retracted { ticket, count, by },
        }
    }
}

impl Commands<'_> {
    /// The next message or piece.
    #[cold]
    pub(super) fn advance_apart(&mut self, frames: &mut Frames<'_>) -> Option<What> {
        let (echoes, ready) = (self.synchronization.echoes, self.session == Session::Ready);
        self.outbox.advance(frames, |outbox| match (echoes, ready) {
            // The agent does one thing after another.
            (true, _) => (outbox.next_to_answer(), false),
            (false, true) => (outbox.slots.any(SlotState::InFlight).map(|slot| slot.id), true),
            (false, false) => (None, true),
        })
    }

    /// What a piece says.
    #[cold]
    pub(super) fn piece<'m>(&mut self, frames: &'m mut Frames<'_>, what: What, piece: Piece) -> Message<'m> {
        let bytes = frames.outline(what).bytes;
        self.synchronization.passed();
        self.outbox.piece(frames, piece, bytes, Outbox::end_in_order).into()
    }
}
