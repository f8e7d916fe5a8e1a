//! The states of a client, an agent's client and a server, and what leads from each to which: found by doing everything that there is to
//! do, in every order, up to a few steps.
//!
//! `docs/states.md` is what this finds. A test holds it against the code; `cargo xtask states` writes it.

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt::Write as _;
use core::time::Duration;

use qmp_core::agent;
use qmp_core::client::{self, Client, Handshake, Message, Session};
use qmp_core::message::Timestamp;
use qmp_core::server::{self, Server};
use qmp_core::time::Instant;

/// Something with states.
trait Machine {
    /// All that can happen to it.
    const INPUTS: &'static [&'static str];
    /// How many of these in a row lead everywhere.
    const STEPS: usize;
    fn new() -> Self;
    /// Where it stands.
    fn state(&self) -> String;
    fn happens(&mut self, input: usize);
}

/// Which states come of a state and an input.
type Transitions = BTreeMap<String, BTreeMap<usize, BTreeSet<String>>>;

fn explore<M: Machine>() -> Transitions {
    let mut found = Transitions::new();
    let mut sequence = Vec::new();
    for length in 1..=M::STEPS {
        sequence.clear();
        sequence.resize(length, 0);
        loop {
            let mut machine = M::new();
            let (last, before) = sequence.split_last().expect("one at least");
            before.iter().for_each(|input| machine.happens(*input));
            let state = machine.state();
            machine.happens(*last);
            found.entry(state).or_default().entry(*last).or_default().insert(machine.state());
            // The next one, as an odometer goes.
            let Some(place) = sequence.iter().rposition(|input| input + 1 < M::INPUTS.len()) else { break };
            sequence[place] += 1;
            sequence[place + 1..].fill(0);
        }
    }
    found
}

/// A row for each state, a column for each input. What stays where it is is a dash.
fn table<M: Machine>(text: &mut String) {
    let found = explore::<M>();
    write!(text, "\n| state |").expect("room");
    M::INPUTS.iter().for_each(|input| write!(text, " {input} |").expect("room"));
    write!(text, "\n|---|{}\n", "---|".repeat(M::INPUTS.len())).expect("room");
    for (state, inputs) in &found {
        write!(text, "| **{state}** |").expect("room");
        for input in 0..M::INPUTS.len() {
            let Some(next) = inputs.get(&input) else {
                panic!("{state} and {} were not tried together: more steps are needed", M::INPUTS[input])
            };
            let shown: Vec<_> = next.iter().map(|next| if next == state { "–" } else { next }).collect();
            write!(text, " {} |", shown.join(" or ")).expect("room");
        }
        text.push('\n');
    }
}

/// `docs/states.md`.
pub fn document() -> String {
    let mut text = "<!-- Written by `cargo xtask states`. Change tests/src/states.rs, not this. -->\n# States and what leads from one to another\n\n\
        Found by doing everything, in every order, up to as many steps as it takes to try each input in each state. A dash: it stays.\n\
        Where there are two, it depends on what came before.\n"
        .to_owned();
    text.push_str("\n## A client that waits for the greeting\n");
    table::<Waiting>(&mut text);
    text.push_str("\n## A client that negotiates blindly\n\nAs the one above from its first `poll` on.\n");
    table::<Blind>(&mut text);
    text.push_str("\n## An agent's client\n");
    table::<Agent>(&mut text);
    text.push_str(
        "\n## A server\n\nHere, out-of-band execution is offered. *busy*: a command is not answered yet. What ended can still be answered.\n",
    );
    table::<Serving>(&mut text);
    text
}

struct Waiting {
    client: Client<'static>,
    now: u64,
    /// The ids of the negotiation and of the command that were written last.
    negotiation: u64,
    command: u64,
}

impl Waiting {
    fn with(handshake: Handshake) -> Self {
        let config = client::Config { handshake, oob: true, ..client::Config::DEFAULT };
        Self { client: Client::new(client::Storage::growing(256, 512, 4), config), now: 0, negotiation: 9, command: 9 }
    }

