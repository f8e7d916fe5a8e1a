//! Eight bytes looked at as one word.

/// How many bytes are there at once where a token is taken whole: its text, and what separates it from the next.
pub(super) const TOKEN: usize = 36;
/// The same for a key and its value.
pub(super) const WINDOW: usize = 64;

/// Where strings end that are found by a window: further than this is looked at word by word.
const SHORT: usize = 24;

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The bytes from `at` on, if there are so many.
#[inline(always)]
pub(super) fn window<const N: usize>(text: &[u8], at: usize) -> Option<&[u8; N]> {
    text.get(at..)?.first_chunk()
}

/// Eight bytes of `text` from `at` on, the first of them lowest.
#[inline(always)]
pub(crate) fn word(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// The same of a window, which has them.
#[inline(always)]
pub(super) fn word_of<const N: usize>(window: &[u8; N], at: usize) -> u64 {
    word(window, at).unwrap_or(0)
}

/// The byte at `at`; 0, which is nothing, behind the text.
#[inline(always)]
pub(super) fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// How many bytes stand in front of the lowest marked one.
#[inline(always)]
const fn lowest(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// Marks the first `"`, `\`, control character or byte of a multi-byte character; maybe some behind it, too.
#[inline(always)]
const fn special(word: u64) -> u64 {
    // A quote and the control characters are what is below 0x21 once bit 1 is turned over; a borrow only spoils higher bytes.
    let quote_or_control = (word ^ (2 * LOW)).wrapping_sub(0x21 * LOW);
    // No high bit of a byte of a multi-byte character gets lost in both.
    let backslash = (word ^ (0x5C * LOW)).wrapping_sub(LOW);
    (quote_or_control | backslash) & HIGH
}

/// Where the first `"`, `\`, control character or byte of a multi-byte character stands behind the first byte, in a window that begins
/// with a quote. Of [`SHORT`] bytes no one is: the one behind those, whatever it is.
#[inline(always)]
pub(super) fn short_string<const N: usize>(window: &[u8; N]) -> usize {
    let mut at = 1;
    while at <= SHORT {
        let marks = special(word_of(window, at));
        if marks != 0 {
            return at.wrapping_add(lowest(marks));
        }
        at = at.wrapping_add(8);
    }
    at
}

/// The same in all of `text` from `at` on, inside a string.
#[inline]
pub(super) fn plain(text: &[u8], mut at: usize, mut count: impl FnMut()) -> usize {
    while let Some(word) = word(text, at) {
        count();
        let marks = special(word);
        if marks != 0 {
            return at.wrapping_add(lowest(marks));
        }
        at = at.wrapping_add(8);
    }
    while matches!(byte(text, at), 0x20..=0x7F) && !matches!(byte(text, at), b'"' | b'\\') {
        count();
        at = at.wrapping_add(1);
    }
    at
}

/// How many of eight bytes are digits, up to the first other one.
#[inline(always)]
pub(crate) const fn digits(word: u64) -> usize {
    // Only digits lie between 0x30 and 0x39: below, the subtraction borrows; above, the sum has its high bit.
    let marks = (word.wrapping_add(0x46 * LOW) | word.wrapping_sub(0x30 * LOW) | word) & HIGH;
    if marks == 0 { 8 } else { lowest(marks) }
}

/// How many of eight bytes are spaces, up to the first other one.
#[inline(always)]
pub(super) const fn spaces(word: u64) -> usize {
    let others = word ^ (0x20 * LOW);
    if others == 0 { 8 } else { lowest(others) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each byte in each place, among bytes that are none of what is looked for.
    fn each(filler: u8, mut check: impl FnMut([u8; 8], u8, usize)) {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                for behind in [filler, 0, b'"', 0xFF] {
                    let mut bytes = [behind; 8];
                    bytes[..place].fill(filler);
                    bytes[place] = byte;
                    check(bytes, byte, place);
                }
            }
        }
    }

    #[test]
    fn the_first_special_byte_is_marked() {
        each(b'a', |bytes, byte, place| {
            let marks = special(u64::from_le_bytes(bytes));
            let is_special = matches!(byte, b'"' | b'\\' | 0..0x20 | 0x80..);
            if is_special {
                assert_eq!(lowest(marks), place, "{bytes:?}");
            } else {
                assert!(marks == 0 || lowest(marks) > place, "{bytes:?}");
            }
        });
    }

    #[test]
    fn digits_and_spaces_are_counted() {
        each(b'7', |bytes, _, _| {
            let count = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(8);
            assert_eq!(digits(u64::from_le_bytes(bytes)), count, "{bytes:?}");
        });
        each(b' ', |bytes, _, _| {
            let count = bytes.iter().position(|byte| *byte != b' ').unwrap_or(8);
            assert_eq!(spaces(u64::from_le_bytes(bytes)), count, "{bytes:?}");
        });
    }

    #[test]
    fn strings_end_where_they_do() {
        for length in 0..TOKEN - 2 {
            let mut window = [b'x'; TOKEN];
            window[0] = b'"';
            window[length + 1] = b'"';
            assert_eq!(short_string(&window), length.min(SHORT) + 1);
            assert_eq!(plain(&window, 1, || ()), length + 1);
        }
    }
}
