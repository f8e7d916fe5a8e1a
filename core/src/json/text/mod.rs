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

#[cfg(feature = "fast")]
use words::{WIDTH, Word, before, equal, find, find_byte, find_last};

/// The size of what stands before the content of a counted string: the zero byte and the length.
pub(crate) const COUNTED_HEAD: usize = 11;

/// The control bytes that can enclose a string, one bit each.
const ENCLOSING: u32 = !(1 | 1 << b'\t' | 1 << b'\n' | 1 << b'\r');

/// The control character that a letter behind a backslash stands for, if it does.
pub(crate) const fn control(letter: u8) -> Option<u8> {
    Some(match letter {
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    })
}

/// True for a byte that opens a string of any decoded form.
pub(crate) const fn opens_string(byte: u8) -> bool {
    byte == b'"' || (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'))
}

/// Decodes every string of `text`, a JSON text (RFC 8259) that the scanner has passed.
///
/// Each byte is read at most three times, whatever the text. A text that is not JSON gives some other text.
#[cfg(feature = "fast")]
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
#[cfg(feature = "fast")]
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

/// The same by single bytes, whoever wrote the text: little code. RFC 8259 has no `'` outside of strings and no 0xC0 inside.
#[cfg(not(feature = "fast"))]
pub(crate) fn decode_strings(text: &mut [u8]) {
    let mut at = 0_usize;
    while let Some(&byte) = text.get(at) {
        let content = at.wrapping_add(1);
        at = if matches!(byte, b'"' | b'\'') { decode_string(text, at, content, byte) } else { content };
    }
}

#[cfg(not(feature = "fast"))]
pub(crate) use decode_strings as decode_strings_of_input;

/// Rewrites the string that opens at `open` and needs no decoding before `from`. Returns the index behind the place of
/// its closing quote, which is above `from` or the end of the text.
fn decode_string(text: &mut [u8], open: usize, from: usize, quote: u8) -> usize {
    let mut string = Decoder { text, read: from, written: from, used: 0 };
    string.decode_up_to(quote);
    let Decoder { text, read: close, written: end, used } = string;
    if end == close && quote == b'"' {
        // There was nothing to decode.
        return close.saturating_add(1);
    }
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
        string.decode_up_to(b'"');
        // A quote that was not told from the string's end belongs to it.
        if string.read >= string.text.len() {
            return string.written;
        }
        string.put(b'"');
        string.read = string.read.wrapping_add(1);
    }
}

/// Marks what ends a run of bytes that stand for themselves. 0xC0 is in no UTF-8 text, so it costs the strict dialect
/// nothing to look for it.
#[cfg(feature = "fast")]
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
    #[cfg(feature = "fast")]
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

    /// Decodes up to `quote`, which `read` is at then, or to the end.
    fn decode_up_to(&mut self, quote: u8) {
        loop {
            #[cfg(feature = "fast")]
            self.copy_plain(quote);
            let Some(&byte) = self.text.get(self.read) else { return };
            if byte == quote {
                return;
            }
            self.read = self.read.wrapping_add(1);
            match byte {
                b'\\' => {
                    let scalar = self.escape();
                    self.put_scalar(scalar);
                }
                0xC0 => {
                    self.read = self.read.wrapping_add(1);
                    self.put(0);
                }
                _ => self.put(byte),
            }
        }
    }

    /// What the escape stands for whose backslash has been read. What is no escape loses its backslash.
    fn escape(&mut self) -> u32 {
        let letter = self.text.get(self.read).copied().unwrap_or_default();
        self.read = self.read.saturating_add(1).min(self.text.len());
        if letter != b'u' {
            return u32::from(control(letter).unwrap_or(letter));
        }
        let Some(unit) = self.unit() else { return letter.into() };
        if unit & 0xF800 != 0xD800 {
            return unit;
        }
        let high = self.read;
        if let Some([b'\\', b'u']) = self.text.get(high..).and_then(<[u8]>::first_chunk)
            && unit < 0xDC00
        {
            self.read = high.wrapping_add(2);
            if let Some(low) = self.unit()
                && low & 0xFC00 == 0xDC00
            {
                return ((unit & 0x3FF) << 10 | low & 0x3FF).wrapping_add(0x1_0000);
            }
            self.read = high;
        }
        // No scanned text holds half a pair.
        0xFFFD
    }

    /// The UTF-16 unit whose four digits stand at `read`.
    fn unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for at in 0..4_usize {
            let digit = *self.text.get(self.read.wrapping_add(at))?;
            unit = unit << 4 | char::from(digit).to_digit(16)?;
        }
        self.read = self.read.wrapping_add(4);
        Some(unit)
    }

    /// Writes a character.
    fn put_scalar(&mut self, scalar: u32) {
        if scalar < 0x20 {
            self.used |= 1_u32.wrapping_shl(scalar);
        }
        // How many bits the bytes behind the first take, and what marks the first.
        let (mut shift, mark) = match scalar {
            0..=0x7F => (0, 0),
            0x80..=0x7FF => (6_u32, 0xC0),
            0x800..=0xFFFF => (12, 0xE0),
            _ => (18, 0xF0),
        };
        self.put(mark | scalar.wrapping_shr(shift) as u8);
        while shift > 0 {
            shift = shift.wrapping_sub(6);
            self.put(0x80 | (scalar.wrapping_shr(shift) & 0x3F) as u8);
        }
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
