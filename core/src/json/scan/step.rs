//! The automaton, a byte at a time. It alone decides what is JSON.

use super::{Dialect, Reason, Scanner, is_blank};

/// What the next byte may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    /// A value must come.
    Value,
    /// Behind `[`: a value or `]`.
    First,
    /// Behind `{`: a key or `}`.
    FirstKey,
    /// A key must come.
    Key,
    /// Behind a key.
    Colon,
    /// Behind a value inside an array or object.
    After,
    /// Counting brackets: any token may come.
    Any,
    /// Inside a string.
    Text,
    /// Behind a backslash.
    Escape,
    /// Inside `\uXXXX`.
    Hex,
    /// Behind the first half of a pair: `\` must come, then `u`.
    Pair,
    PairU,
    /// Inside the second half of a pair.
    LowHex,
    /// Inside a UTF-8 sequence.
    Utf8,
    /// Numbers: behind `-`; behind a leading `0`; in the integer; behind `.`; in the fraction; behind `e`; behind its sign; in it.
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
    /// In one of [`WORDS`]; behind all of it; in a word that is none of them.
    Word,
    WordEnd,
    BadWord,
}

impl State {
    /// Whether a value may end behind the last byte read although nothing says so.
    pub(super) const fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Integer | Self::Fraction | Self::ExponentDigits | Self::WordEnd)
    }
}

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

/// The words that are values.
const WORDS: [&[u8]; 5] = [b"true", b"false", b"null", b"inf", b"nan"];
const TRUE: u8 = 0;
const FALSE: u8 = 1;
const NULL: u8 = 2;
const INF: u8 = 3;
const NAN: u8 = 4;

impl Scanner {
    pub(super) fn step(&mut self, byte: u8, at: u32, base: u32) -> Flow {
        match self.state {
            State::Value => self.value(byte, at, base),
            State::First if byte == b']' => self.close(false, at, base),
            State::First => self.value(byte, at, base),
            State::FirstKey if byte == b'}' => self.close(true, at, base),
            State::FirstKey | State::Key => match byte {
                b'"' => self.begin_key(byte, at),
                b'\'' if self.is_input() => self.begin_key(byte, at),
                _ => self.blank_or_misplaced(byte, at, base),
            },
            State::Colon if byte == b':' => self.go(State::Value),
            State::Colon => self.blank_or_misplaced(byte, at, base),
            State::After => match byte {
                b',' => {
                    self.comma_at_floor(at);
                    self.go(if self.nesting.in_object() { State::Key } else { State::Value })
                }
                b'}' => self.close(true, at, base),
                b']' => self.close(false, at, base),
                _ => self.blank_or_misplaced(byte, at, base),
            },
            State::Any => self.any(byte, at, base),
            State::Text => self.text(byte, at, base),
            State::Escape => self.escape(byte, at, base),
            State::Hex | State::LowHex => self.hex(byte, at, base),
            State::Pair if byte == b'\\' => self.go(State::PairU),
            State::Pair => self.bad_text(Reason::LoneSurrogate, at, base, State::Text, Flow::Again),
            State::PairU if byte == b'u' => self.begin_hex(State::LowHex),
            State::PairU => self.bad_text(Reason::LoneSurrogate, at, base, State::Escape, Flow::Again),
            State::Utf8 => self.utf8_tail(byte, at, base),
            State::Minus
            | State::Zero
            | State::Integer
            | State::Point
            | State::Fraction
            | State::Exponent
            | State::ExponentSign
            | State::ExponentDigits => self.number(byte, at, base),
            State::Word => self.word(byte, at, base),
            State::WordEnd if byte.is_ascii_lowercase() => self.bad_word(at, base),
            State::WordEnd => self.scalar_ended(at, base),
            State::BadWord if byte.is_ascii_lowercase() => Flow::Go,
            State::BadWord => self.scalar_ended(at, base),
        }
    }

    const fn is_input(&self) -> bool {
        matches!(self.options.dialect, Dialect::Input)
    }

    fn go(&mut self, state: State) -> Flow {
        self.state = state;
        Flow::Go
    }

