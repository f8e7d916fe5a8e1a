//! The automaton, a byte at a time. It alone decides what is JSON.

use super::names;
use super::table::{self, State, Then};
use super::{Dialect, Grammar, Reason, Scanner, is_blank};
use crate::json::text::control;

/// What a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Value,
    Key,
    /// A key of the outermost object, compared with the member names as it goes by.
    MemberKey,
    /// A key at a lower floor, compared likewise.
    SoughtKey,
}

impl Role {
    #[cfg(not(feature = "fast"))]
    pub(super) const fn is_sought(self) -> bool {
        matches!(self, Self::MemberKey | Self::SoughtKey)
    }
}

/// Whether a byte stands for itself in any string. There are more that do in some.
#[cfg(not(feature = "fast"))]
pub(super) const fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7F) && !matches!(byte, b'"' | b'\'' | b'\\')
}

/// What should have stood in the place of the first mistake between tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Value,
    Key,
    Colon,
    /// A comma or the closing bracket.
    SeparatorInObject,
    SeparatorInArray,
}

/// Whether brackets are only counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lax {
    Off,
    /// Deeper than the limit: until the counts are back at zero.
    Deep,
    /// Behind a mistake in [`Dialect::Input`]: until the message's brackets balance.
    Mistaken,
}

/// What to do behind a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// The byte was taken.
    Go,
    /// The byte ended a token that it is not part of: look at it again.
    Again,
    /// The byte was the message's last one.
    End,
    /// The message ended in front of this byte.
    EndBefore,
    /// There is something to say behind this byte.
    #[cfg_attr(not(feature = "delivery"), allow(dead_code, reason = "it does not occur without"))]
    Pause,
    /// There is something to say in front of this byte.
    PauseBefore,
    /// The byte fits nowhere.
    Stop(Reason),
}

impl<G: Grammar> Scanner<G> {
    /// What is read as a code point, as far as anyone asks: names that are looked for at depth 1 have none beyond ASCII.
    const DECODES: bool = G::INPUT || cfg!(feature = "delivery");

    /// Takes `byte`, which is at `at`, or says why not.
    pub(super) fn step(&mut self, byte: u8, at: u32) -> Flow {
        if self.state.is_between_tokens() {
            if is_blank(byte) {
                return if byte == b'\n' && self.options.lines { Flow::Stop(Reason::LineEnd) } else { Flow::Go };
            }
            if (self.state == State::Value || self.state == State::First && byte != b']')
                && self.nesting.depth() == self.sift.floor()
            {
                if self.sift.is_off() {
                    self.found.begin_value(at);
                } else if let Some(flow) = self.begin_at_floor(byte, at) {
                    return flow;
                }
            }
        }
        match table::then(self.state, byte) {
            Then::Go(state) => {
                if Self::DECODES {
                    self.gather(byte);
                }
                self.go(state)
            }
            then => self.act(byte, at, then),
        }
    }

    #[cfg_attr(not(feature = "fast"), inline(never))]
    fn act(&mut self, byte: u8, at: u32, then: Then) -> Flow {
        match then {
            // As `step` does it.
            Then::Go(state) => self.go(state),
            Then::Open => self.open(byte == b'{'),
            Then::Close => self.close(byte == b'}', at),
            Then::Comma => {
                self.comma_at_floor(at);
                self.go(if self.nesting.in_object() { State::Key } else { State::Value })
            }
            Then::BeginKey if G::INPUT || byte == b'"' => self.begin_key(byte, at),
            Then::BeginText if G::INPUT || byte == b'"' => {
                self.begin_string(byte, Role::Value);
                if byte != b'"' { self.mark_escaped() } else { Flow::Go }
            }
            Then::Ended => self.scalar_ended(at),
            Then::Quote if byte == self.quote && self.lax != Lax::Off => self.counted(at),
            Then::Quote if byte == self.quote => self.string_ended(at),
            Then::Backslash => {
                self.state = State::Escape;
                self.mark_escaped()
            }
            Then::Character | Then::Quote => self.character(byte.into()),
            Then::Apostrophe if G::INPUT => self.character(byte.into()),
            Then::Control if Self::DECODES => self.character(control(byte).unwrap_or_default().into()),
            Then::BeginHex => self.begin_hex(State::Hex),
            Then::BeginLowHex => self.begin_hex(State::LowHex),
            Then::Digit => self.hex(byte, at),
            Then::CodePoint if Self::DECODES => {
                self.gather(byte);
                self.code_point(self.code, at)
            }
            Then::Control | Then::CodePoint => self.character(names::BEYOND_ASCII.into()),
            Then::C0 if G::INPUT => {
                self.code = 0;
                self.state = State::AfterC0;
                self.mark_escaped()
            }
            Then::Inf if self.options.dialect == Dialect::Output => self.go(State::I),
            Then::Nan if self.options.dialect == Dialect::Output => self.go(State::Na),
            Then::MinusNan if self.options.dialect == Dialect::Output => self.go(State::MinusN),
            Then::NotFinite => {
                self.not_finite = true;
                self.go(State::WordEnd)
            }
            Then::ExponentOfZero if G::INPUT => self.scalar_ended(at),
            Then::ExponentOfZero => self.go(State::Exponent),
            Then::Bracket => self.bracket(byte, at),
            Then::Counted => self.counted(at),
            Then::Inf if self.state == State::Minus => Flow::Stop(Reason::BadNumber),
            Then::BeginKey | Then::BeginText | Then::Inf | Then::Misplaced => self.mistaken(Reason::UnexpectedByte, at),
            Then::Raw => Flow::Stop(Reason::ControlCharacter),
            Then::NoEscape => Flow::Stop(Reason::BadEscape),
            Then::Apostrophe | Then::BadEscape => self.bad_text(Reason::BadEscape, at, State::Text, Flow::Go),
            Then::NoText => Flow::Stop(Reason::BadUtf8),
            Then::C0 | Then::BadUtf8 => self.bad_text(Reason::BadUtf8, at, State::Text, Flow::Go),
            Then::BadTail => self.bad_text(Reason::BadUtf8, at, State::Text, Flow::Again),
            Then::LoneSurrogate => {
                let state = if self.state == State::Pair { State::Text } else { State::Escape };
                self.bad_text(Reason::LoneSurrogate, at, state, Flow::Again)
            }
            Then::MinusNan | Then::BadNumber => Flow::Stop(Reason::BadNumber),
            Then::Nan | Then::NoWord => self.bad_text(Reason::BadWord, at, State::BadWord, Flow::Again),
        }
    }

