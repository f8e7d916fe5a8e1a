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

/// The index from which reading resumes, looking at `bytes`, in front of which `before` stood.
pub(super) fn resume(bytes: &[u8], mut before: u8, peer: Peer, rule: Rule) -> Option<usize> {
    let mut at = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        let begins = match byte {
            0xFF => return Some(at.wrapping_add((peer != Peer::Agent && rule != Rule::Structure).into())),
            b'\n' if rule == Rule::Line => return Some(at.wrapping_add(1)),
            b'{' if rule == Rule::LineStart => before == b'\n',
            _ => rule == Rule::Structure && is_structure(byte),
        };
        if begins {
            return Some(at);
        }
        before = byte;
        at = at.wrapping_add(1);
    }
    None
}

const fn is_structure(byte: u8) -> bool {
    matches!(byte, b'[' | b']' | b'{' | b'}' | b':' | b',' | 0xFE) || (byte < 0x20 && byte != b'\t')
}
