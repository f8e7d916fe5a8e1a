//! A long time on a bad line: a client and a server of ours in one memory, with everything that goes wrong in years, mixed by a seed,
//! and a model that foretells each message and knows how each command must end.
//!
//! What it takes of memory it takes at the beginning. `cargo xtask soak` runs millions of messages of it.

mod book;
mod line;
pub mod qemu;
mod tally;

use alloc::collections::VecDeque;

use qmp_core::client::{self, Client, Delivery, Message, Slot};
use qmp_core::error::{Error, Misuse, PeerError, Resource};
use qmp_core::frame::Reading;
use qmp_core::message::Timestamp;
use qmp_core::server::{self, Pending, Server};
use qmp_core::time::Instant;
use serde::{Deserialize, Serialize};

use crate::random::Random;
use crate::world::Wish;
use book::{Book, Kind};
use line::Line;
pub use tally::Tally;

/// How large a client is, and how it reads, for a tenth of the time.
struct Leg {
    rx: usize,
    slots: usize,
    oob: bool,
    fast: bool,
}

const LEGS: [Leg; 4] = [
    Leg { rx: 1024, slots: 16, oob: true, fast: true },
    Leg { rx: 256, slots: 9, oob: true, fast: true },
    Leg { rx: 4096, slots: 16, oob: true, fast: false },
    Leg { rx: 600, slots: 8, oob: false, fast: true },
];

/// Exchanges so many messages, in ten parts, and shows how far it is behind each.
///
/// # Panics
/// If a promise is broken: a message is not the one foretold, or a command does not end, or ends twice.
pub fn run(messages: u64, seed: u64, mut look: impl FnMut(&Tally)) -> Tally {
    const PARTS: u64 = 10;
    let (mut client_rx, mut client_tx, mut slots) = (vec![0; 4096], vec![0; 2048], vec![Slot::FREE; 16]);
    let (mut server_rx, mut server_tx) = (vec![0; 1024], vec![0; 8192]);
    let (mut pending, mut ids) = (vec![Pending::FREE; 12], vec![0; 12 * 32]);
    let mut tables = Tables {
        up: VecDeque::with_capacity(UP),
        line: Line::new(),
        tasks: VecDeque::with_capacity(pending.len()),
        book: Book::new(),
    };
    let mut tally = Tally::default();
    let mut random = Random::seeded(seed);
    for (part, leg) in (1..=PARTS).zip(LEGS.iter().cycle()) {
        let mut config = client::Config::DEFAULT;
        config.reading = Reading { fast: leg.fast, ..Reading::DEFAULT };
        config.oob = leg.oob;
        config.seed = random.next() as u32;
        let (rx, slots) = (&mut client_rx[..leg.rx], &mut slots[..leg.slots]);
        let client = Client::new(client::Storage::new(rx, client_tx.as_mut_slice(), slots), config);
        let mut config = server::Config::DEFAULT;
        config.oob = true;
        let storage = server::Storage::new(server_rx.as_mut_slice(), server_tx.as_mut_slice(), &mut pending, &mut ids);
        let server = Server::new(storage, config);
        let mut soak = Soak {
            client,
            server,
            tables: &mut tables,
            random: &mut random,
            tally: &mut tally,
            rx: leg.rx,
            now: 0,
            nonce: 0,
            events: 0,
            bad: 0,
            refused: 0,
        };
        soak.tally.connections += 1;
        while soak.tally.messages < messages * part / PARTS {
            soak.step();
        }
        soak.reconnect(true);
        look(&tally);
    }
    tally.check();
    tally
}

/// How much is on its way to the server at most.
const UP: usize = 4096;

/// What is there for the whole time.
struct Tables {
    /// Bytes on their way to the server.
    up: VecDeque<u8>,
    /// What is on its way to the client.
    line: Line,
    /// What the server's program is to do.
    tasks: VecDeque<Task>,
    book: Book,
}

struct Task {
    ticket: server::Ticket,
    kind: Kind,
    oob: bool,
    wish: Wish,
    due: u64,
}

struct Soak<'b, 't> {
    client: Client<'b>,
    server: Server<'b>,
    tables: &'t mut Tables,
    random: &'t mut Random,
    tally: &'t mut Tally,
    rx: usize,
    now: u64,
    nonce: u32,
    /// The number of the next event.
    events: u32,
    /// Inputs on this connection that the server must refuse, and those that it has refused.
    bad: u64,
    refused: u64,
}

/// Never answered.
const NEVER: u64 = u64::MAX;

/// What the server must refuse, each with one error.
const BAD: [&[u8]; 6] = [
    b"[]\n",
    b"{\"execute\":\"do\",\"bogus\":1}\n",
    b"{\"execute\":5,\"id\":\"five\"}\n",
    b"{\"a\":1,\"a\":2}\n",
    b"{\"arguments\":{},\"id\":null}\n",
    b"{\"exec-oob\":\"qmp_capabilities\",\"id\":[{\"a\":1.5}]}\n",
];

