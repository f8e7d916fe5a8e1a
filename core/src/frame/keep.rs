//! What is kept of a message that does not fit: the members that say which command it answers, at the buffer's front.

use super::Buffer;
use crate::json::scan::{Grammar, Scanner};

/// Moves the wanted members out of `buffer[kept..end]`, all of which the scanner has seen, to the end of what is kept already,
/// and gives the new length of that. A member still being read stays open and goes on right behind it.
///
/// Of the buffer, three quarters may be kept; a member beyond that is given up. This depends on the stream alone, never on how it
/// was cut.
pub(super) fn keep<G: Grammar>(scanner: &mut Scanner<G>, buffer: &mut Buffer<'_>, kept: u32, end: u32) -> u32 {
    let capacity = buffer.capacity();
    let room = capacity.saturating_sub((capacity / 4).max(1));
    let mut length = kept;
    // In the order in which they stand in the text, so that nothing is written over before it is read.
    for slot in scanner.found.in_order() {
        let Some(span) = scanner.found.span(slot) else { continue };
        let open = span.end > end;
        if span.end <= kept {
            continue;
        }
        let stop = span.end.min(end);
        // What is kept of one already makes room for the next one if it is given up.
        length = length.min(span.start);
        let behind = length.wrapping_add(stop.wrapping_sub(span.start));
        if !scanner.found.is_kept(slot) || behind > room {
            scanner.found.lose(slot);
            continue;
        }
        if length < span.start {
            buffer.move_down(span.start as usize..stop as usize, length as usize);
        }
        scanner.found.move_span(slot, length, if open { None } else { Some(behind) });
        length = behind;
    }
    length
}
