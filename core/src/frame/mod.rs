//! Bytes into messages: a caller's buffer, read once, cut by JSON structure and never by line ends.
//!
//! A message is scanned where it was received and handed out from there. One that cannot fit is passed over in constant memory;
//! behind bytes that are no JSON, reading resumes by a rule that depends on the [`Peer`] and the [`Framing`]. This is the layer
//! below [`Client`](crate::client::Client), [`Server`](crate::server::Server) and [`Reader`](crate::reader::Reader), which all have
//! its `rx_space`, `rx_commit`, `feed` and `rx_eof`.

#[cfg(feature = "delivery")]
mod apart;
mod buffer;
#[cfg(feature = "delivery")]
mod elements;
mod keep;
#[cfg(feature = "delivery")]
mod members;
mod recovery;
#[cfg(feature = "delivery")]
mod text;

#[cfg(feature = "delivery")]
pub(crate) use apart::Piece;
pub use buffer::Buffer;

use crate::copy;
use crate::error::{Error, Misuse};
use crate::json::scan::members::{Found, Members};
use crate::json::scan::{Dialect, Expected, Grammar, MAX_DEPTH, Options, Output, Progress, Reason, Scanner, is_blank};
use recovery::Rule;

/// What ends a message, besides its last bracket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Framing {
    /// Nothing: messages end where their brackets balance. Pretty text and messages back to back are read.
    #[default]
    Structure,
    /// A line feed, too. For a serial line that loses bytes, to a peer that writes each message on one line: a damaged message then
    /// never costs another one.
    Lines,
}

/// Whose bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Peer {
    /// A QMP server: greeting, replies, events.
    Server,
    /// A guest agent: replies; a 0xFF between messages is its sentinel.
    Agent,
    /// A client: commands, in the JSON dialect that QEMU accepts.
    Client,
}

/// How a stream is read.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reading {
    /// What ends a message.
    pub framing: Framing,
    /// The deepest nesting that is read, arrays and objects together; a message that goes deeper is passed over and reported.
    /// At most [`MAX_DEPTH`], which is QEMU's own limit and the default.
    pub max_depth: u16,
    /// Whether to scan by words where there are enough bytes (needs feature `fast`). Changes no outcome.
    pub fast: bool,
}

impl Reading {
    /// Framing by structure, QEMU's depth limit, scanning by words.
    pub const DEFAULT: Self = Self { framing: Framing::Structure, max_depth: MAX_DEPTH, fast: true };
}

impl Default for Reading {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Where a message was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Where in the stream, counted from its beginning, the message begins.
    pub(crate) offset: u64,
    /// How long it is. White space in front of a message belongs to none.
    pub(crate) bytes: u64,
    /// Bytes were passed over since the last good message.
    pub(crate) after_gap: bool,
}

/// What was found. The caller takes the text by [`Frames::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A message: well-formed JSON whose members were found.
    Complete,
    /// A message of a client that is to be refused; reading goes on right behind it.
    Mistaken(Reason),
    /// A message that does not fit, or is too deep. What is kept of it was found.
    Oversize(Passed),
    /// Bytes that are no message. Reading resumes by the rule.
    Malformed(Reason),
    /// The stream ended inside a message.
    Incomplete,
    /// The agent's 0xFF.
    Sentinel,
    /// A piece of a message that is taken apart.
    #[cfg_attr(not(feature = "delivery"), allow(dead_code, reason = "it does not occur without"))]
    Piece(Piece),
}

/// There is none: messages stay in one piece.
#[cfg(not(feature = "delivery"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {}

/// [`Oversized`] but for the limit, without which all of [`What`] fits a register: see [`Frames::oversized`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    TooLong,
    TooDeep,
}

/// Why a message was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Oversized {
    /// It is longer than the receive buffer may become, which is this many bytes.
    TooLong(u32),
    /// It nests deeper than this many levels.
    TooDeep(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Between messages.
    Idle,
    /// In a message that begins at `start`.
    Message,
    /// In a message that does not fit; what is kept of it ends at `start`.
    Passing,
    /// In a message that is taken apart.
    #[cfg(feature = "delivery")]
    Apart(apart::Stage),
    /// Behind malformed bytes.
    Searching,
}

