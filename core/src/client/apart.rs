//! What a client does while a reply is awaited that is not delivered whole.

use super::outbox::Outbox;
use super::pieces::Delivered;
use super::session::Correlation;
use super::{Commands, Message};
use crate::frame::{Frames, Outline, Piece, What};
use crate::message::id_so_far;

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
    pub(super) fn advance_apart(&mut self, frames: &mut Frames<'_>) -> Option<Outline> {
        self.outbox.arm(frames);
        loop {
            let mut outline = frames.advance()?;
            match outline.what {
                What::Piece(Piece::Member) => self.begin_pieces(frames),
                What::Piece(_) => return Some(outline),
                _ if self.outbox.has_lost_members(frames, &outline.what) => {
                    outline.what = What::Piece(Piece::End);
                    return Some(outline);
                }
                _ => {
                    self.outbox.end_pieces(&outline.what);
                    return Some(outline);
                }
            }
        }
    }

    /// What a piece says, of `bytes` in the stream.
    #[cold]
    pub(super) fn piece<'m>(&mut self, frames: &'m mut Frames<'_>, piece: Piece, bytes: u64) -> Message<'m> {
        self.outbox.piece(frames, piece, bytes, Outbox::end).into()
    }

    /// A reply begins, and one is not to be delivered whole: whether it is this one.
    #[inline(never)]
    fn begin_pieces(&mut self, frames: &mut Frames<'_>) {
        let (number, certain) = match (id_so_far(frames), self.correlation) {
            (Ok(Some(id)), _) => (Outbox::number(id), true),
            (Ok(None), correlation) if self.negotiation == 0 => {
                (self.outbox.next_to_answer(), correlation == Correlation::InOrder)
            }
            _ => (None, false),
        };
        self.outbox.begin_pieces(frames, number, certain);
    }
}
