//! The client: any calls in any order, held against a model that says what each must come to.
//!
//! What the model knows always: where the session stands, which commands are open and how each ends, what was written, what an error
//! is due to. While nothing but whole messages of its own was fed, and no reply is taken apart, it also foretells each message.

use alloc::collections::VecDeque;
use core::time::Duration;

use arbitrary::{Result, Unstructured};
use qmp_core::client::{
    Client, Commands, Config, Correlation, Delivery, Handshake, Message, Retraction, Session, Slot, Storage, Ticket,
};
use qmp_core::error::{Error, Misuse, PeerError, Resource};
use qmp_core::frame::{Framing, Reading};
use qmp_core::message::{Kind, Origin};
use qmp_core::time::Instant;

use crate::book::{Book, State};
use crate::noise;

/// The first bytes are sizes and configuration, the rest calls.
pub fn run(bytes: &[u8]) {
    let _ = attempt(&mut Unstructured::new(bytes));
}

fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let flags: u16 = u.arbitrary()?;
    let flag = |bit: u16| flags & (1 << bit) != 0;
    let mut rx = vec![b'7'; usize::from(u.arbitrary::<u8>()?) + usize::from(flag(0)) * 256];
    let mut tx = vec![b'7'; usize::from(u.arbitrary::<u8>()?) + usize::from(flag(1)) * 256];
    let tx_length = tx.len();
    let mut slots = vec![Slot::FREE; u.int_in_range(0..=20)?];
    let config = Config {
        reading: Reading {
            framing: if flag(2) { Framing::Lines } else { Framing::Structure },
            max_depth: if flag(3) { 3 } else { Reading::DEFAULT.max_depth },
            fast: !flag(4),
        },
        handshake: if flag(5) { Handshake::Blind } else { Handshake::AfterGreeting },
        correlation: if flag(6) && flag(7) { Correlation::InOrder } else { Correlation::ById },
        oob: flag(8),
        in_band: u.int_in_range(0..=9)?,
        seed: if flag(9) { 0x00FF_FFFD } else { u.arbitrary()? },
    };
    let mut model = Model::new(config, rx.len(), slots.len());
    let mut client = Client::new(Storage::new(rx.as_mut_slice(), tx.as_mut_slice(), &mut slots), config);
    while !u.is_empty() {
        step(u, &mut client, &mut model)?;
        model.check(&mut client);
    }
    client.rx_eof();
    model.ended = true;
    model.drain(&mut client);
    if model.owed {
        // The negotiation waits for room, and hides all else as long as there is none.
        client.tx_sent(client.tx_pending().len()).expect("what was pending");
        model.written.clear();
        model.drain(&mut client);
    }
    assert!(client.session() == Session::Closed || model.owed && tx_length < 79);
    Ok(())
}

const DELIVERIES: [Delivery; 5] =
    [Delivery::Whole, Delivery::ELEMENTS, Delivery::TEXT, Delivery::Elements(&["a"]), Delivery::Text(&["a"])];