/// Cuts a stream of bytes into messages.
///
/// What is small stands first, as in the [`Scanner`].
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Frames<'b, G = Output> {
    mode: Mode,
    peer: Peer,
    /// The last byte in front of `start`, for the search.
    previous: u8,
    gap: bool,
    /// The same of what was handed out.
    after_gap: bool,
    eof: bool,
    /// What lies between `start` and `scanned` was handed out; it is released by the next call.
    handed: bool,
    /// The message begins here; in front of it everything is done with.
    start: u32,
    /// Scanned up to here.
    scanned: u32,
    /// Received up to here.
    end: u32,
    buffer: Buffer<'b>,
    /// The place of the buffer's first byte in the stream. Wraps below 0 while a message is passed over.
    base: u64,
    /// The place of the present message in the stream.
    message: u64,
    scanner: Scanner<G>,
    #[cfg(feature = "delivery")]
    apart: apart::Apart,
    /// How many bytes were moved within the buffer. The tests count them.
    #[cfg(test)]
    moved: u32,
}

impl<'b, G: Grammar> Frames<'b, G> {
    pub(crate) fn new(buffer: Buffer<'b>, peer: Peer, reading: Reading, members: &'static Members) -> Self {
        let options = Options {
            dialect: if G::INPUT { Dialect::Input } else { Dialect::Output },
            max_depth: reading.max_depth.clamp(1, MAX_DEPTH),
            lines: reading.framing == Framing::Lines,
            fast: reading.fast,
        };
        Self {
            buffer,
            scanner: Scanner::new(options, members),
            peer,
            mode: Mode::Idle,
            previous: 0,
            gap: false,
            after_gap: false,
            eof: false,
            handed: false,
            start: 0,
            scanned: 0,
            end: 0,
            base: 0,
            message: 0,
            #[cfg(feature = "delivery")]
            apart: apart::Apart::NEW,
            #[cfg(test)]
            moved: 0,
        }
    }

    /// Forgets all that was received: a new connection.
    pub(crate) fn reset(&mut self) {
        self.mode = Mode::Idle;
        self.previous = 0;
        self.gap = false;
        self.eof = false;
        self.handed = false;
        #[cfg(feature = "delivery")]
        {
            self.apart = apart::Apart::NEW;
        }
        (self.start, self.scanned, self.end) = (0, 0, 0);
        (self.base, self.message) = (0, 0);
    }

    /// The free part of the buffer. Empty only while a complete message waits for `advance`.
    pub(crate) fn rx_space(&mut self) -> &mut [u8] {
        self.release();
        self.rx_space_behind()
    }

    /// The free part of the buffer without a release: what was handed out last stays where it is.
    pub(crate) fn rx_space_behind(&mut self) -> &mut [u8] {
        let end = self.end as usize;
        self.buffer.bytes_mut().get_mut(end..).unwrap_or_default()
    }

    /// The first `count` bytes of `rx_space` were received.
    pub(crate) fn rx_commit(&mut self, count: usize) -> Result<(), Error> {
        if self.eof {
            return Err(Error::Misuse(Misuse::AfterEof));
        }
        match u32::try_from(count).ok().and_then(|count| self.end.checked_add(count)) {
            Some(end) if end <= self.buffer.capacity() => self.end = end,
            _ => return Err(Error::Misuse(Misuse::CommitTooLong)),
        }
        Ok(())
    }

