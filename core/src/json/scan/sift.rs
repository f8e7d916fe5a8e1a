//! Taking a message apart while its bytes go by: what the automaton does at the *floor*, the depth of the innermost container whose
//! tokens are of interest.
//!
//! That is the message itself, as a rule, at depth 1. Where a value is looked for, the floor goes down with the names, to the array
//! in the end; and into whatever holds members that are kept where others are dropped. What lies deeper is scanned by words as
//! ever, and knows nothing of it.

use super::projector::Projector;
use super::step::{Flow, Role};
use super::table::State;
use super::{Grammar, Scanner};
use crate::json::projection::{Node, Projection, Verdict};

/// What is wanted of the value of a member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Member names from there down to the value that is meant.
    pub(crate) names: &'static [&'static str],
    pub(crate) take: Take,
    /// Which members are kept: of that value, or of each of its elements.
    pub(crate) projection: Projection,
}

/// What is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// The value, in its message.
    Whole,
    /// The elements of an array.
    Elements,
    /// A string, in pieces.
    Text,
}

/// Why the scanner stopped although there are bytes left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The value of the member that can be taken apart begins here: the reader is to say whether.
    Member,
    /// Its elements begin here.
    Begin,
    /// The string begins here, behind its quote.
    BeginText,
    /// An element ended here.
    Element,
    /// The array ended here, or the string.
    End,
    /// The text from one index to the other is not kept.
    Cut(u32, u32),
    /// The value ended here of which members were kept.
    EndOfMembers,
}

/// What the scanner does with the tokens at the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing.
    Off,
    /// Stops at the member that can be taken apart.
    Watching,
    /// Goes down the names. The value at hand is the one looked for, or it is not.
    Seeking { found: bool },
    /// Stops behind each element.
    Elements,
    /// Stops behind the string at hand.
    Text,
    /// Keeps members and drops others.
    Members,
    /// Drops the member at hand.
    Dropping,
}

/// What is taken out of the present message.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Copy))]
pub(super) struct Sift {
    wanted: Wanted,
    /// Where the open element begins, while there is one.
    element: Option<u32>,
    floor: u16,
    /// The floor where elements are handed out; 0 where none are.
    list: u16,
    stage: Stage,
    pause: Pause,
    /// Whether each message is watched from its beginning.
    armed: bool,
    /// A value at the floor has ended, which the automaton has not seen.
    ended: bool,
    /// How many of the names were met, and how much of the next one.
    met: u8,
    length: u8,
    /// The key at hand begins as the next name does.
    matching: bool,
    /// What had been said of the kept text before a value was dropped.
    not_finite: bool,
    projector: Projector,
}

impl Sift {
    pub(super) const fn new() -> Self {
        Self {
            wanted: Wanted { names: &[], take: Take::Whole, projection: Projection::All },
            element: None,
            floor: 1,
            list: 0,
            stage: Stage::Off,
            pause: Pause::Member,
            armed: false,
            ended: false,
            met: 0,
            length: 0,
            matching: false,
            not_finite: false,
            projector: Projector::new(),
        }
    }

    /// A new message begins.
    #[inline(always)]
    pub(super) const fn clear(&mut self) {
        if !self.is_off() || self.armed {
            self.leave();
            self.ended = false;
            self.stage = if self.armed { Stage::Watching } else { Stage::Off };
        }
    }

    /// Whether there is nothing to do at the floor: it is the message itself then.
    #[inline(always)]
    pub(super) const fn is_off(&self) -> bool {
        matches!(self.stage, Stage::Off)
    }

    #[inline(always)]
    pub(super) const fn floor(&self) -> u16 {
        self.floor
    }

    /// Nothing more is taken out of this message: its members have the floor again.
    const fn leave(&mut self) {
        self.floor = 1;
        self.list = 0;
        self.element = None;
        self.stage = Stage::Off;
    }

    /// A value at the floor has ended, which the automaton has not seen.
    #[cfg(feature = "fast")]
    pub(super) const fn end_value(&mut self) {
        self.ended = true;
    }

    /// Whether one has ended that way.
    #[cfg(feature = "fast")]
    pub(super) const fn has_ended(&mut self) -> bool {
        core::mem::replace(&mut self.ended, false)
    }