impl Soak<'_, '_> {
    fn step(&mut self) {
        match self.random.below(16) {
            0..=3 => self.command(),
            4 if self.random.once_in(3) => self.event(),
            5 => {
                let milliseconds = 1 + self.random.below(20) as u64;
                self.pass(milliseconds);
            }
            6 if self.random.once_in(6) => self.bad_input(),
            7..=9 => _ = self.work(),
            10..=12 => {
                let most = 1 + self.random.below(64);
                self.carry(most);
            }
            _ => _ = self.carry(usize::MAX),
        }
        if self.random.once_in(5000) {
            let settled = self.random.once_in(2);
            self.reconnect(settled);
        }
    }

    fn command(&mut self) {
        let Some(kind) = Kind::ALL.get(self.random.below(Kind::ALL.len())).copied() else { return };
        let size = if self.random.once_in(10) { self.random.below(1500) } else { self.random.below(60) };
        let delay = if self.random.once_in(3) { self.random.below(300) as u64 } else { 0 };
        let wish = Wish { nonce: self.nonce, delay, size, events: 0 };
        let oob = self.client.oob_enabled() && self.random.once_in(4);
        let credits = self.client.commands().credits();
        let commands = self.client.commands();
        let name = kind.name();
        let sent = if oob { commands.exec_oob(name, &wish) } else { commands.execute(name, &wish) };
        let ticket = match sent {
            Ok(ticket) => ticket,
            Err(Error::Resource(Resource::Credits { .. })) => return assert!(credits == 0 && !oob),
            Err(Error::Resource(_) | Error::Misuse(Misuse::NotReady)) => return,
            Err(error) => panic!("{error}"),
        };
        assert!(credits > 0 || oob, "a ninth command in band");
        let mut deadline = NEVER;
        if !self.random.once_in(4) {
            deadline = self.now + 20 + self.random.below(400) as u64;
            commands.set_deadline(ticket, Instant::from_millis(deadline)).expect("it is in flight");
        }
        let elements = kind == Kind::List && !oob && commands.set_delivery(ticket, Delivery::ELEMENTS).is_ok();
        self.tables.book.sent(ticket, kind, &wish, deadline, oob, elements);
        self.nonce = self.nonce.wrapping_add(1);
        self.tally.commands += 1;
        self.tally.out_of_band += u64::from(oob);
    }

    fn event(&mut self) {
        let number = Number { number: self.events };
        if self.server.replies().event("TICK", Some(&number), Timestamp::UNKNOWN) == Ok(true) {
            self.events = self.events.wrapping_add(1);
        }
    }

    /// Time goes by.
    fn pass(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.client.handle_timeout(Instant::from_millis(self.now));
        self.hear();
        // Of a command whose reply was damaged nothing more is heard.
        if let Some(ticket) = self.tables.book.hopeless()
            && self.random.once_in(2)
        {
            self.client.commands().forget(ticket).expect("its slot is taken");
            self.tables.book.forgotten(ticket);
            self.tally.forgotten += 1;
        }
        self.tables.book.check(&mut self.client);
    }

    /// The server hears what is no command.
    fn bad_input(&mut self) {
        // What the client sent so far ends at the end of a command.
        if !self.client.tx_pending().is_empty() || self.client.session() != client::Session::Ready {
            return;
        }
        let bytes = BAD[self.random.below(BAD.len())];
        if self.tables.up.len() + bytes.len() <= UP {
            self.tables.up.extend(bytes);
            self.bad += 1;
        }
    }

    /// Moves up to so many bytes one step further, each way. Whether any moved.
    fn carry(&mut self, most: usize) -> bool {
        let Tables { up, .. } = &mut *self.tables;
        let sent = most.min(UP - up.len()).min(self.client.tx_pending().len());
        up.extend(&self.client.tx_pending()[..sent]);
        self.client.tx_sent(sent).expect("what was pending");

        let taken = take(up, most, self.server.rx_space());
        self.server.rx_commit(taken).expect("room for it");
        self.serve();

        let Tables { line, .. } = &mut *self.tables;
        let good = self.client.session() != client::Session::Ready;
        let put = line.put(self.server.tx_pending(), good, self.random);
        self.server.tx_sent(put).expect("what was pending");
        self.serve();

        let Tables { line, .. } = &mut *self.tables;
        let came = take(&mut line.bytes, most, self.client.rx_space());
        self.client.rx_commit(came).expect("room for it");
        self.hear();
        self.tally.bytes += (taken + came) as u64;
        sent + taken + put + came > 0
    }

    /// The server reads what it may.
    fn serve(&mut self) {
        loop {
            match self.server.poll() {
                Ok(Some(incoming)) => match incoming.message {
                    server::Message::Command { ticket, name, oob, arguments } => {
                        let wish: Wish = arguments.expect("arguments").decode().expect("a wish");
                        let kind = Kind::named(name);
                        let held = oob && self.random.once_in(500) && self.tables.tasks.len() < 3;
                        let due = if held { NEVER } else { self.now + wish.delay };
                        self.tables.tasks.push_back(Task { ticket, kind, oob, wish, due });
                    }
                    server::Message::Negotiated { .. } => {}
                    server::Message::Answered(_) | server::Message::Malformed(_) => {
                        self.refused += 1;
                        self.tally.refused += 1;
                    }
                    other => panic!("{other:?}"),
                },
                Ok(None) => return,
                Err(error) => panic!("{error}"),
            }
            self.tally.messages += 1;
        }
    }

