//! The members of the outermost object, told by their names.

use super::head::{ID, timestamp};
use super::words::{TOKEN, WINDOW, byte, short_string, window, word, word_of};
use super::{COLON, atom, blanks, deep};
use crate::json::scan::table::State;
use crate::json::scan::{Grammar, Scanner, is_blank};

/// What stands behind a key, without a space.
const NARROW_COLON: u16 = u16::from_le_bytes(*b"\":");

/// Takes members from `text[at..]` until their object has ended, or something comes that is the automaton's to see.
pub(super) fn members<G: Grammar>(scanner: &mut Scanner<G>, text: &[u8], mut at: usize) -> usize {
    let in_object = scanner.nesting.in_object();
    let mut state = scanner.state;
    if !matches!(state, State::FirstKey | State::Key | State::First | State::Value | State::After) {
        return at;
    }
    let Some(last) = text.len().checked_sub(WINDOW) else { return at };
    if is_blank(byte(text, at)) {
        at = blanks(scanner, text, at);
    }
    scanner.state = loop {
        scanner.count();
        if at > last {
            break state;
        }
        let Some(pair) = window::<WINDOW>(text, at) else { break state };
        let mut token: Option<&[u8; TOKEN]> = pair.first_chunk();
        if matches!(state, State::FirstKey | State::Key) {
            let end = short_string(pair);
            let behind = word_of(pair, end);
            // Any other key the automaton compares as it goes by.
            let separator = match (behind as u32, behind as u16) {
                (wide, _) if wide << 8 == COLON => 3,
                (_, NARROW_COLON) => 2,
                _ => break state,
            };
            let (b'"', Some(key)) = (pair[0], pair.get(1..end)) else { break state };
            let close = at.wrapping_add(end).wrapping_add(1);
            if scanner.found.whole_key::<G>(at as u32, key, word_of(pair, 1), close as u32).is_err() {
                break state;
            }
            let value = end.wrapping_add(separator);
            at = at.wrapping_add(value);
            token = window(pair, value);
            state = State::Value;
        }
        if !matches!(state, State::After) {
            let Some(token) = token else { break state };
            match token[0] {
                first @ (b'{' | b'[') if scanner.nesting.depth() < scanner.options.max_depth => {
                    scanner.found.begin_value(at as u32);
                    at = at.wrapping_add(1);
                    if token[1] == if first == b'{' { b'}' } else { b']' } {
                        at = at.wrapping_add(1);
                    } else if first == b'{'
                        && let Some(behind) = timestamp(text, at)
                    {
                        at = behind;
                    } else {
                        scanner.nesting.push(first == b'{');
                        scanner.state = if first == b'{' { State::FirstKey } else { State::First };
                        at = deep::tokens(scanner, text, at);
                        if scanner.nesting.depth() > 1 {
                            return at;
                        }
                    }
                    scanner.found.end_value(at as u32);
                }
                _ => match atom(scanner, text, at, token) {
                    Ok(end) => {
                        scanner.found.whole_value(at as u32, end as u32);
                        at = end;
                    }
                    Err(stop) if stop == at => break state,
                    Err(stop) => {
                        scanner.found.begin_value(at as u32);
                        at = stop;
                        break State::Text;
                    }
                },
            }
            state = State::After;
        }
        if word(text, at) == Some(ID)
            && in_object
            && let Some(heads) = scanner.found.heads()
        {
            if scanner.found.name_id::<G>(heads).is_err() {
                break state;
            }
            state = State::Value;
            at = at.wrapping_add(8);
            continue;
        }
        match (byte(text, at), byte(text, at.wrapping_add(1))) {
            (b',', next) => {
                state = if in_object { State::Key } else { State::Value };
                at = at.wrapping_add(1);
                if next == b' ' {
                    at = at.wrapping_add(1);
                } else if is_blank(next) {
                    at = blanks(scanner, text, at);
                }
            }
            (b'}', _) if in_object => {
                scanner.nesting.pop();
                at = at.wrapping_add(1);
                break State::After;
            }
            (other, _) if is_blank(other) => {
                let next = blanks(scanner, text, at);
                if next == at {
                    break state;
                }
                at = next;
            }
            _ => break state,
        }
    };
    at
}