    /// The name of the member that is looked for in the container at hand; `None` if its value is.
    fn next(&self) -> Option<&'static str> {
        self.wanted.names.get(usize::from(self.met)).copied()
    }

    /// The next character of a key that is looked at.
    pub(super) fn key_character(&mut self, code: u32) {
        if let Stage::Seeking { .. } = self.stage {
            let expected = self.next().and_then(|name| name.as_bytes().get(usize::from(self.length)));
            self.matching &= expected.is_some_and(|byte| u32::from(*byte) == code);
            self.length = self.length.saturating_add(1);
        } else {
            self.projector.key_character(self.wanted.projection, code);
        }
    }

    pub(super) fn end_key(&mut self) {
        if let Stage::Seeking { .. } = self.stage {
            let found = self.matching && self.next().is_some_and(|name| name.len() == usize::from(self.length));
            if found {
                self.met = self.met.saturating_add(1);
            }
            self.stage = Stage::Seeking { found };
        } else {
            self.projector.end_key(self.wanted.projection);
        }
    }

    #[inline(always)]
    const fn is_projecting(&self) -> bool {
        matches!(self.stage, Stage::Members | Stage::Dropping)
    }
}

/// What the frames ask for and are told.
impl<G: Grammar> Scanner<G> {
    /// Sets whether to stop in front of the value of the member that can be taken apart: in the present message, too, as far as it has
    /// not been asked about.
    pub(crate) const fn arm(&mut self, armed: bool) {
        if self.sift.armed != armed {
            self.sift.armed = armed;
            match self.sift.stage {
                Stage::Off if armed => self.sift.stage = Stage::Watching,
                Stage::Watching if !armed => self.sift.stage = Stage::Off,
                _ => {}
            }
        }
    }

    /// Why the scanner stopped.
    pub(crate) const fn pause(&self) -> Pause {
        self.sift.pause
    }

    /// Answers [`Pause::Member`]: what is wanted of the value, if not all of it in one piece.
    pub(crate) fn seek(&mut self, wanted: Option<Wanted>) {
        self.sift.stage = Stage::Off;
        if let Some(wanted) = wanted {
            self.sift.wanted = wanted;
            self.sift.met = 0;
            self.sift.stage = Stage::Seeking { found: true };
        }
    }

    /// Nothing more is dropped of the element at hand, or of the message where none is.
    pub(crate) const fn stop_projecting(&mut self) {
        if self.sift.is_projecting() {
            if self.sift.list == 0 {
                self.sift.leave();
            } else {
                self.sift.floor = self.sift.list;
                self.sift.stage = Stage::Elements;
            }
        }
    }

    /// Answers [`Pause::EndOfMembers`]: where the value ended, now that text in front of that is gone.
    pub(crate) fn end_members(&mut self, end: u32) {
        self.found.end_value(end);
    }

    /// Whether members are being dropped of the message, or of an element.
    #[inline(always)]
    pub(crate) const fn is_projecting(&self) -> bool {
        self.sift.is_projecting()
    }

    /// All text up to `end` was scanned, and room is made in front of it. Which of it is not kept.
    pub(crate) fn take_loose(&mut self, end: u32) -> Option<(u32, u32)> {
        let dropping = self.sift.stage == Stage::Dropping;
        self.sift.projector.take_loose(self.sift.wanted.projection, dropping, end)
    }

    /// The text that is still to come moves `by` bytes to the front.
    pub(crate) const fn move_cut(&mut self, by: u32) {
        self.sift.projector.move_down(by);
    }

    /// How many bytes at the end of `text`, all of it scanned and inside a string, belong to a character that goes on.
    pub(crate) fn open_character(&self, text: &[u8]) -> u8 {
        // A 1 stands in front of them.
        let digits = (31_u32.saturating_sub(self.code.leading_zeros()) / 4) as u8;
        match self.state {
            State::Escape => 1,
            State::Hex => digits.saturating_add(2),
            State::Pair => 6,
            State::PairU => 7,
            State::LowHex => digits.saturating_add(8),
            // Up to three of its bytes: from the last one that does not go on.
            State::Tail
            | State::Tail2
            | State::Tail3
            | State::AfterC0
            | State::AfterE0
            | State::AfterEd
            | State::AfterF0
            | State::AfterF4 => match text {
                [.., first] if first & 0xC0 != 0x80 => 1,
                [.., first, _] if first & 0xC0 != 0x80 => 2,
                _ => 3,
            },
            _ => 0,
        }
    }

