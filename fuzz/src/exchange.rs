//! Client against server through a channel that cuts, delays, drops and corrupts: each command ends once, the client always finds its
//! way back, and where nothing was damaged each reply is the one that was asked for.

use alloc::collections::VecDeque;

use arbitrary::{Result, Unstructured};
use qmp_core::client::{self, Client, Delivery, Handshake, Message, Retraction, Session, Slot};
use qmp_core::error::{Error, PeerError, Resource};
use qmp_core::frame::{Framing, Reading};
use qmp_core::message::Timestamp;
use qmp_core::server::{self, Pending, Server};
use qmp_core::time::Instant;

use crate::book::Book;

/// The first bytes are sizes and configuration, the rest what happens.
pub fn run(bytes: &[u8]) {
    let _ = attempt(&mut Unstructured::new(bytes));
}

fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let flags: u8 = u.arbitrary()?;
    let flag = |bit: u8| flags & (1 << bit) != 0;
    let mut client_rx = vec![b'7'; 16 + usize::from(u.arbitrary::<u8>()?)];
    let mut client_tx = vec![b'7'; 110 + usize::from(u.arbitrary::<u8>()?)];
    let mut server_rx = vec![b'7'; 100 + usize::from(u.arbitrary::<u8>()?)];
    let mut server_tx = vec![b'7'; 400 + usize::from(u.arbitrary::<u8>()?)];
    let mut slots = vec![Slot::FREE; u.int_in_range(1..=16)?];
    let mut pending = vec![Pending::FREE; u.int_in_range(1..=12)?];
    let mut ids = vec![0; pending.len() * 32];
    let framing = if flag(0) { Framing::Lines } else { Framing::Structure };
    let mut config = client::Config::DEFAULT;
    config.reading = Reading { framing, ..Reading::DEFAULT };
    config.handshake = if flag(1) { Handshake::Blind } else { Handshake::AfterGreeting };
    config.oob = flag(2);
    let storage = client::Storage::new(client_rx.as_mut_slice(), client_tx.as_mut_slice(), &mut slots);
    let client = Client::new(storage, config);
    let mut config = server::Config::DEFAULT;
    config.reading = Reading { framing, ..Reading::DEFAULT };
    config.oob = flag(3);
    let storage = server::Storage::new(server_rx.as_mut_slice(), server_tx.as_mut_slice(), &mut pending, &mut ids);
    let server = Server::new(storage, config);
    let mut world = World {
        client,
        server,
        up: VecDeque::new(),
        down: VecDeque::new(),
        book: Book::default(),
        now: 0,
        damaged: false,
        ended: false,
        tasks: Vec::new(),
        pieces: 0,
        stuck: false,
    };
    while !u.is_empty() {
        world.step(u)?;
    }
    world.finish();
    Ok(())
}

struct World<'b> {
    client: Client<'b>,
    server: Server<'b>,
    up: VecDeque<u8>,
    down: VecDeque<u8>,
    book: Book,
    now: u64,
    /// Bytes were lost, changed or made up on this connection.
    damaged: bool,
    ended: bool,
    /// Commands that the server's program holds back: with what they will return.
    tasks: Vec<(server::Ticket, u32)>,
    pieces: u32,
    stuck: bool,
}

