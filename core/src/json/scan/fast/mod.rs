//! Whole words and whole tokens at once, where the text lies ready.
//!
//! Called between tokens and inside strings; stops in front of whatever it does not know, with the state set as the automaton
//! would have it, so that no outcome depends on it. What lies behind the data is 0, which is valid nowhere in JSON, or nothing: every
//! loop ends there without looking for the end.

mod deep;
mod head;
mod outermost;
mod words;

use super::step::{Lax, Role};
use super::table::State;
use super::{Grammar, Scanner};
use words::{TOKEN, byte, plain, short_string, spaces, word_of};
pub(crate) use words::{digits, word};

/// What stands behind a key as QEMU writes it, in the upper bytes.
const COLON: u32 = u32::from_le_bytes(*b"\0\": ");

/// The end of a line as QEMU writes it.
const LINE_END: u16 = u16::from_le_bytes(*b"\r\n");

/// Takes what it can from `text[at..]` and gives the index of the first byte that it did not take.
#[inline(never)]
pub(super) fn run<G: Grammar>(scanner: &mut Scanner<G>, text: &[u8], mut at: usize) -> usize {
    if scanner.state == State::Text {
        at = rest_of_string(scanner, text, at);
    }
    if scanner.lax != Lax::Off {
        return at;
    }
    if scanner.nesting.depth() > scanner.sift.floor() {
        at = deep::tokens(scanner, text, at);
        if scanner.nesting.depth() > scanner.sift.floor() {
            return at;
        }
        if !scanner.sift.is_off() {
            scanner.sift.end_value();
            return at;
        }
        scanner.found.end_value(at as u32);
    }
    // What is looked for is the automaton's to find.
    if scanner.sift.is_off() {
        if scanner.nesting.depth() == 0 && scanner.state == State::Value && byte(text, at) == b'{' {
            at = first(scanner, text, at);
        }
        if scanner.nesting.depth() == 1 {
            at = outermost::members(scanner, text, at);
        }
    }
    at
}

/// Enters the outermost object: behind its bracket, or behind the head of an event or reply.
#[inline(always)]
fn first<G: Grammar>(scanner: &mut Scanner<G>, text: &[u8], at: usize) -> usize {
    let found = &mut scanner.found;
    if let Some(heads) = found.heads()
        && scanner.options.max_depth > 1
    {
        if let Some(value) = head::reply(text, at) {
            found.begin_reply(heads);
            scanner.nesting.push(true);
            scanner.state = State::Value;
            return value;
        }
        if let Some(head) = head::event(text, at) {
            found.begin_event(heads, head.timestamp, head.name);
            let end = head.name.end as usize;
            scanner.state = State::After;
            if byte(text, end) == b'}' {
                return end.wrapping_add(1);
            }
            scanner.nesting.push(true);
            return end;
        }
    }
    scanner.nesting.push(true);
    scanner.state = State::FirstKey;
    at.wrapping_add(1)
}

/// The rest of a string whose beginning was read before, and the colon behind a key.
fn rest_of_string<G: Grammar>(scanner: &mut Scanner<G>, text: &[u8], at: usize) -> usize {
    // Keys that are looked for are compared as they go by, and a single quote is not looked for here: the automaton's work.
    if matches!(scanner.role, Role::MemberKey | Role::SoughtKey) || scanner.quote != b'"' {
        return at;
    }
    let at = body(scanner, text, at);
    let is_deep = scanner.lax == Lax::Off && scanner.nesting.depth() > scanner.sift.floor();
    if !is_deep || byte(text, at) != b'"' {
        return at;
    }
    let mut at = at.wrapping_add(1);
    scanner.state = State::After;
    if scanner.role == Role::Key {
        scanner.state = State::Colon;
        if byte(text, at) == b':' {
            scanner.state = State::Value;
            at = at.wrapping_add(1);
        }
    }
    at
}

