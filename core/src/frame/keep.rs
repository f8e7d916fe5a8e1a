//! What is kept of a message that does not fit: the members that say which command it answers, at the buffer's front.

use super::Buffer;
use crate::json::scan::Scanner;

/// Moves the wanted members out of `buffer[kept..end]`, all of which the scanner has seen, to the end of what is kept already,
/// and gives the new length of that. A member still being read stays open and goes on right behind it.
///
/// Of the buffer, three quarters may be kept; a member beyond that is given up. This depends on the stream alone, never on how it
/// was cut.
pub(super) fn keep(scanner: &mut Scanner, buffer: &mut Buffer<'_>, kept: usize, end: usize) -> usize {
    let capacity = buffer.capacity() as usize;
    let room = capacity.saturating_sub((capacity / 4).max(1));
    let mut length = kept;
    // In the order in which they stand in the text, so that nothing is written over before it is read.
    for slot in scanner.found.in_order() {
        let Some(span) = scanner.found.span(slot) else { continue };
        let range = span.range();
        let open = range.end > end;
        let stop = range.end.min(end);
        if !open && stop <= kept {
            continue;
        }
        let size = stop.saturating_sub(range.start);
        let start = if range.start < kept { range.start } else { length };
        if !scanner.found.is_kept(slot) || start.saturating_add(size) > room {
            scanner.found.lose(slot);
            if range.start < kept {
                // What is kept of it already makes room for the next one.
                length = range.start;
            }
            continue;
        }
        if range.start >= kept {
            buffer.move_down(range.start..stop, start);
        }
        length = start.saturating_add(size);
        scanner.found.move_span(slot, start as u32, if open { None } else { Some(length as u32) });
    }
    length
}
