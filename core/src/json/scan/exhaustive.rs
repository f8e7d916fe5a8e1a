//! Every text of a few bytes, judged as serde_json judges it, and scanned in every way of cutting it.
//!
//! The texts are the paths of a tree: the scanner's state behind a prefix is kept, and each longer text takes one step from there. That
//! is the way of single bytes. For the others it is enough that from each state on that way, scanning all the rest at once (with the fast
//! path) leads to where the single bytes lead: by induction so does each sequence of pieces.
//!
//! Several alphabets of 12 bytes, each behind a beginning of its own, reach all states of the automaton together. `cargo xtask exhaust`
//! walks to 7 bytes, the tests as far as is done in a few seconds.

use std::collections::BTreeSet;
use std::string::ToString;
use std::vec::Vec;
use std::{env, format, println};

use super::members::{Member, Members};
use super::step::Role;
use super::*;

/// Names the length in the environment.
const LENGTH: &str = "QMP_TEST_EXHAUST";
const BRIEF: usize = 5;

/// Texts of the bytes of `alphabet` behind `beginning`.
struct Texts {
    name: &'static str,
    beginning: &'static [u8],
    alphabet: &'static [u8; 12],
}

const TOKENS: Texts = Texts { name: "tokens", beginning: b"", alphabet: b"{}[]:,\"10\\- " };
const NUMBERS: Texts = Texts { name: "numbers", beginning: b"[", alphabet: b"0123.-+eE,] " };
const WORDS: Texts = Texts { name: "words", beginning: b"", alphabet: b"truefalsni, " };
const STRINGS: Texts = Texts { name: "strings", beginning: b"[\"", alphabet: b"\"\\ud80n\xC3\xA9\x1F]'" };
const PAIRS: Texts = Texts { name: "pairs", beginning: b"\"\\ud83d", alphabet: b"\\udDc0Ee9\"n8" };
const UTF8: Texts =
    Texts { name: "utf8", beginning: b"\"", alphabet: b"\"\xC0\xC2\xE0\xA0\xED\x9F\xF0\x90\x80\xF4\x8F" };
const FOUR: Texts = Texts { name: "four bytes", beginning: b"\"", alphabet: b"\"\xF1\xF3\xF4\x80\x8F\x90\xBF\xC2a\\u" };
const NEGATIVE: Texts = Texts { name: "negative words", beginning: b"[-", alphabet: b"naiuf01.e,] " };
const MEMBERS: Texts = Texts { name: "members", beginning: b"{\"id\":1,\"i", alphabet: b"d\":,1}\\u{[0\xE9" };

/// What is found in them.
const LIST: &[Member] = &[Member { name: "id", slot: 0, keep: true }, Member { name: "i1", slot: 1, keep: false }];
const FOUND: &Members = &Members::new(LIST, &names::tree::<{ names::count(LIST) }>(LIST), Some(2));

struct Walk<'t, G> {
    texts: &'t Texts,
    options: Options,
    length: usize,
    text: Vec<u8>,
    /// Behind each prefix, as long as the message goes on.
    way: Vec<Scanner<G>>,
    /// What ended it, if anything did.
    ended: Option<Progress>,
    states: BTreeSet<u8>,
    inputs: u64,
    valid: u64,
    scans: u64,
}

impl<G: Grammar + Copy> Walk<'_, G> {
    /// All texts of up to `length` bytes.
    fn all(texts: &Texts, options: Options, length: usize) -> BTreeSet<u8> {
        let mut walk = Walk {
            texts,
            options,
            length,
            text: texts.beginning.to_vec(),
            way: Vec::new(),
            ended: None,
            states: BTreeSet::new(),
            inputs: 0,
            valid: 0,
            scans: 0,
        };
        let mut scanner = Scanner::<G>::new(options, FOUND);
        assert_eq!(scanner.scan(texts.beginning, 0, texts.beginning.len()), Progress::More);
        walk.way.push(scanner);
        walk.texts();
        let Walk { inputs, valid, scans, .. } = walk;
        let of = texts.name;
        println!("{of}, {:?}, up to {length} bytes: {inputs} texts, {valid} complete, {scans} scans", options.dialect);
        walk.states
    }

    /// The text at hand, and all that begin with it.
    fn texts(&mut self) {
        self.inputs += 1;
        self.check();
        if self.text.len() - self.texts.beginning.len() == self.length {
            return;
        }
        for byte in self.texts.alphabet {
            let ended = self.ended;
            let at = self.text.len();
            self.text.push(*byte);
            if ended.is_none() {
                let mut scanner = *self.way.last().expect("the beginning");
                let progress = single(&mut scanner, &self.text, at);
                self.states.insert(scanner.state as u8);
                if progress != Progress::More {
                    self.ended = Some(progress);
                }
                self.way.push(scanner);
            }
            self.texts();
            if ended.is_none() {
                self.way.pop();
            }
            self.ended = ended;
            self.text.pop();
        }
    }

    fn check(&mut self) {
        if self.options.dialect == Dialect::Strict && self.options.max_depth == MAX_DEPTH {
            self.judge();
        }
        // From each state on the way, all of the rest at once.
        let end = self.text.len();
        let last = self.way.last().expect("the beginning");
        // The sentinel, and what an earlier message left behind it: as much as is looked at at once.
        self.text.push(0);
        self.text.extend_from_slice(&b"\": 1}, {\"i, ".repeat(6));
        for (scanner, from) in self.way.iter().zip(self.texts.beginning.len()..end) {
            // The last one may have ended the message.
            if self.ended.is_some() && from + 1 == self.way.len() + self.texts.beginning.len() {
                break;
            }
            let mut scanner = *scanner;
            scanner.options.fast = true;
            let progress = scanner.scan(&self.text, from, end);
            self.scans += 1;
            assert_eq!(progress, self.ended.unwrap_or(Progress::More), "from {from}: {:?}", Shown(&self.text));
            assert_eq!(meaning(&scanner), meaning(last), "from {from}: {:?}", Shown(&self.text));
        }
        self.text.truncate(end);
    }

    fn judge(&mut self) {
        let ours = match self.ended {
            None => {
                let mut scanner = *self.way.last().expect("the beginning");
                scanner.finish()
            }
            Some(Progress::Complete(end)) => self.text[end..].iter().all(|byte| is_blank(*byte)),
            // Not a mistake to serde_json, for it looks for no member.
            Some(Progress::Fault(_, Reason::DuplicateMember)) => return,
            Some(_) => false,
        };
        let theirs = match serde_json::from_slice::<serde_json::Value>(&self.text) {
            Ok(_) => true,
            Err(error) if error.to_string().starts_with("number out of range") => {
                serde_json::from_slice::<serde::de::IgnoredAny>(&self.text).is_ok()
            }
            Err(_) => false,
        };
        assert_eq!(ours, theirs, "{:?}", Shown(&self.text));
        self.valid += u64::from(ours);
    }
}

