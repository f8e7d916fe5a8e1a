//! Which brackets are open: one bit a level, no recursion, nothing but zeroes at the start.

/// The deepest nesting that can be recorded, arrays and objects together. It is QEMU's own limit.
pub const MAX_DEPTH: u16 = 1024;

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn agrees_with_a_plain_stack() {
        let mut nesting = Nesting::new();
        let mut plain = Vec::new();
        let mut state = 1_u32;
        for turn in 0..200_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Long runs up and down, so that every word boundary is crossed both ways.
            let up = (turn / 3000) % 2 == 0 || plain.is_empty();
            if up && plain.len() < usize::from(MAX_DEPTH) {
                let object = state >> 30 & 1 == 1;
                nesting.push(object);
                plain.push(object);
            } else if !up {
                nesting.pop();
                plain.pop();
            }
            assert_eq!(usize::from(nesting.depth()), plain.len());
            if let Some(&object) = plain.last() {
                assert_eq!(nesting.in_object(), object);
            }
            if turn % 500 == 0 {
                let braces = plain.iter().filter(|object| **object).count();
                assert_eq!(nesting.counts(), (braces as u32, (plain.len() - braces) as u32));
            }
        }
    }
}
