//! The scanner: one push automaton that checks JSON while its bytes arrive, across any split.
//!
//! It reads each byte once and never goes back. When the last bracket closes, the text is framed and validated, and it is known
//! where the members of the outermost object stand that the reader asked for.
//!
//! The automaton proper is in `table.rs` and `step.rs`, a byte at a time; `fast/` takes whole words and tokens where the text lies ready, and
//! changes no outcome.

#[cfg(test)]
mod exhaustive;
#[cfg(feature = "fast")]
pub(crate) mod fast;
mod fault;
pub(crate) mod grammar;
pub(crate) mod members;
pub(crate) mod names;
mod nesting;
#[cfg(feature = "delivery")]
mod projector;
#[cfg_attr(not(feature = "delivery"), path = "no_sift.rs")]
mod sift;
mod step;
mod table;
#[cfg(test)]
mod tests;

use core::marker::PhantomData;

pub use fault::{Error, Reason};
pub use nesting::MAX_DEPTH;

pub(crate) use grammar::{Grammar, Input, Output};
use members::{Found, Members};
pub(crate) use nesting::Nesting;
use sift::Sift;
#[cfg(feature = "delivery")]
pub(crate) use sift::{Pause, Take, Wanted};
pub(crate) use step::Expected;
use step::{Flow, Lax};
use table::State;

/// What counts as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Dialect {
    /// RFC 8259 in UTF-8, and no lone surrogates.
    #[default]
    Strict,
    /// What QEMU sends: strict JSON and the number tokens `inf`, `-inf`, `nan` and `-nan`, which its writer lets out.
    Output,
    /// What QEMU accepts: also `'single quoted'` strings, the escape `\'`, and C0 80 for U+0000. No noncharacters, and no
    /// exponent right behind a lone `0`. After a mistake between tokens the text is followed until its brackets balance, as
    /// QEMU does.
    Input,
}

/// How to scan. Does not change while a message is scanned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) dialect: Dialect,
    /// The deepest nesting accepted, at most [`MAX_DEPTH`].
    pub(crate) max_depth: u16,
    /// A line feed inside a message is a fault.
    pub(crate) lines: bool,
    /// Whether whole words may be taken at once.
    #[cfg_attr(not(feature = "fast"), allow(dead_code, reason = "the switch stays where the feature is off"))]
    pub(crate) fast: bool,
}

impl Options {
    pub(crate) const STRICT: Self = Self { dialect: Dialect::Strict, max_depth: MAX_DEPTH, lines: false, fast: true };
}

/// What came of scanning the bytes at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All bytes were read and belong to the message, which goes on.
    More,
    /// The message ends in front of this index.
    Complete(usize),
    /// The byte at this index cannot belong to the message.
    Fault(usize, Reason),
    /// There is something to say in front of this index: see `Scanner::pause`. Never where feature `delivery` is off.
    Pause(usize),
}

/// The state of the automaton. It looks at the text it is given and keeps none of it.
///
/// What each byte needs stands first, in a layout of our own: a Cortex-M reaches the first 32 bytes with short instructions.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, Copy))]
#[repr(C)]
pub(crate) struct Scanner<G = Output> {
    state: State,
    /// Strings: the quote that ends this one, and what it is.
    quote: u8,
    role: step::Role,
    /// Counting brackets instead of checking them.
    lax: Lax,
    /// A mistake between tokens that was met in [`Dialect::Input`], and what should have stood there.
    mistake: Option<Reason>,
    expected: Expected,
    too_deep: bool,
    not_finite: bool,
    options: Options,
    pub(crate) found: Found,
    /// The code unit or code point that is being put together, and the first half of a pair.
    code: u32,
    high: u16,
    nesting: Nesting,
    sift: Sift,
    /// The counts of brackets, and the low half of the mistake's place; and of the text's.
    braces: i32,
    brackets: i32,
    mistake_at: u32,
    base: u32,
    grammar: PhantomData<G>,
    #[cfg(test)]
    pub(crate) work: u64,
}

