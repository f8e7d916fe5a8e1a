//! The server: any calls in any order. Each command is answered once and with its id, in its turn; whatever is sent is JSON on a line
//! of its own; events are sent when they may be.

use alloc::collections::VecDeque;

use arbitrary::{Result, Unstructured};
use qmp_core::error::{Error, Misuse, PeerError, Resource};
use qmp_core::frame::{Framing, Reading};
use qmp_core::message::{Timestamp, Version};
use qmp_core::server::{Config, Dialect, Message, Pending, QUEUE, Server, Storage, Ticket};
use serde_json::Value;

use crate::noise;

/// The first bytes are sizes and configuration, the rest calls.
pub fn run(bytes: &[u8]) {
    let _ = attempt(&mut Unstructured::new(bytes));
}

fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let flags: u16 = u.arbitrary()?;
    let flag = |bit: u16| flags & (1 << bit) != 0;
    let mut rx = vec![b'7'; usize::from(u.arbitrary::<u8>()?) + usize::from(flag(0)) * 256];
    let mut tx = vec![b'7'; usize::from(u.arbitrary::<u8>()?) * 3];
    let mut pending = vec![Pending::FREE; u.int_in_range(0..=12)?];
    let mut ids = vec![b'7'; usize::from(u.arbitrary::<u8>()?)];
    let config = Config {
        reading: Reading {
            framing: if flag(2) { Framing::Lines } else { Framing::Structure },
            max_depth: if flag(3) { 3 } else { Reading::DEFAULT.max_depth },
            fast: !flag(4),
        },
        dialect: if flag(5) && flag(6) { Dialect::Agent } else { Dialect::Qmp },
        version: Version { major: 9, minor: 0, micro: u.arbitrary()? },
        package: if flag(7) { "p\u{e9}\"" } else { "" },
        oob: flag(8),
        in_order: !flag(9),
    };
    let mut model = Model { config: Some(config), events: config.dialect == Dialect::Qmp, ..Model::default() };
    let storage = Storage::new(rx.as_mut_slice(), tx.as_mut_slice(), &mut pending, &mut ids);
    let mut server = Server::new(storage, config);
    while !u.is_empty() {
        step(u, &mut server, &mut model)?;
        model.check(&mut server);
    }
    model.finish(&mut server);
    Ok(())
}

fn step(u: &mut Unstructured<'_>, server: &mut Server<'_>, model: &mut Model) -> Result<()> {
    match u.int_in_range(0..=17)? {
        0..=3 => model.give(u)?,
        4..=6 => {
            let count = usize::from(u.arbitrary::<u8>()?).min(model.stream.len());
            let bytes: Vec<u8> = model.stream.iter().take(count).copied().collect();
            match server.feed(&bytes) {
                Ok(taken) => _ = model.stream.drain(..taken),
                Err(error) => assert!(model.ended && error == Misuse::AfterEof.into()),
            }
        }
        7 | 8 => model.drain(server),
        9..=11 => model.answer(server, u)?,
        12 => {
            let count = u.arbitrary::<u8>()?.into();
            let pending = server.tx_pending().to_vec();
            let sent = server.tx_sent(count);
            assert_eq!(sent.is_ok(), count <= pending.len());
            if sent.is_ok() {
                model.sent.extend(&pending[..count]);
            }
        }
        13 => model.send_all(server),
        14 => {
            let name = *u.choose(&["STOP", "", "\u{e9}\"\n"])?;
            let event = match u.int_in_range(0..=2)? {
                0 => server.replies().event(name, Some(&1), Timestamp::UNKNOWN),
                1 => server.replies().event(name, Some(&serde_json::json!({"a": "\u{e9}"})), Timestamp::UNKNOWN),
                _ => server.replies().event(name, None::<&()>, Timestamp { seconds: 1, microseconds: 2 }),
            };
            match event {
                Ok(true) => assert!(model.events && server.replies().is_negotiated()),
                Ok(false) => {}
                Err(Error::Misuse(Misuse::NotAnObject) | Error::Resource(Resource::Tx { .. })) => {}
                Err(error) => panic!("{error}"),
            }
        }
        15 => {
            let noise = noise(u)?;
            model.stream.extend(noise);
        }
        16 => {
            let space = server.rx_space().len();
            assert!(server.rx_commit(space + 1).is_err());
        }
        _ if u.arbitrary()? => {
            server.rx_eof();
            model.ended = true;
        }
        _ => {
            server.reset();
            // What was sent before stays as it is: the line broke somewhere.
            let Model { config, events, open, closed, .. } = core::mem::take(model);
            let closed = closed.into_iter().chain(open.into_iter().map(|command| command.ticket)).collect();
            *model = Model { config, events, closed, ..Model::default() };
        }
    }
    Ok(())
}