fn step(u: &mut Unstructured<'_>, client: &mut Client<'_>, model: &mut Model) -> Result<()> {
    match u.int_in_range(0..=23)? {
        0..=2 => model.execute(client.commands(), u)?,
        3 | 4 => {
            if let Some(message) = model.message(u)? {
                model.stream.extend(message);
            }
        }
        5..=8 => {
            let count = usize::from(u.arbitrary::<u8>()?);
            model.feed(client, count);
        }
        9 | 10 => _ = model.poll(client),
        11 | 12 => model.drain(client),
        13 => {
            let count = u.arbitrary::<u8>()?.into();
            let pending = client.tx_pending().len();
            let sent = client.tx_sent(count);
            assert_eq!(sent.is_ok(), count <= pending);
            model.written = client.tx_pending().to_vec();
        }
        14 => {
            client.tx_sent(client.tx_pending().len()).expect("what was pending");
            model.written.clear();
        }
        15 => {
            let now = u64::from(u.arbitrary::<u8>()?);
            // A clock that goes back is taken for one that stands.
            client.handle_timeout(Instant::from_millis(now));
            model.now = model.now.max(now);
        }
        16 => model.set_deadline(client.commands(), u)?,
        17 => {
            let deadline = u64::from(u.arbitrary::<u8>()?);
            client.commands().set_handshake_deadline(Instant::from_millis(deadline));
            model.handshake_deadline = deadline;
        }
        18 => {
            let Some(ticket) = model.book.pick(u.arbitrary::<u8>()?.into()) else { return Ok(()) };
            let delivery = DELIVERIES[u.int_in_range(0..=4)?];
            let set = client.commands().set_delivery(ticket, delivery);
            match set {
                Ok(()) => model.foretells &= matches!(delivery, Delivery::Whole),
                Err(Error::Misuse(Misuse::Ticket)) => assert!(!model.book.is_in_flight(ticket)),
                Err(error) => assert_eq!(error, Resource::Delivery.into()),
            }
        }
        19 => {
            let Some(ticket) = model.book.pick(u.arbitrary::<u8>()?.into()) else { return Ok(()) };
            if client.commands().forget(ticket).is_ok() {
                model.book.forgotten(ticket);
            }
        }
        20 => model.negotiate(client.commands(), u.arbitrary()?),
        21 => {
            let sent = client.commands().resynchronize();
            assert!(sent.is_ok() || model.session == Session::Closed || matches!(sent, Err(Error::Resource(_))));
        }
        22 => {
            let noise = noise(u)?;
            model.stream.extend(noise);
            model.foretells = false;
        }
        _ => match u.int_in_range(0..=3)? {
            0 => {
                client.rx_eof();
                model.ended = true;
            }
            1 => {
                client.reset();
                model.reset();
            }
            2 => {
                let space = client.rx_space().len();
                let late = model.ended;
                let committed = client.rx_commit(space + 1);
                assert_eq!(committed, Err(if late { Misuse::AfterEof } else { Misuse::CommitTooLong }.into()));
            }
            _ => assert_eq!(client.rx_commit(0).is_err(), model.ended),
        },
    }
    Ok(())
}

/// What a client must come to.
struct Model {
    config: Config,
    rx: usize,
    slots: usize,
    book: Book,
    session: Session,
    oob: bool,
    /// The negotiation is to be sent as soon as there is room.
    owed: bool,
    /// Its id on the wire, while it is under way.
    negotiation: Option<u64>,
    now: u64,
    handshake_deadline: u64,
    ended: bool,
    /// What was pending to be sent.
    written: Vec<u8>,
    /// Bytes on their way to the client.
    stream: VecDeque<u8>,
    /// What they are, as long as they are nothing else.
    foretold: VecDeque<Foretold>,
    foretells: bool,
    /// Elements or pieces that came of the reply at hand, and whose.
    pieces: u32,
    /// A reply that was taken apart was another's, which may have been one that had timed out.
    blurred: bool,
}

/// A message that is on its way.
#[derive(Clone, Copy, Debug)]
struct Foretold {
    kind: Kind,
    id: Id,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Id {
    None,
    Number(u64),
    Other,
}

impl Model {
    fn new(config: Config, rx: usize, slots: usize) -> Self {
        Self {
            config,
            rx,
            slots,
            book: Book::default(),
            session: Session::Greeting,
            oob: false,
            owed: config.handshake == Handshake::Blind,
            negotiation: None,
            now: 0,
            handshake_deadline: u64::MAX,
            ended: false,
            written: Vec::new(),
            stream: VecDeque::new(),
            foretold: VecDeque::new(),
            foretells: rx >= 16 && config.correlation == Correlation::ById && config.reading.max_depth > 3,
            pieces: 0,
            blurred: false,
        }
    }

    fn reset(&mut self) {
        let mut book = core::mem::take(&mut self.book);
        book.reset();
        *self = Self { book, now: self.now, ..Self::new(self.config, self.rx, self.slots) };
    }

