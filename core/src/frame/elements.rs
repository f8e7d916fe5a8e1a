//! A message that is taken apart: elements are handed out as they end, so that only one of them has to fit.
//!
//! What stands in front of the array or string is dropped when that begins, and what stands behind it is passed over as an oversize message
//! is, so that the id is found wherever it stands.

use super::{Frames, Mode, Outline, Oversized, What};
use crate::json::scan::members::Span;
use crate::json::scan::{Names, Pause, Progress, Take};

/// What is handed out of a message that is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The member begins that can be taken apart. Nothing is handed out: [`Frames::take_apart`] is to be called.
    Member,
    /// An element, or that one was passed over.
    Element(Option<Oversized>),
    /// A piece of a string, without its quotes.
    Text,
    /// The message's end, behind all of them. Of its members, what is kept was found.
    End,
}

impl Frames<'_> {
    /// Sets whether to stop at the member that can be taken apart.
    pub(crate) const fn arm(&mut self, armed: bool) {
        self.scanner.arm(armed);
    }

    /// Answers [`Piece::Member`]: what is wanted of the value at these names below it; or the message, in one piece. Where there is
    /// no such value, it comes in one piece, too.
    pub(crate) const fn take_apart(&mut self, wanted: Option<(Names, Take)>) {
        self.scanner.seek(wanted);
    }

    /// The text of `slot` in the message that [`Piece::Member`] is of, if it stands in front of that.
    pub(crate) fn text_so_far(&self, slot: u8) -> Option<&[u8]> {
        let Span { start, end } = self.found().span(slot)?;
        // While a message is passed over, what is kept stands at the buffer's front.
        let origin = if self.mode == Mode::Passing { 0 } else { self.start };
        self.buffer.bytes().get(origin.checked_add(start)? as usize..origin.checked_add(end)? as usize)
    }

    /// The scanner has something to say, of a message that may be being passed over.
    pub(super) fn paused(&mut self) -> Option<Outline> {
        if self.scanner.pause() == Pause::Member {
            let bytes = self.place(self.scanned).wrapping_sub(self.message);
            return Some(self.piece(Piece::Member, self.message, bytes));
        }
        self.scanner.found.lose_all();
        self.drop_until(self.scanned);
        self.mode = match self.scanner.pause() {
            Pause::BeginText => Mode::Text,
            _ => Mode::Elements,
        };
        None
    }

    /// Scans to the end of an element, or of all.
    pub(super) fn scan_elements(&mut self) -> Option<Outline> {
        self.set_sentinel();
        let start = self.start;
        let base = self.place(start);
        let text = self.buffer.bytes().get(start as usize..).unwrap_or_default();
        let (from, end) = (self.scanned.saturating_sub(start) as usize, self.end.saturating_sub(start) as usize);
        match self.scanner.scan(text, from, end, base) {
            Progress::Pause(at) => {
                self.scanned = start.wrapping_add(at as u32);
                if self.scanner.pause() == Pause::Element {
                    return Some(self.element());
                }
                self.drop_until(self.scanned);
                self.compact();
                self.mode = Mode::Closing;
                None
            }
            Progress::Fault(at, reason) => Some(self.malformed(start.wrapping_add(at as u32), reason)),
            Progress::More | Progress::Complete(_) => {
                self.scanned = self.end;
                match self.scanner.open_element() {
                    Some(at) if !self.dropping => {
                        self.drop_until(start.wrapping_add(at));
                        self.scanner.move_element(0);
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
    fn element(&mut self) -> Outline {
        let (at, too_deep) = self.scanner.end_element();
        let stop = self.scanned;
        let mut passed = too_deep.then(|| Oversized::TooDeep(self.scanner.options().max_depth));
        let mut offset = self.element;
        if core::mem::take(&mut self.dropping) {
            passed = Some(Oversized::TooLong(self.buffer.limit()));
            self.drop_until(stop);
        } else {
            self.drop_until(self.start.wrapping_add(at));
            offset = self.place(self.start);
        }
        let bytes = self.place(stop).wrapping_sub(offset);
        if let Some(last) = stop.checked_sub(1).and_then(|last| self.buffer.bytes().get(last as usize)) {
            self.previous = *last;
        }
        self.handed = true;
        self.piece(Piece::Element(passed), offset, bytes)
    }

    /// The mark of a gap stays for the pieces that follow.
    pub(super) fn piece(&self, piece: Piece, offset: u64, bytes: u64) -> Outline {
        Outline { what: What::Piece(piece), offset, bytes, after_gap: self.gap }
    }

    /// The buffer is full. What is in front of an element is done with; the element itself may be too long.
    fn make_room_for_element(&mut self) {
        if self.start == 0 && !self.buffer.grow() {
            self.element = self.place(0);
            self.dropping = true;
            self.drop_until(self.end);
        }
        self.compact();
    }

    /// Is done with the bytes in front of `stop`.
    pub(super) fn drop_until(&mut self, stop: u32) {
        if stop > self.start
            && let Some(last) = self.buffer.bytes().get(stop.wrapping_sub(1) as usize)
        {
            self.previous = *last;
        }
        self.start = stop;
    }
}