#[derive(Default)]
struct Model {
    config: Option<Config>,
    /// Whether there are any.
    events: bool,
    stream: VecDeque<u8>,
    ended: bool,
    /// The number that the next command has as its id.
    next: u64,
    /// Commands delivered and not answered, in their order.
    open: Vec<Command>,
    /// Tickets that name nothing any more.
    closed: Vec<Ticket>,
    /// All bytes that went out on this connection.
    sent: Vec<u8>,
    /// The numbers of the commands that were answered with something.
    answered: Vec<u64>,
    negotiated: bool,
    /// The server can say nothing: its memory is too small.
    stuck: bool,
}

struct Command {
    ticket: Ticket,
    /// Its name is its number, if it is one of [`Model::give`]'s.
    number: Option<u64>,
    oob: bool,
}

impl Model {
    /// A client's message. Commands are named by the number that is their id.
    fn give(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let number = self.next;
        let text = match u.int_in_range(0..=11)? {
            0..=3 => {
                self.next += 1;
                let key = if u.ratio(1, 3)? { "exec-oob" } else { "execute" };
                format!("{{\"{key}\": \"{number}\", \"id\": {number}}}")
            }
            4 | 5 => {
                let enable = if u.arbitrary()? { ", 'arguments': {'enable': ['oob']}" } else { "" };
                format!("{{'execute': 'qmp_capabilities'{enable}}}\n")
            }
            6 => "{\"execute\": \"guest-sync-delimited\", \"arguments\": {\"id\": -5}}".into(),
            7 => format!("{{\"execute\": \"x\", \"id\": \"{}\"}}", "\u{e9}".repeat(u.int_in_range(0..=200)?)),
            8 => "{\"execute\": 1} [] {} {\"a\": 1, \"a\": 2}".into(),
            9 => "{\"execute\": \"x\", \"arguments\": {\"a\": [1, {\"b\": 'c'}]}}".into(),
            10 => "[[[[[[1]]]]]] {] @ \n".into(),
            _ => format!("{{\"execute\": \"{}\", \"what\": 1}}", "long ".repeat(u.int_in_range(0..=60)?)),
        };
        self.stream.extend(text.as_bytes());
        Ok(())
    }

    fn check(&self, server: &mut Server<'_>) {
        for command in &self.open {
            assert!(server.replies().is_pending(command.ticket));
        }
        for ticket in &self.closed {
            assert!(!server.replies().is_pending(*ticket));
        }
        let oob = server.replies().oob_enabled();
        let held = self.open.iter().filter(|command| !command.oob).count();
        assert!(held <= if oob { QUEUE + 1 } else { 1 + QUEUE * usize::from(self.negotiated) });
    }

    fn drain(&mut self, server: &mut Server<'_>) {
        for _ in 0..100_000 {
            if !self.poll(server) {
                return;
            }
        }
        panic!("messages without an end");
    }

    fn poll(&mut self, server: &mut Server<'_>) -> bool {
        let was_negotiated = server.replies().is_negotiated();
        let before = server.tx_pending().to_vec();
        let polled = match server.poll() {
            Ok(None) => return false,
            Err(Error::Peer(PeerError::Closed)) => {
                assert!(self.ended);
                return false;
            }
            Err(error) => {
                let tx = matches!(error, Error::Resource(Resource::Tx { .. })) && before.is_empty();
                assert!(tx || matches!(error, Error::Resource(Resource::Slots { limit: 0 })), "{error}");
                self.stuck = true;
                return false;
            }
            Ok(Some(incoming)) => incoming.message,
        };
        match polled {
            Message::Command { ticket, name, oob, .. } => {
                assert!(was_negotiated && !self.closed.contains(&ticket));
                let number = name.parse().ok();
                self.open.push(Command { ticket, number, oob });
            }
            Message::Negotiated { .. } => {
                assert!(!was_negotiated);
                self.negotiated = true;
            }
            Message::Synchronized { id, delimited } => assert_eq!((id, delimited), (-5, true)),
            Message::Incomplete => assert!(self.ended),
            Message::Answered(_) | Message::Malformed(_) | Message::Oversize(_) => {}
            other => panic!("a message the model does not know: {other:?}"),
        }
        true
    }