    /// What can be asked of a client at any time.
    fn check(&mut self, client: &mut Client<'_>) {
        self.look_at_what_was_written(client.tx_pending());
        assert_eq!(client.session(), self.session);
        assert_eq!(client.oob_enabled(), self.oob);
        for ticket in self.book.tickets() {
            assert_eq!(client.is_in_flight(ticket), self.book.is_in_flight(ticket), "{ticket:?}");
        }
        let (_, in_band) = self.book.open();
        let credits = usize::from(self.config.in_band.clamp(1, 8)).saturating_sub(in_band);
        let actual = usize::from(client.commands().credits());
        assert!(actual == credits || self.blurred && actual >= credits, "{actual} credits, not {credits}");
        let handshake = match self.session {
            Session::Greeting | Session::Negotiating => self.handshake_deadline,
            _ => u64::MAX,
        };
        let timeout = client.poll_timeout().map_or(u64::MAX, Instant::as_millis);
        assert_eq!(timeout, self.book.earliest_deadline().min(handshake));
    }

    fn execute(&mut self, commands: &mut Commands<'_>, u: &mut Unstructured<'_>) -> Result<()> {
        let name = *u.choose(&["query-status", "x", "", "\u{e9}\"\\\n"])?;
        let oob = u.ratio(1, 4)?;
        let (open, in_band) = self.book.open();
        let (sent, fault) = match (u.int_in_range(0..=5)?, oob) {
            (0, false) => (commands.execute(name, "no object"), Some(Misuse::NotAnObject)),
            (1, false) => (commands.execute_raw(name, "{\"a\": nan}"), Some(Misuse::NotJson)),
            (2, false) => (commands.execute_raw(name, " { \"a\" : [ 1 , 2.50 ] } "), None),
            (_, false) => (commands.execute(name, &()), None),
            (0, true) => (commands.exec_oob(name, &[1]), Some(Misuse::NotAnObject)),
            (1, true) => (commands.exec_oob_raw(name, "{"), Some(Misuse::NotJson)),
            (2, true) => (commands.exec_oob_raw(name, "{\"a\":\"\u{e9}\"}"), None),
            (_, true) => (commands.exec_oob(name, &()), None),
        };
        let refusal = match self.session {
            Session::Closed => Some(PeerError::Closed.into()),
            Session::Greeting | Session::Refused => Some(Misuse::NotReady.into()),
            _ if oob && !self.oob => Some(Misuse::NoOutOfBand.into()),
            _ if !oob && in_band >= usize::from(self.config.in_band.clamp(1, 8)) => {
                Some(Resource::Credits { limit: self.config.in_band.clamp(1, 8) }.into())
            }
            // What the model still counts may be given back, and taken again.
            _ if open >= self.slots => Some(Resource::Slots { limit: self.slots as u16 }.into()),
            _ => fault.map(Error::from),
        };
        match (sent, refusal) {
            (Ok(ticket), None) => self.book.sent(ticket, oob, false),
            // A reply that was another's may have given back what the model still counts.
            (Ok(ticket), Some(Error::Resource(_))) if self.blurred => self.book.sent(ticket, oob, false),
            (Err(Error::Resource(Resource::Tx { .. })), None | Some(Error::Misuse(_))) => {}
            (Err(error), Some(refusal)) => assert!(error == refusal || self.blurred, "{error}, not {refusal}"),
            (sent, refusal) => panic!("{sent:?}, not {refusal:?}"),
        }
        Ok(())
    }

    fn set_deadline(&mut self, commands: &mut Commands<'_>, u: &mut Unstructured<'_>) -> Result<()> {
        let Some(ticket) = self.book.pick(u.arbitrary::<u8>()?.into()) else { return Ok(()) };
        let at = u64::from(u.arbitrary::<u8>()?);
        let (set, deadline) = if u.arbitrary()? {
            (commands.set_deadline(ticket, Instant::from_millis(at)), at)
        } else {
            (commands.set_timeout(ticket, Duration::from_millis(at)), self.now + at)
        };
        let in_flight = self.book.is_in_flight(ticket);
        assert_eq!(set, if in_flight { Ok(()) } else { Err(Misuse::Ticket.into()) });
        if in_flight {
            self.book.entry(ticket).deadline = deadline;
        }
        Ok(())
    }

