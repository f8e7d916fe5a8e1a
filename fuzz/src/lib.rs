//! What must hold of the engine and of the vocabulary, whatever bytes and calls they are given.
//!
//! A target is a function of bytes that panics where a promise is broken. libFuzzer looks for such bytes (`fuzz_targets`, by
//! `cargo xtask fuzz`), and what it kept as worth keeping (`corpus`) is run again by each `cargo xtask test`. Besides the promise that
//! it is there for, every target finds panics, overflows and loops without an end.

extern crate alloc;

use arbitrary::{Result, Unstructured};

pub mod agent;
pub mod book;
pub mod client;
pub mod exchange;
pub mod frames;
pub mod oracle;
pub mod pieces;
pub mod projection;
pub mod reader;
pub mod scanner;
pub mod seeds;
pub mod server;
pub mod vocabulary;
pub mod writer;

/// A property, tried on the bytes given.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its program, and of the folder of its corpus.
    pub name: &'static str,
    /// Tries it.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "scanner", run: scanner::run },
    Target { name: "frames", run: frames::run },
    Target { name: "client", run: client::run },
    Target { name: "agent", run: agent::run },
    Target { name: "server", run: server::run },
    Target { name: "exchange", run: exchange::run },
    Target { name: "reader", run: reader::run },
    Target { name: "writer", run: writer::run },
    Target { name: "vocabulary", run: vocabulary::run },
    Target { name: "pieces", run: pieces::run },
    Target { name: "projection", run: projection::run },
];

/// All bytes that are left.
fn rest<'a>(u: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    u.bytes(u.len())
}

/// A few bytes of no meaning.
fn noise<'a>(u: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let length = usize::from(u.arbitrary::<u8>()? % 16);
    u.bytes(length.min(u.len()))
}
