//! Whole words and whole tokens at once, where the text lies ready.
//!
//! Called between tokens and inside strings; stops in front of whatever it does not know, with the state set as the automaton
//! would have it, so that no outcome depends on it. The byte behind the data is 0, valid nowhere in JSON: every loop ends there
//! without looking for the end.

use super::step::{Lax, Role, State};
use super::{Scanner, is_blank};

/// Takes what it can from `text[at..]` and gives the index of the first byte that it did not take.
#[inline]
pub(super) fn run(scanner: &mut Scanner, text: &[u8], mut at: usize) -> usize {
    if scanner.lax != Lax::Off {
        return if scanner.state == State::Text { string(scanner, text, at) } else { at };
    }
    if scanner.state == State::Text {
        at = string(scanner, text, at);
    }
    loop {
        let before = at;
        let (depth, floor) = (scanner.nesting.depth(), scanner.sift.floor());
        if depth > floor {
            at = tokens::<true>(scanner, text, at);
            if !scanner.sift.is_off() && scanner.nesting.depth() == floor {
                scanner.sift.end_value();
                return at;
            }
        } else if depth == 0 || !scanner.sift.is_off() {
            // What is looked for is the automaton's to find.
            return at;
        } else {
            at = tokens::<false>(scanner, text, at);
        }
        if at == before {
            return at;
        }
    }
}

/// Where in `key: value` the next token stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Item,
    Value,
    After,
}

/// Tokens of the innermost container and, when `DEEP`, of all containers down from the floor. When not `DEEP`, the members of the
/// outermost object are told by name, and the loop is left where a container opens.
#[inline]
fn tokens<const DEEP: bool>(scanner: &mut Scanner, text: &[u8], mut at: usize) -> usize {
    let mut place = match scanner.state {
        State::Key | State::FirstKey => Place::Item,
        State::Value if scanner.nesting.in_object() => Place::Value,
        State::Value | State::First => Place::Item,
        State::After => Place::After,
        _ => return at,
    };
    at = blanks(scanner, text, at);
    loop {
        scanner.count();
        if place == Place::Item && scanner.nesting.in_object() {
            if byte(text, at) != b'"' {
                return at;
            }
            let start = at;
            scanner.quote = b'"';
            scanner.role = if DEEP { Role::Key } else { Role::MemberKey };
            if !DEEP {
                let key = start.wrapping_add(1);
                let end = plain(scanner, text, key);
                if byte(text, end) != b'"' {
                    // The automaton compares the key as it goes by.
                    return at;
                }
                let name = text.get(key..end).unwrap_or_default();
                at = end.wrapping_add(1);
                if scanner.found.whole_key(start as u32, name, at as u32).is_err() {
                    return start;
                }
            } else {
                at = plain(scanner, text, start.wrapping_add(1));
                if byte(text, at) != b'"' {
                    scanner.state = State::Text;
                    return at;
                }
                at = at.wrapping_add(1);
            }
            scanner.state = State::Colon;
            if byte(text, at) != b':' {
                return at;
            }
            at = at.wrapping_add(1);
            scanner.state = State::Value;
            if byte(text, at) == b' ' {
                at = at.wrapping_add(1);
            }
        }
        if place != Place::After {
            let first = byte(text, at);
            match first {
                b'"' => {
                    if !DEEP {
                        scanner.found.begin_value(at as u32);
                    }
                    scanner.quote = b'"';
                    scanner.role = Role::Value;
                    at = plain(scanner, text, at.wrapping_add(1));
                    if byte(text, at) != b'"' {
                        scanner.state = State::Text;
                        return at;
                    }
                    at = at.wrapping_add(1);
                }
                b'{' | b'[' => {
                    if scanner.nesting.depth() >= scanner.options.max_depth {
                        return at;
                    }
                    if !DEEP {
                        scanner.found.begin_value(at as u32);
                    }
                    scanner.nesting.push(first == b'{');
                    scanner.state = if first == b'{' { State::FirstKey } else { State::First };
                    at = at.wrapping_add(1);
                    if !DEEP {
                        return at;
                    }
                    let closing = if first == b'{' { b'}' } else { b']' };
                    if is_blank(byte(text, at)) {
                        at = blanks(scanner, text, at);
                    }
                    if byte(text, at) != closing {
                        place = Place::Item;
                        continue;
                    }
                    scanner.state = State::After;
                    // Closed below.
                }
                b'0'..=b'9' | b'-' | b't' | b'f' | b'n' => {
                    let end = scalar(text, at);
                    // It may go on behind the data: only what is known to end it does.
                    if end == at || !matches!(byte(text, end), b',' | b'}' | b']' | b' ' | b'\r' | b'\n' | b'\t') {
                        return at;
                    }
                    if !DEEP {
                        scanner.found.begin_value(at as u32);
                    }
                    at = end;
                }
                _ => return at,
            }
            if !DEEP {
                scanner.found.end_value(at as u32);
            }
            scanner.state = State::After;
        }
        place = Place::Item;
        // Behind a value: closing brackets, then a comma.
        loop {
            match byte(text, at) {
                b',' => break,
                b'}' if DEEP && scanner.nesting.in_object() => {}
                b']' if DEEP && !scanner.nesting.in_object() => {}
                other if is_blank(other) => {
                    let next = blanks(scanner, text, at);
                    if next == at {
                        return at;
                    }
                    at = next;
                    continue;
                }
                _ => return at,
            }
            at = at.wrapping_add(1);
            scanner.nesting.pop();
            if scanner.nesting.depth() == scanner.sift.floor() {
                if scanner.sift.is_off() {
                    scanner.found.end_value(at as u32);
                }
                return at;
            }
        }
        at = at.wrapping_add(1);
        scanner.state = if scanner.nesting.in_object() { State::Key } else { State::Value };
        if byte(text, at) == b' ' {
            at = at.wrapping_add(1);
        } else if is_blank(byte(text, at)) {
            at = blanks(scanner, text, at);
        }
    }
}

