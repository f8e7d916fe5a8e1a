//! The bytes behind a receive or transmit buffer: the caller's, or owned and growing up to a limit.

use crate::copy;

/// Memory for bytes, lent by the caller, or owned (feature `alloc`).
///
/// `From<&mut [u8]>` makes one of any slice; at most `u32::MAX` bytes of it are used.
#[derive(Debug)]
pub struct Buffer<'b>(Memory<'b>);

#[derive(Debug)]
enum Memory<'b> {
    Lent(&'b mut [u8]),
    #[cfg(feature = "alloc")]
    Owned {
        bytes: alloc::boxed::Box<[u8]>,
        limit: u32,
    },
}

impl<'b> From<&'b mut [u8]> for Buffer<'b> {
    fn from(bytes: &'b mut [u8]) -> Self {
        let used = bytes.len().min(u32::MAX as usize);
        Self(Memory::Lent(bytes.get_mut(..used).unwrap_or_default()))
    }
}

impl<'b, const N: usize> From<&'b mut [u8; N]> for Buffer<'b> {
    fn from(bytes: &'b mut [u8; N]) -> Self {
        bytes.as_mut_slice().into()
    }
}

impl Buffer<'_> {
    /// An owned buffer of `initial` bytes that doubles as needed, up to `limit` bytes.
    #[cfg(feature = "alloc")]
    pub fn growing(initial: usize, limit: usize) -> Buffer<'static> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let bytes = alloc::vec![0; initial.min(limit as usize)].into_boxed_slice();
        Buffer(Memory::Owned { bytes, limit })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Memory::Lent(bytes) => bytes,
            #[cfg(feature = "alloc")]
            Memory::Owned { bytes, .. } => bytes,
        }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Memory::Lent(bytes) => bytes,
            #[cfg(feature = "alloc")]
            Memory::Owned { bytes, .. } => bytes,
        }
    }

    /// Moves the bytes of `range` to where `to` is, which lies in front of it.
    pub(crate) fn move_down(&mut self, range: core::ops::Range<usize>, to: usize) {
        let Some(bytes) = self.bytes_mut().get_mut(to..range.end) else { return };
        copy::move_down(bytes, range.start.wrapping_sub(to));
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.bytes().len() as u32
    }

    /// The most that it will ever hold.
    pub(crate) fn limit(&self) -> u32 {
        match &self.0 {
            Memory::Lent(_) => self.capacity(),
            #[cfg(feature = "alloc")]
            Memory::Owned { limit, .. } => *limit,
        }
    }

    /// Makes room beyond the present capacity, if it may, and whether it did. The content stays.
    #[cfg_attr(not(feature = "alloc"), allow(clippy::unused_self, clippy::needless_pass_by_ref_mut))]
    pub(crate) fn grow(&mut self) -> bool {
        match &mut self.0 {
            Memory::Lent(_) => false,
            #[cfg(feature = "alloc")]
            Memory::Owned { bytes, limit } => {
                if bytes.len() >= *limit as usize {
                    return false;
                }
                let wanted = bytes.len().saturating_mul(2).max(64).min(*limit as usize);
                let mut vec = core::mem::take(bytes).into_vec();
                let grown = vec.try_reserve_exact(wanted.saturating_sub(vec.len())).is_ok();
                if grown {
                    vec.resize(wanted, 0);
                }
                *bytes = vec.into_boxed_slice();
                grown
            }
        }
    }
}