impl<G: Grammar> Scanner<G> {
    pub(crate) const fn new(options: Options, members: &'static Members) -> Self {
        Self {
            nesting: Nesting::new(),
            found: Found::new(members),
            sift: Sift::new(),
            options,
            state: State::Value,
            quote: 0,
            role: step::Role::Value,
            code: 0,
            high: 0,
            lax: Lax::Off,
            braces: 0,
            brackets: 0,
            mistake: None,
            mistake_at: 0,
            base: 0,
            grammar: PhantomData,
            expected: Expected::Value,
            too_deep: false,
            not_finite: false,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Starts a new message.
    pub(crate) fn clear(&mut self) {
        self.nesting.clear();
        self.found.clear();
        self.sift.clear();
        self.state = State::Value;
        self.lax = Lax::Off;
        self.mistake = None;
        self.too_deep = false;
        self.not_finite = false;
    }

    pub(crate) const fn options(&self) -> &Options {
        &self.options
    }

    /// Whether the message nests deeper than the limit. What lies deeper was only followed, not checked.
    pub(crate) const fn is_too_deep(&self) -> bool {
        self.too_deep
    }

    /// Whether one of the tokens `inf`, `nan` was met: the text is then no JSON for others.
    pub(crate) const fn has_not_finite(&self) -> bool {
        self.not_finite
    }

    /// The mistake for which a complete message of [`Dialect::Input`] is to be refused, and how far behind `start` its place is, in
    /// a message of less than 4 GiB.
    pub(crate) const fn mistake(&self, start: u64) -> Option<(u32, Reason)> {
        match self.mistake {
            Some(reason) if G::INPUT => Some((self.mistake_at.wrapping_sub(start as u32), reason)),
            _ => None,
        }
    }

    /// What should have stood where the mistake between tokens is.
    pub(crate) const fn expected(&self) -> Expected {
        self.expected
    }

    /// The text that will be scanned begins at this place in the stream. Mistakes are noted by it.
    pub(crate) const fn set_base(&mut self, base: u64) {
        self.base = base as u32;
    }

    /// Scans `text[from..end]`. Spans are recorded as indices into `text`.
    ///
    /// Where `text` ends at `end` or `text[end]` is 0, the fast path may be taken: 0 is valid nowhere in JSON, so that it ends every loop.
    #[inline(always)]
    pub(crate) fn scan(&mut self, text: &[u8], from: usize, end: usize) -> Progress {
        match self.run(text, from, end) {
            (Flow::Go | Flow::Again, _) => Progress::More,
            (Flow::End | Flow::EndBefore, at) => Progress::Complete(at),
            (Flow::Pause | Flow::PauseBefore, at) => Progress::Pause(at),
            (Flow::Stop(reason), at) => Progress::Fault(at, reason),
        }
    }

    /// The same, as what the last byte that was looked at did and the index that it says something of: both fit registers.
    #[cfg_attr(not(feature = "fast"), inline(never))]
    fn run(&mut self, text: &[u8], from: usize, end: usize) -> (Flow, usize) {
        #[cfg(feature = "fast")]
        let fast = self.options.fast && text.get(end).is_none_or(|byte| *byte == 0);
        let mut at = from;
        while at < end {
            #[cfg(feature = "fast")]
            if fast {
                at = fast::run(self, text, at);
                if self.nesting.depth() == 0 && self.state == State::After {
                    return (Flow::End, at);
                }
                if !self.sift.is_off() && self.sift.has_ended() && self.ended_at_floor(at as u32) {
                    return (Flow::Pause, at);
                }
                if at >= end {
                    break;
                }
            }
            let Some(&byte) = text.get(at) else { break };
            self.count();
            #[cfg(not(feature = "fast"))]
            if self.state == State::Text && step::is_plain(byte) {
                if self.role.is_sought() {
                    self.character(byte.into());
                }
                at = at.wrapping_add(1);
                continue;
            }
            let flow = self.step(byte, at as u32);
            match flow {
                Flow::Go => at = at.wrapping_add(1),
                Flow::Again => {}
                Flow::End | Flow::Pause => return (flow, at.wrapping_add(1)),
                Flow::EndBefore | Flow::PauseBefore => return (flow, at),
                Flow::Stop(_) if byte == 0xFF => return (Flow::Stop(Reason::Interrupted), at),
                Flow::Stop(_) => return (flow, at),
            }
        }
        (Flow::Go, at)
    }

    /// One step of work, of which there are at most two a byte. The tests count them.
    #[inline(always)]
    fn count(&mut self) {
        #[cfg(test)]
        {
            self.work = self.work.wrapping_add(1);
        }
    }

    /// The text ends here. Whether that completes it: a lone number or word has no other end.
    fn finish(&mut self) -> bool {
        self.nesting.depth() == 0 && self.state.may_end()
    }
}

/// Checks that `text` is exactly one JSON value (RFC 8259, UTF-8, no lone surrogates, at most [`MAX_DEPTH`] levels), with
/// white space around it or not.
///
/// # Errors
/// Where and why it is none.
pub fn check(text: &[u8]) -> Result<(), Error> {
    scan_value(text, &mut Scanner::<Output>::new(Options::STRICT, Members::NONE)).map(|_| ())
}

/// Scans exactly one value and gives its place in `text`.
pub(crate) fn scan_value(text: &[u8], scanner: &mut Scanner) -> Result<core::ops::Range<usize>, Error> {
    let from = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    let end = match scanner.scan(text, from, text.len()) {
        Progress::Complete(end) => end,
        Progress::Fault(at, reason) => return Err(Error { at, reason }),
        Progress::More if scanner.finish() => text.len(),
        Progress::More | Progress::Pause(_) => return Err(Error { at: text.len(), reason: Reason::UnexpectedEnd }),
    };
    if scanner.is_too_deep() {
        return Err(Error { at: from, reason: Reason::TooDeep });
    }
    let rest = text.get(end..).unwrap_or_default();
    match rest.iter().position(|byte| !is_blank(*byte)) {
        Some(more) => Err(Error { at: end.saturating_add(more), reason: Reason::TrailingText }),
        None => Ok(from..end),
    }
}

/// White space of JSON.
#[inline(always)]
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}