    fn negotiate(&mut self, commands: &mut Commands<'_>, oob: bool) {
        match commands.negotiate(oob) {
            Ok(()) => {
                assert_ne!(self.session, Session::Closed);
                self.negotiates();
            }
            Err(Error::Peer(PeerError::Closed)) => assert_eq!(self.session, Session::Closed),
            Err(error) => assert!(matches!(error, Error::Resource(Resource::Tx { .. })), "{error}"),
        }
    }

    fn negotiates(&mut self) {
        self.session = Session::Negotiating;
        self.oob = false;
        self.owed = false;
    }

    /// What was pending is still there, and behind it are whole lines, each a command.
    fn look_at_what_was_written(&mut self, pending: &[u8]) {
        if self.session == Session::Closed && pending.is_empty() {
            self.written.clear();
        }
        let new = pending.strip_prefix(&*self.written).expect("what was pending is still pending");
        for line in new.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_prefix(b"\xFF").unwrap_or(line);
            let line = match line.iter().position(|byte| *byte != 0xFF) {
                Some(at) => &line[at..],
                None => continue,
            };
            let line = line.strip_suffix(b"\n").expect("a whole line");
            let command: serde_json::Value = serde_json::from_slice(line).expect("a command is JSON");
            let id = command.get("id").and_then(serde_json::Value::as_u64);
            assert_eq!(id.is_some(), self.config.correlation == Correlation::ById);
            if command.get("execute").is_some_and(|name| name == "qmp_capabilities") {
                self.negotiation = id;
            } else if let Some(id) = id {
                assert!(self.book.state_of(id).is_some(), "{id} is no command of ours");
            }
        }
        self.written = pending.to_vec();
    }

    /// A server's message, well-formed, and what it is.
    fn message(&mut self, u: &mut Unstructured<'_>) -> Result<Option<Vec<u8>>> {
        let id = match u.int_in_range(0..=9)? {
            0..=4 => self.book.pick(u.arbitrary::<u8>()?.into()).map_or(Id::None, |it| Id::Number(it.id().into())),
            5 | 6 => self.negotiation.map_or(Id::None, Id::Number),
            7 => Id::Number(*u.choose(&[0, 1, 256, u64::from(u32::MAX) + 257, u64::MAX])?),
            8 => Id::Other,
            _ => Id::None,
        };
        let text = match id {
            Id::None => String::new(),
            Id::Number(id) => format!(", \"id\": {id}"),
            Id::Other => ", \"id\": \"x\\n\"".into(),
        };
        let (kind, body) = match u.int_in_range(0..=9)? {
            0 => (Kind::Greeting, "\"QMP\": {\"capabilities\": [\"oob\"]}".to_owned()),
            1 => (Kind::Event, "\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}".into()),
            2 => (Kind::Error, "\"error\": {\"class\": \"GenericError\", \"desc\": \"\\u00e9\"}".into()),
            3 => (Kind::Error, "\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"\"}".into()),
            4 => (Kind::Unknown, "\"what\": 1".into()),
            5 => (Kind::Return, format!("\"return\": \"{}\"", "x\\n".repeat(u.int_in_range(0..=99)?))),
            6 => (Kind::Return, format!("\"return\": [{}\"\"]", "{\"a\": 1}, ".repeat(u.int_in_range(0..=30)?))),
            7 => (Kind::Return, "\"return\": {\"a\": [1, 2, [3]], \"b\": 5}".into()),
            8 => (Kind::Return, "\"return\": {\"a\": \"text\"}".into()),
            _ => (Kind::Return, "\"return\": {}".into()),
        };
        let message = format!("{{{body}{text}}}\r\n");
        self.foretold.push_back(Foretold { kind, id, bytes: message.len() - 2 });
        Ok(Some(message.into_bytes()))
    }