    fn go(&mut self, state: State) -> Flow {
        self.state = state;
        Flow::Go
    }

    fn mark_escaped(&mut self) -> Flow {
        self.found.mark_escaped();
        Flow::Go
    }

    // ---- between tokens

    pub(super) fn open(&mut self, object: bool) -> Flow {
        if self.nesting.depth() >= self.options.max_depth {
            self.too_deep = true;
            self.lax = Lax::Deep;
            self.braces = i32::from(object);
            self.brackets = i32::from(!object);
            return self.go(State::Any);
        }
        self.nesting.push(object);
        self.go(if object { State::FirstKey } else { State::First })
    }

    fn close(&mut self, object: bool, at: u32) -> Flow {
        if self.nesting.in_object() != object {
            return self.mistaken(Reason::UnmatchedBracket, at);
        }
        if let Some(flow) = self.close_at_floor(at) {
            return flow;
        }
        self.nesting.pop();
        self.value_ended(at.wrapping_add(1))
    }

    /// A value ended in front of `end`, which is behind the byte at hand.
    fn value_ended(&mut self, end: u32) -> Flow {
        self.state = State::After;
        let depth = self.nesting.depth();
        if depth > self.sift.floor() {
            return Flow::Go;
        }
        if !self.sift.is_off() {
            return self.end_at_floor(end);
        }
        self.found.end_value(end);
        if depth == 0 { Flow::End } else { Flow::Go }
    }

    // ---- mistakes: an end for a client; QEMU's own reader goes on until the brackets balance

    /// A token that must not stand here. The byte is looked at again as any token.
    fn mistaken(&mut self, reason: Reason, at: u32) -> Flow {
        if !G::INPUT || self.state == State::Any {
            return Flow::Stop(reason);
        }
        if self.mistake.is_none() {
            self.expected = match self.state {
                State::Value | State::First => Expected::Value,
                State::FirstKey | State::Key => Expected::Key,
                State::Colon => Expected::Colon,
                _ if self.nesting.in_object() => Expected::SeparatorInObject,
                _ => Expected::SeparatorInArray,
            };
        }
        self.note(reason, at);
        self.state = State::Any;
        Flow::Again
    }

    /// A mistake inside a string: QEMU's lexer does not look for it, so that the string goes on.
    fn bad_text(&mut self, reason: Reason, at: u32, state: State, flow: Flow) -> Flow {
        if !G::INPUT {
            return Flow::Stop(reason);
        }
        self.note(reason, at);
        self.state = state;
        flow
    }

    fn note(&mut self, reason: Reason, at: u32) {
        if self.mistake.is_none() {
            self.mistake = Some(reason);
            self.mistake_at = self.base.wrapping_add(at);
        }
        if self.lax != Lax::Mistaken {
            let (braces, brackets) = self.nesting.counts();
            let deeper = if self.lax == Lax::Deep { (self.braces, self.brackets) } else { (0, 0) };
            self.braces = deeper.0.saturating_add_unsigned(braces);
            self.brackets = deeper.1.saturating_add_unsigned(brackets);
            self.lax = Lax::Mistaken;
        }
    }

    // ---- counting brackets

    /// A bracket where brackets are counted.
    fn bracket(&mut self, byte: u8, at: u32) -> Flow {
        let count = if matches!(byte, b'{' | b'}') { &mut self.braces } else { &mut self.brackets };
        // The opening ones have this bit less.
        *count = count.saturating_add(if byte & 4 == 0 { 1 } else { -1 });
        self.counted(at)
    }