    // ---- between tokens

    fn value(&mut self, byte: u8, at: u32, base: u32) -> Flow {
        if is_blank(byte) {
            return self.blank(byte);
        }
        if self.nesting.depth() == self.sift.floor() {
            if self.sift.is_off() {
                self.found.begin_value(at);
            } else if let Some(flow) = self.begin_at_floor(byte, at) {
                return flow;
            }
        }
        match byte {
            b'{' => self.open(true),
            b'[' => self.open(false),
            _ => self.scalar(byte).unwrap_or_else(|| self.misplaced(at, base)),
        }
    }

    /// Begins a string, number or word, if `byte` does.
    fn scalar(&mut self, byte: u8) -> Option<Flow> {
        let word = |word| (State::Word, word);
        let (state, word) = match byte {
            b'"' => return Some(self.begin_string(byte, Role::Value)),
            b'\'' if self.is_input() => {
                self.found.mark_escaped();
                return Some(self.begin_string(byte, Role::Value));
            }
            b'-' => (State::Minus, 0),
            b'0' => (State::Zero, 0),
            b'1'..=b'9' => (State::Integer, 0),
            b't' => word(TRUE),
            b'f' => word(FALSE),
            b'n' => word(NULL),
            b'i' if self.options.dialect == Dialect::Output => word(INF),
            _ => return None,
        };
        self.word = word;
        self.word_at = 1;
        Some(self.go(state))
    }

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

