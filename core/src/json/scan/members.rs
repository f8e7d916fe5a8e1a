//! The members of the outermost object that a reader looks for, found by name while their bytes go by.

use super::Grammar;
use super::names::{self, NONE, Node};

/// A member of the outermost object that the scanner looks for.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its name, decoded: `"\u0069d"` is `id`. ASCII.
    pub(crate) name: &'static str,
    /// Where its span is kept. Members that never stand together may share a slot; of two in one slot, the first keeps it.
    pub(crate) slot: u8,
    /// Whether its text is kept when the message does not fit the buffer.
    pub(crate) keep: bool,
}

/// Of a [`place`], the slot; and whether what takes it is kept.
const SLOT: u8 = SLOTS as u8 - 1;
const KEPT: u8 = 0x80;

/// Where the member's span goes.
const fn place(member: &Member) -> u8 {
    assert!((member.slot as usize) < SLOTS, "a slot that is not there");
    member.slot | if member.keep { KEPT } else { 0 }
}

const fn places(list: &[Member]) -> [u8; Members::MOST as usize] {
    let mut places = [0; Members::MOST as usize];
    let (mut rest, mut left): (_, &mut [u8]) = (list, &mut places);
    while let ([member, others @ ..], [first, behind @ ..]) = (rest, left) {
        *first = place(member);
        (rest, left) = (others, behind);
    }
    places
}

/// What a scanner looks for at depth 1: at most [`Members::MOST`] members in at most [`SLOTS`] slots.
#[derive(Debug)]
pub(crate) struct Members {
    names: &'static [Node],
    /// The [`place`] of each.
    places: [u8; Self::MOST as usize],
    /// The slot that takes the first key which is not in the list.
    unlisted: Option<u8>,
    /// The member whose value can be taken apart, counted from 1; 0 for none.
    #[cfg_attr(not(feature = "delivery"), allow(dead_code, reason = "it does not occur without"))]
    apart: u8,
    /// How messages begin, if that is known.
    #[cfg(feature = "fast")]
    heads_known: Option<Heads>,
    #[cfg(feature = "fast")]
    list: &'static [Member],
    /// The first eight bytes of each name, the first of them lowest; 0 behind its end.
    #[cfg(feature = "fast")]
    heads: [u64; Self::MOST as usize],
    /// For each [`letter`] the member that it is told by, counted from 1; 0 where there is none.
    #[cfg(feature = "fast")]
    by_letter: [u8; LETTERS],
}

/// The members by which a server's messages are known as it writes nearly all of them, counted from 0.
#[cfg_attr(not(feature = "fast"), allow(dead_code, reason = "nothing is taken in one go without"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    /// An event begins with these two. Each has a slot of its own; the name is kept, and the timestamp is not.
    pub(crate) timestamp: u8,
    pub(crate) event: u8,
    /// A reply begins with the first of these and ends with the second.
    pub(crate) reply: u8,
    pub(crate) id: u8,
}

/// What is found when an event has begun, and the numbers of a reply's members.
#[cfg(feature = "fast")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    seen: u8,
    taken: u8,
    order: u8,
    kept: u8,
    timestamp: u8,
    name: u8,
    reply: u8,
    id: u8,
}

#[cfg(feature = "fast")]
const LETTERS: usize = 32;

/// What tells names apart: the second byte of each, as far as it tells letters apart.
#[cfg(feature = "fast")]
const fn letter(head: u64) -> usize {
    (head >> 8) as usize % LETTERS
}

#[cfg(feature = "fast")]
const fn by_letter(heads: &[u64]) -> [u8; LETTERS] {
    let mut members = [0; LETTERS];
    let (mut rest, mut number) = (heads, 0_u8);
    while let [head, others @ ..] = rest {
        number = number.wrapping_add(1);
        let (_, behind) = members.split_at_mut(letter(*head));
        // Of two, the first one: the other is found by a search.
        if let ([member @ 0, ..], 1..) = (behind, *head) {
            *member = number;
        }
        rest = others;
    }
    members
}

