//! Where the next message may begin once the stream has stopped being JSON.

use super::Peer;

/// How a reader finds its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// At a `{` that a line feed stands in front of, or behind a 0xFF.
    ///
    /// Servers write a message at the beginning of a line, and nested objects never there: compact text has no line breaks, and
    /// pretty text indents. So a damaged message costs itself and at most the one behind it.
    LineStart,
    /// Behind a line feed: the line is the message.
    Line,
    /// As QEMU's lexer does: at a bracket, comma or colon, a control character other than TAB, or 0xFE or 0xFF.
    Structure,
}

impl Rule {
    pub(super) const fn of(peer: Peer, lines: bool) -> Self {
        match peer {
            _ if lines => Self::Line,
            Peer::Client => Self::Structure,
            Peer::Server | Peer::Agent => Self::LineStart,
        }
    }

    /// The index from which reading resumes, looking at `bytes`, in front of which `previous` stood.
    pub(super) fn resume(self, bytes: &[u8], previous: u8, peer: Peer) -> Option<usize> {
        let mut before = previous;
        let mut at = 0_usize;
        while let Some(&byte) = bytes.get(at) {
            match (self, byte) {
                // The agent's sentinel is read as one.
                (_, 0xFF) if peer == Peer::Agent => return Some(at),
                (Self::LineStart | Self::Line, 0xFF) => return Some(at.wrapping_add(1)),
                (Self::LineStart, b'{') if before == b'\n' => return Some(at),
                (Self::Line, b'\n') => return Some(at.wrapping_add(1)),
                (Self::Structure, b'[' | b']' | b'{' | b'}' | b':' | b',' | 0xFE..) => return Some(at),
                (Self::Structure, 0..=0x1F) if byte != b'\t' => return Some(at),
                _ => {}
            }
            before = byte;
            at = at.wrapping_add(1);
        }
        None
    }
}