impl World<'_> {
    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=15)? {
            0..=2 => self.execute(u)?,
            3 | 4 => self.carry(usize::from(u.arbitrary::<u8>()?)),
            5 => self.carry(usize::MAX),
            6 | 7 => self.work(u.arbitrary::<u8>()?.into()),
            8 => {
                let sent = self.server.replies().event("TICK", None::<&()>, Timestamp::UNKNOWN);
                assert!(!matches!(sent, Err(Error::Misuse(_))));
            }
            9 => {
                self.now += u64::from(u.arbitrary::<u8>()?);
                self.client.handle_timeout(Instant::from_millis(self.now));
                self.hear();
            }
            10..=13 => self.damage(u)?,
            14 => _ = self.client.commands().negotiate(u.arbitrary()?),
            _ => self.reconnect(),
        }
        Ok(())
    }

    fn execute(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let oob = u.ratio(1, 4)?;
        let number = u32::from(u.arbitrary::<u8>()?);
        let arguments = Arguments { number };
        let commands = self.client.commands();
        let sent = if oob { commands.exec_oob("do", &arguments) } else { commands.execute("do", &arguments) };
        let Ok(ticket) = sent else { return Ok(()) };
        self.book.sent(ticket, oob, false);
        // So that it ends even if its reply is damaged.
        let deadline = self.now + 50 + u64::from(number);
        self.book.entry(ticket).deadline = deadline;
        commands.set_deadline(ticket, Instant::from_millis(deadline)).expect("in flight");
        if number % 5 == 0 {
            let delivery = if number % 2 == 0 { Delivery::ELEMENTS } else { Delivery::TEXT };
            assert!(matches!(
                commands.set_delivery(ticket, delivery),
                Ok(()) | Err(Error::Resource(Resource::Delivery))
            ));
        }
        Ok(())
    }

    /// Moves up to so many bytes, each way, at all places.
    fn carry(&mut self, most: usize) {
        let count = most.min(self.client.tx_pending().len());
        self.up.extend(&self.client.tx_pending()[..count]);
        self.client.tx_sent(count).expect("what was pending");

        let bytes: Vec<u8> = self.up.iter().take(most).copied().collect();
        let taken = self.server.feed(&bytes).expect("the stream goes on");
        self.up.drain(..taken);
        self.serve();

        let count = most.min(self.server.tx_pending().len());
        self.down.extend(&self.server.tx_pending()[..count]);
        self.server.tx_sent(count).expect("what was pending");

        let bytes: Vec<u8> = self.down.iter().take(most).copied().collect();
        let taken = self.client.feed(&bytes).expect("the stream goes on");
        self.down.drain(..taken);
        self.hear();
        assert!(taken > 0 || bytes.is_empty() || self.stuck, "a client that was polled has room");
    }

    fn serve(&mut self) {
        for _ in 0..10_000 {
            match self.server.poll() {
                Ok(Some(incoming)) => {
                    if let server::Message::Command { ticket, arguments, .. } = incoming.message {
                        let number = arguments.and_then(|it| it.into_value().get("number")).and_then(|it| it.as_u64());
                        self.tasks.push((ticket, number.unwrap_or_default() as u32));
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    assert!(matches!(error, Error::Resource(Resource::Tx { .. })), "{error}");
                    return;
                }
            }
        }
        panic!("commands without an end");
    }

    /// The server's program answers the command at this place of those that it holds.
    fn work(&mut self, which: usize) {
        let Some(place) = which.checked_rem(self.tasks.len()) else { return };
        let (ticket, number) = self.tasks[place];
        if reply(&mut self.server, ticket, number) {
            self.tasks.remove(place);
        }
        self.serve();
    }

    fn damage(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let pipe = if u.arbitrary()? { &mut self.up } else { &mut self.down };
        let at = usize::from(u.arbitrary::<u8>()?);
        let Some(at) = at.checked_rem(pipe.len()) else { return Ok(()) };
        match u.int_in_range(0..=2)? {
            0 => drop(pipe.remove(at)),
            1 => pipe[at] = u.arbitrary()?,
            _ => pipe.insert(at, u.arbitrary()?),
        }
        self.damaged = true;
        Ok(())
    }

    fn hear(&mut self) {
        for _ in 0..10_000 {
            self.stuck = false;
            let incoming = match self.client.poll() {
                Ok(Some(incoming)) => incoming,
                Ok(None) => return,
                Err(Error::Peer(PeerError::Closed)) => {
                    assert!(self.ended);
                    self.book.close();
                    return;
                }
                Err(error) => {
                    assert!(matches!(error, Error::Resource(Resource::Tx { .. })), "{error}");
                    self.stuck = true;
                    return;
                }
            };
            let (book, damaged) = (&mut self.book, self.damaged);
            match incoming.message {
                Message::Reply { ticket, outcome } => {
                    book.ended(ticket);
                    assert!(outcome.is_ok() || damaged || outcome.is_err_and(|failure| !failure.class().is_empty()));
                }
                Message::Late { ticket, .. } => book.late(ticket),
                Message::Oversize { ticket: Some(ticket), .. } => book.ended(ticket),
                Message::Oversize { ticket: None, message } if !damaged => {
                    if let Some((ticket, _)) = message.id.and_then(|id| id.as_u64()).and_then(|id| book.state_of(id)) {
                        book.late(ticket);
                    }
                }
                Message::Element { index, .. } => {
                    assert_eq!(index, self.pieces);
                    self.pieces += 1;
                }
                Message::Text { .. } => self.pieces += 1,
                Message::ElementsEnd { ticket, count, late } => {
                    assert_eq!(count, core::mem::take(&mut self.pieces));
                    if late { book.late(ticket) } else { book.ended(ticket) }
                }
                Message::TextEnd { ticket, late } => {
                    self.pieces = 0;
                    if late { book.late(ticket) } else { book.ended(ticket) }
                }
                Message::Retracted { count, by, .. } => {
                    assert_eq!(count, core::mem::take(&mut self.pieces));
                    if let Retraction::Other(other) = by {
                        book.ended(other);
                    }
                    assert!(damaged || !matches!(by, Retraction::NoReply) && (self.ended || by != Retraction::Broken));
                }
                Message::TimedOut { ticket } => book.timed_out(ticket, self.now),
                Message::Lost { ticket } => {
                    assert!(self.ended);
                    book.ended(ticket);
                }
                Message::Malformed(_) | Message::Unknown(_) | Message::Diagnostic(_) => {
                    assert!(damaged, "{:?}", incoming.message);
                }
                Message::Foreign { id, .. } => {
                    // An earlier one of several negotiations, if none of a command.
                    let negotiation = id.and_then(|id| id.as_u64()).is_some_and(|id| id & 0xFF == 0xFF);
                    assert!(damaged || negotiation, "a reply to {id:?} is taken for a stranger's");
                }
                Message::Incomplete => assert!(self.ended),
                _ => {}
            }
            for ticket in self.book.tickets() {
                assert_eq!(self.client.is_in_flight(ticket), self.book.is_in_flight(ticket), "{ticket:?}");
            }
        }
        panic!("messages without an end");
    }

    /// The connection breaks, all that was in flight ends, and another one is made.
    fn reconnect(&mut self) {
        self.client.rx_eof();
        self.ended = true;
        self.hear();
        if self.stuck {
            // The negotiation waits for room that it will not get any more.
            assert!(!self.client.tx_pending().is_empty());
            self.client.tx_sent(self.client.tx_pending().len()).expect("what was pending");
            self.hear();
        }
        assert_eq!(self.client.session(), Session::Closed);
        self.client.reset();
        self.server.reset();
        for (ticket, number) in core::mem::take(&mut self.tasks) {
            assert!(!reply(&mut self.server, ticket, number), "a reply to a client that did not ask");
        }
        self.up.clear();
        self.down.clear();
        self.damaged = false;
        self.ended = false;
        self.pieces = 0;
    }

    /// Time goes by until every command has ended, and the line works again on another connection.
    fn finish(&mut self) {
        for _ in 0..1000 {
            let before = (self.up.len(), self.down.len(), self.tasks.len(), self.client.tx_pending().len());
            self.carry(usize::MAX);
            self.work(0);
            if before == (self.up.len(), self.down.len(), self.tasks.len(), self.client.tx_pending().len()) {
                break;
            }
        }
        self.now += 1_000_000;
        self.client.handle_timeout(Instant::from_millis(self.now));
        self.hear();
        assert_eq!(self.book.earliest_deadline(), u64::MAX, "a command has not ended at its deadline");
        self.reconnect();
        let sent = self.now;
        for _ in 0..20 {
            self.carry(usize::MAX);
        }
        if self.client.session() == Session::Ready {
            let ticket = self.client.commands().execute("do", &Arguments { number: 1 }).expect("all is free");
            self.book.sent(ticket, false, false);
            for _ in 0..20 {
                self.carry(usize::MAX);
                self.work(0);
            }
            assert!(!self.book.is_in_flight(ticket), "not answered since {sent}");
        } else {
            panic!("no session over a good line: {:?}", self.client.session());
        }
    }
}

#[derive(serde::Serialize)]
struct Arguments {
    number: u32,
}

/// Whether that was done: for want of room or turn it was not.
fn reply(server: &mut Server<'_>, ticket: server::Ticket, number: u32) -> bool {
    let text = "\u{e9}\n".repeat(number as usize / 4);
    let replies = server.replies();
    let done = match number % 4 {
        0 => replies.reply(ticket, &vec![number; number as usize / 4]),
        1 => replies.reply(ticket, &Arguments { number }),
        2 => replies.fail(ticket, "DeviceNotFound", ""),
        _ => replies.reply(ticket, text.as_str()),
    };
    match done {
        Ok(()) => true,
        Err(Error::Resource(Resource::Tx { .. })) if server.tx_pending().is_empty() => {
            server.replies().fail(ticket, "GenericError", "too long").is_ok()
        }
        Err(_) => false,
    }
}
