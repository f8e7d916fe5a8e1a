//! Copying bytes: by what the compiler has for it, or by loops where that is dear. On a Cortex-M, `memmove` takes 660 bytes of flash.

use core::cell::Cell;
use core::hint::black_box;

/// Whether loops are wanted: on bare metal, unless speed was asked for.
const SMALL: bool = cfg!(all(target_os = "none", not(feature = "fast")));

/// Copies what is short, as [`copy`] does: on bare metal by a loop always, since a call takes 64 bytes of stack there.
#[cfg_attr(target_os = "none", inline(never))]
pub(crate) fn copy_short(from: &[u8], to: &mut [u8]) -> usize {
    if !cfg!(target_os = "none") {
        return copy(from, to);
    }
    for (place, byte) in to.iter_mut().zip(from) {
        // Else the compiler makes that call of the loop.
        *place = black_box(*byte);
    }
    to.len().min(from.len())
}

/// Copies `from` to the beginning of `to`, as far as both reach, and gives how many bytes that is.
#[inline]
pub(crate) fn copy(from: &[u8], to: &mut [u8]) -> usize {
    if SMALL {
        copy_by_loop(from, to);
    } else {
        // The compiler makes a call of it. Of `copy_from_slice` it does not see everywhere that it cannot panic.
        for (place, byte) in to.iter_mut().zip(from) {
            *place = *byte;
        }
    }
    to.len().min(from.len())
}

/// Moves what lies behind the first `distance` of `bytes` to the front.
#[inline]
pub(crate) fn move_down(bytes: &mut [u8], distance: usize) {
    if SMALL {
        move_by_loop(bytes, distance);
    } else if distance <= bytes.len() {
        bytes.copy_within(distance.., 0);
    }
}

// Of a loop over plain bytes the compiler makes a call again. Of cells it can't tell that they don't overlap.

#[inline]
fn copy_by_loop(from: &[u8], to: &mut [u8]) {
    for (place, byte) in Cell::from_mut(to).as_slice_of_cells().iter().zip(from) {
        place.set(*byte);
    }
}

#[inline]
fn move_by_loop(bytes: &mut [u8], distance: usize) {
    let bytes = Cell::from_mut(bytes).as_slice_of_cells();
    for (place, byte) in bytes.iter().zip(bytes.get(distance..).unwrap_or_default()) {
        place.set(byte.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_do_what_calls_do() {
        for length in 0..9 {
            for other in 0..11 {
                let (from, mut called) = ([1, 2, 3, 4, 5, 6, 7, 8], [9; 10]);
                let mut looped = called;
                let count = copy(&from[..length.min(8)], &mut called[..other.min(10)]);
                copy_by_loop(&from[..length.min(8)], &mut looped[..other.min(10)]);
                assert_eq!((called, count), (looped, length.min(8).min(other.min(10))));

                let (mut called, mut looped) = (from, from);
                move_down(&mut called[..length.min(8)], other);
                move_by_loop(&mut looped[..length.min(8)], other);
                assert_eq!(called, looped, "{length} bytes, down by {other}");
            }
        }
    }
}
