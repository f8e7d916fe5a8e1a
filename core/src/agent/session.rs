//! The session's states and what moves between them.
//!
//! | state | the synchronisation is sent | its number comes back | its time is up | a command's time is up, or bytes are damaged | end of stream |
//! |---|---|---|---|---|---|
//! | [`Unsynced`](Session::Unsynced) | [`Syncing`](Session::Syncing) | – | – | – | [`Closed`](Session::Closed) |
//! | [`Syncing`](Session::Syncing) | – | [`Ready`](Session::Ready) | [`Unsynced`](Session::Unsynced) | – | [`Closed`](Session::Closed) |
//! | [`Ready`](Session::Ready) | – | – | – | [`Unsynced`](Session::Unsynced) | [`Closed`](Session::Closed) |
//!
//! An agent reads commands from a line that it shares with whoever came before: its parser may hold half a command, and replies to
//! others may be on their way. So a client throws away what comes until it has got a number of its own back, and does so once more
//! whenever it has reason to doubt.

use core::time::Duration;

use crate::frame::Reading;

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Session {
    /// A synchronisation is to be sent, which [`poll`](super::Client::poll) does as soon as there is room.
    Unsynced,
    /// It is on its way. What comes before its answer is stale.
    Syncing,
    /// Commands are executed.
    Ready,
    /// The stream has ended. [`reset`](super::Client::reset) begins a new session.
    Closed,
}

/// How a client gets in step with an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Sync {
    /// By a 0xFF, which resets the agent's parser, and `guest-sync-delimited`, which answers behind a 0xFF that resets ours. Agents
    /// have it since 1.1.
    #[default]
    Delimited,
    /// By a line feed and `guest-sync`, for lines that do not carry a 0xFF and for agents that have nothing else. It gets through
    /// what an earlier client left unread, but not through half a command that it left unsent.
    Plain,
}

/// How a client goes about its session.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    /// How the stream is read.
    pub reading: Reading,
    /// How to get in step.
    pub sync: Sync,
    /// How long the answer to a synchronisation is waited for before the next one is sent. Each time it is twice as long, up to 32
    /// times; from the beginning when the agent has answered.
    pub sync_timeout: Duration,
    /// Whether commands bear ids where the agent echoes them, which each synchronisation tries out. One that is refused is followed
    /// by one without, as the oldest agents know no ids. Where ids are not echoed, or not wanted, one command is in flight at a time.
    pub ids: bool,
    /// Where ids and the numbers of synchronisations begin. Must differ from connection to connection (random, the time): an agent's
    /// answers to an earlier client are told from ours by it. The lower 52 bits count.
    pub seed: u64,
}

impl Config {
    /// Delimited, a second for the first answer, ids, seed 0.
    pub const DEFAULT: Self = Self {
        reading: Reading::DEFAULT,
        sync: Sync::Delimited,
        sync_timeout: Duration::from_secs(1),
        ids: true,
        seed: 0,
    };
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}
