//! The table of what is owed: commands that run or wait, and answers of the server's own that wait for their turn or for room.

use serde::Serialize;

use crate::copy;
use crate::frame::Buffer;
use crate::json::Value;
use crate::json::ser::{Serializer, Sink, SliceSink, decimal64};
use crate::memory::Entries;
use crate::message::{Refusal, RefusalKind};

/// The memory of one command, besides its id. All zeroes when free.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pending {
    /// Counts up from command to command and is never 0.
    pub(super) number: u32,
    /// Of the bytes that belong to it: the length of the id, 0 if there is none, and of the detail behind it.
    id: u16,
    detail: u16,
    pub(super) state: State,
    pub(super) answer: Answer,
    pub(super) refusal: RefusalKind,
}

impl Pending {
    /// A free one.
    pub const FREE: Self = Self {
        number: 0,
        id: 0,
        detail: 0,
        state: State::Free,
        answer: Answer::Return,
        refusal: RefusalKind::NotAnObject,
    };
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) enum State {
    #[default]
    Free,
    /// A command that the program is to answer, and whether it came out of band.
    InBand,
    OutOfBand,
    /// The server's own answer to one.
    AnswerInBand,
    AnswerOutOfBand,
}

impl State {
    pub(super) const fn is_in_band(self) -> bool {
        matches!(self, Self::InBand | Self::AnswerInBand)
    }
}

/// What the server answers by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) enum Answer {
    /// An empty return.
    #[default]
    Return,
    /// A return of the number that the detail is.
    Number,
    /// The same behind a 0xFF.
    Delimited,
    /// The error of [`Pending::refusal`].
    Error,
}

/// A command that is to be answered: once, by [`Replies`](super::Replies).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ticket(pub(super) u32);

/// The id of a command, or of a synchronisation, does not fit the bytes for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdTooLong;

/// More entries than this are not used.
pub(super) const MOST: usize = 255;

#[derive(Debug)]
pub(super) struct Table<'b> {
    entries: Entries<'b, Pending>,
    texts: Buffer<'b>,
    /// The number last given out.
    newest: u32,
}

impl<'b> Table<'b> {
    pub(super) const fn new(entries: Entries<'b, Pending>, texts: Buffer<'b>) -> Self {
        Self { entries, texts, newest: 0 }
    }

    // Without `alloc` there is one kind of entries.
    #[allow(clippy::infallible_destructuring_match)]
    pub(super) fn all(&self) -> &[Pending] {
        self.entries.first(MOST)
    }

    fn all_mut(&mut self) -> &mut [Pending] {
        self.entries.first_mut(MOST)
    }

    /// Frees all. Numbers go on, so that an old ticket names nothing.
    pub(super) fn clear(&mut self) {
        self.all_mut().fill(Pending::FREE);
    }

    /// How many bytes each entry has for its id and detail.
    pub(super) fn width(&self) -> usize {
        let all = self.texts.bytes().len();
        all.checked_div(self.all().len()).unwrap_or(0).min(usize::from(u16::MAX))
    }

    /// An entry for a command that came just now. There is a free one: the caller has looked.
    pub(super) fn add(
        &mut self,
        state: State,
        id: Option<Value<'_>>,
        answer: Answer,
        refusal: RefusalKind,
        detail: &[u8],
    ) -> Result<Ticket, IdTooLong> {
        let width = self.width();
        let Some(index) = self.all().iter().position(|entry| entry.state == State::Free) else {
            // Not reached; nothing is made up for it.
            return Err(IdTooLong);
        };
        let text = self.texts.bytes_mut().get_mut(index.saturating_mul(width)..).unwrap_or_default();
        let text = text.get_mut(..width).unwrap_or_default();
        let id = store_id(text, id)?;
        let stored = store_detail(text.get_mut(id..).unwrap_or_default(), detail);
        if stored < detail.len() && matches!(answer, Answer::Number | Answer::Delimited) {
            // A part of a number is another number.
            return Err(IdTooLong);
        }
        self.newest = self.newest.wrapping_add(1).max(1);
        let number = self.newest;
        if let Some(entry) = self.all_mut().get_mut(index) {
            *entry = Pending { number, id: id as u16, detail: stored as u16, state, answer, refusal };
        }
        Ok(Ticket(number))
    }