/// One byte, by the automaton alone.
fn single<G: Grammar>(scanner: &mut Scanner<G>, text: &[u8], at: usize) -> Progress {
    scanner.options.fast = false;
    scanner.scan(text, at, at + 1)
}

struct Shown<'t>(&'t [u8]);

impl core::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// All of a scanner's state that matters to what follows. What is left over of a token that has ended does not.
fn meaning<G: Grammar>(scanner: &Scanner<G>) -> impl PartialEq + core::fmt::Debug + use<G> {
    let state = scanner.state;
    let string = state as u8 >= State::Text as u8 && (state as u8) < State::Minus as u8;
    let in_key = string && scanner.role == Role::MemberKey;
    let code = string && !matches!(state, State::Text | State::Escape | State::Pair | State::PairU);
    let open = (scanner.nesting.depth(), scanner.nesting.in_object(), scanner.nesting.counts());
    let counts = (scanner.lax != Lax::Off).then_some((scanner.braces, scanner.brackets));
    let high = matches!(state, State::Pair | State::PairU | State::LowHex).then_some(scanner.high);
    let mistake = scanner.mistake.map(|reason| (reason, scanner.mistake_at, scanner.expected));
    (
        (state, open, scanner.lax, counts, scanner.found.meaning(in_key)),
        (string.then_some((scanner.quote, scanner.role)), code.then_some(scanner.code), high),
        (mistake, scanner.too_deep, scanner.not_finite),
    )
}

fn length() -> usize {
    env::var(LENGTH).map_or(BRIEF, |length| length.parse().unwrap_or_else(|_| panic!("{LENGTH}={length} is no length")))
}

/// Every text in every dialect; with few levels, too, where it has brackets. The states that were reached.
fn walk(texts: &Texts) -> BTreeSet<u8> {
    let mut states = Walk::<Output>::all(texts, Options::STRICT, length());
    // Judged by nobody, they are one byte shorter.
    let brackets = texts.alphabet.iter().any(|byte| matches!(byte, b'[' | b'{'));
    states.extend(walk_in::<Output>(texts, Dialect::Output, brackets));
    states.extend(walk_in::<Input>(texts, Dialect::Input, brackets));
    states
}

fn walk_in<G: Grammar + Copy>(texts: &Texts, dialect: Dialect, brackets: bool) -> BTreeSet<u8> {
    let options = Options { dialect, ..Options::STRICT };
    let mut states = Walk::<G>::all(texts, options, length() - 1);
    if brackets {
        states.extend(Walk::<G>::all(texts, Options { max_depth: 1, ..options }, length() - 1));
    }
    states
}

#[test]
fn every_text_of_tokens() {
    walk(&TOKENS);
}

#[test]
fn every_text_of_numbers() {
    walk(&NUMBERS);
}

#[test]
fn every_text_of_words() {
    walk(&WORDS);
}

#[test]
fn every_text_of_strings() {
    walk(&STRINGS);
}

#[test]
fn every_text_of_pairs() {
    walk(&PAIRS);
}

#[test]
fn every_text_of_utf8() {
    walk(&UTF8);
}

#[test]
fn every_text_of_four_bytes() {
    walk(&FOUR);
}

#[test]
fn every_text_of_negative_words() {
    walk(&NEGATIVE);
}

#[test]
fn every_text_of_members() {
    walk(&MEMBERS);
}

#[test]
fn together_they_reach_every_state() {
    let mut reached = BTreeSet::new();
    for texts in [TOKENS, NUMBERS, WORDS, STRINGS, PAIRS, UTF8, FOUR, NEGATIVE, MEMBERS] {
        reached.extend(Walk::<Output>::all(&texts, Options { dialect: Dialect::Output, ..Options::STRICT }, 4));
        reached.extend(Walk::<Input>::all(&texts, Options { dialect: Dialect::Input, ..Options::STRICT }, 4));
    }
    // The last state is the one with the highest number.
    let all: BTreeSet<u8> = (0..=State::BadWord as u8).collect();
    let missed = all.difference(&reached).map(|state| format!("{state}")).collect::<Vec<_>>();
    assert!(missed.is_empty(), "not reached: {}", missed.join(", "));
}
