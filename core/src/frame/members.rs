//! A message of which only some members are kept: the others are cut out of its text.
//!
//! What is kept is moved to the front once. Text that is cut out is not moved at all; between two calls there is never a gap.

use super::{Frames, What};
use crate::json::scan::{Grammar, Reason};

impl<G: Grammar> Frames<'_, G> {
    /// Cuts out the text between two indices, counted from `start`.
    pub(super) fn cut(&mut self, from: u32, to: u32) {
        let (from, to) = (self.start.wrapping_add(from), self.start.wrapping_add(to));
        self.move_run(from);
        self.apart.gap = self.apart.gap.wrapping_add(to.wrapping_sub(from));
        self.apart.run = to;
        self.apart.cut = true;
    }

    /// Moves what is kept in front of `end` to what is kept before it.
    pub(super) fn move_run(&mut self, end: u32) {
        let (gap, run) = (self.apart.gap, self.apart.run);
        if gap > 0 {
            self.buffer.move_down(run as usize..end as usize, run.wrapping_sub(gap) as usize);
        }
    }

    /// Moves all that was received to what is kept, and gives by how much.
    pub(super) fn close_cut(&mut self) -> u32 {
        self.move_run(self.end);
        let gap = core::mem::take(&mut self.apart.gap);
        self.base = self.base.wrapping_add(u64::from(gap));
        self.apart.gone = self.apart.gone.wrapping_add(u64::from(gap));
        self.scanned = self.scanned.wrapping_sub(gap);
        self.end = self.end.wrapping_sub(gap);
        gap
    }

    /// [`malformed`](Self::malformed), where text may have been cut out in front of index `at`.
    pub(super) fn malformed_behind_cut(&mut self, at: u32, reason: Reason) -> What {
        let last = core::mem::take(&mut self.apart.last);
        let before = match at.checked_sub(1) {
            Some(before) if self.apart.gap > 0 || at > self.scanned => {
                self.buffer.bytes().get(before as usize).copied()
            }
            _ => Some(last).filter(|last| *last != 0),
        };
        let at = at.wrapping_sub(self.close_cut());
        let what = self.malformed(at, reason);
        self.previous = before.unwrap_or(self.previous);
        what
    }

    /// All that was received was scanned, up to `scanned` before: cuts out what is known not to be kept.
    #[inline(always)]
    pub(super) fn cut_loose(&mut self) {
        if self.scanner.is_projecting() {
            if self.end > self.scanned {
                self.apart.last = 0;
            }
            self.cut_and_close();
        }
    }

    fn cut_and_close(&mut self) {
        if let Some((from, to)) = self.scanner.take_loose(self.end.wrapping_sub(self.start)) {
            self.cut(from, to);
        }
        let last = self.end.checked_sub(1).and_then(|last| self.buffer.bytes().get(last as usize)).copied();
        let gap = self.close_cut();
        if gap > 0 {
            self.scanner.move_cut(gap);
            self.apart.last = last.unwrap_or(0);
        }
    }

    /// The value ended of which members were kept.
    pub(super) fn end_members(&mut self) {
        self.close_cut();
        self.scanner.end_members(self.scanned.wrapping_sub(self.start));
        if self.scanned == self.end && self.end == self.buffer.capacity() {
            self.make_room();
        }
    }

    /// What was handed out is done with: passes what was cut out behind it.
    #[inline(always)]
    pub(super) fn pass_cut(&mut self) {
        if self.apart.after > 0 {
            self.scanned = core::mem::take(&mut self.apart.after);
        }
    }
}
