//! Transcripts: what two sides said to each other, when. A JSON object a line:
//!
//! ```text
//! {"time":1767225600.000000,"from":"client","connection":"opened"}
//! {"time":1767225600.000102,"from":"server","message":{"QMP":{"version":…,"capabilities":["oob"]}}}
//! {"time":1767225600.000811,"from":"client","message":{"execute":"qmp_capabilities","id":1}}
//! {"time":1767225600.001290,"from":"client","descriptors":1}
//! {"time":1767225600.001354,"from":"client","bytes":"\u00ff{\"execute"}
//! {"time":1767225602.930177,"from":"server","connection":"closed"}
//! ```
//!
//! `time` is in seconds since 1970. A message stands there as it was sent, without white space; one that a client wrote in what QEMU
//! reads beyond JSON, as JSON. What was no message, or too long to be kept whole, is there byte for byte, a character each.
//! `inf` and `nan`, which QEMU can write, stay what they are. Descriptors went with what follows. A recording that has no such
//! lines, but messages in any mix, is no less readable; it only lacks what it lacks.

mod entry;
mod reader;
mod scribe;
mod writer;

pub(crate) use entry::{Entry, What};
pub(crate) use reader::{entries, open};
pub(crate) use scribe::Scribe;
pub(crate) use writer::Writer;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}
