//! What real QEMUs sent, as `cargo xtask bench --capture` recorded it.

use std::io::Read;

use flate2::read::GzDecoder;

/// A session recorded of a QEMU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// QEMU 7.2, a message a line.
    Compact,
    /// The same by a monitor in pretty mode.
    Pretty,
    /// QEMU 11.1, a message a line.
    Newer,
}

impl Session {
    /// All bytes.
    pub fn bytes(self) -> Vec<u8> {
        let compressed: &[u8] = match self {
            Self::Compact => include_bytes!("../fixtures/7.2-compact.qmp.gz"),
            Self::Pretty => include_bytes!("../fixtures/7.2-pretty.qmp.gz"),
            Self::Newer => include_bytes!("../fixtures/11.1-compact.qmp.gz"),
        };
        let mut bytes = Vec::new();
        GzDecoder::new(compressed).read_to_end(&mut bytes).expect("as it was recorded");
        bytes
    }
}

/// The lines of [`Session::Compact`] that have all of `words`, line ends included.
pub fn lines(words: &[&str]) -> Vec<Vec<u8>> {
    let bytes = Session::Compact.bytes();
    let has = |line: &&[u8]| words.iter().all(|word| line.windows(word.len()).any(|part| part == word.as_bytes()));
    bytes.split_inclusive(|byte| *byte == b'\n').filter(has).map(<[u8]>::to_vec).collect()
}

/// The longest of them.
pub fn longest(words: &[&str]) -> Vec<u8> {
    lines(words).into_iter().max_by_key(Vec::len).expect("the recording has it")
}
