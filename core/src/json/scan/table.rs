//! What each byte does in each state, as a table.

use State::{
    After, AfterC0, AfterE0, AfterEd, AfterF0, AfterF4, Any, BadWord, Colon, Escape, Exponent, ExponentDigits,
    ExponentSign, Fa, Fal, Fals, First, FirstKey, Fraction, Hex, I, In, Integer, Key, LowHex, Minus, MinusN, N, Na, Nu,
    Nul, Pair, PairU, Point, T, Tail, Tail2, Tail3, Text, Tr, Tru, Value, WordEnd, Zero,
};
use Then::Go;

/// What the next byte may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    // Between tokens, where white space may stand.
    /// Counting brackets: any token may come.
    Any,
    /// Behind `[`: a value or `]`.
    First,
    /// A value must come.
    Value,
    /// Behind `{`: a key or `}`.
    FirstKey,
    /// A key must come.
    Key,
    /// Behind a key.
    Colon,
    /// Behind a value inside an array or object.
    After,

    /// Inside a string; behind a backslash; inside `\uXXXX`.
    Text,
    Escape,
    Hex,
    /// Behind the first half of a pair: `\` must come, then `u`; inside the second half.
    Pair,
    PairU,
    LowHex,
    /// Inside a UTF-8 sequence: so many bytes are missing, or the first of them has bounds of its own behind the byte named.
    Tail,
    Tail2,
    Tail3,
    AfterC0,
    AfterE0,
    AfterEd,
    AfterF0,
    AfterF4,

    /// Numbers: behind `-`; behind a leading `0`; in the integer; behind `.`; in the fraction; behind `e`; behind its sign; in it.
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,

    /// Words: behind so much of one. Behind `-n`, only `an` goes on.
    T,
    Tr,
    Tru,
    F,
    Fa,
    Fal,
    Fals,
    N,
    Nu,
    Nul,
    MinusN,
    Na,
    I,
    In,
    /// Behind all of a word; in one that is none of them.
    WordEnd,
    BadWord,
}

impl State {
    const COUNT: usize = Self::BadWord as usize + 1;

    /// Whether white space may come.
    pub(super) const fn is_between_tokens(self) -> bool {
        self as u8 <= After as u8
    }

    /// Whether a value may end behind the last byte read although nothing says so.
    pub(super) const fn may_end(self) -> bool {
        matches!(self, Zero | Integer | Fraction | ExponentDigits | WordEnd)
    }
}

/// What a byte does: leads to the next state, or what `step.rs` does under this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Go(State),
    Open,
    Close,
    Comma,
    BeginKey,
    BeginText,
    /// The token at hand ended in front of this byte.
    Ended,
    // Strings.
    Quote,
    Backslash,
    Character,
    /// An escape that stands for a control character.
    Control,
    /// An apostrophe behind a backslash.
    Apostrophe,
    BeginHex,
    BeginLowHex,
    Digit,
    CodePoint,
    C0,
    // What only some grammars have.
    Inf,
    Nan,
    MinusNan,
    NotFinite,
    ExponentOfZero,
    // Counting.
    Bracket,
    Counted,
    // Mistakes.
    Misplaced,
    Raw,
    NoEscape,
    BadEscape,
    NoText,
    BadUtf8,
    BadTail,
    LoneSurrogate,
    BadNumber,
    NoWord,
}

/// A line of the table: what bytes from `first` to `last` do.
#[derive(Clone, Copy)]
struct Rule {
    first: u8,
    last: u8,
    then: Then,
}

const fn each(first: u8, last: u8, then: Then) -> Rule {
    Rule { first, last, then }
}

const fn on(byte: u8, then: Then) -> Rule {
    each(byte, byte, then)
}

/// All other bytes.
const fn other(then: Then) -> Rule {
    each(0, 0xFF, then)
}

