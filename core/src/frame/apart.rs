//! A message that is taken apart: what of it is handed out, and where the text stands meanwhile.

use super::{Frames, Mode, Passed, What};
use crate::json::scan::members::Span;
use crate::json::scan::{Grammar, Pause, Take, Wanted};

/// What is handed out of a message that is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The member begins that can be taken apart. Nothing is handed out: [`Frames::take_apart`] is to be called.
    Member,
    /// An element, or that one was passed over.
    Element(Option<Passed>),
    /// A piece of a string, without its quotes.
    Text,
    /// The message's end, behind all of them. Of its members, what is kept was found.
    End,
}

/// Where in such a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// In the array.
    Elements,
    /// In the string; in front of its closing quote.
    Text,
    TextEnd,
    /// Behind that array or string; otherwise as a message that is passed over.
    Closing,
}

/// What the frames keep in mind for it.
#[derive(Debug)]
pub(super) struct Apart {
    /// An element does not fit and is passed over.
    pub(super) dropping: bool,
    /// The place in the stream of that element, or of the piece handed out last.
    pub(super) element: u64,
    /// How many bytes behind `scanned` the scanner has seen, too: a character that is not handed out with those before it.
    pub(super) ahead: u8,
    /// How many bytes were cut out in front of index `run`: what stands from there on is to be moved to the front by so much.
    pub(super) gap: u32,
    pub(super) run: u32,
    /// Members were cut out of the message that was taken apart last.
    pub(super) cut: bool,
    /// The last byte that came, if it was cut out and is gone; else 0.
    pub(super) last: u8,
    /// How many bytes were cut out of the open element and are gone.
    pub(super) gone: u64,
    /// Where reading goes on behind what is handed out, if not at its end, which is at 0 never.
    pub(super) after: u32,
}

impl Apart {
    pub(super) const NEW: Self =
        Self { dropping: false, element: 0, ahead: 0, gap: 0, run: 0, cut: false, last: 0, gone: 0, after: 0 };
}

impl<G: Grammar> Frames<'_, G> {
    /// Sets whether to stop at the member that can be taken apart.
    pub(crate) const fn arm(&mut self, armed: bool) {
        self.scanner.arm(armed);
    }

    /// Answers [`Piece::Member`]: what is wanted of its value; or the message, in one piece. Where there is no such value, it comes in
    /// one piece, too.
    pub(crate) fn take_apart(&mut self, wanted: Option<Wanted>) {
        // Of a message that did not fit before that member began, there is nothing to keep members in.
        let fits = |wanted: &Wanted| wanted.take != Take::Whole || self.mode != Mode::Passing;
        self.scanner.seek(wanted.filter(fits));
        self.apart.cut = false;
        self.apart.last = 0;
    }

    /// Whether the message just outlined lacks members that it had.
    pub(crate) const fn has_cut(&self) -> bool {
        self.apart.cut
    }

    /// The text of `slot` in the message that [`Piece::Member`] is of, if it stands in front of that.
    pub(crate) fn text_so_far(&self, slot: u8) -> Option<&[u8]> {
        let Span { start, end } = self.found().span(slot)?;
        // While a message is passed over, what is kept stands at the buffer's front.
        let origin = if self.mode == Mode::Passing { 0 } else { self.start };
        self.buffer.bytes().get(origin.checked_add(start)? as usize..origin.checked_add(end)? as usize)
    }

    /// The scanner has something to say, of a message that may be being passed over.
    pub(super) fn paused(&mut self) -> Option<What> {
        self.apart.last = 0;
        let stage = match self.scanner.pause() {
            Pause::Member => {
                return Some(self.piece(Piece::Member));
            }
            Pause::Cut(from, to) => {
                self.cut(from, to);
                return None;
            }
            Pause::EndOfMembers => {
                self.end_members();
                return None;
            }
            Pause::BeginText => Stage::Text,
            Pause::Begin | Pause::Element | Pause::End => Stage::Elements,
        };
        self.scanner.found.lose_all();
        self.drop_until(self.scanned);
        self.apart = Apart::NEW;
        self.mode = Mode::Apart(stage);
        None
    }

    pub(super) fn scan_apart(&mut self, stage: Stage) -> Option<What> {
        match stage {
            Stage::Elements => self.scan_elements(),
            Stage::Text => self.scan_text(),
            Stage::TextEnd => {
                self.end_text();
                None
            }
            Stage::Closing => self.scan_message(),
        }
    }

    /// The mark of a gap in the stream stays for the pieces that follow.
    pub(super) const fn piece(&mut self, piece: Piece) -> What {
        self.after_gap = self.gap;
        What::Piece(piece)
    }

    /// Where in the stream what was handed out last ends, an element or a piece of a string.
    pub(super) fn end_of_piece(&self) -> u64 {
        self.place(if self.apart.after > 0 { self.apart.after } else { self.scanned })
    }
}