    /// Where the element begins that has not ended yet, counted as in the text last scanned.
    pub(crate) const fn open_element(&self) -> Option<u32> {
        self.sift.element
    }

    /// The text of the open element, which began at `from`, was moved to the front.
    pub(crate) const fn move_element(&mut self, from: u32) {
        self.sift.element = Some(0);
        self.sift.projector.move_down(from);
    }

    /// Where the element began that has ended just now, and whether it nested deeper than the limit.
    pub(crate) fn end_element(&mut self) -> (u32, bool) {
        (self.sift.element.take().unwrap_or(0), core::mem::take(&mut self.too_deep))
    }
}

/// What the automaton does at the floor while something is taken out of the message.
impl<G: Grammar> Scanner<G> {
    fn paused(&mut self, pause: Pause, flow: Flow) -> Flow {
        self.sift.pause = pause;
        flow
    }

    /// A value begins. What is done in the place of what is done with others, if anything.
    #[cold]
    pub(super) fn begin_at_floor(&mut self, byte: u8, at: u32) -> Option<Flow> {
        match self.sift.stage {
            Stage::Watching if self.found.can_be_taken_apart() => {
                return Some(self.paused(Pause::Member, Flow::PauseBefore));
            }
            Stage::Off | Stage::Watching | Stage::Seeking { .. } if self.sift.floor == 1 => self.found.begin_value(at),
            _ => {}
        }
        match self.sift.stage {
            Stage::Off | Stage::Watching | Stage::Seeking { found: false } | Stage::Text | Stage::Dropping => None,
            Stage::Seeking { found: true } => self.descend(byte, at),
            Stage::Elements => {
                self.sift.element = Some(at);
                self.found.forget_escapes();
                self.not_finite = false;
                self.begin_members(byte, at)
            }
            Stage::Members => self.begin_member(byte, at),
        }
    }

    /// The value looked for begins: goes down into it, or ends the search.
    fn descend(&mut self, byte: u8, at: u32) -> Option<Flow> {
        let fits = self.nesting.depth() < self.max_depth();
        match (byte, self.sift.next(), self.sift.wanted.take) {
            (b'{', Some(_), _) if fits => {
                let flow = self.enter(true);
                self.sift.stage = Stage::Seeking { found: false };
                Some(flow)
            }
            (b'[', None, Take::Elements) if fits => {
                self.enter(false);
                self.sift.list = self.sift.floor;
                self.sift.stage = Stage::Elements;
                Some(self.paused(Pause::Begin, Flow::Pause))
            }
            (b'"', None, Take::Text) => {
                self.found.forget_escapes();
                self.begin_string(byte, Role::Value);
                self.sift.stage = Stage::Text;
                Some(self.paused(Pause::BeginText, Flow::Pause))
            }
            (_, None, Take::Whole) => {
                self.sift.stage = Stage::Off;
                self.begin_members(byte, at)
            }
            _ => {
                self.sift.leave();
                None
            }
        }
    }

    /// Opens a container and has the floor there.
    fn enter(&mut self, object: bool) -> Flow {
        let flow = self.open(object);
        self.sift.floor = self.nesting.depth();
        flow
    }

    /// A value begins of which only some members are kept.
    fn begin_members(&mut self, byte: u8, at: u32) -> Option<Flow> {
        match (self.sift.wanted.projection, byte) {
            (Projection::Named(_) | Projection::Paths(_), b'{' | b'[') => {
                self.sift.projector.clear();
                self.enter_members(byte, at, Node::Root)
            }
            _ => None,
        }
    }

    /// Goes down into a container of which members are kept. If it is too deep for that, it is kept whole.
    fn enter_members(&mut self, byte: u8, at: u32, node: Node) -> Option<Flow> {
        if self.nesting.depth() >= self.max_depth() || !self.sift.projector.enter(node, at.wrapping_add(1)) {
            return None;
        }
        self.sift.stage = Stage::Members;
        Some(self.enter(byte == b'{'))
    }

