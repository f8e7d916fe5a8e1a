//! In the place of `sift.rs` where feature `delivery` is off: messages stay in one piece, and all of this comes to nothing.

use super::step::Flow;
use super::{Grammar, Scanner};

#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Copy))]
pub(super) struct Sift;

impl Sift {
    pub(super) const fn new() -> Self {
        Self
    }

    #[inline(always)]
    pub(super) const fn clear(&mut self) {}

    #[inline(always)]
    pub(super) const fn is_off(&self) -> bool {
        true
    }

    #[inline(always)]
    pub(super) const fn floor(&self) -> u16 {
        1
    }

    #[cfg(feature = "fast")]
    #[inline(always)]
    pub(super) const fn end_value(&mut self) {}

    #[cfg(feature = "fast")]
    #[inline(always)]
    pub(super) const fn has_ended(&mut self) -> bool {
        false
    }

    #[inline(always)]
    pub(super) const fn key_character(&mut self, _code: u32) {}

    #[inline(always)]
    pub(super) const fn end_key(&mut self) {}
}

impl<G: Grammar> Scanner<G> {
    #[inline(always)]
    pub(super) const fn begin_at_floor(&mut self, _byte: u8, _at: u32) -> Option<Flow> {
        None
    }

    #[inline(always)]
    pub(super) const fn close_at_floor(&mut self, _at: u32) -> Option<Flow> {
        None
    }

    #[inline(always)]
    pub(super) const fn comma_at_floor(&mut self, _at: u32) {}

    #[inline(always)]
    pub(super) const fn begin_key_at_floor(&mut self, _at: u32) -> bool {
        false
    }

    #[inline(always)]
    pub(super) const fn end_at_floor(&mut self, _end: u32) -> Flow {
        Flow::Go
    }

    #[cfg(feature = "fast")]
    #[inline(always)]
    pub(super) const fn ended_at_floor(&mut self, _end: u32) -> bool {
        false
    }
}
