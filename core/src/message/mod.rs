//! The messages of the protocol, told by their members wherever they stand.

mod client;
mod diagnosis;
mod duplicates;
#[cfg(feature = "delivery")]
mod pieces;
mod refusal;
mod server;

use core::fmt;

pub(crate) use client::{CLIENT_MEMBERS, ID as CLIENT_ID, client_message, is_out_of_band};
pub use client::{ClientMessage, OversizeCommand};
pub(crate) use diagnosis::diagnose;
#[cfg(feature = "delivery")]
pub(crate) use pieces::{behind_elements, element, id_so_far, text};
pub(crate) use refusal::{COMMAND_NOT_FOUND, GENERIC_ERROR};
pub use refusal::{Refusal, RefusalKind};
pub use server::{Event, Failure, Greeting, Kind, Oversize, ServerMessage, Timestamp, Version};
pub(crate) use server::{SERVER_MEMBERS, is_error, raw_return, server_message};

use crate::frame::{Frames, Outline, What};
use crate::json::scan::Reason;
use crate::json::scan::members::{Member, SLOTS, Span};
use crate::json::{Payload, Strings, Value};

/// Where a message was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Origin {
    /// The place of its first byte in the stream, counted from the connection's beginning.
    pub offset: u64,
    /// Its length in bytes. White space between messages belongs to none.
    pub bytes: u64,
    /// Bytes were passed over since the last good message. A damaged stream can make a part of one message look like a message:
    /// act with care on this one.
    pub after_gap: bool,
    /// It has a number token `inf` or `nan`, which is no JSON: do not pass its raw text on as such. Of a message that was
    /// passed over, the id may be that token.
    pub not_finite: bool,
}

impl Origin {
    pub(crate) fn of(outline: &Outline, frames: &Frames<'_>) -> Self {
        let not_finite =
            matches!(outline.what, What::Complete | What::Oversize(_) | What::Piece(_)) && frames.has_not_finite();
        Self { offset: outline.offset, bytes: outline.bytes, after_gap: outline.after_gap, not_finite }
    }
}

/// Bytes that are no message. Reading goes on at the next one.
#[derive(Clone, Copy)]
pub struct Malformed<'m> {
    /// The place in the stream of the byte that fits nowhere.
    pub at: u64,
    /// Why it does not.
    pub reason: Reason,
    /// What came before it of the same message, as far as the buffer still has it.
    pub text: &'m [u8],
}

impl fmt::Debug for Malformed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format_args!("{}", self.text.escape_ascii());
        f.debug_struct("Malformed").field("at", &self.at).field("reason", &self.reason).field("text", &text).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Malformed<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Malformed({=u64}, {}, {=[u8]:a})", self.at, self.reason, self.text);
    }
}

const fn member(name: &'static str, slot: u8, keep: bool) -> Member {
    Member { name, slot, keep }
}

/// The texts of a message's members: one of them, its payload, still to be decoded, and all others decoded.
pub(crate) struct Parts<'m> {
    payload: Option<Payload<'m>>,
    spans: [Option<Span>; SLOTS],
    /// The message in front of the payload and behind it, and where that begins.
    before: &'m [u8],
    behind: &'m [u8],
    resumes: u32,
}

/// No slot.
pub(crate) const NO_PAYLOAD: u8 = SLOTS as u8;

impl<'m> Parts<'m> {
    /// Of a server's message, whose payload is in slot `payload`.
    pub(crate) fn of(frames: &'m mut Frames<'_>, payload: u8) -> Self {
        Self::with(frames, payload, |_, escaped| if escaped { Strings::Escaped } else { Strings::Plain })
    }

    /// `strings` says what is owed to a slot in which the scanner saw strings to be decoded, or saw none.
    pub(crate) fn with(frames: &'m mut Frames<'_>, payload: u8, strings: impl Fn(u8, bool) -> Strings) -> Self {
        let mut spans = [None; SLOTS];
        let mut owed = Strings::Plain;
        for (slot, span) in (0..SLOTS as u8).zip(&mut spans) {
            *span = frames.found().span(slot);
            let strings = strings(slot, frames.found().is_escaped(slot));
            if slot == payload {
                owed = strings;
            } else if let Some(span) = span
                && strings != Strings::Plain
            {
                decode(frames, *span, strings);
            }
        }
        let text = frames.text();
        let span = spans.get_mut(usize::from(payload)).and_then(Option::take);
        let start = span.map_or(usize::MAX, |span| span.start as usize).min(text.len());
        let (before, rest) = text.split_at_mut_checked(start).unwrap_or_default();
        let length = span.map_or(0, |span| span.len() as usize).min(rest.len());
        let (text, behind) = rest.split_at_mut_checked(length).unwrap_or_default();
        Self {
            payload: span.map(|_| Payload::new(text, owed)),
            spans,
            before,
            behind,
            resumes: span.map_or(u32::MAX, |span| span.end),
        }
    }

    /// The payload, once.
    pub(crate) const fn payload(&mut self) -> Option<Payload<'m>> {
        self.payload.take()
    }

    /// The decoded text of another member.
    pub(crate) fn text(&self, slot: u8) -> Option<&'m [u8]> {
        let span = (*self.spans.get(usize::from(slot))?)?;
        match span.start.checked_sub(self.resumes) {
            Some(start) => self.behind.get(start as usize..span.end.saturating_sub(self.resumes) as usize),
            None => self.before.get(span.range()),
        }
    }

    /// A string's content.
    pub(crate) fn string(&self, slot: u8) -> Option<&'m str> {
        match self.text(slot)? {
            // Not decoded, since it would begin with another byte then.
            [b'"', content @ .., b'"'] => core::str::from_utf8(content).ok(),
            _ => self.value(slot)?.as_str(),
        }
    }

    pub(crate) fn value(&self, slot: u8) -> Option<Value<'m>> {
        // The scanner has passed each byte, and decoding keeps UTF-8 what it is.
        Some(core::str::from_utf8(self.text(slot)?).map_or(Value::NULL, Value::from_decoded))
    }
}

/// Decodes a member where it stands.
#[cold]
#[inline(never)]
fn decode(frames: &mut Frames<'_>, span: Span, strings: Strings) {
    if let Some(text) = frames.text().get_mut(span.range()) {
        Payload::new(text, strings).decode_in_place();
    }
}