    fn answer(&mut self, server: &mut Server<'_>, u: &mut Unstructured<'_>) -> Result<()> {
        let which = usize::from(u.arbitrary::<u8>()?);
        let replies = server.replies();
        if let Some(place) = which.checked_rem(self.closed.len())
            && u.ratio(1, 4)?
        {
            let ticket = self.closed[place];
            assert_eq!(replies.reply(ticket, &1), Err(Misuse::Ticket.into()));
            assert_eq!(replies.release(ticket), Err(Misuse::Ticket.into()));
            return Ok(());
        }
        let Some(place) = which.checked_rem(self.open.len()) else { return Ok(()) };
        let Command { ticket, number, oob } = self.open[place];
        let first = self.open[..place].iter().all(|command| command.oob);
        let in_order = self.config.is_none_or(|config| config.in_order);
        let how = u.int_in_range(0..=7)?;
        let answer = match how {
            0 => replies.fail(ticket, "GenericError", "\u{e9}\"\n"),
            1 => replies.not_found(ticket, "x"),
            2 => replies.no_oob(ticket, "x"),
            3 => replies.release(ticket),
            4 => replies.reply_raw(ticket, "[ 1, \"\u{e9}\\n\" ]"),
            5 => replies.reply_raw(ticket, "[1"),
            6 => replies.reply(ticket, &f64::NAN),
            _ => replies.reply(ticket, &()),
        };
        match answer {
            Ok(()) => {
                assert!(oob || first || !in_order);
                self.open.remove(place);
                self.closed.push(ticket);
                if how != 3 {
                    self.answered.extend(number);
                }
            }
            Err(Error::Misuse(Misuse::OutOfTurn)) => assert!(in_order && !oob),
            Err(Error::Misuse(Misuse::NotJson)) => assert_eq!(how, 5),
            Err(Error::Misuse(Misuse::Serialize(_))) => assert_eq!(how, 6),
            Err(error) => assert!(matches!(error, Error::Resource(Resource::Tx { .. })), "{error}"),
        }
        Ok(())
    }

    fn send_all(&mut self, server: &mut Server<'_>) {
        self.sent.extend(server.tx_pending());
        server.tx_sent(server.tx_pending().len()).expect("what was pending");
    }

    /// All that was sent is JSON, and has an answer to each command that was answered, with its id.
    fn finish(&mut self, server: &mut Server<'_>) {
        self.send_all(server);
        let agent = self.config.is_some_and(|config| config.dialect == Dialect::Agent);
        let mut rest = self.sent.as_slice();
        let mut ids = Vec::new();
        let mut negotiated = agent;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = &rest[..end];
            let line =
                if agent { line.strip_prefix(b"\xFF").unwrap_or(line) } else { line.strip_suffix(b"\r").expect("CR") };
            assert!(line.is_ascii());
            let message: Value = serde_json::from_slice(line).expect("what is sent is JSON");
            assert!(negotiated || message.get("event").is_none(), "an event before the reply to the negotiation");
            negotiated |= message.get("return").is_some();
            if message.get("event").is_none() {
                ids.extend(message.get("id").and_then(Value::as_u64));
            }
            rest = &rest[end + 1..];
        }
        assert!(rest.is_empty(), "half a message");
        for number in &self.answered {
            let count = ids.iter().filter(|id| *id == number).count();
            assert_eq!(count, 1, "{number} was answered");
        }
        for command in &self.open {
            assert!(!ids.iter().any(|id| Some(*id) == command.number), "answered by nobody");
        }
    }
}
