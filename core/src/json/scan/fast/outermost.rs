//! The members of the outermost object, told by their names.

use super::words::{byte, short_string, window};
use super::{atom, blanks};
use crate::json::scan::step::{Role, State};
use crate::json::scan::{Scanner, is_blank};

/// Takes members from `text[at..]` until a container opens, the object has ended, or something comes that is the automaton's to see.
pub(super) fn members(scanner: &mut Scanner, text: &[u8], at: usize) -> usize {
    let is_between = matches!(
        scanner.state,
        State::FirstKey | State::Key | State::Colon | State::First | State::Value | State::After
    );
    let mut at = if is_between { blanks(scanner, text, at) } else { return at };
    let in_object = scanner.nesting.in_object();
    loop {
        scanner.count();
        match scanner.state {
            State::FirstKey | State::Key => {
                let Some(token) = window(text, at) else { return at };
                let end = short_string(token);
                let (true, Some(name), Some(b'"')) = (token[0] == b'"', token.get(1..end), token.get(end)) else {
                    // The automaton compares the key as it goes by.
                    return at;
                };
                let end = at.wrapping_add(end).wrapping_add(1);
                if scanner.found.whole_key(at as u32, name, end as u32).is_err() {
                    return at;
                }
                // Only when the key was taken is it known what these say of the string.
                scanner.quote = b'"';
                scanner.role = Role::MemberKey;
                scanner.state = State::Colon;
                at = end;
            }
            State::Colon => {
                if byte(text, at) != b':' {
                    return at;
                }
                scanner.state = State::Value;
                at = at.wrapping_add(1);
                if byte(text, at) == b' ' {
                    at = at.wrapping_add(1);
                }
            }
            State::Value | State::First => match byte(text, at) {
                first @ (b'{' | b'[') if scanner.nesting.depth() < scanner.options.max_depth => {
                    scanner.found.begin_value(at as u32);
                    scanner.nesting.push(first == b'{');
                    scanner.state = if first == b'{' { State::FirstKey } else { State::First };
                    return at.wrapping_add(1);
                }
                _ => match atom(scanner, text, at) {
                    Ok(end) => {
                        scanner.found.begin_value(at as u32);
                        scanner.found.end_value(end as u32);
                        scanner.state = State::After;
                        at = end;
                    }
                    Err(stop) => {
                        if stop != at {
                            scanner.found.begin_value(at as u32);
                        }
                        return stop;
                    }
                },
            },
            State::After => match byte(text, at) {
                b',' => {
                    scanner.state = if in_object { State::Key } else { State::Value };
                    at = at.wrapping_add(1);
                    if byte(text, at) == b' ' {
                        at = at.wrapping_add(1);
                    } else {
                        at = blanks(scanner, text, at);
                    }
                }
                b'}' if in_object => {
                    scanner.nesting.pop();
                    return at.wrapping_add(1);
                }
                other if is_blank(other) => {
                    let next = blanks(scanner, text, at);
                    if next == at {
                        return at;
                    }
                    at = next;
                }
                _ => return at,
            },
            _ => return at,
        }
    }
}
