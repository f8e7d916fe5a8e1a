//! Messages on their way out: written whole or not at all.

use crate::copy;
use crate::error::{Error, Misuse, Resource};
use crate::frame::Buffer;
use crate::json::ser::{Full, Sink, decimal32};

/// A transmit buffer. What is pending lies in one piece, so that one write can send it.
#[derive(Debug)]
pub(crate) struct Transmit<'b> {
    buffer: Buffer<'b>,
    sent: u32,
    end: u32,
}

impl<'b> Transmit<'b> {
    pub(crate) const fn new(buffer: Buffer<'b>) -> Self {
        Self { buffer, sent: 0, end: 0 }
    }

    /// Forgets what was not sent.
    pub(crate) fn clear(&mut self) {
        (self.sent, self.end) = (0, 0);
    }

    pub(crate) fn pending(&self) -> &[u8] {
        self.buffer.bytes().get(self.sent as usize..self.end as usize).unwrap_or_default()
    }

    pub(crate) fn sent(&mut self, count: usize) -> Result<(), Error> {
        let sent = u32::try_from(count).ok().and_then(|count| self.sent.checked_add(count));
        match sent {
            Some(sent) if sent <= self.end => self.sent = sent,
            _ => return Err(Misuse::SentTooLong.into()),
        }
        if self.sent == self.end {
            self.clear();
        }
        Ok(())
    }

    /// Appends what `write` writes: all of it, or on any error nothing.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        self.compact();
        let end = self.end;
        let outcome = write(self);
        if outcome.is_err() {
            self.end = end;
        }
        outcome
    }

    /// The place behind the last byte written, to look at or take back what is written from there on.
    pub(crate) const fn mark(&self) -> u32 {
        self.end
    }

    /// Takes back what was written from `mark` on.
    pub(crate) fn rewind(&mut self, mark: u32) {
        self.end = self.end.min(mark);
    }

    /// What was written from `mark` on.
    pub(crate) fn written(&self, mark: u32) -> &[u8] {
        self.buffer.bytes().get(mark as usize..self.end as usize).unwrap_or_default()
    }

    /// The error for want of room.
    pub(crate) fn full(&self) -> Error {
        Resource::Tx { limit: self.buffer.limit() }.into()
    }

    /// Appends plain text.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Error> {
        self.push(text.as_bytes()).map_err(|Full| self.full())
    }

    /// Appends a number in decimal.
    #[inline(always)]
    pub(crate) fn number(&mut self, number: u32) -> Result<(), Error> {
        self.push(decimal32(number, &mut [0; 10])).map_err(|Full| self.full())
    }

    fn compact(&mut self) {
        if self.sent > 0 {
            self.buffer.move_down(self.sent as usize..self.end as usize, 0);
            self.end = self.end.saturating_sub(self.sent);
            self.sent = 0;
        }
    }
}

impl Sink for Transmit<'_> {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Full> {
        loop {
            let free = self.buffer.bytes_mut().get_mut(self.end as usize..).unwrap_or_default();
            if let Some((place, _)) = free.split_at_mut_checked(bytes.len()) {
                self.end = self.end.wrapping_add(copy::copy_short(bytes, place) as u32);
                return Ok(());
            }
            if !self.buffer.grow() {
                return Err(Full);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_nothing() {
        let mut memory = [0; 8];
        let mut tx = Transmit::new(Buffer::from(&mut memory));
        tx.append(|tx| tx.text("abc")).unwrap();
        let full = tx.append(|tx| {
            tx.text("de")?;
            tx.number(1_234_567_890)
        });
        assert_eq!(full, Err(Error::Resource(Resource::Tx { limit: 8 })));
        assert_eq!(tx.pending(), b"abc");
        tx.sent(2).unwrap();
        assert_eq!(tx.sent(2), Err(Error::Misuse(Misuse::SentTooLong)));
        tx.append(|tx| tx.number(4_294_967)).unwrap();
        assert_eq!(tx.pending(), b"c4294967");
        tx.sent(8).unwrap();
        assert_eq!(tx.pending(), b"");
        tx.append(|tx| tx.number(0)).unwrap();
        assert_eq!(tx.pending(), b"0");
    }
}