#[cfg(feature = "fast")]
const fn heads(list: &[Member]) -> [u64; Members::MOST as usize] {
    let mut heads = [0; Members::MOST as usize];
    let (mut rest, mut left): (_, &mut [u64]) = (list, &mut heads);
    while let ([member, others @ ..], [head, behind @ ..]) = (rest, left) {
        let mut name = member.name.as_bytes();
        let mut shift = 0_u32;
        while let ([byte, more @ ..], 0..64) = (name, shift) {
            *head |= (*byte as u64) << shift;
            (name, shift) = (more, shift.wrapping_add(8));
        }
        (rest, left) = (others, behind);
    }
    heads
}

impl Members {
    /// Fewer than there are bits in the masks of [`Found`].
    const MOST: u8 = 7;
    /// No member is looked for.
    pub(crate) const NONE: &'static Self = &Self::new(&[], &[], None);

    /// `names` is the tree of the names of `list`.
    pub(crate) const fn new(list: &'static [Member], names: &'static [Node], unlisted: Option<u8>) -> Self {
        assert!(list.len() <= Self::MOST as usize, "more members than the masks have bits");
        Self {
            names,
            places: places(list),
            unlisted,
            apart: 0,
            #[cfg(feature = "fast")]
            heads_known: None,
            #[cfg(feature = "fast")]
            list,
            #[cfg(feature = "fast")]
            heads: heads(list),
            #[cfg(feature = "fast")]
            by_letter: by_letter(&heads(list)),
        }
    }

    /// The same, of messages that are mostly written so.
    #[cfg_attr(not(feature = "fast"), allow(unused_variables, reason = "nothing is taken in one go without"))]
    pub(crate) const fn written(self, as_known: Written) -> Self {
        #[cfg(feature = "fast")]
        {
            let Written { timestamp, event, reply, id } = as_known;
            let (Some((_, [first, ..])), Some((_, [second, ..]))) =
                (self.list.split_at_checked(timestamp as usize), self.list.split_at_checked(event as usize))
            else {
                return self;
            };
            let heads = Heads {
                seen: bit(timestamp) | bit(event),
                taken: bit(first.slot) | bit(second.slot),
                order: first.slot | second.slot << 2,
                kept: bit(second.slot),
                timestamp: first.slot,
                name: second.slot,
                reply,
                id,
            };
            Self { heads_known: Some(heads), ..self }
        }
        #[cfg(not(feature = "fast"))]
        self
    }

    /// The same, of which the value of member `number` can be taken apart.
    pub(crate) const fn taken_apart(self, number: u8) -> Self {
        Self { apart: number.wrapping_add(1), ..self }
    }
}

/// How many spans are kept.
pub(crate) const SLOTS: usize = 4;

/// A stretch of the message's text: from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    const NONE: Self = Self { start: 0, end: 0 };

    pub(crate) const fn range(self) -> core::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) const fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }
}

/// What was found of the members so far.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Copy))]
#[repr(C)]
pub(crate) struct Found {
    /// The member whose value is being read and has its slot; [`NONE`] if there is none.
    current: u8,
    /// A bit for each slot that is taken, how many there are, and which in the order in which they stand in the text: two bits each, the
    /// first one lowest. To count the bits instead takes 36 bytes more of flash.
    taken: u8,
    count: u8,
    order: u8,
    /// A bit for each slot whose text is to be kept, and above these one for each whose text is gone.
    kept: u8,
    /// A bit for each slot whose text holds strings to be rewritten.
    escaped: u8,
    /// A bit for each listed member that was seen.
    seen: u8,
    /// While a key is read: where in the tree of names, or [`NONE`].
    key: u8,
    members: &'static Members,
    pub(crate) spans: [Span; SLOTS],
}

const fn bit(number: u8) -> u8 {
    1_u8.wrapping_shl(number as u32)
}

impl Found {
    pub(crate) const fn new(members: &'static Members) -> Self {
        Self {
            members,
            // As a repetition it would be built by a loop, and copied.
            spans: [Span::NONE, Span::NONE, Span::NONE, Span::NONE],
            seen: 0,
            taken: 0,
            count: 0,
            order: 0,
            kept: 0,
            escaped: 0,
            key: NONE,
            current: NONE,
        }
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        // The spans of slots that are not taken are nothing.
        (self.seen, self.taken, self.count, self.order, self.kept, self.escaped) = (0, 0, 0, 0, 0, 0);
        self.current = NONE;
    }

