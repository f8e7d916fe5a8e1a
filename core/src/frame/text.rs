//! A long string that is handed out in pieces, each as long as the buffer is.
//!
//! Where a piece ends depends on the string and the buffer alone: it has as many bytes as the buffer, but for a character or escape
//! that would be cut, or ends with the string.

use super::apart::{Piece, Stage};
use super::{Frames, Mode, What};
use crate::json::scan::{Grammar, Progress};

impl<G: Grammar> Frames<'_, G> {
    /// Scans to the end of the string, or until the buffer is full of it.
    pub(super) fn scan_text(&mut self) -> Option<What> {
        self.set_sentinel();
        let start = self.start;
        let text = self.buffer.bytes().get(start as usize..).unwrap_or_default();
        // The scanner is ahead by what it has seen of the next piece's first character.
        let seen = self.scanned.wrapping_add(u32::from(core::mem::take(&mut self.apart.ahead)));
        let (from, end) = (seen.saturating_sub(start) as usize, self.end.saturating_sub(start) as usize);
        match self.scanner.scan(text, from, end) {
            Progress::Pause(at) => {
                // In front of the closing quote.
                self.scanned = start.wrapping_add(at as u32).wrapping_sub(1);
                self.mode = Mode::Apart(Stage::TextEnd);
                (self.scanned > start).then(|| self.text_piece())
            }
            Progress::Fault(at, reason) => Some(self.malformed(start.wrapping_add(at as u32), reason)),
            Progress::More | Progress::Complete(_) => {
                self.scanned = self.end;
                if self.end < self.buffer.capacity() {
                    return None;
                }
                if start > 0 {
                    self.compact();
                    return None;
                }
                let open = self.scanner.open_character(self.buffer.bytes());
                self.scanned = self.end.saturating_sub(u32::from(open));
                self.apart.ahead = open;
                Some(self.text_piece())
            }
        }
    }

    /// Passes the closing quote.
    pub(super) fn end_text(&mut self) {
        self.drop_until(self.scanned.wrapping_add(1));
        self.scanned = self.start;
        self.compact();
        self.mode = Mode::Apart(Stage::Closing);
    }

    /// What lies between `start` and `scanned`.
    fn text_piece(&mut self) -> What {
        if let Some(last) = self.scanned.checked_sub(1).and_then(|last| self.buffer.bytes().get(last as usize)) {
            self.previous = *last;
        }
        self.handed = true;
        self.apart.element = self.place(self.start);
        self.piece(Piece::Text)
    }
}
