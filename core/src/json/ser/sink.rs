//! Where JSON goes.

use core::fmt;

/// Takes the JSON that is written, piece by piece.
///
/// A piece is ASCII or a run of whole characters.
pub trait Sink {
    /// Appends all of `bytes`, or nothing.
    ///
    /// # Errors
    ///
    /// There is no room for `bytes`.
    fn push(&mut self, bytes: &[u8]) -> Result<(), Full>;
}

/// A [`Sink`] has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room in the sink")
    }
}

impl core::error::Error for Full {}

/// Writes to a caller's slice, from its beginning.
#[derive(Debug)]
pub struct SliceSink<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl<'b> SliceSink<'b> {
    /// An empty sink over `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// What has been written.
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// What has been written, for as long as the buffer lives.
    pub fn into_written(self) -> &'b [u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }
}

impl Sink for SliceSink<'_> {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let free = self.buffer.get_mut(self.len..).unwrap_or_default();
        let (place, _) = free.split_at_mut_checked(bytes.len()).ok_or(Full)?;
        // As many as there are; where size counts, the compiler sees of a copy between slices not that it cannot panic.
        for (place, byte) in place.iter_mut().zip(bytes) {
            *place = *byte;
        }
        self.len = self.len.wrapping_add(bytes.len());
        Ok(())
    }
}

/// Appends to a caller's vector, which grows up to a limit.
#[cfg(feature = "alloc")]
#[derive(Debug)]
pub struct VecSink<'v> {
    vec: &'v mut alloc::vec::Vec<u8>,
    limit: usize,
}

#[cfg(feature = "alloc")]
impl<'v> VecSink<'v> {
    /// A sink that appends to `vec` until that is `limit` bytes long.
    pub const fn new(vec: &'v mut alloc::vec::Vec<u8>, limit: usize) -> Self {
        Self { vec, limit }
    }
}

#[cfg(feature = "alloc")]
impl Sink for VecSink<'_> {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let room = self.limit.saturating_sub(self.vec.len());
        if bytes.len() > room {
            return Err(Full);
        }
        self.vec.try_reserve(bytes.len()).map_err(|_| Full)?;
        self.vec.extend_from_slice(bytes);
        Ok(())
    }
}
