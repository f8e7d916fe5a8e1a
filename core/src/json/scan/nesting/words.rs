//! The innermost levels in a word, for loops that open and close many.

use super::MAX_DEPTH;

#[cfg(target_pointer_width = "64")]
type Word = u64;
#[cfg(not(target_pointer_width = "64"))]
type Word = u32;

const LEVELS: u16 = Word::BITS as u16;
/// The words below the top one.
const SPILLED: usize = (MAX_DEPTH / LEVELS) as usize - 1;

/// A stack of open brackets. The innermost levels are in `top`, newest in its lowest bit; a full `top` is spilled.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Copy))]
pub(crate) struct Nesting {
    top: Word,
    depth: u16,
    spilled: [Word; SPILLED],
}

impl Nesting {
    pub(crate) const fn new() -> Self {
        Self { top: 0, depth: 0, spilled: [0; SPILLED] }
    }

    /// Forgets all levels. Spilled words are left as they are: `push` overwrites them before `pop` reads them.
    pub(crate) const fn clear(&mut self) {
        self.top = 0;
        self.depth = 0;
    }

    #[inline(always)]
    pub(crate) const fn depth(&self) -> u16 {
        self.depth
    }

    /// Whether the innermost open bracket is a `{`.
    #[inline(always)]
    pub(crate) const fn in_object(&self) -> bool {
        self.top & 1 == 1
    }

    /// Opens a level. The caller has checked that `depth() < MAX_DEPTH`.
    #[inline(always)]
    pub(crate) fn push(&mut self, object: bool) {
        if self.depth.is_multiple_of(LEVELS) && self.depth != 0 {
            self.spill();
        }
        self.top = self.top << 1 | Word::from(object);
        self.depth = self.depth.wrapping_add(1);
    }

    /// Closes a level. Closing level 0 does nothing.
    #[inline(always)]
    pub(crate) fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.top >>= 1;
        if self.depth.is_multiple_of(LEVELS) && self.depth != 0 {
            self.unspill();
        }
    }

    /// The levels above `floor`, which there are, as far as they lie in one word; no more than `max_depth` in all will be opened.
    #[inline(always)]
    pub(crate) fn levels_above(&self, floor: u16, max_depth: u16) -> Levels {
        let held = (self.depth.wrapping_sub(1) % LEVELS).wrapping_add(1);
        // One bit is taken by the mark.
        let count = self.depth.saturating_sub(floor).min(held).min(LEVELS - 1);
        let base = self.depth.wrapping_sub(count);
        let room = (LEVELS - 1).min(LEVELS.wrapping_sub(held.wrapping_sub(count))).min(max_depth.saturating_sub(base));
        let mark = bit(count);
        Levels {
            open: self.top & mark.wrapping_sub(1) | mark,
            most: bit(room),
            below: self.top.wrapping_shr(count.into()),
            base,
        }
    }

    /// Takes over what became of the levels that [`levels_above`](Self::levels_above) gave.
    #[inline(always)]
    pub(crate) fn set_levels(&mut self, levels: &Levels) {
        let count = levels.count();
        self.top = levels.below.wrapping_shl(count.into()) | levels.open & bit(count).wrapping_sub(1);
        self.depth = levels.base.wrapping_add(count);
        if count == 0 && self.depth.is_multiple_of(LEVELS) && self.depth != 0 {
            self.unspill();
        }
    }

    #[cold]
    fn spill(&mut self) {
        if let Some(word) = self.spilled.get_mut(usize::from((self.depth / LEVELS).wrapping_sub(1))) {
            *word = self.top;
        }
        self.top = 0;
    }

    #[cold]
    fn unspill(&mut self) {
        if let Some(word) = self.spilled.get(usize::from((self.depth / LEVELS).wrapping_sub(1))) {
            self.top = *word;
        }
    }

    /// How many of the open brackets are `{`, and how many are `[`.
    pub(crate) fn counts(&self) -> (u32, u32) {
        let whole = usize::from(self.depth.saturating_sub(1) / LEVELS);
        let below = self.spilled.iter().take(whole).fold(0_u32, |sum, word| sum.wrapping_add(word.count_ones()));
        let braces = below.wrapping_add(self.top.count_ones());
        (braces, u32::from(self.depth).saturating_sub(braces))
    }
}

/// The innermost levels as a word, for a loop that opens and closes many: no counter, no spill.
#[derive(Debug)]
pub(crate) struct Levels {
    /// A bit for each, 1 for an object, the innermost one lowest; above them a mark that is 1.
    open: Word,
    /// While `open` is less, one more level may be opened.
    most: Word,
    /// What lies in the same word below them.
    below: Word,
    /// How many levels there are below them.
    base: u16,
}

const fn bit(number: u16) -> Word {
    Word::MIN.wrapping_add(1).wrapping_shl(number as u32)
}

impl Levels {
    const fn count(&self) -> u16 {
        (LEVELS - 1).saturating_sub(self.open.leading_zeros() as u16)
    }

    #[inline(always)]
    pub(crate) const fn in_object(&self) -> bool {
        self.open & 1 == 1
    }

    /// Whether the innermost is an object and the one around it an array.
    #[inline(always)]
    pub(crate) const fn in_object_in_array(&self) -> bool {
        // The mark is no array.
        self.open & 3 == 1
    }

    #[inline(always)]
    pub(crate) const fn may_push(&self) -> bool {
        self.open < self.most
    }

    #[inline(always)]
    pub(crate) const fn push(&mut self, object: bool) {
        self.open = self.open << 1 | object as Word;
    }

    /// Closes a level. Whether it was the last of these.
    #[inline(always)]
    pub(crate) const fn pop(&mut self) -> bool {
        self.open >>= 1;
        self.open == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn levels_are_a_part_of_the_stack() {
        let mut state = 7_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let mut nesting = Nesting::new();
        let mut plain = Vec::new();
        for turn in 0..200_000 {
            let floor = random(plain.len() as u32 + 1) as u16;
            let max = (plain.len() as u16).max(random(u32::from(MAX_DEPTH) + 1) as u16);
            if plain.len() > usize::from(floor) {
                let mut levels = nesting.levels_above(floor, max);
                assert!(levels.count() > 0 && levels.base >= floor);
                // Who may open none where there is room for some is slow, and wrong in nothing else.
                let in_word = plain.len() % usize::from(LEVELS) != 0 && levels.count() < LEVELS - 1;
                assert_eq!(levels.may_push(), in_word && plain.len() < usize::from(max));
                let up = turn / 5_000 % 2 == 0;
                for _ in 0..random(100) {
                    if random(8) == 0 || !up {
                        plain.pop();
                        if levels.pop() {
                            break;
                        }
                    } else if levels.may_push() {
                        assert!(plain.len() < usize::from(max));
                        let object = random(2) == 1;
                        levels.push(object);
                        plain.push(object);
                    }
                    assert_eq!(Some(&levels.in_object()), plain.last());
                }
                nesting.set_levels(&levels);
            } else if plain.len() < usize::from(max) {
                let object = random(2) == 1;
                nesting.push(object);
                plain.push(object);
            }
            assert_eq!(usize::from(nesting.depth()), plain.len());
            if let Some(&object) = plain.last() {
                assert_eq!(nesting.in_object(), object);
            }
        }
    }
}
