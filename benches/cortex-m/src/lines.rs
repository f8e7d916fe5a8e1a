//! Lines out of pieces, as a client does who frames by line ends.

/// What has come and is not done with.
pub(crate) struct Lines<'m> {
    memory: &'m mut [u8],
    filled: usize,
}

impl<'m> Lines<'m> {
    pub(crate) const fn new(memory: &'m mut [u8]) -> Self {
        Self { memory, filled: 0 }
    }

    /// Takes a piece, and hands out each line that it ends.
    #[inline]
    pub(crate) fn feed(&mut self, piece: &[u8], mut line: impl FnMut(&mut [u8])) {
        let mut searched = self.filled;
        self.filled += piece.len();
        self.memory[searched..self.filled].copy_from_slice(piece);
        let mut start = 0;
        while let Some(end) = memchr::memchr(b'\n', &self.memory[searched..self.filled]) {
            let end = searched + end + 1;
            line(&mut self.memory[start..end]);
            (start, searched) = (end, end);
        }
        if start > 0 {
            self.memory.copy_within(start..self.filled, 0);
            self.filled -= start;
        }
    }
}