    /// The id of the entry at `index` as it is to be sent, empty if there is none, and the detail.
    pub(super) fn text(&self, index: usize) -> (&[u8], &[u8]) {
        let entry = self.all().get(index).copied().unwrap_or_default();
        let start = index.saturating_mul(self.width());
        let text = self.texts.bytes().get(start..).unwrap_or_default();
        let (id, rest) = text.split_at_checked(entry.id.into()).unwrap_or_default();
        (id, rest.get(..entry.detail.into()).unwrap_or_default())
    }

    /// Where the command of `ticket` is, if it is still to be answered.
    pub(super) fn find(&self, ticket: Ticket) -> Option<usize> {
        let wanted =
            |entry: &Pending| entry.number == ticket.0 && matches!(entry.state, State::InBand | State::OutOfBand);
        self.all().iter().position(wanted)
    }

    /// The in-band command or answer that comes first.
    pub(super) fn oldest_in_band(&self) -> Option<usize> {
        let in_band = (0..MOST).zip(self.all()).filter(|(_, entry)| entry.state.is_in_band());
        in_band.max_by_key(|(_, entry)| self.newest.wrapping_sub(entry.number)).map(|(index, _)| index)
    }

    /// How many in-band commands and answers there are.
    pub(super) fn in_band(&self) -> usize {
        self.all().iter().fold(0, |count, entry| count.wrapping_add(usize::from(entry.state.is_in_band())))
    }

    pub(super) fn has_free(&self) -> bool {
        self.all().iter().any(|entry| entry.state == State::Free)
    }

    pub(super) fn free(&mut self, index: usize) {
        if let Some(entry) = self.all_mut().get_mut(index) {
            *entry = Pending::FREE;
        }
    }
}

/// Writes `id` as it will be sent.
fn store_id(text: &mut [u8], id: Option<Value<'_>>) -> Result<usize, IdTooLong> {
    let Some(id) = id else { return Ok(0) };
    let mut sink = SliceSink::new(text);
    // The scanner has passed the id: no error but want of room is left.
    id.serialize(&mut Serializer::new(&mut sink).ascii(true)).map_err(|_| IdTooLong)?;
    Ok(sink.written().len())
}

/// What stands for the rest of a detail that was cut.
const CUT: &str = "...";

/// Writes `detail` as UTF-8, as much of it as there is room for, and gives the length.
fn store_detail(text: &mut [u8], detail: &[u8]) -> usize {
    let room = text.len();
    let mut sink = SliceSink::new(text);
    // The end of the last character with room for the mark behind it.
    let mut cut = 0;
    let mut fits = true;
    'all: for chunk in detail.utf8_chunks() {
        let bad = if chunk.invalid().is_empty() { None } else { Some(char::REPLACEMENT_CHARACTER) };
        for char in chunk.valid().chars().chain(bad) {
            if sink.push(char.encode_utf8(&mut [0; 4]).as_bytes()).is_err() {
                fits = false;
                break 'all;
            }
            if sink.written().len().saturating_add(CUT.len()) <= room {
                cut = sink.written().len();
            }
        }
    }
    if fits {
        return sink.written().len();
    }
    let Some((mark, _)) = text.get_mut(cut..).and_then(|rest| rest.split_at_mut_checked(CUT.len())) else { return 0 };
    copy::copy(CUT.as_bytes(), mark);
    cut.saturating_add(CUT.len())
}

/// A refusal's detail, or its number in digits, which `digits` holds.
pub(super) fn detail<'d>(refusal: &Refusal<'d>, digits: &'d mut [u8; 20]) -> &'d [u8] {
    match refusal.kind() {
        RefusalKind::EnableNotString | RefusalKind::IdTooLong => decimal64(refusal.number().into(), digits),
        // A fixed description has no place for one.
        kind if kind.around().1.is_empty() => b"",
        _ => refusal.detail().as_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_cut_at_a_character() {
        let mut text = [0; 8];
        for (detail, stored) in [
            (&b"12345678"[..], "12345678"),
            (b"123456789", "12345..."),
            ("1234\u{20ac}\u{20ac}".as_bytes(), "1234..."),
            (b"\"\xFF", "\"\u{FFFD}"),
            (b"", ""),
        ] {
            let length = store_detail(&mut text, detail);
            assert_eq!(core::str::from_utf8(&text[..length]), Ok(stored));
        }
        assert_eq!(store_detail(&mut [0; 2], b"abc"), 0);
        assert_eq!(store_detail(&mut [0; 3], b"abc"), 3);
    }
}
