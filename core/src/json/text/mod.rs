//! Decoding strings where they stand.
//!
//! # The decoded form
//!
//! Decoding rewrites, inside a JSON text, each string that has escapes. The text keeps its length, everything outside
//! of such strings keeps its place, and the whole stays valid UTF-8, so that one check makes every string a slice of a
//! `&str`. A string then has one of three forms:
//!
//! | form | where |
//! |---|---|
//! | `"content"` | nothing to decode; content holds neither `"` nor `\` |
//! | `t content t` and spaces | `t` is one of 28 control bytes, one that content does not hold |
//! | `00`, ten bytes of length, content and spaces | content holds all 28 |
//!
//! `t` is 0x01-0x1F without TAB, LF and CR, which are blanks. Blanks they must stay: 0x0C is a `t`, and the counted
//! form ends without a mark, so *the text of a value must never be trimmed*. The spaces reach up to and including the
//! place of the closing quote. A length is written in groups of seven bits, the lowest first.

pub(crate) mod words;

use words::{WIDTH, Word, before, equal, find, find_byte, find_last};

/// The size of what stands before the content of a counted string: the zero byte and the length.
pub(crate) const COUNTED_HEAD: usize = 11;

/// The control bytes that can enclose a string, one bit each.
const ENCLOSING: u32 = !(1 | 1 << b'\t' | 1 << b'\n' | 1 << b'\r');

/// True for a byte that opens a string of any decoded form.
pub(crate) const fn opens_string(byte: u8) -> bool {
    byte == b'"' || (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'))
}

/// Decodes every string of `text`, a JSON text (RFC 8259) that the scanner has passed.
///
/// Each byte is read at most three times, whatever the text. A text that is not JSON gives some other text.
pub(crate) fn decode_strings(text: &mut [u8]) {
    let mut from = 0;
    loop {
        let backslash = find_byte(text, from, b'\\');
        // A backslash stands in a string, and the first one of a string has no quote between it and the opening one.
        let Some(open) = text.get(from..backslash).and_then(|before| find_last(before, b'"')) else {
            return;
        };
        if backslash >= text.len() {
            return;
        }
        from = decode_string(text, from.wrapping_add(open), backslash, b'"');
    }
}

/// Decodes every string of `text` as QEMU reads its input: strings may be enclosed in `'` and hold `"` as it is, `\'`
/// is an escape, and the bytes `C0 80` are U+0000.
///
/// The bounds of [`decode_strings`] hold. A string in `'` counts as one with escapes.
pub(crate) fn decode_strings_of_input(text: &mut [u8]) {
    let mut from = 0;
    loop {
        let open = find(text, from, |word| equal(word, b'"') | equal(word, b'\''));
        let content = open.wrapping_add(1);
        from = match text.get(open) {
            None => return,
            Some(b'\'') => decode_string(text, open, content, b'\''),
            Some(_) => {
                let special = find(text, content, |word| specials(word, b'"'));
                match text.get(special) {
                    Some(b'"') => special.wrapping_add(1),
                    _ => decode_string(text, open, special, b'"'),
                }
            }
        };
    }
}

/// Rewrites the string that opens at `open` and needs no decoding before `from`. Returns the index behind the place of
/// its closing quote, which is above `from` or the end of the text.
fn decode_string(text: &mut [u8], open: usize, from: usize, quote: u8) -> usize {
    let mut string = Decoder { text, read: from, written: from, used: 0 };
    loop {
        string.copy_plain(quote);
        match string.text.get(string.read) {
            Some(b'\\') => string.decode_escape(),
            Some(0xC0) => {
                string.read = string.read.saturating_add(2);
                string.put(0);
            }
            Some(&byte) if byte != quote => {
                string.read = string.read.saturating_add(1);
                string.put(byte);
            }
            _ => break,
        }
    }
    let Decoder { text, read: close, written: end, used } = string;
    let free = ENCLOSING & !used;
    if free != 0 {
        let enclosing = free.trailing_zeros() as u8;
        put(text, open, enclosing);
        put(text, end, enclosing);
        fill_with_spaces(text, end.wrapping_add(1), close);
    } else {
        let end = count_content(text, open, end);
        fill_with_spaces(text, end, close);
    }
    close.saturating_add(1)
}

/// Decodes `content`, what stands between the quotes of a JSON string or a piece of that without half an escape, to its front.
/// Returns how much of it there is then.
#[cfg(feature = "delivery")]
pub(crate) fn decode_content(content: &mut [u8]) -> usize {
    let mut string = Decoder { text: content, read: 0, written: 0, used: 0 };
    loop {
        string.copy_plain(b'"');
        match string.text.get(string.read) {
            Some(b'\\') => string.decode_escape(),
            Some(&byte) => {
                string.read = string.read.saturating_add(1);
                string.put(byte);
            }
            None => return string.written,
        }
    }
}

/// Marks what ends a run of bytes that stand for themselves. 0xC0 is in no UTF-8 text, so it costs the strict dialect
/// nothing to look for it.
#[inline]
fn specials(word: Word, quote: u8) -> Word {
    equal(word, quote) | equal(word, b'\\') | equal(word, 0xC0)
}

/// A string on its way from one form to the other. What is written never overtakes what is read.
struct Decoder<'t> {
    text: &'t mut [u8],
    read: usize,
    written: usize,
    /// The control bytes that content holds, one bit each. They only come from escapes.
    used: u32,
}

