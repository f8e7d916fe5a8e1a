//! What is done, as `benches` has it.

/// A piece of work, with what is read.
pub(crate) struct Work {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// By how many to divide what is measured.
    pub(crate) amount: u32,
    pub(crate) pieces: &'static [&'static [u8]],
}

/// The same names as in `benches`, which explains them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Session,
    SmallChunks,
    Pretty,
    Schema,
    Event,
    EventWithData,
}

pub(crate) struct Measured {
    pub(crate) instructions: u32,
    /// A number that needs all of it, and does not depend on who does it.
    pub(crate) outcome: u64,
}

/// All of it; `build.rs` makes it.
pub(crate) static WORK: &[Work] = include!(concat!(env!("OUT_DIR"), "/input.rs"));

/// What a session's messages were.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) greetings: u32,
    pub(crate) returns: u32,
    pub(crate) errors: u32,
    pub(crate) events: u32,
    pub(crate) ids: u64,
}

impl Tally {
    pub(crate) fn number(&self) -> u64 {
        let Self { greetings, returns, errors, events, ids } = *self;
        ((ids * 10 + u64::from(greetings)) * 10_000 + u64::from(returns)) * 100_000_000
            + u64::from(errors) * 10_000
            + u64::from(events)
    }
}
