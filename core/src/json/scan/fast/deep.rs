//! Tokens below the floor: whole containers of them, without a look at any name.

use super::words::{byte, short_string, window, word, word_of};
use super::{atom, blanks, quoted, scalar};
use crate::json::scan::nesting::Levels;
use crate::json::scan::step::{Role, State};
use crate::json::scan::{Scanner, is_blank};

/// What stands behind a key, and what behind a string in front of another one, as QEMU writes them.
const COLON: u64 = u32::from_le_bytes(*b"\": \0") as u64;
const COMMA: u32 = u32::from_le_bytes(*b"\", \"");
/// From one object of an array into the next.
const NEXT_OBJECT: u32 = u32::from_le_bytes(*b"}, {");

/// Takes tokens of `text[from..]` until the value at the floor has ended, or something comes that is the automaton's to see.
pub(super) fn tokens(scanner: &mut Scanner, text: &[u8], from: usize) -> usize {
    let (floor, max_depth) = (scanner.sift.floor(), scanner.options.max_depth);
    let mut levels = scanner.nesting.levels_above(floor, max_depth);
    let mut after = match scanner.state {
        State::Key | State::FirstKey | State::First => false,
        State::Value => levels.in_object(),
        State::After => true,
        _ => return from,
    };
    let mut at = blanks(scanner, text, from);
    if after && scanner.state == State::Value {
        match atom(scanner, text, at) {
            Ok(end) => at = end,
            Err(end) => return end,
        }
    }
    scanner.state = 'tokens: loop {
        if !core::mem::take(&mut after) {
            scanner.count();
            let Some(mut token) = window(text, at) else { break item(scanner, &levels, text, from, at) };
            if levels.in_object() {
                if token[0] != b'"' {
                    break item(scanner, &levels, text, from, at);
                }
                let end = short_string(token);
                if word_of(token, end) & 0xFF_FFFF == COLON {
                    at = at.wrapping_add(end).wrapping_add(3);
                } else {
                    match key(scanner, text, at) {
                        Ok(value) => at = value,
                        Err((end, state)) => {
                            at = end;
                            break state;
                        }
                    }
                }
                scanner.count();
                match window(text, at) {
                    Some(value) => token = value,
                    None => break State::Value,
                }
            }
            match token[0] {
                b'"' => {
                    let end = short_string(token);
                    let behind = word_of(token, end);
                    if behind as u32 == COMMA {
                        at = at.wrapping_add(end).wrapping_add(3);
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
            scanner.count();
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
                    let next = (behind >> 32) as u8;
                    if behind as u32 == NEXT_OBJECT && next == b'"' && levels.in_object_in_array() {
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
fn key(scanner: &mut Scanner, text: &[u8], at: usize) -> Result<usize, (usize, State)> {
    let end = quoted(scanner, text, at, Role::Key).map_err(|end| (end, State::Text))?;
    if byte(text, end) != b':' {
        return Err((end, State::Colon));
    }
    Ok(blanks(scanner, text, end.wrapping_add(1)))
}

/// The state where an item is to come, at `at`: what stands in front of it tells, as far as it was read since `from`.
#[cold]
fn item(scanner: &Scanner, levels: &Levels, text: &[u8], from: usize, at: usize) -> State {
    let read = text.get(from..at).unwrap_or_default();
    match read.iter().rfind(|byte| !is_blank(**byte)) {
        Some(b'{') => State::FirstKey,
        Some(b'[') => State::First,
        Some(_) if levels.in_object() => State::Key,
        Some(_) => State::Value,
        None => scanner.state,
    }
}