    /// A value begins in a container of which members are kept.
    fn begin_member(&mut self, byte: u8, at: u32) -> Option<Flow> {
        let container = matches!(byte, b'{' | b'[');
        if !self.nesting.in_object() {
            let node = self.sift.projector.node();
            return if container { self.enter_members(byte, at, node) } else { None };
        }
        let node = match self.sift.projector.verdict() {
            Verdict::Keep => None,
            Verdict::Enter(node) => Some(node),
            Verdict::Pass(node) if container => Some(node),
            Verdict::Pass(_) | Verdict::Drop => {
                self.sift.projector.drop_member();
                self.sift.not_finite = self.not_finite;
                self.sift.stage = Stage::Dropping;
                return None;
            }
        };
        if let Some((from, to)) = self.sift.projector.take_cut() {
            return Some(self.paused(Pause::Cut(from, to), Flow::PauseBefore));
        }
        if container { self.enter_members(byte, at, node?) } else { None }
    }

    /// The container at the floor is about to be closed by the byte at `at`.
    #[inline(always)]
    pub(super) fn close_at_floor(&mut self, at: u32) -> Option<Flow> {
        if self.sift.stage == Stage::Members { self.close_members(at) } else { None }
    }

    #[cold]
    fn close_members(&mut self, at: u32) -> Option<Flow> {
        if self.nesting.depth() != self.sift.floor {
            return None;
        }
        let (from, to) = self.sift.projector.cut_before(at)?;
        Some(self.paused(Pause::Cut(from, to), Flow::PauseBefore))
    }

    /// A comma stands behind a value.
    #[inline(always)]
    pub(super) fn comma_at_floor(&mut self, at: u32) {
        if self.sift.stage == Stage::Members && self.nesting.depth() == self.sift.floor {
            self.sift.projector.comma(at);
        }
    }

    /// A key begins. Whether it is one that is looked at.
    #[inline(always)]
    pub(super) fn begin_key_at_floor(&mut self, at: u32) -> bool {
        if self.nesting.depth() != self.sift.floor {
            return false;
        }
        match self.sift.stage {
            Stage::Seeking { .. } => {
                self.sift.length = 0;
                self.sift.matching = true;
            }
            Stage::Members => self.sift.projector.begin_key(self.sift.wanted.projection, at),
            _ => return false,
        }
        true
    }

    /// A value ended in front of `end`: one at the floor, or the container that has it.
    #[cold]
    pub(super) fn end_at_floor(&mut self, end: u32) -> Flow {
        let left = self.nesting.depth() < self.sift.floor;
        match self.sift.stage {
            Stage::Off | Stage::Watching | Stage::Seeking { .. } if left && self.sift.floor == 1 => Flow::End,
            Stage::Off | Stage::Watching | Stage::Seeking { .. } => {
                if left {
                    self.sift.leave();
                }
                self.end_of_found(end);
                Flow::Go
            }
            Stage::Elements if !left => self.paused(Pause::Element, Flow::Pause),
            Stage::Elements | Stage::Text => {
                self.sift.leave();
                self.end_of_found(end);
                // What stands behind is looked at anew.
                self.not_finite = false;
                self.paused(Pause::End, Flow::Pause)
            }
            Stage::Dropping => {
                self.not_finite = self.sift.not_finite;
                self.sift.stage = Stage::Members;
                Flow::Go
            }
            Stage::Members => {
                self.sift.projector.kept_until(end);
                if left { self.leave_members() } else { Flow::Go }
            }
        }
    }

    /// Of the member at hand, if it is its value that ended.
    fn end_of_found(&mut self, end: u32) {
        if self.nesting.depth() == 1 && self.sift.floor == 1 {
            self.found.end_value(end);
        }
    }

    /// The container ended of which members were kept.
    fn leave_members(&mut self) -> Flow {
        self.sift.projector.leave();
        self.sift.floor = self.nesting.depth();
        if self.sift.floor == self.sift.list {
            self.sift.stage = Stage::Elements;
            return self.paused(Pause::Element, Flow::Pause);
        }
        if self.sift.floor == 1 {
            self.sift.leave();
            return self.paused(Pause::EndOfMembers, Flow::Pause);
        }
        Flow::Go
    }

    /// A value at the floor ended in front of `end`, which the automaton has not seen. Whether there is something to say.
    #[cfg(feature = "fast")]
    pub(super) fn ended_at_floor(&mut self, end: u32) -> bool {
        self.end_at_floor(end) == Flow::Pause
    }

    const fn max_depth(&self) -> u16 {
        self.options.max_depth
    }
}
