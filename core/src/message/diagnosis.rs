//! What QEMU says of input that is no JSON.

use super::refusal::RefusalKind;
use super::{Malformed, Origin};
use crate::frame::What;
use crate::json::scan::{Expected, Reason};

/// The error that answers malformed input, and its detail as the client sent it.
///
/// Of a message that did not fit the buffer, and of a very long token, the detail may be missing.
pub(crate) fn diagnose<'m>(
    malformed: &Malformed<'m>,
    what: What,
    origin: &Origin,
    expected: Expected,
) -> (RefusalKind, &'m [u8]) {
    let text = malformed.text;
    if let What::Malformed(reason) = what {
        return match reason {
            Reason::LineEnd => (RefusalKind::ExpectingValue, &[]),
            _ => (RefusalKind::Stray, stray(text, reason)),
        };
    }
    // Where the whole message is at hand, the place of the mistake in it; the end of the text otherwise.
    let whole = text.len() as u64 >= origin.bytes;
    let at = usize::try_from(malformed.at.saturating_sub(origin.offset)).ok().filter(|_| whole).unwrap_or(text.len());
    let byte = text.get(at).copied().unwrap_or_default();
    match malformed.reason {
        Reason::UnexpectedByte => match expected {
            Expected::Value | Expected::Key if byte.is_ascii_lowercase() && !is_known(word(text, at)) => {
                (RefusalKind::Keyword, word(text, at))
            }
            Expected::Key if !matches!(byte, b',' | b':' | b']' | b'}') => (RefusalKind::KeyNotString, &[]),
            Expected::Value | Expected::Key => (RefusalKind::ExpectingValue, &[]),
            Expected::Colon => (RefusalKind::MissingColon, &[]),
            Expected::SeparatorInObject => (RefusalKind::NoSeparatorInObject, &[]),
            Expected::SeparatorInArray => (RefusalKind::NoSeparatorInArray, &[]),
        },
        Reason::UnmatchedBracket if expected == Expected::SeparatorInObject => (RefusalKind::NoSeparatorInObject, &[]),
        Reason::UnmatchedBracket if expected == Expected::SeparatorInArray => (RefusalKind::NoSeparatorInArray, &[]),
        Reason::DuplicateMember => (RefusalKind::DuplicateKey, &[]),
        Reason::BadWord => (RefusalKind::Keyword, word(text, at)),
        Reason::BadUtf8 => (RefusalKind::InvalidUtf8, &[]),
        Reason::BadEscape if at.checked_sub(1).and_then(|before| text.get(before)) == Some(&b'\\') => {
            (RefusalKind::InvalidEscape, &[])
        }
        Reason::BadEscape | Reason::LoneSurrogate => (RefusalKind::NotUnicode, escape(text, at)),
        // Of a character written as it is, QEMU says that it is no UTF-8.
        Reason::Noncharacter => match escaped_noncharacter(text, at) {
            Some(escape) => (RefusalKind::NotUnicode, escape),
            None => (RefusalKind::InvalidUtf8, &[]),
        },
        _ => (RefusalKind::ExpectingValue, &[]),
    }
}

/// The token that the last byte of `text` ends because it cannot belong to it.
fn stray(text: &[u8], reason: Reason) -> &[u8] {
    let Some((&last, before)) = text.split_last() else { return text };
    let start = match open_string(before) {
        Some(start) => start,
        None if reason == Reason::BadNumber => {
            let other = |byte: &u8| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
            before.iter().rposition(other).map_or(0, |last| last.wrapping_add(1))
        }
        None => before.len(),
    };
    // QEMU's description ends at a 0.
    let end = if last == 0 { before.len() } else { text.len() };
    text.get(start..end).unwrap_or_default()
}

/// The index of the quote that opens the string in which `text` ends, if it ends in one.
fn open_string(text: &[u8]) -> Option<usize> {
    let mut open = None;
    let mut escaped = false;
    for (at, &byte) in (0..usize::MAX).zip(text) {
        match (open, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some((_, quote)), _) if quote == byte => open = None,
            (None, b'"' | b'\'') => open = Some((at, byte)),
            _ => {}
        }
    }
    open.map(|(at, _)| at)
}

/// The word around `at`.
fn word(text: &[u8], at: usize) -> &[u8] {
    let (before, behind) = text.split_at_checked(at).unwrap_or((&[], &[]));
    let other = |byte: &u8| !byte.is_ascii_lowercase();
    let start = before.iter().rposition(other).map_or(0, |last| last.wrapping_add(1));
    let length = behind.iter().position(other).unwrap_or(behind.len());
    text.get(start..at.saturating_add(length)).unwrap_or_default()
}

fn is_known(word: &[u8]) -> bool {
    matches!(word, b"true" | b"false" | b"null")
}

/// The `\u` escape for which a mistake was noted at `at`: a surrogate without its other half rather than what follows it.
fn escape(text: &[u8], at: usize) -> &[u8] {
    let from = |distance: usize| at.checked_sub(distance).and_then(|start| text.get(start..));
    for distance in 6..=11 {
        if let Some([b'\\', b'u', b'D' | b'd', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', _, _, ..]) = from(distance) {
            return from(distance).and_then(|escape| escape.get(..6)).unwrap_or_default();
        }
    }
    let Some(escape) = (2..=5).filter_map(from).find(|text| text.starts_with(b"\\u")) else { return &[] };
    // Digits that the string's end takes the place of are not looked for behind it.
    let quote = text.get(..at).and_then(open_string).and_then(|open| text.get(open));
    let escape = escape.get(..6).unwrap_or(escape);
    let length = escape.iter().position(|byte| Some(byte) == quote).map_or(6, |quote| quote.wrapping_add(1));
    escape.get(..length).unwrap_or(escape)
}

/// The escape that ends with the digit at `at`, the first half of a pair included.
fn escaped_noncharacter(text: &[u8], at: usize) -> Option<&[u8]> {
    let end = at.checked_add(1)?;
    let start = end.checked_sub(6)?;
    let escape = text.get(start..end).filter(|escape| escape.starts_with(b"\\u"))?;
    let is_low = matches!(escape, [_, _, b'D' | b'd', b'C'..=b'F' | b'c'..=b'f', ..]);
    if is_low { text.get(start.checked_sub(6)?..end) } else { Some(escape) }
}