    fn feed(&mut self, message: &str) {
        // Behind the end there is nothing to read.
        let _ = self.client.feed(message.as_bytes());
    }
}

impl Machine for Waiting {
    const INPUTS: &'static [&'static str] = &[
        "greeting",
        "reply to the negotiation",
        "refusal of it",
        "reply to a command",
        "event",
        "damage",
        "`execute`",
        "`negotiate`",
        "time is up",
        "end of stream",
        "`reset`",
    ];
    const STEPS: usize = 4;

    fn new() -> Self {
        Self::with(Handshake::AfterGreeting)
    }

    fn state(&self) -> String {
        format!("{:?}", self.client.session())
    }

    fn happens(&mut self, input: usize) {
        match input {
            0 => self.feed("{\"QMP\": {\"capabilities\": [\"oob\"]}}\n"),
            1 => self.feed(&format!("{{\"return\": {{}}, \"id\": {}}}\n", self.negotiation)),
            2 => self.feed(&format!("{{\"error\": {{\"class\": \"GenericError\"}}, \"id\": {}}}\n", self.negotiation)),
            3 => self.feed(&format!("{{\"return\": {{}}, \"id\": {}}}\n", self.command)),
            4 => self.feed("{\"event\": \"STOP\"}\n"),
            5 => self.feed("{\"return\": }\n"),
            6 => {
                let commands = self.client.commands();
                let ready = matches!(commands.session(), Session::Negotiating | Session::Ready);
                if let Ok(ticket) = commands.execute("query-status", &()) {
                    assert!(ready, "a command before its time");
                    commands.set_timeout(ticket, Duration::from_millis(5)).expect("in flight");
                    self.command = ticket.id().into();
                }
            }
            7 => _ = self.client.commands().negotiate(true),
            8 => {
                self.client.commands().set_handshake_deadline(Instant::from_millis(self.now + 5));
                self.now += 10;
                self.client.handle_timeout(Instant::from_millis(self.now));
            }
            9 => self.client.rx_eof(),
            _ => self.client.reset(),
        }
        while let Ok(Some(incoming)) = self.client.poll() {
            let ready = matches!(incoming.message, Message::Ready { .. });
            assert!(!ready || incoming.commands.session() == Session::Ready);
        }
        let written = String::from_utf8_lossy(self.client.tx_pending()).into_owned();
        for line in written.lines().filter(|line| line.contains("qmp_capabilities")) {
            let id = line.rsplit_once("\"id\":").and_then(|(_, id)| id.trim_end_matches('}').parse().ok());
            self.negotiation = id.expect("an id");
        }
        self.client.tx_sent(written.len()).expect("what was pending");
    }
}

struct Blind(Waiting);

impl Machine for Blind {
    const INPUTS: &'static [&'static str] = Waiting::INPUTS;
    const STEPS: usize = 3;

    fn new() -> Self {
        Self(Waiting::with(Handshake::Blind))
    }

    fn state(&self) -> String {
        self.0.state()
    }

    fn happens(&mut self, input: usize) {
        self.0.happens(input);
    }
}

struct Agent {
    client: agent::Client<'static>,
    now: u64,
    number: u64,
    command: u64,
}

