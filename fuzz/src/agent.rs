//! The agent's client: any calls in any order. Each command ends once, the session moves as its table says, and nothing but a
//! synchronisation leads to where commands are executed.

use alloc::collections::VecDeque;
use core::time::Duration;

use arbitrary::{Result, Unstructured};
use qmp_core::agent::{Client, Config, Delivery, Message, Retraction, Session, Slot, Storage, Sync};
use qmp_core::error::{Error, Misuse, PeerError, Resource};
use qmp_core::frame::{Framing, Reading};
use qmp_core::message::Kind;
use qmp_core::time::Instant;

use crate::book::{Book, State};
use crate::noise;

/// The first bytes are sizes and configuration, the rest calls.
pub fn run(bytes: &[u8]) {
    let _ = attempt(&mut Unstructured::new(bytes));
}

fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let flags: u8 = u.arbitrary()?;
    let flag = |bit: u8| flags & (1 << bit) != 0;
    let mut rx = vec![b'7'; usize::from(u.arbitrary::<u8>()?) + usize::from(flag(0)) * 256];
    let mut tx = vec![b'7'; usize::from(u.arbitrary::<u8>()?) + usize::from(flag(1)) * 256];
    let mut slots = vec![Slot::FREE; u.int_in_range(0..=10)?];
    let config = Config {
        reading: Reading {
            framing: if flag(2) { Framing::Lines } else { Framing::Structure },
            max_depth: if flag(3) { 3 } else { Reading::DEFAULT.max_depth },
            fast: !flag(4),
        },
        sync: if flag(5) { Sync::Plain } else { Sync::Delimited },
        sync_timeout: Duration::from_millis(if flag(6) { u64::MAX } else { 20 }),
        ids: !flag(7),
        seed: u.arbitrary()?,
    };
    let mut model = Model { slots: slots.len(), ..Model::default() };
    let mut client = Client::new(Storage::new(rx.as_mut_slice(), tx.as_mut_slice(), &mut slots), config);
    while !u.is_empty() {
        step(u, &mut client, &mut model)?;
        model.check(&client);
    }
    client.rx_eof();
    model.ended = true;
    model.drain(&mut client);
    // A synchronisation that finds no room hides all else, which is the caller's to mend.
    assert!(client.session() == Session::Closed || tx.len() < 94);
    Ok(())
}

fn step(u: &mut Unstructured<'_>, client: &mut Client<'_>, model: &mut Model) -> Result<()> {
    match u.int_in_range(0..=19)? {
        0..=3 => {
            let silent: bool = u.arbitrary()?;
            let session = client.session();
            let commands = client.commands();
            let sent = match (silent, u.int_in_range(0..=3)?) {
                (false, 0) => commands.execute("guest-ping", &1),
                (false, 1) => commands.execute_raw("guest-ping", "{\"a\": 1}"),
                (false, _) => commands.execute("guest-ping", &()),
                (true, 1) => commands.execute_raw_without_reply("guest-shutdown", "{}"),
                (true, _) => commands.execute_without_reply("guest-shutdown", &()),
            };
            match sent {
                Ok(ticket) => {
                    assert_eq!(session, Session::Ready);
                    model.book.sent(ticket, false, silent);
                }
                Err(Error::Peer(PeerError::Closed)) => assert_eq!(session, Session::Closed),
                Err(Error::Misuse(Misuse::NotReady)) => {
                    assert!(matches!(session, Session::Unsynced | Session::Syncing));
                }
                Err(error) => assert_eq!(session, Session::Ready, "{error}"),
            }
        }
        4..=6 => {
            let message = model.message(u)?;
            model.stream.extend(message);
        }
        7..=9 => {
            let count = usize::from(u.arbitrary::<u8>()?).min(model.stream.len());
            let bytes: Vec<u8> = model.stream.iter().take(count).copied().collect();
            match client.feed(&bytes) {
                Ok(taken) => _ = model.stream.drain(..taken),
                Err(error) => assert!(model.ended && error == Misuse::AfterEof.into()),
            }
        }
        10 => _ = model.poll(client),
        11 | 12 => model.drain(client),
        13 => {
            let count = u.arbitrary::<u8>()?.into();
            let pending = client.tx_pending().len();
            assert_eq!(client.tx_sent(count).is_ok(), count <= pending);
            model.written = client.tx_pending().to_vec();
        }
        14 => {
            client.tx_sent(client.tx_pending().len()).expect("what was pending");
            model.written.clear();
        }
        15 => {
            model.now = model.now.max(u.arbitrary::<u8>()?.into());
            client.handle_timeout(Instant::from_millis(model.now));
        }
        16 => {
            let Some(ticket) = model.book.pick(u.arbitrary::<u8>()?.into()) else { return Ok(()) };
            let deadline = u64::from(u.arbitrary::<u8>()?);
            let in_flight = client.is_in_flight(ticket);
            let set = client.commands().set_deadline(ticket, Instant::from_millis(deadline));
            assert_eq!(set.is_ok(), in_flight);
            if set.is_ok() {
                model.book.entry(ticket).deadline = deadline;
            }
        }
        17 => {
            let Some(ticket) = model.book.pick(u.arbitrary::<u8>()?.into()) else { return Ok(()) };
            let delivery = *u.choose(&[Delivery::Whole, Delivery::ELEMENTS, Delivery::TEXT, Delivery::Text(&["a"])])?;
            match client.commands().set_delivery(ticket, delivery) {
                Ok(()) => {}
                Err(Error::Misuse(Misuse::Ticket)) => assert!(!client.is_in_flight(ticket)),
                Err(error) => assert_eq!(error, Resource::Delivery.into()),
            }
        }
        18 => {
            let noise = noise(u)?;
            model.stream.extend(noise);
        }
        _ => match u.int_in_range(0..=3)? {
            0 => {
                client.rx_eof();
                model.ended = true;
            }
            1 => {
                client.reset();
                model.book.reset();
                model.ended = false;
                model.written.clear();
                model.stream.clear();
                model.pieces = 0;
                assert_eq!(client.session(), Session::Unsynced);
            }
            _ => {
                let session = client.session();
                let begun = client.commands().synchronize();
                assert_eq!(begun.is_err(), session == Session::Closed);
                assert_ne!(client.session(), Session::Ready);
            }
        },
    }
    Ok(())
}