/// Takes a string, number or word at `at`, where `token` begins. Where it ends; or where to stop: at `at`, or inside a string.
#[inline]
fn atom<G: Grammar>(scanner: &mut Scanner<G>, text: &[u8], at: usize, token: &[u8; TOKEN]) -> Result<usize, usize> {
    if token[0] != b'"' {
        return scalar(token).map(|length| at.wrapping_add(length)).ok_or(at);
    }
    let end = short_string(token);
    if token.get(end) == Some(&b'"') {
        return Ok(at.wrapping_add(end).wrapping_add(1));
    }
    quoted(scanner, text, at, Role::Value)
}

/// Takes a string that begins at `at`. Where it ends; or where it was stopped in, as the state is then to say.
#[inline(never)]
fn quoted<G: Grammar>(scanner: &mut Scanner<G>, text: &[u8], at: usize, role: Role) -> Result<usize, usize> {
    scanner.quote = b'"';
    scanner.role = role;
    let end = body(scanner, text, at.wrapping_add(1));
    if byte(text, end) == b'"' { Ok(end.wrapping_add(1)) } else { Err(end) }
}

/// Takes characters of a string up to its end, or to one that is the automaton's to see.
#[inline]
fn body<G: Grammar>(scanner: &mut Scanner<G>, text: &[u8], mut at: usize) -> usize {
    loop {
        at = plain(text, at, || scanner.count());
        let escaped = byte(text, at.wrapping_add(1));
        if byte(text, at) != b'\\' || !matches!(escaped, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') {
            return at;
        }
        scanner.found.mark_escaped();
        at = at.wrapping_add(2);
    }
}

/// The length of the whole number without fraction, or of the word, that the window begins with. It may go on behind the data: only
/// what is known to end it does.
#[inline(always)]
fn scalar(token: &[u8; TOKEN]) -> Option<usize> {
    let length = match token[0] {
        b't' | b'n' | b'f' => {
            let first = word_of(token, 0);
            match &(first as u32).to_le_bytes() {
                b"true" | b"null" => 4,
                b"fals" if token[4] == b'e' => 5,
                _ => return None,
            }
        }
        _ => {
            let sign = usize::from(token[0] == b'-');
            let mut count = digits(word_of(token, sign));
            if count == 8 {
                count = count.wrapping_add(digits(word_of(token, sign.wrapping_add(8))));
            }
            if count == 16 {
                count = count.wrapping_add(digits(word_of(token, sign.wrapping_add(16))));
            }
            // A leading zero is the automaton's to judge.
            if count == 0 || (count > 1 && token.get(sign) == Some(&b'0')) {
                return None;
            }
            sign.wrapping_add(count)
        }
    };
    matches!(token.get(length), Some(b',' | b'}' | b']' | b' ' | b'\r' | b'\n' | b'\t')).then_some(length)
}

/// Passes white space, a line's indent by words. In line framing it stops at a line feed.
#[inline(never)]
fn blanks<G: Grammar>(scanner: &mut Scanner<G>, text: &[u8], mut at: usize) -> usize {
    let lines = scanner.options.lines;
    loop {
        if let Some(word) = word(text, at) {
            // A line's end and the next one's indent, most of all.
            let (end, rest) = if word as u16 == LINE_END && !lines { (2, word >> 16) } else { (0, word) };
            let count = spaces(rest);
            let passed = count.wrapping_add(end);
            at = at.wrapping_add(passed);
            if passed == 8 {
                scanner.count();
                continue;
            }
            // What stopped it is in the word.
            if passed > 0 && rest.wrapping_shr((count as u32).wrapping_mul(8)) as u8 > b' ' {
                return at;
            }
        }
        match byte(text, at) {
            b'\n' if lines => return at,
            b' ' | b'\r' | b'\t' | b'\n' => at = at.wrapping_add(1),
            _ => return at,
        }
        scanner.count();
    }
}
