//! Searching bytes by whole machine words, in safe code.
//!
//! A *mark* is the high bit of a byte in a word. The lowest mark of each function below is exact; marks above it may
//! be wrong, since a borrow runs upwards. Words are read in little-endian order, so the lowest mark is the first byte.

/// As wide as a register, so that neither 32-bit nor 64-bit machines pay for the other's width.
pub(crate) type Word = usize;

#[cfg(any(feature = "fast", test))]
pub(crate) const WIDTH: usize = size_of::<Word>();

const LOW: Word = Word::MAX / 0xFF;
const HIGH: Word = LOW << 7;

/// `byte` in every byte of a word.
pub(crate) const fn splat(byte: u8) -> Word {
    LOW.wrapping_mul(byte as Word)
}

/// Marks the bytes of `word` that equal `byte`.
#[inline]
pub(crate) const fn equal(word: Word, byte: u8) -> Word {
    let difference = word ^ splat(byte);
    difference.wrapping_sub(LOW) & !difference & HIGH
}

#[cfg(any(feature = "fast", test))]
/// Marks the bytes of `word` that equal `byte`. Every mark is exact.
#[inline]
pub(crate) const fn equal_exactly(word: Word, byte: u8) -> Word {
    let difference = word ^ splat(byte);
    // The low seven bits of a byte carry into the high one unless they are all zero, and never beyond it.
    !((difference & !HIGH).wrapping_add(!HIGH) | difference) & HIGH
}

#[cfg(any(feature = "fast", test))]
/// How many marks there are.
#[inline]
pub(crate) const fn count(marks: Word) -> usize {
    // The top byte of the product is the sum of all bytes.
    (marks >> 7).wrapping_mul(LOW) >> (Word::BITS - 8)
}

#[cfg(any(feature = "fast", test))]
/// Marks each byte that has an odd number of marks up to it, itself included.
#[inline]
pub(crate) const fn odd_from(marks: Word) -> Word {
    // As above, for each byte; the lowest bit of a sum is its parity.
    ((marks >> 7).wrapping_mul(LOW) & LOW) << 7
}

/// Marks the bytes of `word` that are below `limit`, itself at most 0x80.
#[inline]
pub(crate) const fn below(word: Word, limit: u8) -> Word {
    word.wrapping_sub(splat(limit)) & !word & HIGH
}

/// Marks the bytes of `word` that are 0x80 or above. Every mark is exact.
#[inline]
pub(crate) const fn non_ascii(word: Word) -> Word {
    word & HIGH
}

/// How many bytes lie before the lowest of some marks: `WIDTH` where there is none.
#[cfg(feature = "fast")]
#[inline]
pub(crate) const fn before(marks: Word) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// The index of the first byte at or after `from` that `mark` marks, or the length of `text`.
#[inline]
#[cfg(feature = "fast")]
pub(crate) fn find(text: &[u8], from: usize, mark: impl Fn(Word) -> Word) -> usize {
    let mut at = from;
    for word in text.get(from..).unwrap_or_default().as_chunks().0 {
        let marks = mark(Word::from_le_bytes(*word));
        if marks != 0 {
            return at.wrapping_add(before(marks));
        }
        at = at.wrapping_add(WIDTH);
    }
    // Less than a word is left: the end of the last one. What is marked in the padding lies behind the end.
    let left = text.len().saturating_sub(at);
    let last = match text.get(text.len().wrapping_sub(WIDTH)..).and_then(<[u8]>::first_chunk) {
        Some(last) => Word::from_le_bytes(*last).unbounded_shr((WIDTH.saturating_sub(left) as u32).wrapping_mul(8)),
        None => text.iter().rev().take(left).fold(0, |word, byte| word << 8 | Word::from(*byte)),
    };
    at.wrapping_add(before(mark(last))).min(text.len())
}

/// The same by single bytes: little code.
#[cfg(not(feature = "fast"))]
pub(crate) fn find(text: &[u8], from: usize, mark: impl Fn(Word) -> Word) -> usize {
    let mut at = from;
    while let Some(&byte) = text.get(at)
        && mark(splat(byte)) == 0
    {
        at = at.wrapping_add(1);
    }
    at.min(text.len())
}

/// The index of the first `byte` at or after `from`, or the length of `text`.
#[inline]
#[cfg(feature = "fast")]
pub(crate) fn find_byte(text: &[u8], from: usize, byte: u8) -> usize {
    find(text, from, |word| equal(word, byte))
}

/// The same by single bytes.
#[cfg(not(feature = "fast"))]
pub(crate) fn find_byte(text: &[u8], from: usize, byte: u8) -> usize {
    let mut at = from;
    while text.get(at).is_some_and(|here| *here != byte) {
        at = at.wrapping_add(1);
    }
    at.min(text.len())
}

/// The index of the last `byte` of `text`.
#[cfg(any(feature = "fast", test))]
pub(crate) fn find_last(text: &[u8], byte: u8) -> Option<usize> {
    let (head, rest) = text.split_at_checked(text.len() % WIDTH)?;
    let (words, _) = rest.as_chunks::<WIDTH>();
    let in_words = words.iter().rposition(|word| equal(Word::from_le_bytes(*word), byte) != 0);
    let within = match in_words {
        // Only the lowest mark of a word is exact, so the byte itself is looked for one by one.
        Some(index) => head.len().wrapping_add(index.wrapping_add(1).wrapping_mul(WIDTH)),
        None => head.len(),
    };
    text.get(..within)?.iter().rposition(|&at| at == byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn searches_agree_with_byte_loops(text in proptest::collection::vec(prop_oneof![Just(b'"'), Just(0u8), any::<u8>()], 0..40), from in 0usize..42) {
            let tail = text.get(from..).unwrap_or_default();
            let plain = |hit: &dyn Fn(u8) -> bool| tail.iter().position(|&b| hit(b)).map_or(text.len(), |i| i + from);
            prop_assert_eq!(find_byte(&text, from, b'"'), plain(&|b| b == b'"'));
            prop_assert_eq!(find_byte(&text, from, 0), plain(&|b| b == 0));
            prop_assert_eq!(find(&text, from, |w| below(w, 0x20)), plain(&|b| b < 0x20));
            prop_assert_eq!(find(&text, from, non_ascii), plain(&|b| b >= 0x80));
            prop_assert_eq!(find_last(&text, b'"'), text.iter().rposition(|&b| b == b'"'));
        }

        #[test]
        fn exact_marks_are_counted(bytes in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b'#'), any::<u8>()], WIDTH)) {
            let marks = equal_exactly(Word::from_le_bytes(bytes[..].try_into().unwrap()), b'"');
            let odd = odd_from(marks).to_le_bytes();
            let mut quotes = 0;
            for (at, &byte) in bytes.iter().enumerate() {
                quotes += usize::from(byte == b'"');
                prop_assert_eq!(marks.to_le_bytes()[at], if byte == b'"' { 0x80 } else { 0 });
                prop_assert_eq!(odd[at], if quotes % 2 == 1 { 0x80 } else { 0 });
            }
            prop_assert_eq!(count(marks), quotes);
        }
    }
}