/// The first rule with the byte counts. A state whose rules do not end with [`other`] goes on with those of the next one.
const ROWS: [(State, &[Rule]); State::COUNT] = [
    (
        Any,
        &[
            on(b'{', Then::Bracket),
            on(b'}', Then::Bracket),
            on(b'[', Then::Bracket),
            on(b']', Then::Bracket),
            on(b',', Then::Counted),
            on(b':', Then::Counted),
            each(b'a', b'z', Go(BadWord)),
        ],
    ),
    (First, &[on(b']', Then::Close)]),
    (
        Value,
        &[
            on(b'"', Then::BeginText),
            on(b'{', Then::Open),
            on(b'[', Then::Open),
            each(b'1', b'9', Go(Integer)),
            on(b'0', Go(Zero)),
            on(b'-', Go(Minus)),
            on(b't', Go(T)),
            on(b'f', Go(State::F)),
            on(b'n', Go(N)),
            on(b'i', Then::Inf),
            on(b'\'', Then::BeginText),
            other(Then::Misplaced),
        ],
    ),
    (FirstKey, &[on(b'}', Then::Close)]),
    (Key, &[on(b'"', Then::BeginKey), on(b'\'', Then::BeginKey), other(Then::Misplaced)]),
    (Colon, &[on(b':', Go(Value)), other(Then::Misplaced)]),
    (After, &[on(b',', Then::Comma), on(b'}', Then::Close), on(b']', Then::Close), other(Then::Misplaced)]),
    (
        Text,
        &[
            on(b'"', Then::Quote),
            on(b'\'', Then::Quote),
            on(b'\\', Then::Backslash),
            each(0x20, 0x7F, Then::Character),
            each(0x00, 0x1F, Then::Raw),
            on(0xC0, Then::C0),
            each(0xC2, 0xDF, Go(Tail)),
            on(0xE0, Go(AfterE0)),
            on(0xED, Go(AfterEd)),
            each(0xE1, 0xEF, Go(Tail2)),
            on(0xF0, Go(AfterF0)),
            each(0xF1, 0xF3, Go(Tail3)),
            on(0xF4, Go(AfterF4)),
            each(0x80, 0xFD, Then::BadUtf8),
            other(Then::NoText),
        ],
    ),
    (
        Escape,
        &[
            on(b'"', Then::Character),
            on(b'\\', Then::Character),
            on(b'/', Then::Character),
            on(b'n', Then::Control),
            on(b'r', Then::Control),
            on(b't', Then::Control),
            on(b'b', Then::Control),
            on(b'f', Then::Control),
            on(b'u', Then::BeginHex),
            on(b'\'', Then::Apostrophe),
            each(0x20, 0xFD, Then::BadEscape),
            other(Then::NoEscape),
        ],
    ),
    (Hex, &[other(Then::Digit)]),
    (Pair, &[on(b'\\', Go(PairU)), other(Then::LoneSurrogate)]),
    (PairU, &[on(b'u', Then::BeginLowHex), other(Then::LoneSurrogate)]),
    (LowHex, &[other(Then::Digit)]),
    (Tail, &[each(0x80, 0xBF, Then::CodePoint), other(Then::BadTail)]),
    (Tail2, &[each(0x80, 0xBF, Go(Tail)), other(Then::BadTail)]),
    (Tail3, &[each(0x80, 0xBF, Go(Tail2)), other(Then::BadTail)]),
    (AfterC0, &[on(0x80, Then::CodePoint), other(Then::BadTail)]),
    (AfterE0, &[each(0xA0, 0xBF, Go(Tail)), other(Then::BadTail)]),
    (AfterEd, &[each(0x80, 0x9F, Go(Tail)), other(Then::BadTail)]),
    (AfterF0, &[each(0x90, 0xBF, Go(Tail2)), other(Then::BadTail)]),
    (AfterF4, &[each(0x80, 0x8F, Go(Tail2)), other(Then::BadTail)]),
    (
        Minus,
        &[
            each(b'1', b'9', Go(Integer)),
            on(b'0', Go(Zero)),
            on(b'i', Then::Inf),
            on(b'n', Then::MinusNan),
            other(Then::BadNumber),
        ],
    ),
    (
        Zero,
        &[
            each(b'0', b'9', Then::BadNumber),
            on(b'.', Go(Point)),
            on(b'e', Then::ExponentOfZero),
            on(b'E', Then::ExponentOfZero),
            other(Then::Ended),
        ],
    ),
    (
        Integer,
        &[
            each(b'0', b'9', Go(Integer)),
            on(b'.', Go(Point)),
            on(b'e', Go(Exponent)),
            on(b'E', Go(Exponent)),
            other(Then::Ended),
        ],
    ),
    (Point, &[each(b'0', b'9', Go(Fraction)), other(Then::BadNumber)]),
    (Fraction, &[each(b'0', b'9', Go(Fraction)), on(b'e', Go(Exponent)), on(b'E', Go(Exponent)), other(Then::Ended)]),
    (Exponent, &[on(b'+', Go(ExponentSign)), on(b'-', Go(ExponentSign))]),
    (ExponentSign, &[each(b'0', b'9', Go(ExponentDigits)), other(Then::BadNumber)]),
    (ExponentDigits, &[each(b'0', b'9', Go(ExponentDigits)), other(Then::Ended)]),
    (T, &[on(b'r', Go(Tr)), other(Then::NoWord)]),
    (Tr, &[on(b'u', Go(Tru)), other(Then::NoWord)]),
    (Tru, &[on(b'e', Go(WordEnd)), other(Then::NoWord)]),
    (State::F, &[on(b'a', Go(Fa)), other(Then::NoWord)]),
    (Fa, &[on(b'l', Go(Fal)), other(Then::NoWord)]),
    (Fal, &[on(b's', Go(Fals)), other(Then::NoWord)]),
    (Fals, &[on(b'e', Go(WordEnd)), other(Then::NoWord)]),
    (N, &[on(b'u', Go(Nu)), on(b'a', Then::Nan), other(Then::NoWord)]),
    (Nu, &[on(b'l', Go(Nul)), other(Then::NoWord)]),
    (Nul, &[on(b'l', Go(WordEnd)), other(Then::NoWord)]),
    (MinusN, &[on(b'a', Go(Na)), other(Then::NoWord)]),
    (Na, &[on(b'n', Then::NotFinite), other(Then::NoWord)]),
    (I, &[on(b'n', Go(In)), other(Then::NoWord)]),
    (In, &[on(b'f', Then::NotFinite), other(Then::NoWord)]),
    (WordEnd, &[each(b'a', b'z', Then::NoWord), other(Then::Ended)]),
    (BadWord, &[each(b'a', b'z', Go(BadWord)), other(Then::Ended)]),
];

