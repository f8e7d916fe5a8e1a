//! Strings as JSON, escaped where they must be.

use super::{Full, Sink};
use crate::json::text::words::{Word, below, equal, find, non_ascii};

/// Writes `text` as a JSON string: in quotes, and escaped. With `ascii`, all but printable ASCII is escaped.
pub(crate) fn write_str(sink: &mut impl Sink, text: &str, ascii: bool) -> Result<(), Full> {
    sink.push(b"\"")?;
    write_escaped(sink, text, ascii)?;
    sink.push(b"\"")
}

/// Writes `text` as the inside of a JSON string.
pub(crate) fn write_escaped(sink: &mut impl Sink, mut text: &str, ascii: bool) -> Result<(), Full> {
    while !text.is_empty() {
        let plain = plain_len(text.as_bytes(), ascii);
        let (run, tail) = text.split_at_checked(plain).unwrap_or((text, ""));
        if !run.is_empty() {
            sink.push(run.as_bytes())?;
        }
        let mut tail = tail.chars();
        if let Some(char) = tail.next() {
            write_char_escaped(sink, char)?;
        }
        text = tail.as_str();
    }
    Ok(())
}

/// Writes `text`, which is JSON, in ASCII: what is none stands in strings, and is escaped there.
pub(crate) fn write_json_as_ascii(sink: &mut impl Sink, mut text: &str) -> Result<(), Full> {
    while !text.is_empty() {
        let plain = find(text.as_bytes(), 0, |word| equal(word, 0x7F) | non_ascii(word));
        let (run, tail) = text.split_at_checked(plain).unwrap_or((text, ""));
        if !run.is_empty() {
            sink.push(run.as_bytes())?;
        }
        let mut tail = tail.chars();
        if let Some(char) = tail.next() {
            write_units(sink, char)?;
        }
        text = tail.as_str();
    }
    Ok(())
}

/// How many bytes at the beginning of `text` stand for themselves. They end where a character begins.
fn plain_len(text: &[u8], ascii: bool) -> usize {
    let always = |word: Word| equal(word, b'"') | equal(word, b'\\') | below(word, 0x20);
    if ascii { find(text, 0, |word| always(word) | equal(word, 0x7F) | non_ascii(word)) } else { find(text, 0, always) }
}

fn write_char_escaped(sink: &mut impl Sink, char: char) -> Result<(), Full> {
    let letter = match char {
        '"' | '\\' => char as u8,
        '\u{08}' => b'b',
        '\t' => b't',
        '\n' => b'n',
        '\u{0C}' => b'f',
        '\r' => b'r',
        _ => return write_units(sink, char),
    };
    sink.push(&[b'\\', letter])
}

/// Writes `char` as one `\uXXXX`, or as a pair of them.
fn write_units(sink: &mut impl Sink, char: char) -> Result<(), Full> {
    let scalar = u32::from(char);
    match scalar.checked_sub(0x1_0000) {
        None => write_unit(sink, scalar),
        Some(above) => {
            write_unit(sink, 0xD800 | above >> 10)?;
            write_unit(sink, 0xDC00 | above & 0x3FF)
        }
    }
}

fn write_unit(sink: &mut impl Sink, unit: u32) -> Result<(), Full> {
    let [.., high, low] = unit.to_be_bytes();
    sink.push(&[b'\\', b'u', hex(high >> 4), hex(high & 0xF), hex(low >> 4), hex(low & 0xF)])
}

const fn hex(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' | nibble,
        _ => b'A'.wrapping_add(nibble.wrapping_sub(10)),
    }
}