    /// All of it that matters: what is left over of a key that has ended does not.
    #[cfg(test)]
    pub(super) const fn meaning(&self, in_key: bool) -> ([u8; 5], [Span; SLOTS], u8) {
        let key = if in_key { self.key } else { 0 };
        let Self { seen, taken, kept, escaped, current, .. } = *self;
        ([seen, taken, kept, escaped, current], self.spans, key)
    }

    /// Whether the listed member `number` was seen.
    pub(crate) const fn has(&self, number: u8) -> bool {
        self.seen & bit(number) != 0
    }

    /// A bit for each listed member that was seen.
    pub(crate) const fn seen(&self) -> u8 {
        self.seen
    }

    /// The span in `slot`, if a member took it.
    pub(crate) fn span(&self, slot: u8) -> Option<Span> {
        if self.taken & !(self.kept >> SLOTS) & bit(slot) == 0 {
            None
        } else {
            self.spans.get(usize::from(slot)).copied()
        }
    }

    const fn take(&mut self, slot: u8) {
        self.taken |= bit(slot);
        self.order |= slot.wrapping_shl((self.count as u32).wrapping_mul(2));
        self.count = self.count.wrapping_add(1);
    }

    /// The slots that are taken, in the order in which their texts stand.
    #[inline]
    pub(crate) fn in_order(&self) -> impl Iterator<Item = u8> + use<> {
        let mut order = self.order;
        (0..self.count).map(move |_| {
            let slot = order & SLOT;
            order >>= 2;
            slot
        })
    }

    /// Whether strings in `slot` wait for being rewritten in place.
    pub(crate) const fn is_escaped(&self, slot: u8) -> bool {
        self.escaped & bit(slot) != 0
    }

    /// A key of the outermost object begins; `at` is where its text does.
    #[inline]
    pub(crate) fn begin_key<G: Grammar>(&mut self, at: u32) {
        self.key = 0;
        if G::INPUT
            && let Some(slot) = self.members.unlisted
            && self.taken & bit(slot) == 0
            && let Some(span) = self.spans.get_mut(usize::from(slot))
        {
            span.start = at;
        }
    }

    /// One more character of the key, decoded; [`BEYOND_ASCII`](names::BEYOND_ASCII) if it is.
    #[inline]
    pub(crate) fn key_character(&mut self, character: u8) {
        self.key = names::behind(self.members.names, self.key, character);
    }

    /// The key is complete. `Err` if this member was seen before.
    #[inline]
    pub(crate) fn end_key<G: Grammar>(&mut self, at: u32) -> Result<(), ()> {
        self.name_member::<G>(names::number(self.members.names, self.key), at)
    }

    /// The key's text is known whole, without escapes. `head` is eight bytes from where it begins, the first of them lowest. `start` is
    /// where its quote stands, `at` what lies behind the other one.
    #[cfg(feature = "fast")]
    #[inline]
    pub(crate) fn whole_key<G: Grammar>(&mut self, start: u32, key: &[u8], head: u64, at: u32) -> Result<(), ()> {
        let bits = (key.len() as u32).min(8).wrapping_mul(8);
        let head = if bits == 0 { 0 } else { head & u64::MAX.wrapping_shr(64_u32.wrapping_sub(bits)) };
        let is_same = |(mine, member): (&u64, &Member)| {
            *mine == head && member.name.len() == key.len() && (key.len() <= 8 || member.name.as_bytes() == key)
        };
        let members = self.members;
        let told = members.by_letter.get(letter(head)).map_or(0, |number| number.wrapping_sub(1));
        if let (Some(mine), Some(member)) = (members.heads.get(usize::from(told)), members.list.get(usize::from(told)))
            && is_same((mine, member))
        {
            return self.name_member::<G>(told, at);
        }
        let number = members.heads.iter().zip(members.list).position(is_same);
        if number.is_none() {
            self.begin_key::<G>(start);
        }
        self.name_member::<G>(number.map_or(NONE, |number| number as u8), at)
    }

    #[inline]
    fn name_member<G: Grammar>(&mut self, number: u8, at: u32) -> Result<(), ()> {
        if number == NONE {
            self.current = NONE;
            if G::INPUT
                && let Some(slot) = self.members.unlisted
                && self.taken & bit(slot) == 0
                && let Some(span) = self.spans.get_mut(usize::from(slot))
            {
                span.end = at;
                self.take(slot);
                // What the key needs was not looked for.
                self.escaped |= bit(slot);
            }
            return Ok(());
        }
        if self.has(number) {
            return Err(());
        }
        self.seen |= bit(number);
        self.current = number;
        Ok(())
    }

