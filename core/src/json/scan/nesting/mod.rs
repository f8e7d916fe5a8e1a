//! Which brackets are open: one bit a level, no recursion, nothing but zeroes at the start.

#[cfg(not(feature = "fast"))]
mod bits;
#[cfg(feature = "fast")]
mod words;

#[cfg(not(feature = "fast"))]
pub(crate) use bits::Nesting;
#[cfg(feature = "fast")]
pub(crate) use words::{Levels, Nesting};

/// The deepest nesting that can be recorded, arrays and objects together. It is QEMU's own limit.
pub const MAX_DEPTH: u16 = 1024;

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
