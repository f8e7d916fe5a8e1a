//! Lines out of pieces, as a client does who frames by line ends.

/// What has come and is not done with.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: Vec<u8>,
}

impl Lines {
    /// Takes a piece, and hands out each line that it ends.
    #[inline]
    pub(super) fn feed(&mut self, piece: &[u8], mut line: impl FnMut(&mut [u8])) {
        let mut searched = self.buffer.len();
        self.buffer.extend_from_slice(piece);
        let mut start = 0;
        while let Some(end) = memchr::memchr(b'\n', &self.buffer[searched..]) {
            let end = searched + end + 1;
            line(&mut self.buffer[start..end]);
            (start, searched) = (end, end);
        }
        self.buffer.drain(..start);
    }
}
