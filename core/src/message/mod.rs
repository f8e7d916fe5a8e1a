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
pub(crate) use server::{Receive, SERVER_MEMBERS, Whole, is_error, raw_return, server_message};

use crate::frame::{Frames, Outline, What};
use crate::json::payload::{decode_in_place, decoded};
use crate::json::scan::members::{Found, Member, SLOTS, Span};
use crate::json::scan::{Grammar, Reason};
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
    #[inline(always)]
    pub(crate) fn of<G: Grammar>(what: What, frames: &Frames<'_, G>) -> Self {
        let Outline { offset, bytes, after_gap, .. } = frames.outline(what);
        let not_finite = matches!(what, What::Complete | What::Oversize(_) | What::Piece(_)) && frames.has_not_finite();
        Self { offset, bytes, after_gap, not_finite }
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

/// The texts of a message's members. One of them is a payload's, to be changed by the caller; values are read from the others, which
/// stand in front of that and behind.
pub(crate) struct Parts<'m> {
    found: &'m Found,
    before: &'m [u8],
    behind: &'m [u8],
    /// Where in the message what stands behind begins.
    cut: u32,
}

/// In the place of a slot: no member's text is a payload's.
pub(crate) const NO_PAYLOAD: u8 = SLOTS as u8;

impl<'m> Parts<'m> {
    /// Of a server's message.
    pub(crate) fn of(frames: &'m mut Frames<'_>, payload: u8) -> (Self, Option<Payload<'m>>) {
        Self::with(frames, payload, Strings::Escaped)
    }

    /// Decodes all members but the payload, which stays as it was received: name as `payload` what is handed out raw, even if it is not
    /// asked for here. `escaped` is what is owed to members in which the scanner saw any strings that are.
    pub(crate) fn with<G: Grammar>(
        frames: &'m mut Frames<'_, G>,
        payload: u8,
        escaped: Strings,
    ) -> (Self, Option<Payload<'m>>) {
        let (found, text) = frames.found_and_text();
        for slot in 0..NO_PAYLOAD {
            if found.is_escaped(slot)
                && slot != payload
                && let Some(span) = found.span(slot)
                && let Some(text) = text.get_mut(span.range())
            {
                decode_in_place(text, escaped);
            }
        }
        let strings = if found.is_escaped(payload) { escaped } else { Strings::Plain };
        let (before, middle, behind, cut) = match found.span(payload) {
            Some(span) => {
                let (before, rest) = text.split_at_mut_checked(span.start as usize).unwrap_or_default();
                let (middle, behind) = rest.split_at_mut_checked(span.len() as usize).unwrap_or_default();
                (before, Some(Payload::new(middle, strings)), behind, span.end)
            }
            None => (text, None, Default::default(), u32::MAX),
        };
        (Self { found, before, behind, cut }, middle)
    }

    /// What the member in `slot` is, which is not the payload.
    pub(crate) fn value(&self, slot: u8) -> Option<Value<'m>> {
        let Span { start, end } = self.found.span(slot)?;
        let (text, origin) = if start < self.cut { (self.before, 0) } else { (self.behind, self.cut) };
        let text = text.get(start.wrapping_sub(origin) as usize..end.wrapping_sub(origin) as usize)?;
        Some(decoded(text, self.found.is_escaped(slot)))
    }
}