#[derive(Default)]
struct Model {
    slots: usize,
    book: Book,
    now: u64,
    ended: bool,
    written: Vec<u8>,
    stream: VecDeque<u8>,
    /// The number of the synchronisation written last, and whether it went as an id, too.
    number: u64,
    with_id: bool,
    pieces: u32,
}

impl Model {
    fn check(&mut self, client: &Client<'_>) {
        self.look_at_what_was_written(client);
        for entry in self.book.entries() {
            // One that answers nothing has succeeded when a later one was answered, and is reported when no bytes are left.
            let succeeded = entry.silent && entry.state == State::InFlight;
            let in_flight = client.is_in_flight(entry.ticket);
            assert!(in_flight == (entry.state == State::InFlight) || succeeded && !in_flight, "{entry:?}");
        }
        assert!(self.book.open().0 <= self.slots || self.slots == 0);
        if client.session() != Session::Syncing {
            let timeout = client.poll_timeout().map_or(u64::MAX, Instant::as_millis);
            assert!(timeout >= self.book.earliest_deadline() || client.session() == Session::Closed);
        }
    }

    fn look_at_what_was_written(&mut self, client: &Client<'_>) {
        let pending = client.tx_pending();
        if client.session() == Session::Closed && pending.is_empty() {
            self.written.clear();
        }
        let new = pending.strip_prefix(&*self.written).expect("what was pending is still pending");
        for line in new.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line = line.strip_prefix(b"\xFF").unwrap_or(line);
            let command: serde_json::Value = serde_json::from_slice(line).expect("a command is JSON");
            if command["execute"].as_str().is_some_and(|name| name.starts_with("guest-sync")) {
                self.number = command["arguments"]["id"].as_u64().expect("a number");
                self.with_id = command.get("id").is_some();
            }
        }
        assert!(new.is_empty() || new.ends_with(b"\n"));
        self.written = pending.to_vec();
    }

    fn message(&self, u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
        let Self { number, with_id, .. } = *self;
        let synced = |lead: &str| {
            let id = if with_id { format!(", \"id\": {number}") } else { String::new() };
            [if lead.is_empty() { &b""[..] } else { b"\xFF" }, format!("{{\"return\": {number}{id}}}\n").as_bytes()]
                .concat()
        };
        let id = match u.int_in_range(0..=3)? {
            0 => String::new(),
            1 => ", \"id\": 256".into(),
            _ => self
                .book
                .pick(u.arbitrary::<u8>()?.into())
                .map_or_else(String::new, |it| format!(", \"id\": {}", it.id())),
        };
        Ok(match u.int_in_range(0..=9)? {
            0..=2 => synced("sentinel"),
            3 => synced(""),
            4 => format!("\u{0}{{\"return\": {number}}}\n").into_bytes(),
            5 => b"\xFF".to_vec(),
            6 => format!("{{\"error\": {{\"class\": \"GenericError\", \"desc\": \"\"}}{id}}}\n").into_bytes(),
            7 => format!("{{\"return\": [{}1]{id}}}\n", "[2], ".repeat(u.int_in_range(0..=60)?)).into_bytes(),
            8 => format!("{{\"return\": \"{}\"{id}}}\n", "\\u00e9".repeat(u.int_in_range(0..=60)?)).into_bytes(),
            _ => format!("{{\"return\": {{}}{id}}}\n").into_bytes(),
        })
    }

    fn drain(&mut self, client: &mut Client<'_>) {
        for _ in 0..100_000 {
            if !self.poll(client) {
                return;
            }
            self.check(client);
        }
        panic!("messages without an end");
    }

    fn poll(&mut self, client: &mut Client<'_>) -> bool {
        let before = client.session();
        // What the message alone can tell: whether it may lead away from where commands are executed, or there.
        let (leaves, arrives) = match client.poll() {
            Ok(None) => (false, false),
            Err(Error::Peer(PeerError::Closed)) => {
                assert!(self.ended);
                self.book.close();
                assert_eq!(client.session(), Session::Closed);
                return false;
            }
            Err(error) => {
                assert!(matches!(error, Error::Resource(Resource::Tx { .. })), "{error}");
                assert_eq!(before, Session::Unsynced);
                return false;
            }
            Ok(Some(incoming)) => {
                let leaves =
                    matches!(incoming.message, Message::TimedOut { .. } | Message::Malformed(_) | Message::Sentinel);
                let arrives = matches!(incoming.message, Message::Ready { .. });
                self.hear(incoming.message);
                let after = client.session();
                if after == Session::Closed {
                    assert!(self.ended);
                    return true;
                }
                assert_eq!(
                    after == Session::Ready,
                    arrives || before == Session::Ready && (!leaves || after == before)
                );
                return true;
            }
        };
        assert_eq!((leaves, arrives), (false, false));
        assert_eq!(client.session() == Session::Ready, before == Session::Ready);
        false
    }

    fn hear(&mut self, message: Message<'_>) {
        match message {
            Message::Reply { ticket, .. } | Message::Oversize { ticket: Some(ticket), .. } => self.book.ended(ticket),
            Message::Late { ticket, .. } => self.book.late(ticket),
            Message::Sent { ticket } => {
                assert!(self.book.entry(ticket).silent);
                self.book.ended(ticket);
            }
            Message::Lost { ticket } => self.book.ended(ticket),
            Message::TimedOut { ticket } => self.book.timed_out(ticket, self.now),
            Message::Element { ticket, index, .. } => {
                self.book.entry(ticket);
                assert_eq!(index, self.pieces);
                self.pieces += 1;
            }
            Message::Text { ticket, text } => {
                self.book.entry(ticket);
                assert!(!text.is_empty());
                self.pieces += 1;
            }
            Message::ElementsEnd { ticket, count, late } => {
                assert_eq!(count, core::mem::take(&mut self.pieces));
                if late { self.book.late(ticket) } else { self.book.ended(ticket) }
            }
            Message::TextEnd { ticket, late } => {
                self.pieces = 0;
                if late { self.book.late(ticket) } else { self.book.ended(ticket) }
            }
            Message::Retracted { ticket, count, by } => {
                self.book.entry(ticket);
                assert_eq!(count, core::mem::take(&mut self.pieces));
                if let Retraction::Other(other) = by {
                    self.book.ended(other);
                }
            }
            Message::Oversize { ticket: None, message } => {
                let state = message.id.and_then(|id| id.as_u64()).and_then(|id| self.book.state_of(id));
                if matches!(message.of, Kind::Return | Kind::Error) {
                    assert!(state.is_none_or(|(_, state)| state != State::InFlight), "{state:?} has not ended");
                }
            }
            Message::Incomplete => assert!(self.ended),
            Message::Ready { .. } => self.settled(),
            Message::Unanswered { attempts } => assert!(attempts > 0),
            Message::Foreign { .. }
            | Message::Diagnostic(_)
            | Message::Malformed(_)
            | Message::Unknown(_)
            | Message::Greeting(_)
            | Message::Event(_)
            | Message::Sentinel => {}
            other => panic!("a message the model does not know: {other:?}"),
        }
    }

    /// In step: what was not answered by now has ended.
    fn settled(&mut self) {
        self.book.close();
    }
}
