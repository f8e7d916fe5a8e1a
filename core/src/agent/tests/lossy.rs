//! The client against the crate's own server, over a line that loses and repeats lines, and puts garbage between bytes and in their
//! place. It never loses a byte without a trace: the protocol has no checksum, and one id without a digit can be another. And while
//! it is bad, commands go with ids only: without them, errors that rests of commands draw are anybody's.

use super::*;
use crate::server::{self, Dialect, Server};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What one turn does.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A command, with a deadline so far away.
    Command(u64),
    /// One that is never answered.
    Silent(u64),
    /// So many bytes go each way, and of every so many one is hurt.
    Carry(usize, Option<u8>),
    /// Milliseconds go by.
    Pass(u64),
    /// The agent is started anew: what it had read is forgotten.
    Restart,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        3 => (1u64..3000).prop_map(Turn::Command),
        1 => (1u64..3000).prop_map(Turn::Silent),
        8 => (1usize..200, proptest::option::weighted(0.4, any::<u8>())).prop_map(|(most, hurt)| Turn::Carry(most, hurt)),
        4 => (0u64..1500).prop_map(Turn::Pass),
        1 => Just(Turn::Restart),
    ];
    proptest::collection::vec(turn, 0..120)
}

/// Carries up to `most` bytes, some of which are hurt.
fn carry(from: &[u8], most: usize, hurt: Option<u8>) -> (usize, Vec<u8>) {
    let taken = from.len().min(most);
    let mut bytes = from[..taken].to_vec();
    if let (Some(hurt), false) = (hurt, bytes.is_empty()) {
        let at = usize::from(hurt) % bytes.len();
        let ends: Vec<_> = (0..taken).filter(|at| bytes[*at] == b'\n').collect();
        let noise = b"\xFF\x00\xC1\x07"[usize::from(hurt / 4) % 4];
        match (hurt % 4, &ends[..]) {
            (0, [first, second, ..]) => drop(bytes.drain(*first..*second)),
            (1, [first, second, ..]) => {
                let line = bytes[*first..*second].to_vec();
                bytes.splice(*first..*first, line);
            }
            (2, _) => bytes.insert(at, noise),
            _ => drop(bytes.splice(at..taken.min(at + 9), [noise])),
        }
    }
    (taken, bytes)
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Nonce {
    nonce: u64,
}

/// The agent: does what it is told, at once.
fn serve(server: &mut Server<'_>) {
    while let Some(server::Incoming { message, replies, .. }) = server.poll().unwrap() {
        if let server::Message::Command { ticket, name, arguments, .. } = message {
            let done = match (name, arguments.map(Payload::decode::<Nonce>)) {
                ("guest-shutdown", _) => replies.release(ticket),
                ("echo", Some(Ok(nonce))) => replies.reply(ticket, &nonce),
                _ => replies.not_found(ticket, name),
            };
            done.unwrap();
        }
    }
}

struct World {
    client: Client<'static>,
    server: Server<'static>,
    now: u64,
    nonce: u64,
    open: BTreeMap<u32, u64>,
    ended: usize,
    right: usize,
    sound: bool,
}

impl World {
    fn new(reading: Reading, ids: bool) -> Self {
        let (rx, tx, memory) = (vec![0; 4096].leak(), vec![0; 1 << 16].leak(), vec![0; 1024].leak());
        let server = server::Storage::new(rx, tx, vec![server::Pending::default(); 4].leak(), memory);
        let client = Storage::new(vec![0; 512].leak(), vec![0; 2048].leak(), vec![Slot::FREE; 4].leak());
        let dialect = Dialect::Agent;
        Self {
            client: Client::new(client, Config { reading, ids, ..Config::DEFAULT }),
            server: Server::new(server, server::Config { dialect, ..server::Config::DEFAULT }),
            now: 0,
            nonce: 0,
            open: BTreeMap::new(),
            ended: 0,
            right: 0,
            sound: true,
        }
    }

    fn command(&mut self, deadline: u64, silent: bool) {
        self.nonce += 1;
        let sound = self.sound;
        let commands = self.client.commands();
        if !sound && !commands.echoes_ids() {
            return;
        }
        let sent = if silent {
            commands.execute_without_reply("guest-shutdown", &Nonce { nonce: self.nonce })
        } else {
            commands.execute("echo", &Nonce { nonce: self.nonce })
        };
        match sent {
            Ok(ticket) => {
                assert!(self.open.insert(ticket.id(), self.nonce).is_none());
                self.client.commands().set_timeout(ticket, Duration::from_millis(deadline)).unwrap();
            }
            Err(Error::Misuse(Misuse::NotReady) | Error::Resource(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn carry(&mut self, most: usize, hurt: Option<u8>) {
        self.sound &= hurt.is_none();
        let (taken, bytes) = carry(self.client.tx_pending(), most, hurt);
        self.client.tx_sent(taken).unwrap();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let taken = self.server.feed(rest).unwrap();
            rest = &rest[taken..];
            serve(&mut self.server);
        }
        let (taken, bytes) = carry(self.server.tx_pending(), most, hurt.map(|hurt| hurt.rotate_left(3)));
        self.server.tx_sent(taken).unwrap();
        serve(&mut self.server);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let taken = self.client.feed(rest).unwrap();
            rest = &rest[taken..];
            self.poll();
        }
        self.poll();
    }

    fn pass(&mut self, time: u64) {
        self.now += time;
        self.client.handle_timeout(Instant::from_millis(self.now));
        self.poll();
    }

    fn poll(&mut self) {
        while let Some(Incoming { message, .. }) = self.client.poll().unwrap() {
            let ticket = match message {
                Message::Reply { ticket, outcome } => {
                    if let Ok(payload) = outcome {
                        let nonce = payload.decode::<Nonce>().unwrap().nonce;
                        assert_eq!(self.open.get(&ticket.id()), Some(&nonce), "mistaken");
                        self.right += 1;
                    }
                    ticket
                }
                Message::Sent { ticket } | Message::TimedOut { ticket } | Message::Lost { ticket } => ticket,
                Message::Oversize { ticket: Some(ticket), .. } => ticket,
                _ => continue,
            };
            assert!(self.open.remove(&ticket.id()).is_some(), "ended twice");
            self.ended += 1;
        }
    }
}

proptest! {
    #[test]
    fn every_command_ends_once_and_nothing_is_mistaken(turns in turns(), lines in any::<bool>(), ids in any::<bool>()) {
        let framing = if lines { Framing::Lines } else { Framing::Structure };
        let mut world = World::new(Reading { framing, ..Reading::DEFAULT }, ids);
        for turn in turns {
            match turn {
                Turn::Command(deadline) => world.command(deadline, false),
                Turn::Silent(deadline) => world.command(deadline, true),
                // Whose a reply is that lost a byte, without ids nobody can tell.
                Turn::Carry(most, hurt) => world.carry(most, hurt.filter(|_| ids)),
                Turn::Pass(time) => world.pass(time),
                Turn::Restart if ids => {
                    world.sound = false;
                    world.server.reset();
                }
                Turn::Restart => {}
            }
        }
        // On a line that is sound again, they get in step: every command has ended by then, and the next ones are right.
        world.sound = true;
        world.client.commands().synchronize().unwrap();
        for _ in 0..100 {
            world.pass(1000);
            world.carry(usize::MAX, None);
        }
        prop_assert_eq!(world.client.session(), Session::Ready);
        prop_assert!(world.open.is_empty());
        let (right, ended) = (world.right, world.ended);
        for _ in 0..5 {
            world.command(1000, false);
            world.carry(usize::MAX, None);
        }
        prop_assert_eq!((world.right, world.ended), (right + 5, ended + 5));
    }
}