    /// A token was counted, which ended with the byte at `at`.
    fn counted(&mut self, at: u32) -> Flow {
        self.state = State::Any;
        if self.is_open() {
            return Flow::Go;
        }
        if self.lax == Lax::Deep {
            if self.braces == 0 && self.brackets == 0 {
                self.lax = Lax::Off;
                return self.value_ended(at.wrapping_add(1));
            }
            if !G::INPUT {
                return Flow::Stop(Reason::UnmatchedBracket);
            }
            // Counted together with the levels above, as QEMU counts, they may still be open.
            self.note(Reason::UnmatchedBracket, at);
            return if self.is_open() { Flow::Go } else { Flow::End };
        }
        Flow::End
    }

    const fn is_open(&self) -> bool {
        (self.braces > 0 || self.brackets > 0) && self.braces >= 0 && self.brackets >= 0
    }

    // ---- strings

    fn begin_key(&mut self, quote: u8, at: u32) -> Flow {
        if self.nesting.depth() == 1 && self.sift.floor() == 1 {
            self.found.begin_key::<G>(at);
            self.begin_string(quote, Role::MemberKey)
        } else if self.begin_key_at_floor(at) {
            self.begin_string(quote, Role::SoughtKey)
        } else {
            if quote == b'\'' {
                self.found.mark_escaped();
            }
            self.begin_string(quote, Role::Key)
        }
    }

    pub(super) fn begin_string(&mut self, quote: u8, role: Role) -> Flow {
        self.quote = quote;
        self.role = role;
        self.go(State::Text)
    }

    /// A whole character of a string was read.
    pub(super) fn character(&mut self, code: u32) -> Flow {
        match self.role {
            Role::Value | Role::Key => {}
            Role::MemberKey => self.found.key_character(if code < 0x80 { code as u8 } else { names::BEYOND_ASCII }),
            Role::SoughtKey => self.sift.key_character(code),
        }
        self.go(State::Text)
    }

    fn string_ended(&mut self, at: u32) -> Flow {
        let end = at.wrapping_add(1);
        match self.role {
            Role::Value => self.value_ended(end),
            Role::Key => self.go(State::Colon),
            Role::SoughtKey => {
                self.sift.end_key();
                self.go(State::Colon)
            }
            Role::MemberKey => match self.found.end_key::<G>(end) {
                Ok(()) => self.go(State::Colon),
                Err(()) => {
                    // In the input dialect the message goes on, behind its key.
                    self.bad_text(Reason::DuplicateMember, at, State::Any, Flow::Go)
                }
            },
        }
    }

    /// `\u` was read. A 1 stands in front of the digits, to count them by.
    fn begin_hex(&mut self, state: State) -> Flow {
        self.code = 1;
        self.go(state)
    }

    fn hex(&mut self, byte: u8, at: u32) -> Flow {
        let Some(digit) = char::from(byte).to_digit(16) else {
            return self.bad_text(Reason::BadEscape, at, State::Text, Flow::Again);
        };
        self.code = self.code << 4 | digit;
        if self.code < 0x1_0000 {
            return Flow::Go;
        }
        let unit = self.code as u16;
        match (unit & 0xFC00, self.state) {
            (0xD800, State::Hex) => {
                if Self::DECODES {
                    self.high = unit;
                }
                self.go(State::Pair)
            }
            (0xDC00, State::LowHex) => {
                let code = if Self::DECODES {
                    (u32::from(self.high & 0x3FF) << 10 | u32::from(unit & 0x3FF)).wrapping_add(0x1_0000)
                } else {
                    names::BEYOND_ASCII.into()
                };
                self.code_point(code, at)
            }
            (0xDC00, _) | (_, State::LowHex) => self.bad_text(Reason::LoneSurrogate, at, State::Text, Flow::Go),
            _ => self.code_point(unit.into(), at),
        }
    }

    /// A byte of a UTF-8 sequence; any other changes nothing.
    fn gather(&mut self, byte: u8) {
        let bits = u32::from(byte & 0x7F_u8.wrapping_shr(byte.leading_ones()));
        match byte {
            0x80..=0xBF => self.code = self.code << 6 | bits,
            0xC0.. => self.code = bits,
            _ => {}
        }
    }

    fn code_point(&mut self, code: u32, at: u32) -> Flow {
        if G::INPUT && is_noncharacter(code) {
            return self.bad_text(Reason::Noncharacter, at, State::Text, Flow::Go);
        }
        self.character(code)
    }

    // ---- numbers and words

    /// A number or word ended in front of `at`.
    fn scalar_ended(&mut self, at: u32) -> Flow {
        if self.lax != Lax::Off {
            // What is too deep ends with a bracket, never here.
            return if self.counted(at) == Flow::End { Flow::EndBefore } else { Flow::Again };
        }
        match self.value_ended(at) {
            Flow::End => Flow::EndBefore,
            Flow::Pause => Flow::PauseBefore,
            _ => Flow::Again,
        }
    }
}

/// Code points that Unicode sets aside for no character at all.
const fn is_noncharacter(code: u32) -> bool {
    matches!(code, 0xFDD0..=0xFDEF) || code & 0xFFFE == 0xFFFE
}
