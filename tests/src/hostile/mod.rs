//! Peers that mean harm: what they send, what is reported of it, and where the session stands afterwards.
//!
//! All of it goes through a few KiB of memory that is lent before. `cargo xtask soak --hostile` sends lines of a gigabyte; the
//! tests, less.

mod cases;

use core::fmt;
use core::time::Duration;
use std::time::Instant;

use qmp_core::agent;
use qmp_core::client::{self, Client, Delivery, Message, Slot, Ticket};
use qmp_core::server::{self, Pending, Server};

pub use cases::CASES;

/// Something that a peer does.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// In words.
    pub name: &'static str,
    /// To whom.
    pub to: To,
    /// What comes first, what is repeated, and what comes last.
    pub head: &'static [u8],
    /// See [`head`](Self::head).
    pub body: &'static [u8],
    /// See [`head`](Self::head).
    pub tail: &'static [u8],
    /// How often it is repeated.
    pub often: Often,
    /// What is reported of it.
    pub reported: &'static [(&'static str, Count)],
    /// Where the session stands afterwards.
    pub then: &'static str,
}

/// Whom it is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// A client that waits to be greeted.
    Greeted,
    /// A client whose session is ready, with one command in flight, whose id is 256.
    Client,
    /// The same, and the command waits for elements.
    Elements,
    /// An agent's client that gets in step.
    Syncing,
    /// An agent's client that is in step, with one command in flight, whose id is 256.
    Agent,
    /// A server that has negotiated. What it answers is read.
    Server,
    /// A server that has negotiated, whose client reads nothing.
    Unread,
}

/// How often something is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Often {
    /// Until it is a line of so many bytes as are asked for.
    Line,
    /// As often as is asked for.
    Many,
    /// A thousand times.
    Thousand,
}

/// How often something is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So often in all.
    In(u64),
    /// So often for each repetition, and so often besides.
    Each(u64, i64),
    /// Until there is no room left.
    Few,
}

/// What has come of a case.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The bytes that were sent.
    pub bytes: u64,
    /// The messages that were reported.
    pub messages: u64,
    /// How long they took.
    pub took: Duration,
}

/// The size of each buffer.
const SIZE: usize = 4096;
/// Pieces are at most so long.
const PIECE: usize = 64 << 10;

impl Case {
    /// Sends lines of `line` bytes, and repeats other things `many` times. `watch` is handed all that is done once memory is there.
    ///
    /// # Panics
    /// If something else comes of it than should.
    pub fn run(&self, line: u64, many: u64, watch: impl FnOnce(&mut dyn FnMut())) -> Outcome {
        let (mut rx, mut tx, mut slots) = (vec![0; SIZE], vec![0; SIZE], vec![Slot::FREE; 4]);
        let (mut pending, mut ids) = (vec![Pending::FREE; 4], vec![0; 256]);
        let slots = slots.as_mut_slice();
        let mut peer = match self.to {
            To::Greeted | To::Client | To::Elements => {
                let storage = client::Storage::new(rx.as_mut_slice(), tx.as_mut_slice(), slots);
                Peer::Client(
                    Client::new(storage, client::Config { seed: 0x00FF_FFFE, ..client::Config::DEFAULT }),
                    None,
                )
            }
            To::Syncing | To::Agent => {
                let storage = client::Storage::new(rx.as_mut_slice(), tx.as_mut_slice(), slots);
                Peer::Agent(agent::Client::new(storage, agent::Config::DEFAULT), None)
            }
            To::Server | To::Unread => {
                let storage = server::Storage::new(rx.as_mut_slice(), tx.as_mut_slice(), &mut pending, &mut ids);
                Peer::Server { server: Server::new(storage, server::Config::DEFAULT), unread: false, probed: false }
            }
        };
        peer.prepare(self.to);

        let times = match self.often {
            Often::Line => line / self.body.len() as u64,
            Often::Many => many,
            Often::Thousand => 1000,
        };
        let in_a_piece = (PIECE / self.body.len()).min(times as usize).max(1);
        let piece = self.body.repeat(in_a_piece);
        let mut counts = Counts { items: Vec::with_capacity(16) };
        let (mut bytes, mut took) = (0, Duration::ZERO);
        watch(&mut || {
            let began = Instant::now();
            bytes += peer.take(self.head, &mut counts);
            let mut left = times;
            while left > 0 {
                let count = left.min(in_a_piece as u64);
                bytes += peer.take(&piece[..count as usize * self.body.len()], &mut counts);
                left -= count;
            }
            bytes += peer.take(self.tail, &mut counts);
            took = began.elapsed();
        });
        self.check(&counts, times);
        let then = peer.stands();
        assert_eq!(then, self.then, "{self}");
        Outcome { bytes, messages: counts.items.iter().map(|(_, count)| count).sum(), took }
    }