impl Machine for Agent {
    const INPUTS: &'static [&'static str] = &[
        "`poll`",
        "its number comes back",
        "reply to a command",
        "damage",
        "`execute`",
        "`synchronize`",
        "time is up",
        "end of stream",
        "`reset`",
    ];
    const STEPS: usize = 4;

    fn new() -> Self {
        let client = agent::Client::new(agent::Storage::growing(256, 512, 4), agent::Config::DEFAULT);
        Self { client, now: 0, number: 0, command: 9 }
    }

    fn state(&self) -> String {
        format!("{:?}", self.client.session())
    }

    fn happens(&mut self, input: usize) {
        let mut bytes = Vec::new();
        match input {
            0 => {}
            1 => {
                bytes.push(0xFF);
                bytes.extend(format!("{{\"return\": {0}, \"id\": {0}}}\n", self.number).bytes());
            }
            2 => bytes.extend(format!("{{\"return\": {{}}, \"id\": {}}}\n", self.command).bytes()),
            3 => bytes.extend(b"{\"return\": }\n"),
            4 => {
                let commands = self.client.commands();
                if let Ok(ticket) = commands.execute("guest-ping", &()) {
                    commands.set_timeout(ticket, Duration::from_millis(5)).expect("in flight");
                    self.command = ticket.id().into();
                }
            }
            5 => _ = self.client.commands().synchronize(),
            6 => {
                self.now += 100_000;
                self.client.handle_timeout(Instant::from_millis(self.now));
            }
            7 => self.client.rx_eof(),
            _ => self.client.reset(),
        }
        let _ = self.client.feed(&bytes);
        // What calls do by themselves, before anything is polled, is a state of its own.
        if matches!(input, 5 | 8) {
            return;
        }
        while let Ok(Some(_)) = self.client.poll() {}
        let written = String::from_utf8_lossy(self.client.tx_pending()).into_owned();
        for line in written.lines().filter(|line| line.contains("guest-sync")) {
            let id = line.rsplit_once("\"id\":").and_then(|(_, id)| id.trim_end_matches('}').parse().ok());
            self.number = id.expect("a number");
        }
        self.client.tx_sent(self.client.tx_pending().len()).expect("what was pending");
    }
}

struct Serving {
    server: Server<'static>,
    open: Vec<server::Ticket>,
    ended: bool,
    negotiated: bool,
    oob: bool,
}

impl Machine for Serving {
    const INPUTS: &'static [&'static str] = &[
        "`qmp_capabilities`",
        "the same, enabling oob",
        "command",
        "`exec-oob`",
        "no JSON",
        "an answer",
        "an event",
        "end of stream",
        "`reset`",
    ];
    const STEPS: usize = 5;

    fn new() -> Self {
        let config = server::Config { oob: true, ..server::Config::DEFAULT };
        let mut server = Server::new(server::Storage::growing(512, 1024, 12, 32), config);
        server.tx_sent(server.tx_pending().len()).expect("the greeting");
        Self { server, open: Vec::new(), ended: false, negotiated: false, oob: false }
    }

    fn state(&self) -> String {
        let mut server = Vec::new();
        server.push(if self.oob {
            "oob"
        } else if self.negotiated {
            "ready"
        } else {
            "negotiating"
        });
        if !self.open.is_empty() {
            server.push("busy");
        }
        if self.ended {
            server.push("ended");
        }
        server.join(", ")
    }

    fn happens(&mut self, input: usize) {
        let bytes: &[u8] = match input {
            0 => b"{\"execute\": \"qmp_capabilities\"}",
            1 => b"{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}",
            2 => b"{\"execute\": \"x\"}",
            3 => b"{\"exec-oob\": \"x\"}",
            4 => b"{]",
            _ => b"",
        };
        let _ = self.server.feed(bytes);
        match input {
            5 if !self.open.is_empty() => {
                self.server.replies().reply(self.open.remove(0), &()).expect("its turn");
            }
            6 => {
                let sent = self.server.replies().event("STOP", None::<&()>, Timestamp::UNKNOWN).expect("room");
                assert_eq!(sent, self.negotiated, "events are for those who negotiated");
            }
            7 => {
                self.server.rx_eof();
                self.ended = true;
            }
            8 => {
                self.server.reset();
                (self.open, self.ended) = (Vec::new(), false);
            }
            _ => {}
        }
        while let Ok(Some(incoming)) = self.server.poll() {
            if let server::Message::Command { ticket, .. } = incoming.message {
                self.open.push(ticket);
            }
        }
        self.server.tx_sent(self.server.tx_pending().len()).expect("what was pending");
        let replies = self.server.replies();
        (self.negotiated, self.oob) = (replies.is_negotiated(), replies.oob_enabled());
    }
}
