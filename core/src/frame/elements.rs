//! A message that is taken apart: elements are handed out as they end, so that only one of them has to fit.
//!
//! What stands in front of the array or string is dropped when that begins, and what stands behind it is passed over as an oversize message
//! is, so that the id is found wherever it stands.

use super::apart::{Piece, Stage};
use super::{Frames, Mode, Passed, What};
use crate::json::scan::{Grammar, Pause, Progress};

impl<G: Grammar> Frames<'_, G> {
    /// Scans to the end of an element, or of all.
    pub(super) fn scan_elements(&mut self) -> Option<What> {
        self.set_sentinel();
        let start = self.start;
        let text = self.buffer.bytes().get(start as usize..).unwrap_or_default();
        let (from, end) = (self.scanned.saturating_sub(start) as usize, self.end.saturating_sub(start) as usize);
        match self.scanner.scan(text, from, end) {
            Progress::Pause(at) => {
                self.scanned = start.wrapping_add(at as u32);
                match self.scanner.pause() {
                    Pause::Element => return Some(self.element()),
                    Pause::Cut(from, to) => self.cut(from, to),
                    _ => {
                        self.drop_until(self.scanned);
                        self.compact();
                        self.mode = Mode::Apart(Stage::Closing);
                    }
                }
                None
            }
            Progress::Fault(at, reason) => Some(self.malformed_behind_cut(start.wrapping_add(at as u32), reason)),
            Progress::More | Progress::Complete(_) => {
                self.cut_loose();
                self.scanned = self.end;
                match self.scanner.open_element() {
                    Some(at) if !self.apart.dropping => {
                        self.drop_until(start.wrapping_add(at));
                        self.scanner.move_element(at);
                    }
                    _ => self.drop_until(self.end),
                }
                if self.end == self.buffer.capacity() {
                    self.make_room_for_element();
                }
                None
            }
        }
    }

    /// An element has ended in front of `scanned`.
    fn element(&mut self) -> What {
        let (at, too_deep) = self.scanner.end_element();
        let stop = self.scanned;
        let mut passed = too_deep.then_some(Passed::TooDeep);
        if core::mem::take(&mut self.apart.dropping) {
            passed = Some(Passed::TooLong);
            self.drop_until(stop);
        } else {
            self.drop_until(self.start.wrapping_add(at));
            self.apart.element = self.place(self.start).wrapping_sub(self.apart.gone);
        }
        self.apart.gone = 0;
        if let Some(last) = stop.checked_sub(1).and_then(|last| self.buffer.bytes().get(last as usize)) {
            self.previous = *last;
        }
        self.move_run(stop);
        let gap = core::mem::take(&mut self.apart.gap);
        if gap > 0 {
            self.scanned = stop.wrapping_sub(gap);
            self.apart.after = stop;
        }
        self.handed = true;
        self.piece(Piece::Element(passed))
    }

    /// The buffer is full. What is in front of an element is done with; the element itself may be too long.
    fn make_room_for_element(&mut self) {
        if self.start == 0 && !self.buffer.grow() {
            self.apart.element = self.place(0).wrapping_sub(self.apart.gone);
            self.apart.dropping = true;
            self.scanner.stop_projecting();
            self.drop_until(self.end);
        }
        self.compact();
    }
}
