//! Tokens below the floor: whole containers of them, without a look at any name.

use super::words::{TOKEN, WINDOW, byte, short_string, window, word, word_of};
use super::{COLON, atom, blanks, quoted, scalar};
use crate::json::scan::nesting::Levels;
use crate::json::scan::step::Role;
use crate::json::scan::table::State;
use crate::json::scan::{Grammar, Scanner, is_blank};

/// What stands behind a string in front of another one, as QEMU writes it.
const COMMA: u32 = u32::from_le_bytes(*b"\", \"");
/// Behind a string, from one object of an array into the next.
const NEXT_OBJECT: u64 = u64::from_le_bytes(*b"\0\0\"}, {\"");

/// Takes tokens of `text[from..]` until the value at the floor has ended, or something comes that is the automaton's to see.
#[inline(never)]
pub(super) fn tokens<G: Grammar>(scanner: &mut Scanner<G>, text: &[u8], from: usize) -> usize {
    let Some(last) = text.len().checked_sub(WINDOW) else { return from };
    let (floor, max_depth) = (scanner.sift.floor(), scanner.options.max_depth);
    let mut levels = scanner.nesting.levels_above(floor, max_depth);
    let mut after = match scanner.state {
        State::Key | State::FirstKey | State::First => false,
        State::Value => levels.in_object(),
        State::After => true,
        _ => return from,
    };
    let mut at = from;
    if is_blank(byte(text, at)) {
        at = blanks(scanner, text, at);
    }
    if after && scanner.state == State::Value {
        let Some(token) = window(text, at) else { return at };
        match atom(scanner, text, at, token) {
            Ok(end) => at = end,
            Err(end) => {
                if end != at {
                    scanner.state = State::Text;
                }
                return end;
            }
        }
    }
    scanner.state = 'tokens: loop {
        if !core::mem::take(&mut after) {
            scanner.count();
            if at > last {
                break item(scanner, &levels, text, from, at);
            }
            let Some(pair) = window::<WINDOW>(text, at) else { break item(scanner, &levels, text, from, at) };
            let token: &[u8; TOKEN] = if levels.in_object() {
                let end = short_string(pair);
                let behind = end.wrapping_add(3);
                if pair[0] != b'"' {
                    break item(scanner, &levels, text, from, at);
                } else if (word_of(pair, end) as u32) << 8 == COLON
                    && let Some(token) = window(pair, behind)
                {
                    at = at.wrapping_add(behind);
                    token
                } else {
                    match key(scanner, text, at) {
                        Ok(value) => at = value,
                        Err((end, state)) => {
                            at = end;
                            break state;
                        }
                    }
                    let Some(token) = window(text, at) else { break State::Value };
                    token
                }
            } else {
                pair.first_chunk().unwrap_or(&[0; TOKEN])
            };
            match token[0] {
                b'"' => {
                    let end = short_string(token);
                    let behind = word_of(token, end);
                    if behind as u32 == COMMA {
                        at = at.wrapping_add(end).wrapping_add(3);
                        continue;
                    }
                    if behind << 16 == NEXT_OBJECT && levels.in_object_in_array() {
                        at = at.wrapping_add(end).wrapping_add(5);
                        continue;
                    }
                    if behind as u8 == b'"' {
                        at = at.wrapping_add(end).wrapping_add(1);
                    } else {
                        match quoted(scanner, text, at, Role::Value) {
                            Ok(end) => at = end,
                            Err(end) => {
                                at = end;
                                break State::Text;
                            }
                        }
                    }
                }
                first @ (b'{' | b'[') if levels.may_push() => {
                    let closing = if first == b'{' { b'}' } else { b']' };
                    if token[1] == closing {
                        at = at.wrapping_add(2);
                    } else {
                        levels.push(first == b'{');
                        at = at.wrapping_add(1);
                        if is_blank(token[1]) {
                            at = blanks(scanner, text, at);
                        }
                        continue;
                    }
                }
                _ => match scalar(token) {
                    Some(length) => at = at.wrapping_add(length),
                    None if levels.in_object() => break State::Value,
                    None => break item(scanner, &levels, text, from, at),
                },
            }
        }
        // Behind a value: closing brackets, then a comma.
        loop {
            if at > last {
                break 'tokens State::After;
            }
            let Some(behind) = word(text, at) else { break 'tokens State::After };
            match behind as u8 {
                b',' => {
                    at = at.wrapping_add(1);
                    match (behind >> 8) as u8 {
                        b' ' => at = at.wrapping_add(1),
                        next if is_blank(next) => at = blanks(scanner, text, at),
                        _ => {}
                    }
                    continue 'tokens;
                }
                b'}' if levels.in_object() => {
                    if behind << 24 == NEXT_OBJECT & !0xFF_FFFF && levels.in_object_in_array() {
                        at = at.wrapping_add(4);
                        continue 'tokens;
                    }
                }
                b']' if !levels.in_object() => {}
                other if is_blank(other) => {
                    let next = blanks(scanner, text, at);
                    if next == at {
                        break 'tokens State::After;
                    }
                    at = next;
                    continue;
                }
                _ => break 'tokens State::After,
            }
            scanner.count();
            at = at.wrapping_add(1);
            if levels.pop() {
                scanner.nesting.set_levels(&levels);
                if scanner.nesting.depth() == floor {
                    scanner.state = State::After;
                    return at;
                }
                levels = scanner.nesting.levels_above(floor, max_depth);
            }
        }
    };
    scanner.nesting.set_levels(&levels);
    at
}

/// A key that is long, has escapes, or is written otherwise than QEMU does. Where its value begins; or where to stop, and the state
/// there.
#[inline(never)]
fn key<G: Grammar>(scanner: &mut Scanner<G>, text: &[u8], at: usize) -> Result<usize, (usize, State)> {
    let end = quoted(scanner, text, at, Role::Key).map_err(|end| (end, State::Text))?;
    if byte(text, end) != b':' {
        return Err((end, State::Colon));
    }
    Ok(blanks(scanner, text, end.wrapping_add(1)))
}

/// The state where an item is to come, at `at`: what stands in front of it tells, as far as it was read since `from`.
#[cold]
fn item<G>(scanner: &Scanner<G>, levels: &Levels, text: &[u8], from: usize, at: usize) -> State {
    let read = text.get(from..at).unwrap_or_default();
    match read.iter().rfind(|byte| !is_blank(**byte)) {
        Some(b'{') => State::FirstKey,
        Some(b'[') => State::First,
        Some(_) if levels.in_object() => State::Key,
        Some(_) => State::Value,
        None => scanner.state,
    }
}