/// The rest of a string whose beginning was read before.
#[inline]
fn string(scanner: &mut Scanner, text: &[u8], at: usize) -> usize {
    // Keys that are looked for are compared as they go by, and a single quote is not looked for here: the automaton's work.
    let is_compared = matches!(scanner.role, Role::MemberKey | Role::SoughtKey);
    if is_compared || scanner.quote != b'"' { at } else { plain(scanner, text, at) }
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The index of the first `"`, `\`, control character or byte of a multi-byte character from `at` on.
#[inline(always)]
fn plain(scanner: &mut Scanner, text: &[u8], mut at: usize) -> usize {
    while let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) {
        scanner.count();
        let word = u64::from_le_bytes(*word);
        // A quote and the control characters are what is below 0x21 once bit 1 is turned over; a borrow only spoils higher bytes.
        let quote_or_control = (word ^ LOW.wrapping_mul(2)).wrapping_sub(LOW.wrapping_mul(0x21));
        let backslash = (word ^ LOW.wrapping_mul(0x5C)).wrapping_sub(LOW);
        let stop = (quote_or_control | backslash | word) & HIGH;
        if stop != 0 {
            return at.wrapping_add((stop.trailing_zeros() / 8) as usize);
        }
        at = at.wrapping_add(8);
    }
    while matches!(byte(text, at), 0x20..=0x7F) && !matches!(byte(text, at), b'"' | b'\\') {
        scanner.count();
        at = at.wrapping_add(1);
    }
    at
}

/// The end of a whole number without fraction, or of a word; `at` where there is none.
#[inline(always)]
fn scalar(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first() {
        Some(b't') if rest.starts_with(b"true") => return at.wrapping_add(4),
        Some(b'f') if rest.starts_with(b"false") => return at.wrapping_add(5),
        Some(b'n') if rest.starts_with(b"null") => return at.wrapping_add(4),
        _ => {}
    }
    let digits = if byte(text, at) == b'-' { at.wrapping_add(1) } else { at };
    let mut end = digits;
    while byte(text, end).is_ascii_digit() {
        end = end.wrapping_add(1);
    }
    // A leading zero is the automaton's to judge.
    if end == digits || (byte(text, digits) == b'0' && end != digits.wrapping_add(1)) { at } else { end }
}

/// Passes white space, a line's indent by words. In line framing it stops at a line feed.
#[inline(always)]
fn blanks(scanner: &mut Scanner, text: &[u8], mut at: usize) -> usize {
    let lines = scanner.options.lines;
    loop {
        match byte(text, at) {
            b' ' => {
                while text.get(at..).is_some_and(|rest| rest.starts_with(b"        ")) {
                    scanner.count();
                    at = at.wrapping_add(8);
                }
                if byte(text, at) != b' ' {
                    continue;
                }
            }
            b'\r' | b'\t' => {}
            b'\n' if !lines => {}
            _ => return at,
        }
        scanner.count();
        at = at.wrapping_add(1);
    }
}

/// The byte at `at`; 0, which is nothing, behind the text.
#[inline(always)]
fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}