    /// The server's program answers one command that is due, of those in band the first only. Whether it did.
    fn work(&mut self) -> bool {
        let now = self.now;
        let mut in_band_seen = false;
        let mut is_next = |task: &Task| {
            let turn = task.oob || !core::mem::replace(&mut in_band_seen, true);
            turn && task.due <= now
        };
        let Some(place) = self.tables.tasks.iter().position(&mut is_next) else { return false };
        let answered = answer(&self.tables.tasks[place], &mut self.server);
        if answered {
            self.tables.tasks.remove(place);
            self.serve();
        }
        answered
    }

    /// The client reports what there is.
    fn hear(&mut self) {
        let Tables { line, book, .. } = &mut *self.tables;
        loop {
            match self.client.poll() {
                Ok(Some(incoming)) => {
                    let element = matches!(incoming.message, Message::Element { .. });
                    book.hear(incoming, line, self.rx, self.now, self.tally);
                    self.tally.elements += u64::from(element);
                    self.tally.messages += u64::from(!element);
                }
                Ok(None) | Err(Error::Peer(PeerError::Closed)) => return,
                // The negotiation waits for room.
                Err(Error::Resource(Resource::Tx { .. })) => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// All that can come comes, and all ends that can.
    fn settle(&mut self) {
        for _ in 0..1_000_000 {
            if self.carry(usize::MAX) || self.work() {
                continue;
            }
            let turn = self.tables.tasks.iter().filter(|task| task.due < NEVER).map(|task| task.due).min();
            match turn {
                Some(due) => self.pass(due.saturating_sub(self.now).max(1)),
                // What broke off is told when something comes behind it.
                None if !self.tables.line.is_empty() && self.client.session() == client::Session::Ready => self.event(),
                None => {
                    self.pass(1000);
                    self.tables.book.check_settled(self.tables.tasks.len());
                    assert!(self.tables.line.is_empty(), "what was foretold has not come: {:?}", self.tables.line);
                    assert_eq!(self.bad, self.refused, "each bad input is refused once");
                    return;
                }
            }
        }
        panic!("it does not settle");
    }

    /// The connection ends, in the middle of whatever is under way or when all is quiet, and another one is made.
    fn reconnect(&mut self, settled: bool) {
        if settled {
            self.settle();
        }
        self.client.rx_eof();
        self.tables.book.ends();
        self.hear();
        assert_eq!(self.client.poll().err(), Some(Error::Peer(PeerError::Closed)));
        self.tables.book.close();
        self.client.reset();
        self.server.reset();
        for task in self.tables.tasks.drain(..) {
            let refused = self.server.replies().reply(task.ticket, &());
            assert_eq!(refused, Err(Error::Misuse(Misuse::Ticket)), "a reply to a client that did not ask");
        }
        self.tables.up.clear();
        self.tables.line.clear();
        (self.bad, self.refused) = (0, 0);
        self.tally.connections += 1;
    }
}

/// Moves the first bytes into `space`, and tells how many.
fn take(from: &mut VecDeque<u8>, most: usize, space: &mut [u8]) -> usize {
    let (first, _) = from.as_slices();
    let count = most.min(first.len()).min(space.len());
    space[..count].copy_from_slice(&first[..count]);
    from.drain(..count);
    count
}

#[derive(Serialize)]
struct Number {
    number: u32,
}

/// What succeeds returns.
#[derive(Serialize, Deserialize)]
struct Done<'a> {
    nonce: u32,
    padding: &'a str,
}

/// So many elements.
struct Elements(usize);

impl Serialize for Elements {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(0..self.0)
    }
}

/// Answers a command, if there is room. Whether there was.
fn answer(task: &Task, server: &mut Server<'_>) -> bool {
    const PADDING: &str = const {
        const BYTES: [u8; 1500] = {
            let mut bytes = [b'\n'; 1500];
            let mut at = 0;
            while at + 3 < bytes.len() {
                (bytes[at], bytes[at + 1]) = (0xC3, 0xA9);
                at += 4;
            }
            bytes
        };
        match core::str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => "",
        }
    };
    let Wish { nonce, size, .. } = task.wish;
    let padding = PADDING.get(..size / 4 * 4).expect("as long as it gets");
    let replies = server.replies();
    let answered = match task.kind {
        Kind::Do => replies.reply(task.ticket, &Done { nonce, padding }),
        Kind::List => replies.reply(task.ticket, &Elements(size)),
        Kind::Fail => replies.fail(task.ticket, "DeviceNotFound", "as it was to"),
        Kind::Unknown => replies.not_found(task.ticket, task.kind.name()),
    };
    match answered {
        Ok(()) => true,
        Err(Error::Resource(Resource::Tx { .. })) => {
            assert!(!server.tx_pending().is_empty(), "the longest reply fits");
            false
        }
        Err(error) => panic!("{error}"),
    }
}
