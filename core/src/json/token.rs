//! The tokens of a decoded text, and how far a value reaches. Depth is a number here, never a stack.
//!
//! A text may come from elsewhere than the decoder (a foreign deserializer can hand in any string), so every function
//! is total: it cuts on character boundaries, goes forward at each step, and ends with the text.

use super::text::words::find_byte;
#[cfg(feature = "fast")]
use super::text::words::{WIDTH, Word, before, below, count, equal, equal_exactly, odd_from, splat};
use super::text::{COUNTED_HEAD, opens_string};

/// One token of a decoded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Comma,
    Colon,
    /// A string's content, decoded. The string is a key or a value.
    String(&'a str),
    /// Anything else: a number, `true`, `false`, `null`, or what a forged text holds.
    Scalar(&'a str),
}

/// The tokens of a decoded text in their order, blanks left out.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let text = skip_blanks(self.rest);
        let token = match *text.as_bytes().first()? {
            b'{' => Token::ObjectStart,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayStart,
            b']' => Token::ArrayEnd,
            b',' => Token::Comma,
            b':' => Token::Colon,
            first if opens_string(first) => {
                let (content, rest) = split_string(text)?;
                self.rest = rest;
                return Some(Token::String(content));
            }
            _ => {
                let (scalar, rest) = split(text, scalar_len(text.as_bytes()));
                self.rest = rest;
                return Some(Token::Scalar(scalar));
            }
        };
        self.rest = skip_byte(text);
        Some(token)
    }
}

/// `text` from its first byte on that is no blank.
#[inline]
pub(crate) fn skip_blanks(text: &str) -> &str {
    match text.as_bytes() {
        // Almost always there is one blank or none.
        #[cfg(feature = "fast")]
        [first, ..] if *first > b' ' => text,
        #[cfg(feature = "fast")]
        [b' ', next, ..] if *next > b' ' => skip_byte(text),
        bytes => text.get(blanks_len(bytes)..).unwrap_or_default(),
    }
}

/// `text` without its first byte, which is ASCII.
#[inline]
pub(crate) fn skip_byte(text: &str) -> &str {
    text.get(1..).unwrap_or_default()
}

/// The content of the string that `text` begins with, and what follows it: the spaces, if it had escapes, among them.
/// `None` where no string begins.
#[inline]
pub(crate) fn split_string(text: &str) -> Option<(&str, &str)> {
    let first = *text.as_bytes().first()?;
    if !opens_string(first) {
        return None;
    }
    let (begin, end) = content(text.as_bytes(), first);
    let (string, rest) = split(text, end);
    Some((string.get(begin..).unwrap_or_default(), if first == 0 { rest } else { skip_byte(rest) }))
}

/// The text of the value that `text` begins with, and what follows it. `None` where a text ends or a separator stands.
pub(crate) fn split_value(text: &str) -> Option<(&str, &str)> {
    match value_len(text.as_bytes()) {
        0 => None,
        length => Some(split(text, length)),
    }
}

/// How long the value is that `text` begins with; 0 where a text ends or a separator stands.
pub(crate) fn value_len(text: &[u8]) -> usize {
    match text.first() {
        None | Some(b',' | b':' | b'}' | b']') => 0,
        Some(b'{' | b'[') => container_len(text),
        Some(first) if opens_string(*first) => string_len(text, *first),
        Some(_) => scalar_len(text),
    }
}

/// The number, name or foreign matter that `text` begins with, and what follows it.
#[inline]
pub(crate) fn split_scalar(text: &str) -> (&str, &str) {
    split(text, scalar_len(text.as_bytes()))
}

/// Cuts `text` in two. A cut behind its end or within a character leaves nothing to follow.
#[inline]
fn split(text: &str, len: usize) -> (&str, &str) {
    text.split_at_checked(len).unwrap_or((text, ""))
}

/// The length of the container that `text` begins with, its brackets included.
#[cfg(not(feature = "fast"))]
fn container_len(text: &[u8]) -> usize {
    let (mut rest, mut depth) = (text, 0_usize);
    while let Some(&byte) = rest.first() {
        let mut length = 1;
        match byte {
            b'{' | b'[' => depth = depth.wrapping_add(1),
            b'}' | b']' => depth = depth.wrapping_sub(1),
            _ if opens_string(byte) => length = string_len(rest, byte),
            _ => {}
        }
        rest = rest.get(length..).unwrap_or_default();
        if depth == 0 {
            break;
        }
    }
    text.len().wrapping_sub(rest.len())
}

