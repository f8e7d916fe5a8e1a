//! Which stretches of a text are kept where only some members of it are.
//!
//! A member that is dropped goes with one comma, so that what is kept is JSON. Nothing is moved here: the frames are told what to cut.

use crate::json::projection::{Candidates, Node, Projection, Verdict};

/// How many places in the tree of names are kept track of at once. A type that holds itself takes one, however deep it goes.
const PLACES: usize = 8;

/// What is known of the member at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// Nothing, or it is judged and goes on.
    None,
    Open,
    /// It is judged, and its value has not begun.
    Ended,
}

/// The members that are kept of the value at hand.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Copy))]
pub(super) struct Projector {
    /// The places down to the present one, and how many containers in a row are at each.
    places: [(Node, u16); PLACES],
    used: u8,
    candidates: Candidates,
    verdict: Verdict,
    key: Key,
    /// What is kept ends here.
    cut: u32,
    /// What is yet to be judged begins here, if there is such a thing: the comma in front of a member, or its key.
    mark: Option<u32>,
    /// Something of the present object was kept; something was dropped behind it.
    kept: bool,
    dropped: bool,
}

impl Projector {
    pub(super) const fn new() -> Self {
        Self {
            places: [(Node::Root, 0); PLACES],
            used: 0,
            candidates: Candidates::NONE,
            verdict: Verdict::Drop,
            key: Key::None,
            cut: 0,
            mark: None,
            kept: false,
            dropped: false,
        }
    }

    pub(super) const fn clear(&mut self) {
        self.used = 0;
    }

    /// The present place.
    pub(super) fn node(&self) -> Node {
        let last = self.used.checked_sub(1).and_then(|last| self.places.get(usize::from(last)));
        last.map_or(Node::Root, |(node, _)| *node)
    }

    /// A container at `node` begins, whose members begin at `at`. Whether there is room for the place.
    pub(super) fn enter(&mut self, node: Node, at: u32) -> bool {
        let last = self.used.checked_sub(1).and_then(|last| self.places.get_mut(usize::from(last)));
        match last {
            Some((same, count)) if same.is(node) => *count = count.saturating_add(1),
            _ => {
                let Some(place) = self.places.get_mut(usize::from(self.used)) else { return false };
                *place = (node, 1);
                self.used = self.used.saturating_add(1);
            }
        }
        self.key = Key::None;
        self.cut = at;
        self.mark = None;
        self.kept = false;
        self.dropped = false;
        true
    }

    /// The container ended, and was kept.
    pub(super) fn leave(&mut self) {
        if let Some(last) = self.used.checked_sub(1)
            && let Some((_, count)) = self.places.get_mut(usize::from(last))
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.used = last;
            }
        }
    }

    pub(super) fn begin_key(&mut self, projection: Projection, at: u32) {
        if !self.kept {
            self.mark = Some(at);
        }
        self.key = Key::Open;
        self.candidates.begin(projection, self.node());
    }

    pub(super) fn key_character(&mut self, projection: Projection, code: u32) {
        self.candidates.character(projection, self.node(), code);
    }

    pub(super) fn end_key(&mut self, projection: Projection) {
        self.key = Key::Ended;
        self.verdict = self.candidates.end(projection, self.node());
    }

    pub(super) const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// A comma stands behind a member: it belongs to the next one, if any was kept before.
    pub(super) const fn comma(&mut self, at: u32) {
        self.key = Key::None;
        if self.kept {
            self.mark = Some(at);
        }
    }

    /// The member at hand is dropped.
    pub(super) const fn drop_member(&mut self) {
        self.key = Key::None;
        self.dropped = true;
        self.mark = None;
    }

    /// Whether the member at hand is to be dropped, as far as its key was read.
    fn is_lost(&self, projection: Projection) -> bool {
        match self.key {
            Key::None => false,
            Key::Open => {
                self.candidates.are_none() && matches!(self.candidates.end(projection, self.node()), Verdict::Drop)
            }
            Key::Ended => matches!(self.verdict, Verdict::Drop),
        }
    }

    /// The member at hand is kept: what is dropped in front of it, if anything.
    pub(super) const fn take_cut(&mut self) -> Option<(u32, u32)> {
        match self.mark {
            Some(mark) => self.cut_before(mark),
            None => None,
        }
    }

    /// What is dropped in front of what is kept from `at` on, if anything.
    pub(super) const fn cut_before(&mut self, at: u32) -> Option<(u32, u32)> {
        if !self.dropped {
            return None;
        }
        self.dropped = false;
        Some((core::mem::replace(&mut self.cut, at), at))
    }

    /// A value that is kept ended in front of `end`.
    pub(super) const fn kept_until(&mut self, end: u32) {
        self.key = Key::None;
        self.cut = end;
        self.mark = None;
        self.kept = true;
        self.dropped = false;
    }

    /// What is dropped of the text, which ends at `end`.
    pub(super) fn take_loose(&mut self, projection: Projection, dropping: bool, end: u32) -> Option<(u32, u32)> {
        if self.is_lost(projection) {
            self.dropped = true;
            self.mark = None;
        }
        if !self.dropped {
            return None;
        }
        let until = if dropping { end } else { self.mark.unwrap_or(end) };
        Some((core::mem::replace(&mut self.cut, until), until)).filter(|(from, to)| from < to)
    }

    /// The text moves `by` bytes to the front.
    pub(super) const fn move_down(&mut self, by: u32) {
        self.cut = self.cut.saturating_sub(by);
        if let Some(mark) = &mut self.mark {
            *mark = mark.saturating_sub(by);
        }
    }
}
