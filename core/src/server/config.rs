//! What a server is and offers.

use crate::frame::Reading;
use crate::message::Version;

/// The protocol that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Dialect {
    /// QMP: a greeting, negotiation, events. Messages end with CR LF.
    #[default]
    Qmp,
    /// A guest agent's: commands and replies alone, and synchronisation. Messages end with LF.
    Agent,
}

/// How a server goes about its sessions.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    /// How the stream is read.
    pub reading: Reading,
    /// The protocol that is spoken.
    pub dialect: Dialect,
    /// The QEMU version that the greeting names.
    pub version: Version,
    /// What the greeting says of the build; empty, or a distributor's name for it.
    pub package: &'static str,
    /// Whether out-of-band execution is offered. Offer it only if there are commands that can be executed while others are; the
    /// rest is then to be refused with [`no_oob`](super::Replies::no_oob).
    pub oob: bool,
    /// Whether in-band commands must be answered in the order in which they came, as QEMU does and QMP asks: another reply gives
    /// [`Misuse::OutOfTurn`](crate::error::Misuse::OutOfTurn). Without this it is the caller's choice.
    pub in_order: bool,
}

impl Config {
    /// QMP in order, without out-of-band execution, of a version 0.0.0.
    pub const DEFAULT: Self = Self {
        reading: Reading::DEFAULT,
        dialect: Dialect::Qmp,
        version: Version { major: 0, minor: 0, micro: 0 },
        package: "",
        oob: false,
        in_order: true,
    };
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}