    fn check(&self, counts: &Counts, times: u64) {
        let names = |(name, _): &(&'static str, u64)| self.reported.iter().any(|(of, _)| of == name);
        assert!(counts.items.iter().all(names), "{self}: {counts:?}");
        for (name, expected) in self.reported {
            let count = counts.of(name);
            let as_expected = match *expected {
                Count::In(of) => count == of,
                Count::Each(each, besides) => Some(count) == (times * each).checked_add_signed(besides),
                Count::Few => count > 0 && count < SIZE as u64,
            };
            assert!(as_expected, "{self}: {counts:?}, {times} times");
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.to, self.name)
    }
}

/// What was reported, and how often.
#[derive(Debug)]
struct Counts {
    items: Vec<(&'static str, u64)>,
}

impl Counts {
    fn add(&mut self, name: &'static str, count: u64) {
        match self.items.iter_mut().find(|(of, _)| *of == name) {
            Some((_, sum)) => *sum += count,
            None => self.items.push((name, count)),
        }
    }

    fn of(&self, name: &str) -> u64 {
        self.items.iter().find(|(of, _)| *of == name).map_or(0, |(_, count)| *count)
    }
}

/// Who is harmed.
enum Peer<'b> {
    Client(Client<'b>, Option<Ticket>),
    Agent(agent::Client<'b>, Option<Ticket>),
    Server {
        server: Server<'b>,
        /// Nobody reads what it sends.
        unread: bool,
        /// The command of the test's own has come.
        probed: bool,
    },
}

/// A command of the test's own.
const PROBE: &str = "probe";

impl Peer<'_> {
    /// Brings it to where `to` says.
    fn prepare(&mut self, to: To) {
        let mut counts = Counts { items: Vec::new() };
        match self {
            Self::Client(..) if to == To::Greeted => {}
            Self::Client(..) => {
                self.take(b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n", &mut counts);
                let id = self.sent_number("\"id\":");
                self.take(format!("{{\"return\": {{}}, \"id\": {id}}}\r\n").as_bytes(), &mut counts);
                let Self::Client(client, ticket) = self else { return };
                let sent = client.commands().execute("x", &()).expect("the session is ready");
                if to == To::Elements {
                    client.commands().set_delivery(sent, Delivery::ELEMENTS).expect("in flight");
                }
                *ticket = Some(sent);
                self.sent_number("\"id\":256");
            }
            Self::Agent(..) => {
                self.take(b"\n", &mut counts);
                if to == To::Agent {
                    let id = self.sent_number("\"id\":");
                    self.take(b"\xFF", &mut counts);
                    self.take(format!("{{\"return\": {id}, \"id\": {id}}}\n").as_bytes(), &mut counts);
                    let Self::Agent(client, ticket) = self else { return };
                    *ticket = Some(client.commands().execute("x", &()).expect("the session is ready"));
                    self.sent_number("\"id\":256");
                }
            }
            Self::Server { .. } => {
                self.take(b"{\"execute\":\"qmp_capabilities\"}", &mut counts);
                let Self::Server { server, unread, .. } = self else { return };
                assert_eq!(server.tx_pending(), b"");
                *unread = to == To::Unread;
            }
        }
    }

    /// The number behind `name` in what it has sent, all of which is now taken as sent; 0 if there is none.
    fn sent_number(&mut self, name: &str) -> u64 {
        let pending = match self {
            Self::Client(client, _) => client.tx_pending(),
            Self::Agent(client, _) => client.tx_pending(),
            Self::Server { server, .. } => server.tx_pending(),
        };
        let text = String::from_utf8_lossy(pending).into_owned();
        let length = pending.len();
        match self {
            Self::Client(client, _) => client.tx_sent(length),
            Self::Agent(client, _) => client.tx_sent(length),
            Self::Server { server, .. } => server.tx_sent(length),
        }
        .expect("what was pending");
        let (_, behind) = text.split_once(name).unwrap_or_else(|| panic!("{name} is not in {text}"));
        let digits = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        behind[..digits].parse().unwrap_or(0)
    }

    /// Takes what it will, counts what it reports, and gives how many bytes it took.
    fn take(&mut self, bytes: &[u8], counts: &mut Counts) -> u64 {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match self {
                Self::Client(client, _) => client.feed(rest),
                Self::Agent(client, _) => client.feed(rest),
                Self::Server { server, .. } => server.feed(rest),
            }
            .expect("the stream goes on");
            rest = &rest[taken..];
            self.hear(counts);
            if taken == 0 {
                assert!(matches!(self, Self::Server { unread: true, .. }), "one that was polled has room");
                break;
            }
        }
        (bytes.len() - rest.len()) as u64
    }

    fn hear(&mut self, counts: &mut Counts) {
        match self {
            Self::Client(client, _) => {
                while let Some(incoming) = client.poll().expect("a session") {
                    counts.add(client_word(&incoming.message), 1);
                }
            }
            Self::Agent(client, _) => {
                while let Some(incoming) = client.poll().expect("a session") {
                    counts.add(agent_word(&incoming.message), 1);
                }
            }
            Self::Server { server, unread, probed } => loop {
                while let Some(incoming) = server.poll().expect("a session") {
                    counts.add(server_word(&incoming.message), 1);
                    if let server::Message::Command { ticket, name, .. } = incoming.message {
                        *probed |= name == PROBE;
                        incoming.replies.reply(ticket, &()).expect("room");
                    }
                }
                let pending = server.tx_pending();
                if *unread || pending.is_empty() {
                    return;
                }
                counts.add("answer", pending.iter().filter(|byte| **byte == b'\n').count() as u64);
                server.tx_sent(pending.len()).expect("what was pending");
            },
        }
    }

    /// Where the session stands; and that it goes on, and the command ends, when the peer comes to its senses.
    fn stands(&mut self) -> String {
        let mut counts = Counts { items: Vec::new() };
        let mut text = match self {
            Self::Client(client, None) => format!("{:?}", client.session()),
            Self::Agent(client, None) => format!("{:?}", client.session()),
            Self::Client(client, Some(ticket)) => {
                let flies = if client.is_in_flight(*ticket) { "in flight" } else { "ended" };
                format!("{:?}, the command {flies}", client.session())
            }
            Self::Agent(client, Some(ticket)) => {
                let flies = if client.is_in_flight(*ticket) { "in flight" } else { "ended" };
                format!("{:?}, the command {flies}", client.session())
            }
            Self::Server { server, unread, .. } => {
                if *unread {
                    assert_eq!((server.feed(b"x"), server.poll().map(|it| it.is_some())), (Ok(0), Ok(false)));
                    *unread = false;
                    self.hear(&mut counts);
                    // The answers that were owed, and those to what was in the receive buffer.
                    assert!(counts.of("answer") > SIZE as u64 / 2, "{counts:?}");
                    return "waits until its answers are read".into();
                }
                String::from("takes commands")
            }
        };
        if !self.heeds() {
            if matches!(self, Self::Server { .. }) {
                text = "in a message".into();
            } else {
                text.push_str(", in a message");
            }
            // That ends whatever was begun.
            self.take(b"\xFF\n", &mut counts);
            assert!(self.heeds(), "it does not come back: {text}");
        }
        match self {
            Self::Client(_, Some(_)) | Self::Agent(_, Some(_)) if !text.contains("ended") => {
                let mut counts = Counts { items: Vec::new() };
                self.take(b"\n{\"return\": {}, \"id\": 256}\n", &mut counts);
                assert_eq!(counts.of("reply"), 1, "{counts:?}");
            }
            _ => {}
        }
        text
    }

    /// Whether what comes now is heard.
    fn heeds(&mut self) -> bool {
        let mut counts = Counts { items: Vec::new() };
        match self {
            Self::Client(..) | Self::Agent(..) => {
                self.take(b"\n{\"event\": \"PROBE\"}\n", &mut counts);
                counts.of("event") == 1
            }
            Self::Server { .. } => {
                self.take(format!("\n{{\"execute\":\"{PROBE}\"}}\n").as_bytes(), &mut counts);
                matches!(self, Self::Server { probed: true, .. })
            }
        }
    }
}

fn client_word(message: &Message<'_>) -> &'static str {
    match message {
        Message::Greeting(_) => "greeting",
        Message::Ready { .. } => "ready",
        Message::Reply { .. } => "reply",
        Message::Foreign { .. } => "foreign",
        Message::Event(_) => "event",
        Message::Diagnostic(_) => "diagnostic",
        Message::Oversize { .. } => "oversize",
        Message::Malformed(_) => "malformed",
        Message::Unknown(_) => "unknown",
        Message::Element { .. } => "element",
        Message::ElementsEnd { .. } => "elements' end",
        Message::Retracted { .. } => "retracted",
        other => panic!("{other:?}"),
    }
}

fn agent_word(message: &agent::Message<'_>) -> &'static str {
    match message {
        agent::Message::Ready { .. } => "ready",
        agent::Message::Reply { .. } => "reply",
        agent::Message::Foreign { .. } => "foreign",
        agent::Message::Event(_) => "event",
        agent::Message::Diagnostic(_) => "diagnostic",
        agent::Message::Oversize { .. } => "oversize",
        agent::Message::Malformed(_) => "malformed",
        agent::Message::Unknown(_) => "unknown",
        agent::Message::Sentinel => "sentinel",
        other => panic!("{other:?}"),
    }
}

fn server_word(message: &server::Message<'_>) -> &'static str {
    match message {
        server::Message::Command { .. } => "command",
        server::Message::Negotiated { .. } => "negotiated",
        server::Message::Answered(_) => "refused",
        server::Message::Malformed(_) => "malformed",
        server::Message::Oversize(_) => "oversize",
        other => panic!("{other:?}"),
    }
}
