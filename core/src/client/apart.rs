//! What a client does while a reply is awaited that is not delivered whole.

use super::outbox::Outbox;
use super::pieces::Delivered;
use super::session::Correlation;
use super::{Commands, Message};
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
        let (ready, certain) = (self.negotiation == 0, self.correlation == Correlation::InOrder);
        self.outbox.advance(frames, |outbox| if ready { (outbox.next_to_answer(), certain) } else { (None, false) })
    }

    /// What a piece says.
    #[cold]
    pub(super) fn piece<'m>(&mut self, frames: &'m mut Frames<'_>, what: What, piece: Piece) -> Message<'m> {
        let bytes = frames.outline(what).bytes;
        self.outbox.piece(frames, piece, bytes, Outbox::end).into()
    }
}
