//! What is done.

use crate::fixtures::{self, Session};

/// A piece of work. What comes of it is a number that does not depend on who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A whole session as a socket hands it out: copied, cut into messages, validated, told what each is, with its id.
    Session,
    /// The same in pieces as small as a UART's or a USB endpoint's.
    SmallChunks,
    /// The same by a monitor in pretty mode, where a line is no message.
    Pretty,
    /// The first again, with QEMU 11.1.
    Newer,
    /// The longest reply, in one piece: copied and validated.
    Schema,
    /// Events without data, each copied, framed, polled, and read as its type with its timestamp.
    Event,
    /// The same with events that have data.
    EventWithData,
    /// An event's data and timestamp, framed before, read as their types: no more than that.
    TypedRead,
    /// The reply to `query-blockstats`: copied, framed, and each element read as its type.
    BlockStatistics,
    /// That to `query-named-block-nodes`.
    NamedNodes,
    /// That to `query-cpu-definitions`.
    CpuDefinitions,
}

/// What there is of it.
#[derive(Debug)]
pub struct Input {
    /// The pieces, as they come.
    pub pieces: Vec<Vec<u8>>,
    /// By how many to divide what is measured.
    pub amount: u64,
}

impl Work {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::Session,
        Self::SmallChunks,
        Self::Pretty,
        Self::Newer,
        Self::Schema,
        Self::Event,
        Self::EventWithData,
        Self::TypedRead,
        Self::BlockStatistics,
        Self::NamedNodes,
        Self::CpuDefinitions,
    ];

    /// What it is called on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::SmallChunks => "small-chunks",
            Self::Pretty => "pretty",
            Self::Newer => "newer",
            Self::Schema => "schema",
            Self::Event => "event",
            Self::EventWithData => "event-with-data",
            Self::TypedRead => "typed-read",
            Self::BlockStatistics => "block-statistics",
            Self::NamedNodes => "named-nodes",
            Self::CpuDefinitions => "cpu-definitions",
        }
    }

    /// The one called so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|work| work.name() == name)
    }

    /// By what it is measured.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Event | Self::EventWithData | Self::TypedRead => "event",
            _ => "byte",
        }
    }

    /// What is to be read.
    pub fn input(self) -> Input {
        let cut = |session: Session, size| {
            let bytes = session.bytes();
            Input { amount: bytes.len() as u64, pieces: bytes.chunks(size).map(<[u8]>::to_vec).collect() }
        };
        let whole = |words: &[&str]| {
            let line = fixtures::longest(words);
            Input { amount: line.len() as u64, pieces: vec![line] }
        };
        let each = |pieces: Vec<Vec<u8>>| Input { amount: pieces.len() as u64, pieces };
        match self {
            Self::Session => cut(Session::Compact, 1460),
            Self::SmallChunks => cut(Session::Compact, 64),
            Self::Pretty => cut(Session::Pretty, 1460),
            Self::Newer => cut(Session::Newer, 1460),
            Self::Schema => whole(&["\"meta-type\""]),
            Self::Event => {
                let mut events = fixtures::lines(&["\"event\": \"STOP\""]);
                events.extend(fixtures::lines(&["\"event\": \"RESUME\""]));
                each(events)
            }
            Self::EventWithData | Self::TypedRead => each(fixtures::lines(&["\"event\": \"JOB_STATUS_CHANGE\""])),
            Self::BlockStatistics => whole(&["\"rd_bytes\": ", "\"wr_highest_offset\": "]),
            Self::NamedNodes => whole(&["\"backing_file_depth\": ", "\"return\": [{\"iops_rd\""]),
            Self::CpuDefinitions => whole(&["\"unavailable-features\": [", "\"migration-safe\": "]),
        }
    }
}

/// What a session's messages were, as one number: how many of each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Greetings.
    pub greetings: u64,
    /// Replies of commands that succeeded.
    pub returns: u64,
    /// Replies of commands that failed.
    pub errors: u64,
    /// Events.
    pub events: u64,
    /// The sum of all ids.
    pub ids: u64,
}

impl Tally {
    /// The number.
    pub const fn number(self) -> u64 {
        ((self.ids * 10 + self.greetings) * 10_000 + self.returns) * 10_000 * 10_000
            + self.errors * 10_000
            + self.events
    }
}

/// Texts that are no JSON, each by one mistake.
pub const MISTAKES: [&[u8]; 22] = [
    b"[1,]",
    b"[1 2]",
    b"[01]",
    b"[1.]",
    b"[.5]",
    b"[+1]",
    b"[1e]",
    b"[-]",
    b"[tru]",
    b"[nulll]",
    b"[inf]",
    b"{\"a\" 1}",
    b"{\"a\": 1,}",
    b"{a: 1}",
    b"{\"a\": [}]",
    b"{\"a\": {\"b\": 1}",
    b"[\"\x01\"]",
    b"[\"\\x\"]",
    b"[\"\\u12g4\"]",
    b"[\"\\ud800\"]",
    b"[\"\xC3\x28\"]",
    b"[1] 2",
];
