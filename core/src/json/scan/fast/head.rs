//! How nearly every message of a server begins, taken in one go.

use super::COLON;
use super::words::{TOKEN, WINDOW, digits, short_string, window, word_of};
use crate::json::scan::members::Span;

/// What stands between what a reply returns and its id.
pub(super) const ID: u64 = u64::from_le_bytes(*b", \"id\": ");

/// The parts of an event's head, and where it ends: behind its name.
pub(super) struct Head {
    pub(super) timestamp: Span,
    pub(super) name: Span,
}

/// Whether a reply that succeeded begins at `at`, as QEMU writes it: where what it returns stands, then.
#[inline(always)]
pub(super) fn reply(text: &[u8], at: usize) -> Option<usize> {
    const FIRST: u64 = u64::from_le_bytes(*b"{\"return");
    let start = window::<TOKEN>(text, at)?;
    (word_of(start, 0) == FIRST && (word_of(start, 8) as u32) << 8 == COLON).then(|| at.wrapping_add(11))
}

/// The head of an event that begins at `at`, as QEMU writes it: a timestamp, then a short name without escapes.
#[inline(always)]
pub(super) fn event(text: &[u8], at: usize) -> Option<Head> {
    const FIRST: u64 = u64::from_le_bytes(*b"{\"timest");
    const SECOND: u64 = u64::from_le_bytes(*b"amp\": {\"");
    const NAME: u64 = u64::from_le_bytes(*b", \"event");
    let start = window::<WINDOW>(text, at)?;
    if word_of(start, 0) != FIRST || word_of(start, 8) != SECOND {
        return None;
    }
    let object = at.wrapping_add(14);
    let close = timestamp(text, object.wrapping_add(1))?;
    let behind = window::<WINDOW>(text, close)?;
    if word_of(behind, 0) != NAME || (word_of(behind, 8) as u32) << 8 != COLON {
        return None;
    }
    let token: &[u8; TOKEN] = window(behind, 11)?;
    let end = short_string(token);
    if token[0] != b'"' || token.get(end) != Some(&b'"') {
        return None;
    }
    let name = close.wrapping_add(11);
    let span = |start: usize, end: usize| Span { start: start as u32, end: end as u32 };
    Some(Head { timestamp: span(object, close), name: span(name, name.wrapping_add(end).wrapping_add(1)) })
}

/// Where the timestamp ends that begins in front of `at`, written as QEMU writes each.
#[inline(always)]
pub(super) fn timestamp(text: &[u8], at: usize) -> Option<usize> {
    const SECONDS: u64 = u64::from_le_bytes(*b"\"seconds");
    const MICRO: u64 = u64::from_le_bytes(*b", \"micro");
    const NAME: u64 = u64::from_le_bytes(*b"seconds\"");
    const COLON_SPACE: u16 = u16::from_le_bytes(*b": ");
    let text = window::<WINDOW>(text, at)?;
    if word_of(text, 0) != SECONDS || (word_of(text, 8) as u32) << 8 != COLON {
        return None;
    }
    let start = 11;
    let mut count = digits(word_of(text, start));
    if count == 8 {
        count = count.wrapping_add(digits(word_of(text, start.wrapping_add(8))));
    }
    let end = start.wrapping_add(count);
    let micro = end.wrapping_add(18);
    let is_next = word_of(text, end) == MICRO
        && word_of(text, end.wrapping_add(8)) == NAME
        && word_of(text, end.wrapping_add(16)) as u16 == COLON_SPACE;
    if !is_next || count == 0 || (count > 1 && text.get(start) == Some(&b'0')) {
        return None;
    }
    let count = digits(word_of(text, micro));
    let close = micro.wrapping_add(count);
    let is_number = count == 1 || count > 1 && text.get(micro) != Some(&b'0');
    (is_number && text.get(close) == Some(&b'}')).then_some(at.wrapping_add(close).wrapping_add(1))
}
