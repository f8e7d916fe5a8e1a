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
use crate::json::scan::members::{Member, SLOTS};
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
    pub(crate) fn of(what: What, frames: &Frames<'_>) -> Self {
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

/// The texts of a message's members: disjoint pieces of the receive buffer.
pub(crate) struct Parts<'m> {
    texts: [Option<&'m mut [u8]>; SLOTS],
    strings: [Strings; SLOTS],
}

impl<'m> Parts<'m> {
    /// Of a server's message.
    pub(crate) fn of(frames: &'m mut Frames<'_>) -> Self {
        Self::with(frames, Strings::Escaped)
    }

    /// `strings` is what is owed to members in which the scanner saw any.
    pub(crate) fn with(frames: &'m mut Frames<'_>, escaped: Strings) -> Self {
        let mut parts = Self { texts: [const { None }; SLOTS], strings: [Strings::Plain; SLOTS] };
        let (found, mut rest) = frames.found_and_text();
        let mut passed = 0;
        // From the front to the back, cutting a piece off what is left each time.
        for slot in found.in_order() {
            let Some(span) = found.span(slot) else { continue };
            let lead = span.start.saturating_sub(passed) as usize;
            let Some((_, behind)) = rest.split_at_mut_checked(lead) else { break };
            let Some((piece, behind)) = behind.split_at_mut_checked(span.len() as usize) else { break };
            if let (Some(text), Some(strings)) =
                (parts.texts.get_mut(usize::from(slot)), parts.strings.get_mut(usize::from(slot)))
            {
                *text = Some(piece);
                if found.is_escaped(slot) {
                    *strings = escaped;
                }
            }
            rest = behind;
            passed = span.end;
        }
        parts
    }

    pub(crate) fn payload(&mut self, slot: u8) -> Option<Payload<'m>> {
        let text = self.texts.get_mut(usize::from(slot))?.take()?;
        Some(Payload::new(text, *self.strings.get(usize::from(slot))?))
    }

    pub(crate) fn value(&mut self, slot: u8) -> Option<Value<'m>> {
        self.payload(slot).map(Payload::into_value)
    }
}