    /// Copies what fits of `bytes` into the buffer and gives its length.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.release();
        self.take(bytes)
    }

    /// [`feed`](Self::feed) without releasing what was handed out.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let count = copy::copy(bytes, self.rx_space_behind());
        self.rx_commit(count)?;
        Ok(count)
    }

    /// No more bytes will come.
    pub(crate) fn rx_eof(&mut self) {
        self.eof = true;
    }

    /// Whether the stream has ended and all of it was outlined.
    pub(crate) fn is_finished(&self) -> bool {
        self.eof && self.mode == Mode::Idle && self.scanned == self.end
    }

    /// The next message, if it is complete. Releases the one before.
    #[cfg_attr(not(feature = "fast"), inline(never))]
    pub(crate) fn advance(&mut self) -> Option<What> {
        self.release();
        loop {
            let what = match self.mode {
                Mode::Idle => {
                    let first = self.skip_blanks()?;
                    self.begin(first)
                }
                Mode::Message | Mode::Passing => self.scan_message(),
                #[cfg(feature = "delivery")]
                Mode::Apart(stage) => self.scan_apart(stage),
                Mode::Searching => {
                    self.search();
                    None
                }
            };
            if what.is_some() {
                return what;
            }
            if self.scanned == self.end && self.mode != Mode::Idle {
                // All bytes are read. What follows needs room, or never comes.
                return if self.eof { self.incomplete() } else { None };
            }
        }
    }

    /// Where `what` was found, which [`advance`](Self::advance) has just given.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn outline(&self, what: What) -> Outline {
        let (offset, end) = match what {
            What::Malformed(_) => (self.message, self.fault(what)),
            #[cfg(feature = "delivery")]
            What::Piece(Piece::Element(_) | Piece::Text) => (self.apart.element, self.end_of_piece()),
            _ => (self.message, self.place(self.scanned)),
        };
        Outline { offset, bytes: end.wrapping_sub(offset), after_gap: self.after_gap }
    }

    /// Where in the stream the byte is that makes `what` malformed or mistaken.
    #[inline(never)]
    pub(crate) fn fault(&self, what: What) -> u64 {
        match (what, self.scanner.mistake(self.message)) {
            (What::Mistaken(_), Some((at, _))) => self.message.wrapping_add(at.into()),
            _ => self.place(self.scanned).wrapping_sub(self.takes_fault().into()),
        }
    }

    /// Why a message was passed over, and by which limit.
    pub(crate) fn oversized(&self, passed: Passed) -> Oversized {
        match passed {
            Passed::TooLong => Oversized::TooLong(self.buffer.limit()),
            Passed::TooDeep => Oversized::TooDeep(self.scanner.options().max_depth),
        }
    }

    /// What was found of the members of the message just outlined. Spans are indices into [`text`](Self::text).
    pub(crate) const fn found(&self) -> &Found {
        &self.scanner.found
    }

    /// Whether the message just outlined has a number token that is no JSON.
    pub(crate) const fn has_not_finite(&self) -> bool {
        self.scanner.has_not_finite()
    }

    /// What should have stood where the message just outlined has its mistake, if that is one between tokens.
    pub(crate) const fn expected(&self) -> Expected {
        self.scanner.expected()
    }

    /// The text of the message just outlined; of one that was passed over, what is kept of it.
    pub(crate) fn text(&mut self) -> &mut [u8] {
        self.found_and_text().1
    }

    /// Both.
    pub(crate) fn found_and_text(&mut self) -> (&Found, &mut [u8]) {
        let range = self.start as usize..self.scanned as usize;
        (&self.scanner.found, self.buffer.bytes_mut().get_mut(range).unwrap_or_default())
    }

    /// Whether what is kept of a message that is passed over stands in front.
    fn is_passing(&self) -> bool {
        #[cfg(feature = "delivery")]
        if self.mode == Mode::Apart(apart::Stage::Closing) {
            return true;
        }
        self.mode == Mode::Passing
    }

    fn place(&self, index: u32) -> u64 {
        self.base.wrapping_add(u64::from(index))
    }

    /// Gives the bytes of what was handed out back, and makes room at the buffer's end when little is left there.
    fn release(&mut self) {
        if core::mem::take(&mut self.handed) {
            #[cfg(feature = "delivery")]
            self.pass_cut();
            self.start = self.scanned;
        }
        if self.is_passing() {
            return;
        }
        if self.start == self.end {
            self.base = self.place(self.end);
            (self.start, self.scanned, self.end) = (0, 0, 0);
        } else if self.buffer.capacity().wrapping_sub(self.end) < self.buffer.capacity() / 4
            && self.start >= self.end.wrapping_sub(self.start)
        {
            // No more is moved than was done with: so many messages in a full buffer do not cost a move each.
            self.compact();
        }
    }

    /// Moves what is not done with to the front.
    fn compact(&mut self) {
        let (start, end) = (self.start, self.end);
        #[cfg(test)]
        {
            self.moved = self.moved.saturating_add(end.wrapping_sub(start));
        }
        self.buffer.move_down(start as usize..end as usize, 0);
        self.base = self.place(start);
        self.scanned = self.scanned.saturating_sub(start);
        self.end = end.saturating_sub(start);
        self.start = 0;
    }

    /// What was received and is not done with.
    #[cfg_attr(not(feature = "fast"), inline(never))]
    fn rest(&self) -> &[u8] {
        self.buffer.bytes().get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Passes white space, and gives the byte behind it. `None` when there is no byte left.
    fn skip_blanks(&mut self) -> Option<u8> {
        let rest = self.rest();
        let blanks = rest.iter().position(|byte| !is_blank(*byte)).unwrap_or(rest.len());
        let first = rest.get(blanks).copied();
        self.drop_until(self.start.wrapping_add(blanks as u32));
        self.scanned = self.start;
        first
    }

    /// Begins a message with the byte at `start`, which is `first`, or tells why there is none.
    fn begin(&mut self, first: u8) -> Option<What> {
        self.message = self.place(self.start);
        if first == 0xFF && self.peer == Peer::Agent {
            return Some(self.hand(self.start.wrapping_add(1), What::Sentinel));
        }
        if first != b'{' && !G::INPUT {
            let reason = if first == 0xFF { Reason::Interrupted } else { Reason::NotAnObject };
            return Some(self.malformed(self.start, reason));
        }
        self.scanner.clear();
        self.mode = Mode::Message;
        None
    }

    /// Scans on in a message, which may be passed over: what is kept of it stands at the buffer's front then.
    #[cfg_attr(not(feature = "fast"), inline(never))]
    pub(super) fn scan_message(&mut self) -> Option<What> {
        self.set_sentinel();
        let passing = self.is_passing();
        let origin = if passing { 0 } else { self.start };
        if G::INPUT {
            self.scanner.set_base(self.place(origin));
        }
        let text = self.buffer.bytes().get(origin as usize..).unwrap_or_default();
        let (from, end) = (self.scanned.wrapping_sub(origin) as usize, self.end.wrapping_sub(origin) as usize);
        match self.scanner.scan(text, from, end) {
            Progress::Complete(length) => {
                let stop = origin.wrapping_add(length as u32);
                let what = match self.scanner.mistake(self.message) {
                    Some((_, reason)) => What::Mistaken(reason),
                    #[cfg(feature = "delivery")]
                    None if passing && self.mode != Mode::Passing => What::Piece(Piece::End),
                    None if passing => What::Oversize(Passed::TooLong),
                    None if self.scanner.is_too_deep() => What::Oversize(Passed::TooDeep),
                    None => What::Complete,
                };
                if passing {
                    // The kept text stays in front of the bytes that follow the message.
                    keep::keep(&mut self.scanner, &mut self.buffer, self.start, stop);
                    self.start = 0;
                }
                self.mode = Mode::Idle;
                Some(self.hand(stop, what))
            }
            Progress::Fault(at, reason) => {
                let at = origin.wrapping_add(at as u32);
                if passing {
                    self.drop_until(at);
                    return Some(self.malformed(at, reason));
                }
                #[cfg(feature = "delivery")]
                return Some(self.malformed_behind_cut(at, reason));
                #[cfg(not(feature = "delivery"))]
                Some(self.malformed(at, reason))
            }
            #[cfg(feature = "delivery")]
            Progress::Pause(at) => {
                self.scanned = origin.wrapping_add(at as u32);
                self.paused()
            }
            #[cfg(not(feature = "delivery"))]
            Progress::Pause(_) => None,
            Progress::More if passing => {
                self.keep(self.end);
                None
            }
            Progress::More => {
                #[cfg(feature = "delivery")]
                self.cut_loose();
                self.scanned = self.end;
                if self.end == self.buffer.capacity() {
                    self.make_room();
                }
                None
            }
        }
    }

    /// The buffer is full of a message that goes on.
    fn make_room(&mut self) {
        if self.start > 0 {
            self.compact();
        } else if !self.buffer.grow() {
            #[cfg(feature = "delivery")]
            self.scanner.stop_projecting();
            self.mode = Mode::Passing;
            self.keep(self.end);
        }
    }

    /// Keeps what must be kept of the bytes up to `end`, all scanned, and drops the others. While a message is passed over, `start`
    /// is where the kept bytes end.
    #[inline(always)]
    fn keep(&mut self, end: u32) {
        // Of what is kept already, none is the last byte that came.
        self.remember(end);
        let length = keep::keep(&mut self.scanner, &mut self.buffer, self.start, end);
        self.base = self.place(end).wrapping_sub(u64::from(length));
        (self.start, self.scanned, self.end) = (length, length, length);
    }

    /// Looks for the next message behind malformed bytes.
    #[cfg_attr(not(feature = "fast"), inline(never))]
    fn search(&mut self) {
        let rest = self.rest();
        let resumed = recovery::resume(rest, self.previous, self.peer, self.rule());
        let passed = resumed.unwrap_or(rest.len());
        if resumed.is_some() {
            self.mode = Mode::Idle;
        }
        self.drop_until(self.start.wrapping_add(passed as u32));
        self.scanned = self.start;
    }

    /// The byte at index `at` does not belong to a message.
    fn malformed(&mut self, at: u32, reason: Reason) -> What {
        let stop = at.wrapping_add(self.takes_fault().into());
        self.remember(stop);
        self.mode = Mode::Searching;
        let what = self.hand(stop, What::Malformed(reason));
        self.gap = true;
        what
    }

    fn rule(&self) -> Rule {
        match self.scanner.options().lines {
            true => Rule::Line,
            false if G::INPUT => Rule::Structure,
            false => Rule::LineStart,
        }
    }

    /// Whether the byte that does not fit is done with: QEMU's lexer takes it. Otherwise it may begin the next message.
    fn takes_fault(&self) -> bool {
        self.rule() == Rule::Structure
    }

    /// The bytes in front of `stop` have been seen.
    fn remember(&mut self, stop: u32) {
        if stop > self.start
            && let Some(last) = self.buffer.bytes().get(stop.wrapping_sub(1) as usize)
        {
            self.previous = *last;
        }
    }

    /// Is done with the bytes in front of `stop`.
    fn drop_until(&mut self, stop: u32) {
        self.remember(stop);
        self.start = stop;
    }

    fn incomplete(&mut self) -> Option<What> {
        let searching = self.mode == Mode::Searching;
        self.mode = Mode::Idle;
        if searching {
            return None;
        }
        self.start = self.start.min(self.end);
        Some(self.hand(self.end, What::Incomplete))
    }

    /// Hands out what ends in front of index `stop`.
    fn hand(&mut self, stop: u32, what: What) -> What {
        self.handed = true;
        self.scanned = stop;
        self.after_gap = core::mem::replace(&mut self.gap, false);
        what
    }

    /// Writes the 0 behind the data that ends the fast loops, if there is a byte to spare.
    fn set_sentinel(&mut self) {
        if !cfg!(feature = "fast") {
            return;
        }
        let end = self.end as usize;
        if let Some(byte) = self.buffer.bytes_mut().get_mut(end) {
            *byte = 0;
        }
    }
}

#[cfg(test)]
mod tests;