    /// The value of the member just named begins at `at`.
    pub(crate) fn begin_value(&mut self, at: u32) {
        let Some(place) = self.place() else { return };
        let slot = place & SLOT;
        match self.spans.get_mut(usize::from(slot)) {
            Some(span) if self.taken & bit(slot) == 0 => {
                // Its end lies behind all text until it is known.
                *span = Span { start: at, end: u32::MAX };
                self.take(slot);
                if place & KEPT != 0 {
                    self.kept |= bit(slot);
                }
            }
            _ => self.current = NONE,
        }
    }

    /// The value of the current member ended in front of `end`.
    #[inline]
    pub(crate) fn end_value(&mut self, end: u32) {
        if let Some(place) = self.place()
            && let Some(span) = self.spans.get_mut(usize::from(place & SLOT))
        {
            span.end = end;
        }
        self.current = NONE;
    }

    /// The value of the member just named is known whole.
    #[cfg(feature = "fast")]
    #[inline]
    pub(crate) fn whole_value(&mut self, start: u32, end: u32) {
        if self.current != NONE {
            self.begin_value(start);
            self.end_value(end);
        }
    }

    /// How messages begin, if that is known.
    #[cfg(feature = "fast")]
    #[inline(always)]
    pub(crate) const fn heads(&self) -> Option<&'static Heads> {
        self.members.heads_known.as_ref()
    }

    /// A message begins as an event does.
    #[cfg(feature = "fast")]
    #[inline(always)]
    pub(crate) fn begin_event(&mut self, heads: &Heads, timestamp: Span, name: Span) {
        (self.seen, self.taken, self.count, self.order, self.kept) =
            (heads.seen, heads.taken, 2, heads.order, heads.kept);
        for (slot, span) in [(heads.timestamp, timestamp), (heads.name, name)] {
            if let Some(place) = self.spans.get_mut(usize::from(slot)) {
                *place = span;
            }
        }
    }

    /// A message begins as a reply does: the member's value follows.
    #[cfg(feature = "fast")]
    #[inline(always)]
    pub(crate) fn begin_reply(&mut self, heads: &Heads) {
        self.seen = bit(heads.reply);
        self.current = heads.reply;
    }

    /// A reply's id follows, if it is the first.
    #[cfg(feature = "fast")]
    #[inline(always)]
    pub(crate) fn name_id<G: Grammar>(&mut self, heads: &Heads) -> Result<(), ()> {
        self.name_member::<G>(heads.id, 0)
    }

    /// A string that must be rewritten was met.
    #[inline]
    pub(crate) fn mark_escaped(&mut self) {
        if let Some(place) = self.place() {
            self.escaped |= bit(place & SLOT);
        }
    }

    /// Strings met before need not be rewritten any more.
    #[cfg(feature = "delivery")]
    pub(crate) fn forget_escapes(&mut self) {
        self.escaped = 0;
    }

    /// Whether the value about to begin is one that can be taken apart.
    #[cfg(feature = "delivery")]
    pub(crate) const fn can_be_taken_apart(&self) -> bool {
        self.current != NONE && self.current.wrapping_add(1) == self.members.apart
    }

    /// All texts up to here are gone.
    #[cfg(feature = "delivery")]
    pub(crate) const fn lose_all(&mut self) {
        self.kept |= self.taken << SLOTS;
    }

    /// The text of `slot` is gone, and its rest need not be kept either.
    pub(crate) fn lose(&mut self, slot: u8) {
        self.kept |= bit(slot) << SLOTS;
    }

    /// Whether the member in `slot` is one to keep when its message does not fit.
    pub(crate) const fn is_kept(&self, slot: u8) -> bool {
        self.kept & bit(slot) != 0
    }

    /// The text of `slot` was moved to `start`. Its end, if it is known.
    pub(crate) fn move_span(&mut self, slot: u8, start: u32, end: Option<u32>) {
        if let Some(span) = self.spans.get_mut(usize::from(slot)) {
            *span = Span { start, end: end.unwrap_or(u32::MAX) };
        }
    }

    /// The place of the current member.
    fn place(&self) -> Option<u8> {
        self.members.places.get(usize::from(self.current)).copied()
    }
}