    #[inline(always)]
    fn close(&mut self, object: bool, at: u32, base: u32) -> Flow {
        if self.nesting.in_object() != object {
            return self.mistaken(Reason::UnmatchedBracket, at, base);
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
        if depth == 0 {
            return Flow::End;
        }
        self.found.end_value(end);
        Flow::Go
    }

    fn blank(&self, byte: u8) -> Flow {
        if byte == b'\n' && self.options.lines { Flow::Stop(Reason::LineEnd) } else { Flow::Go }
    }

    fn blank_or_misplaced(&mut self, byte: u8, at: u32, base: u32) -> Flow {
        if is_blank(byte) { self.blank(byte) } else { self.misplaced(at, base) }
    }

    fn misplaced(&mut self, at: u32, base: u32) -> Flow {
        self.mistaken(Reason::UnexpectedByte, at, base)
    }

    // ---- mistakes: an end for a client; QEMU's own reader goes on until the brackets balance

    /// A token that must not stand here. The byte is looked at again as any token.
    fn mistaken(&mut self, reason: Reason, at: u32, base: u32) -> Flow {
        if !self.is_input() {
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
        self.note(reason, at, base);
        self.state = State::Any;
        Flow::Again
    }

    /// A mistake inside a string: QEMU's lexer does not look for it, so that the string goes on.
    fn bad_text(&mut self, reason: Reason, at: u32, base: u32, state: State, flow: Flow) -> Flow {
        if !self.is_input() {
            return Flow::Stop(reason);
        }
        self.note(reason, at, base);
        self.state = state;
        flow
    }

    fn bad_word(&mut self, at: u32, base: u32) -> Flow {
        self.bad_text(Reason::BadWord, at, base, State::BadWord, Flow::Go)
    }

    fn note(&mut self, reason: Reason, at: u32, base: u32) {
        if self.mistake.is_none() {
            self.mistake = Some(reason);
            self.mistake_at = base.wrapping_add(at);
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

    fn any(&mut self, byte: u8, at: u32, base: u32) -> Flow {
        match byte {
            b'{' => self.braces = self.braces.saturating_add(1),
            b'}' => self.braces = self.braces.saturating_sub(1),
            b'[' => self.brackets = self.brackets.saturating_add(1),
            b']' => self.brackets = self.brackets.saturating_sub(1),
            b',' | b':' => {}
            _ if is_blank(byte) => return self.blank(byte),
            b'a'..=b'z' => return self.go(State::BadWord),
            _ => return self.scalar(byte).unwrap_or(Flow::Stop(Reason::UnexpectedByte)),
        }
        self.counted(at, base)
    }

    /// A token was counted, which ended with the byte at `at`.
    fn counted(&mut self, at: u32, base: u32) -> Flow {
        self.state = State::Any;
        if self.is_open() {
            return Flow::Go;
        }
        if self.lax == Lax::Deep {
            if self.braces == 0 && self.brackets == 0 {
                self.lax = Lax::Off;
                return self.value_ended(at.wrapping_add(1));
            }
            if !self.is_input() {
                return Flow::Stop(Reason::UnmatchedBracket);
            }
            // Counted together with the levels above, as QEMU counts, they may still be open.
            self.note(Reason::UnmatchedBracket, at, base);
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
            self.found.begin_key(at);
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

    fn text(&mut self, byte: u8, at: u32, base: u32) -> Flow {
        match byte {
            _ if byte == self.quote => self.string_ended(at, base),
            b'\\' => {
                self.found.mark_escaped();
                self.go(State::Escape)
            }
            0x20..=0x7F => self.character(u32::from(byte)),
            0x00..=0x1F => Flow::Stop(Reason::ControlCharacter),
            0xFE..=0xFF => Flow::Stop(Reason::BadUtf8),
            _ => self.utf8_lead(byte, at, base),
        }
    }

    /// A whole character of a string was read.
    fn character(&mut self, code: u32) -> Flow {
        match self.role {
            Role::Value | Role::Key => {}
            Role::MemberKey => self.found.key_character(code),
            Role::SoughtKey => self.sift.key_character(code),
        }
        self.go(State::Text)
    }

    fn string_ended(&mut self, at: u32, base: u32) -> Flow {
        let end = at.wrapping_add(1);
        if self.lax != Lax::Off {
            return self.counted(at, base);
        }
        match self.role {
            Role::Value => self.value_ended(end),
            Role::Key => self.go(State::Colon),
            Role::SoughtKey => {
                self.sift.end_key();
                self.go(State::Colon)
            }
            Role::MemberKey => match self.found.end_key(end) {
                Ok(()) => self.go(State::Colon),
                Err(()) => {
                    // In the input dialect the message goes on, behind its key.
                    self.bad_text(Reason::DuplicateMember, at, base, State::Any, Flow::Go)
                }
            },
        }
    }

    fn escape(&mut self, byte: u8, at: u32, base: u32) -> Flow {
        let code = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.begin_hex(State::Hex),
            b'\'' if self.is_input() => byte,
            0x20..=0xFD => return self.bad_text(Reason::BadEscape, at, base, State::Text, Flow::Go),
            _ => return Flow::Stop(Reason::BadEscape),
        };
        self.character(u32::from(code))
    }

    fn begin_hex(&mut self, state: State) -> Flow {
        self.missing = 4;
        self.code = 0;
        self.go(state)
    }

    fn hex(&mut self, byte: u8, at: u32, base: u32) -> Flow {
        let Some(digit) = char::from(byte).to_digit(16) else {
            return self.bad_text(Reason::BadEscape, at, base, State::Text, Flow::Again);
        };
        self.code = self.code << 4 | digit;
        self.missing = self.missing.saturating_sub(1);
        if self.missing > 0 {
            return Flow::Go;
        }
        let unit = self.code;
        match (self.state, unit) {
            (State::Hex, 0xD800..=0xDBFF) => {
                self.high = unit as u16;
                self.go(State::Pair)
            }
            (State::Hex, 0xDC00..=0xDFFF) => self.bad_text(Reason::LoneSurrogate, at, base, State::Text, Flow::Go),
            (State::Hex, _) => self.code_point(unit, at, base),
            (_, 0xDC00..=0xDFFF) => {
                let high = u32::from(self.high) & 0x3FF;
                self.code_point((high << 10 | unit & 0x3FF).wrapping_add(0x1_0000), at, base)
            }
            _ => self.bad_text(Reason::LoneSurrogate, at, base, State::Text, Flow::Go),
        }
    }

    fn code_point(&mut self, code: u32, at: u32, base: u32) -> Flow {
        if self.is_input() && is_noncharacter(code) {
            return self.bad_text(Reason::Noncharacter, at, base, State::Text, Flow::Go);
        }
        self.character(code)
    }

    fn utf8_lead(&mut self, byte: u8, at: u32, base: u32) -> Flow {
        let (missing, low, high) = match byte {
            0xC2..=0xDF => (1, 0x80, 0xBF),
            0xE0 => (2, 0xA0, 0xBF),
            0xE1..=0xEC | 0xEE..=0xEF => (2, 0x80, 0xBF),
            0xED => (2, 0x80, 0x9F),
            0xF0 => (3, 0x90, 0xBF),
            0xF1..=0xF3 => (3, 0x80, 0xBF),
            0xF4 => (3, 0x80, 0x8F),
            0xC0 if self.is_input() => {
                self.found.mark_escaped();
                (1, 0x80, 0x80)
            }
            _ => return self.bad_text(Reason::BadUtf8, at, base, State::Text, Flow::Go),
        };
        self.missing = missing;
        self.tail = (low, high);
        self.code = u32::from(byte) & 0x3F_u32.wrapping_shr(u32::from(missing));
        self.go(State::Utf8)
    }

    fn utf8_tail(&mut self, byte: u8, at: u32, base: u32) -> Flow {
        if byte < self.tail.0 || byte > self.tail.1 {
            return self.bad_text(Reason::BadUtf8, at, base, State::Text, Flow::Again);
        }
        self.code = self.code << 6 | u32::from(byte & 0x3F);
        self.tail = (0x80, 0xBF);
        self.missing = self.missing.saturating_sub(1);
        if self.missing > 0 { Flow::Go } else { self.code_point(self.code, at, base) }
    }

    // ---- numbers and words

    fn number(&mut self, byte: u8, at: u32, base: u32) -> Flow {
        let next = match (self.state, byte) {
            (State::Minus, b'0') => State::Zero,
            (State::Minus, b'1'..=b'9') => State::Integer,
            (State::Minus, b'i' | b'n') if self.options.dialect == Dialect::Output => {
                self.word = if byte == b'i' { INF } else { NAN };
                self.word_at = 1;
                State::Word
            }
            (State::Zero, b'0'..=b'9') => return Flow::Stop(Reason::BadNumber),
            (State::Zero, b'e' | b'E') if self.is_input() => return self.scalar_ended(at, base),
            (State::Integer, b'0'..=b'9') => State::Integer,
            (State::Zero | State::Integer, b'.') => State::Point,
            (State::Point | State::Fraction, b'0'..=b'9') => State::Fraction,
            (State::Zero | State::Integer | State::Fraction, b'e' | b'E') => State::Exponent,
            (State::Exponent, b'+' | b'-') => State::ExponentSign,
            (State::Exponent | State::ExponentSign | State::ExponentDigits, b'0'..=b'9') => State::ExponentDigits,
            (state, _) if state.may_end() => return self.scalar_ended(at, base),
            _ => return Flow::Stop(Reason::BadNumber),
        };
        self.go(next)
    }

    fn word(&mut self, byte: u8, at: u32, base: u32) -> Flow {
        // `n` begins two words.
        if self.word == NULL && self.word_at == 1 && byte == b'a' && self.options.dialect == Dialect::Output {
            self.word = NAN;
        }
        let word = WORDS.get(usize::from(self.word)).copied().unwrap_or_default();
        if word.get(usize::from(self.word_at)) != Some(&byte) {
            return self.bad_text(Reason::BadWord, at, base, State::BadWord, Flow::Again);
        }
        self.word_at = self.word_at.saturating_add(1);
        if usize::from(self.word_at) < word.len() {
            return Flow::Go;
        }
        self.not_finite |= self.word >= INF;
        self.go(State::WordEnd)
    }

    /// A number or word ended in front of `at`.
    fn scalar_ended(&mut self, at: u32, base: u32) -> Flow {
        if self.lax != Lax::Off {
            // What is too deep ends with a bracket, never here.
            return if self.counted(at, base) == Flow::End { Flow::EndBefore } else { Flow::Again };
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
