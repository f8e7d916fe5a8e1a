//! The session's states and what moves between them.
//!
//! | state | greeting | reply to the negotiation | its refusal | other messages | end of stream |
//! |---|---|---|---|---|---|
//! | [`Greeting`](Session::Greeting) | [`Negotiating`](Session::Negotiating) | – | – | reported | [`Closed`](Session::Closed) |
//! | [`Negotiating`](Session::Negotiating) | reported | [`Ready`](Session::Ready) | [`Refused`](Session::Refused) | reported | [`Closed`](Session::Closed) |
//! | [`Ready`](Session::Ready) | reported | – | – | reported | [`Closed`](Session::Closed) |
//! | [`Refused`](Session::Refused) | reported | – | – | reported | [`Closed`](Session::Closed) |
//!
//! Events, replies to commands of other connections and repeated greetings are expected in each of them: a server answers a
//! command of a client that left to the next one, and events were seen before the greeting.

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Session {
    /// The server has not greeted yet.
    Greeting,
    /// `qmp_capabilities` is on its way. Commands may be sent; they are executed behind it.
    Negotiating,
    /// Commands are executed.
    Ready,
    /// The server refused `qmp_capabilities`. [`negotiate`](super::Commands::negotiate) tries again.
    Refused,
    /// The stream has ended. [`reset`](super::Client::reset) begins a new session.
    Closed,
}

/// When `qmp_capabilities` is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Handshake {
    /// When the greeting has come. It says whether out-of-band execution may be enabled.
    #[default]
    AfterGreeting,
    /// At once, without out-of-band execution. QEMU reads it as soon as the connection is open; saves a round trip.
    Blind,
}

/// How replies find their commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Correlation {
    /// By the id that the server echoes, as QMP asks. A reply without one ends no command.
    #[default]
    ById,
    /// In the order in which commands were sent, for servers that echo no ids: none are sent. An error that the server reports
    /// for unreadable input then looks like a reply: use it with such servers only.
    InOrder,
}

/// How a client goes about its session.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config {
    /// How the stream is read.
    pub reading: crate::frame::Reading,
    /// When to negotiate.
    pub handshake: Handshake,
    /// How replies find their commands.
    pub correlation: Correlation,
    /// Whether to enable out-of-band execution where the server offers it.
    pub oob: bool,
    /// The most in-band commands in flight. At most 8, the length of QEMU's queue, and 8 by default. Who relies on out-of-band
    /// execution with QEMU 5.2 sets 7: sent in one burst, 8 were seen to hold an out-of-band command up behind the first of them.
    pub in_band: u8,
    /// Where ids begin. Any number that differs from connection to connection (random, a boot counter, the time) lets a reply to
    /// an earlier connection's command be recognised. The lower 24 bits count.
    pub seed: u32,
}

/// The length of QEMU's queue of in-band commands (QMP_REQ_QUEUE_LEN_MAX).
pub const IN_BAND_MOST: u8 = 8;

impl Config {
    /// Greeting first, ids, no out-of-band execution, eight commands in flight, seed 0.
    pub const DEFAULT: Self = Self {
        reading: crate::frame::Reading::DEFAULT,
        handshake: Handshake::AfterGreeting,
        correlation: Correlation::ById,
        oob: false,
        in_band: IN_BAND_MOST,
        seed: 0,
    };
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}
