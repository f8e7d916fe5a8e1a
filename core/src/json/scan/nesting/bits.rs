//! Levels as bits, each in its place: little code.

use super::MAX_DEPTH;

/// A stack of open brackets.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Copy))]
#[repr(C)]
pub(crate) struct Nesting {
    depth: u16,
    /// A bit for each level, 1 for an object.
    levels: [u8; (MAX_DEPTH / 8) as usize],
}

const fn bit(level: u16) -> u8 {
    1_u8.wrapping_shl(level as u32 % 8)
}

impl Nesting {
    pub(crate) const fn new() -> Self {
        Self { depth: 0, levels: [0; (MAX_DEPTH / 8) as usize] }
    }

    /// Forgets all levels.
    pub(crate) const fn clear(&mut self) {
        self.depth = 0;
    }

    #[inline(always)]
    pub(crate) const fn depth(&self) -> u16 {
        self.depth
    }

    /// Whether the innermost open bracket is a `{`.
    #[inline(never)]
    pub(crate) fn in_object(&self) -> bool {
        self.depth != 0 && self.is_object(self.depth.wrapping_sub(1))
    }

    fn is_object(&self, level: u16) -> bool {
        self.levels.get(usize::from(level / 8)).is_some_and(|levels| levels & bit(level) != 0)
    }

    /// Opens a level. The caller has checked that `depth() < MAX_DEPTH`.
    pub(crate) fn push(&mut self, object: bool) {
        if let Some(levels) = self.levels.get_mut(usize::from(self.depth / 8)) {
            *levels &= !bit(self.depth);
            *levels |= if object { bit(self.depth) } else { 0 };
        }
        self.depth = self.depth.wrapping_add(1);
    }

    /// Closes a level. Closing level 0 does nothing.
    #[inline(always)]
    pub(crate) const fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// How many of the open brackets are `{`, and how many are `[`.
    pub(crate) fn counts(&self) -> (u32, u32) {
        let braces = (0..self.depth).fold(0_u16, |sum, level| sum.wrapping_add(self.is_object(level).into()));
        (braces.into(), self.depth.wrapping_sub(braces).into())
    }
}