impl Decoder<'_> {
    /// Moves what stands before the next special byte, by words while they last.
    fn copy_plain(&mut self, quote: u8) {
        while let Some(&word) = self.text.get(self.read..).and_then(<[u8]>::first_chunk::<WIDTH>) {
            let marks = specials(Word::from_le_bytes(word), quote);
            // `written` is at most `read`: what a whole word covers beyond it has been read.
            if marks == 0
                && let Some(to) = self.text.get_mut(self.written..).and_then(<[u8]>::first_chunk_mut::<WIDTH>)
            {
                *to = word;
                self.read = self.read.wrapping_add(WIDTH);
                self.written = self.written.wrapping_add(WIDTH);
                continue;
            }
            for &byte in word.iter().take(before(marks)) {
                self.put(byte);
                self.read = self.read.wrapping_add(1);
            }
            return;
        }
    }

    /// Decodes the escape at `read`. What is no escape loses its backslash.
    fn decode_escape(&mut self) {
        let letter = self.text.get(self.read.wrapping_add(1)).copied();
        let unit = if letter == Some(b'u') { self.unit_at(self.read) } else { None };
        if let Some(unit) = unit {
            self.read = self.read.wrapping_add(6);
            return self.decode_unit(unit);
        }
        self.read = self.read.saturating_add(2).min(self.text.len());
        match letter {
            Some(b'b') => self.put_control(0x08),
            Some(b't') => self.put_control(b'\t'),
            Some(b'n') => self.put_control(b'\n'),
            Some(b'f') => self.put_control(0x0C),
            Some(b'r') => self.put_control(b'\r'),
            Some(other) => self.put(other),
            None => {}
        }
    }

    /// Writes the character of a UTF-16 unit, together with the unit that follows if the two are a pair.
    fn decode_unit(&mut self, unit: u16) {
        let mut scalar = u32::from(unit);
        if let 0xD800..=0xDBFF = unit
            && let Some(low @ 0xDC00..=0xDFFF) = self.unit_at(self.read)
        {
            self.read = self.read.wrapping_add(6);
            scalar = ((scalar & 0x3FF) << 10 | u32::from(low & 0x3FF)).wrapping_add(0x1_0000);
        } else if let 0xD800..=0xDFFF = unit {
            // No scanned text holds half a pair.
            scalar = 0xFFFD;
        }
        let tail = |shift: u32| 0x80 | (scalar.unbounded_shr(shift) & 0x3F) as u8;
        match scalar {
            0..=0x1F => self.put_control(scalar as u8),
            0x20..=0x7F => self.put(scalar as u8),
            0x80..=0x7FF => {
                self.put(0xC0 | (scalar >> 6) as u8);
                self.put(tail(0));
            }
            0x800..=0xFFFF => {
                self.put(0xE0 | (scalar >> 12) as u8);
                self.put(tail(6));
                self.put(tail(0));
            }
            _ => {
                self.put(0xF0 | (scalar >> 18) as u8);
                self.put(tail(12));
                self.put(tail(6));
                self.put(tail(0));
            }
        }
    }

    /// The UTF-16 unit of the `\uXXXX` at `at`.
    fn unit_at(&self, at: usize) -> Option<u16> {
        let &[b'\\', b'u', ref digits @ ..] = self.text.get(at..)?.first_chunk::<6>()? else {
            return None;
        };
        let mut unit = 0;
        for &digit in digits {
            let nibble = (digit as char).to_digit(16)?;
            unit = unit << 4 | nibble as u16;
        }
        Some(unit)
    }

    fn put_control(&mut self, byte: u8) {
        self.used |= 1_u32.unbounded_shl(byte.into());
        self.put(byte);
    }

    fn put(&mut self, byte: u8) {
        put(self.text, self.written, byte);
        self.written = self.written.wrapping_add(1);
    }
}

/// Moves the content that ends at `end` behind a head that tells its length. Returns its new end.
///
/// There is room: 28 control characters take 160 bytes as escapes.
fn count_content(text: &mut [u8], open: usize, end: usize) -> usize {
    let start = open.wrapping_add(1);
    let mut length = end.wrapping_sub(start);
    let new_end = end.wrapping_add(COUNTED_HEAD.wrapping_sub(1));
    for distance in 1..=length {
        let Some(&byte) = text.get(end.wrapping_sub(distance)) else { break };
        put(text, new_end.wrapping_sub(distance), byte);
    }
    put(text, open, 0);
    for at in start..open.wrapping_add(COUNTED_HEAD) {
        put(text, at, (length & 0x7F) as u8);
        length >>= 7;
    }
    new_end
}

fn fill_with_spaces(text: &mut [u8], from: usize, last: usize) {
    for byte in text.get_mut(from..).unwrap_or_default().iter_mut().take(last.wrapping_add(1).saturating_sub(from)) {
        *byte = b' ';
    }
}

fn put(text: &mut [u8], at: usize, byte: u8) {
    if let Some(place) = text.get_mut(at) {
        *place = byte;
    }
}

#[cfg(test)]
mod tests;