#[allow(clippy::arithmetic_side_effects, reason = "a constant: an overflow does not compile")]
const LENGTH: usize = {
    let (mut rows, mut length) = (ROWS.as_slice(), 0);
    while let [(_, row), rest @ ..] = rows {
        length += row.len();
        rows = rest;
    }
    length
};

/// All rules, and where those of each state begin.
struct Table {
    rules: [Rule; LENGTH],
    starts: [u8; State::COUNT],
}

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a constant: an index too high does not compile"
)]
static TABLE: Table = {
    let mut table = Table { rules: [other(Then::Misplaced); LENGTH], starts: [0; State::COUNT] };
    let (mut state, mut at) = (0, 0);
    while state < State::COUNT {
        let (named, row) = ROWS[state];
        assert!(named as usize == state, "the rows stand in the order of the states");
        assert!(at <= u8::MAX as usize, "more rules than a byte can number");
        table.starts[state] = at as u8;
        let mut rule = 0;
        while rule < row.len() {
            table.rules[at] = row[rule];
            rule += 1;
            at += 1;
        }
        state += 1;
    }
    table
};

/// What `byte` does in `state`.
pub(super) fn then(state: State, byte: u8) -> Then {
    let start = TABLE.starts.get(state as usize).map_or(0, |start| usize::from(*start));
    let mut rules = TABLE.rules.get(start..).unwrap_or_default().iter();
    rules.find(|rule| rule.first <= byte && byte <= rule.last).map_or(Then::Misplaced, |rule| rule.then)
}