    fn feed(&mut self, client: &mut Client<'_>, count: usize) {
        let count = count.min(self.stream.len());
        let bytes: Vec<u8> = self.stream.iter().take(count).copied().collect();
        match client.feed(&bytes) {
            Ok(taken) => {
                assert!(!self.ended);
                self.stream.drain(..taken);
            }
            Err(error) => {
                assert!(self.ended && error == Misuse::AfterEof.into());
                // What the client never got is not foretold.
                self.foretells = false;
            }
        }
    }

    /// Polls until nothing comes.
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
        let pays = self.owed;
        let tx_before = client.tx_pending().len();
        let polled = match client.poll() {
            Ok(None) => {
                if pays && client.tx_pending().len() > tx_before {
                    self.negotiates();
                }
                self.pass_handshake_deadline();
                return false;
            }
            Err(Error::Peer(PeerError::Closed)) => {
                assert!(self.ended);
                self.session = Session::Closed;
                self.owed = false;
                self.book.close();
                self.written.clear();
                return false;
            }
            Err(error) => {
                assert!(pays && matches!(error, Error::Resource(Resource::Tx { .. })), "{error}");
                return false;
            }
            Ok(Some(incoming)) => (incoming.message, incoming.origin),
        };
        let (message, origin) = polled;
        self.hear(message, origin);
        self.settle_debt(client);
        true
    }

    /// Whether the negotiation that is owed went out.
    fn settle_debt(&mut self, client: &Client<'_>) {
        if self.owed && client.session() == Session::Negotiating {
            self.negotiates();
        }
    }

    fn hear(&mut self, message: Message<'_>, origin: Option<Origin>) {
        if let Some(origin) = origin
            && self.foretells
        {
            self.check_foretold(&message, origin);
        }
        // A reply to a negotiation that was sent by this very call.
        if matches!(message, Message::Ready { .. } | Message::Refused(_)) && self.owed {
            self.negotiates();
        }
        match message {
            Message::Greeting(_) => self.greeted(),
            Message::Ready { oob } => {
                assert_eq!(self.session, Session::Negotiating);
                self.session = Session::Ready;
                self.oob = oob;
            }
            Message::Refused(_) => {
                assert_eq!(self.session, Session::Negotiating);
                self.session = Session::Refused;
            }
            Message::Reply { ticket, .. } => self.book.ended(ticket),
            Message::Late { ticket, .. } => self.book.late(ticket),
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
                self.end(ticket, late);
            }
            Message::TextEnd { ticket, late } => {
                self.pieces = 0;
                self.end(ticket, late);
            }
            Message::Retracted { ticket, count, by } => {
                self.book.entry(ticket);
                assert_eq!(count, core::mem::take(&mut self.pieces));
                match by {
                    Retraction::Other(other) => self.book.ended(other),
                    Retraction::Foreign => self.blurred = true,
                    _ => {}
                }
            }
            Message::TimedOut { ticket } => {
                self.pass_handshake_deadline();
                self.book.timed_out(ticket, self.now);
            }
            Message::HandshakeTimedOut(session) => {
                // A negotiation that was owed went out by this very call.
                if self.owed && session == Session::Negotiating {
                    self.negotiates();
                }
                assert_eq!(session, self.session);
                assert!(self.handshake_deadline <= self.now);
                self.handshake_deadline = u64::MAX;
            }
            Message::Lost { ticket } => {
                assert!(self.ended);
                self.session = Session::Closed;
                self.owed = false;
                self.written.clear();
                self.book.ended(ticket);
            }
            Message::Oversize { ticket, message } => {
                if message.of == Kind::Greeting {
                    self.greeted();
                }
                if let Some(ticket) = ticket {
                    self.book.ended(ticket);
                } else if matches!(message.of, Kind::Return | Kind::Error) {
                    self.passed_over(message.id.and_then(|id| id.as_u64()), message.of);
                }
            }
            Message::Foreign { id, .. } => {
                let open = id.and_then(|id| id.as_u64()).and_then(|id| self.book.state_of(id));
                let over = |state| state == State::Over || self.blurred && state == State::TimedOut;
                assert!(open.is_none_or(|(_, state)| over(state)), "a reply to {open:?} is taken for a stranger's");
            }
            Message::Incomplete => assert!(self.ended),
            Message::Event(_) | Message::Diagnostic(_) | Message::Malformed(_) | Message::Unknown(_) => {}
            other => panic!("a message the model does not know: {other:?}"),
        }
    }

    /// Bytes bring nothing, so time is looked at. Once the session is ready, the handshake's passes by.
    fn pass_handshake_deadline(&mut self) {
        if self.handshake_deadline <= self.now && !self.ended {
            assert!(!matches!(self.session, Session::Greeting | Session::Negotiating), "it was not told");
            self.handshake_deadline = u64::MAX;
        }
    }

    fn greeted(&mut self) {
        if self.session == Session::Greeting && self.config.handshake == Handshake::AfterGreeting {
            self.owed = true;
        }
    }

    fn end(&mut self, ticket: Ticket, late: bool) {
        if late {
            self.book.late(ticket);
        } else {
            self.book.ended(ticket);
        }
    }

    /// A reply was too long, and ended no command that was in flight. It may have been the negotiation's, or a late one.
    fn passed_over(&mut self, id: Option<u64>, _of: Kind) {
        match id.and_then(|id| self.book.state_of(id)) {
            Some((ticket, State::TimedOut)) => self.book.late(ticket),
            Some((ticket, State::InFlight)) => panic!("{ticket:?} was answered and has not ended"),
            // Replies without ids are told by their order.
            _ => self.blurred |= self.config.correlation == Correlation::InOrder,
        }
    }

    /// The message is the next one of those on their way, and what that one must come to.
    fn check_foretold(&mut self, message: &Message<'_>, origin: Origin) {
        let next = self.foretold.pop_front();
        let next = next.unwrap_or_else(|| panic!("nothing was on its way, but {message:?}"));
        if matches!(message, Message::Incomplete) {
            return;
        }
        assert_eq!(origin.bytes, next.bytes as u64, "{message:?} was {next:?}");
        assert!(!origin.after_gap && !origin.not_finite);
        let state = match next.id {
            Id::Number(id) => self.book.state_of(id).map(|(ticket, state)| (ticket.id(), state)),
            _ => None,
        };
        let reply = matches!(next.kind, Kind::Return | Kind::Error);
        let negotiation = matches!(next.id, Id::Number(_))
            && reply
            && (self.session == Session::Negotiating || self.owed)
            && self.negotiation.is_some_and(|id| next.id == Id::Number(id));
        if next.bytes > self.rx && !negotiation {
            let Message::Oversize { ticket, message } = message else { panic!("{message:?} was {next:?}") };
            assert_eq!(message.of, next.kind);
            let ended = state.filter(|(_, state)| reply && *state == State::InFlight).map(|(id, _)| id);
            assert_eq!(ticket.map(Ticket::id), ended);
            return;
        }
        let as_foretold = match (next.kind, message) {
            (_, Message::Ready { .. } | Message::Refused(_)) => negotiation,
            (Kind::Greeting, Message::Greeting(_)) | (Kind::Event, Message::Event(_)) => true,
            (Kind::Unknown, Message::Unknown(_)) => true,
            (Kind::Return | Kind::Error, Message::Reply { ticket, outcome }) => {
                state == Some((ticket.id(), State::InFlight)) && outcome.is_ok() == (next.kind == Kind::Return)
            }
            (Kind::Return | Kind::Error, Message::Late { ticket, outcome }) => {
                state == Some((ticket.id(), State::TimedOut)) && outcome.is_ok() == (next.kind == Kind::Return)
            }
            (Kind::Error, Message::Diagnostic(_)) => next.id == Id::None,
            (Kind::Return | Kind::Error, Message::Foreign { id, .. }) => {
                let free = state.is_none_or(|(_, state)| state == State::Over);
                free && id.is_some() == (next.id != Id::None)
            }
            _ => false,
        };
        assert!(as_foretold, "{message:?} was {next:?}");
    }
}