/// The length of the container that `text` begins with, its brackets included.
#[cfg(feature = "fast")]
fn container_len(text: &[u8]) -> usize {
    let mut place = Place { at: 0, depth: 0 };
    loop {
        if place.skip_words(text) {
            place.at = find_byte(text, place.at, b'"').saturating_add(1);
        }
        // Byte by byte past the word that stopped the others, to the end of a string maybe.
        let stop = place.at.saturating_add(WIDTH);
        while place.at < stop {
            let Some(&byte) = text.get(place.at) else { return text.len() };
            if place.step(text, byte) {
                return place.at.min(text.len());
            }
        }
    }
}

/// A place in a container, outside of its strings.
#[cfg(feature = "fast")]
struct Place {
    at: usize,
    depth: usize,
}

#[cfg(feature = "fast")]
impl Place {
    /// Goes on by words, up to one in which the container might end or a decoded string begin. Returns whether that
    /// word begins inside a plain string.
    fn skip_words(&mut self, text: &[u8]) -> bool {
        let (words, _) = text.get(self.at..).unwrap_or_default().as_chunks::<WIDTH>();
        let mut in_string: Word = 0;
        for word in words {
            let word = Word::from_le_bytes(*word);
            if below(word, b' ') != 0 {
                break;
            }
            let quotes = equal_exactly(word, b'"');
            // Brackets and braces differ in this bit only.
            let folded = word | splat(b' ');
            if equal(folded, b'{') | equal(folded, b'}') != 0 {
                let outside = !(odd_from(quotes) ^ in_string);
                let opened = count(equal_exactly(folded, b'{') & outside);
                let closed = count(equal_exactly(folded, b'}') & outside);
                if closed >= self.depth {
                    break;
                }
                self.depth = self.depth.wrapping_add(opened).wrapping_sub(closed);
            }
            if count(quotes) & 1 == 1 {
                in_string = !in_string;
            }
            self.at = self.at.wrapping_add(WIDTH);
        }
        in_string != 0
    }

    /// Goes past `byte`, the next one, and past the string that it opens. Returns whether the container ends there.
    fn step(&mut self, text: &[u8], byte: u8) -> bool {
        let mut len = 1;
        match byte {
            b'{' | b'[' => self.depth = self.depth.wrapping_add(1),
            b'}' | b']' => self.depth = self.depth.wrapping_sub(1),
            // Indentation, and what decoding left behind a string.
            b' ' => len = blanks_len(text.get(self.at..).unwrap_or_default()),
            _ if opens_string(byte) => len = string_len(text.get(self.at..).unwrap_or_default(), byte),
            _ => {}
        }
        self.at = self.at.saturating_add(len);
        self.depth == 0
    }
}

/// The length of the string that `text` begins with, its enclosing bytes included.
pub(crate) fn string_len(text: &[u8], first: u8) -> usize {
    let (_, end) = content(text, first);
    end.saturating_add((first != 0).into()).min(text.len())
}

/// Where the content of the string that `text` begins with does, and where it ends.
#[inline]
pub(crate) fn content(text: &[u8], first: u8) -> (usize, usize) {
    match first {
        0 => (COUNTED_HEAD, COUNTED_HEAD.saturating_add(counted_len(text))),
        _ => (1, find_byte(text, 1, first)),
    }
}

/// The length of the content of the counted string that `text` begins with.
fn counted_len(text: &[u8]) -> usize {
    let groups = text.get(1..COUNTED_HEAD).unwrap_or_default();
    groups.iter().rev().fold(0, |len, group| len << 7 | usize::from(group & 0x7F))
}

/// The length of what `text` begins with up to a separator, a blank or a string: at least 1, if there is text.
fn scalar_len(text: &[u8]) -> usize {
    let ends = |byte: &u8| *byte <= b' ' || matches!(byte, b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"');
    text.iter().skip(1).position(ends).map_or(text.len(), |index| index.wrapping_add(1))
}

fn blanks_len(text: &[u8]) -> usize {
    let mut at = 0_usize;
    loop {
        // Long runs of blanks are runs of spaces.
        #[cfg(feature = "fast")]
        for word in text.get(at..).unwrap_or_default().as_chunks::<WIDTH>().0 {
            let others = Word::from_le_bytes(*word) ^ splat(b' ');
            at = at.wrapping_add(before(others));
            if others != 0 {
                break;
            }
        }
        match text.get(at) {
            Some(b' ' | b'\t' | b'\n' | b'\r') => at = at.wrapping_add(1),
            _ => return at,
        }
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
