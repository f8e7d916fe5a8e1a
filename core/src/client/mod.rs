//! The client's side of a session, without a socket: bytes in, messages out, commands out.
//!
//! - **Bytes in**: [`rx_space`](Client::rx_space) and [`rx_commit`](Client::rx_commit), or [`feed`](Client::feed);
//!   [`rx_eof`](Client::rx_eof) at the end.
//! - **Messages out**: [`poll`](Client::poll) until it gives `None`. A message borrows from the receive buffer and is released by the
//!   next call that reads.
//! - **Commands out**: [`commands`](Client::commands), or the half of the same name in each [`Incoming`].
//! - **Bytes out**: [`tx_pending`](Client::tx_pending) and [`tx_sent`](Client::tx_sent).
//! - **Time**: [`handle_timeout`](Client::handle_timeout) with the time, at the latest at [`poll_timeout`](Client::poll_timeout).
//!
//! Every command ends exactly once: by [`Message::Reply`], [`Message::ElementsEnd`], [`Message::TextEnd`], [`Message::TimedOut`],
//! [`Message::Lost`], or an [`Message::Oversize`] that bears its ticket.

#[cfg(feature = "delivery")]
mod apart;
mod commands;
mod delivery;
pub(crate) mod outbox;
#[cfg(feature = "delivery")]
pub(crate) mod pieces;
mod session;
pub(crate) mod slots;
mod storage;
#[cfg(test)]
mod tests;

pub use commands::Commands;
pub use delivery::{Delivery, OversizeElement, Retraction};
pub use session::{Config, Correlation, Handshake, IN_BAND_MOST, Session};
pub use slots::{Slot, Ticket};
pub use storage::{StaticStorage, Storage};

use crate::error::{Error, PeerError};
use crate::frame::{Frames, Peer, What};
use crate::json::scan::Reason;
use crate::json::{Payload, Value};
use crate::message::{
    COMMAND_NOT_FOUND, Event, Failure, Greeting, Kind, Malformed, Origin, Oversize, Receive, SERVER_MEMBERS,
    ServerMessage, server_message,
};
use crate::time::Instant;
use crate::transmit::Transmit;
use outbox::Outbox;
use slots::SlotState;

/// What a command came to: what it returned, or why it failed.
pub type Outcome<'m> = Result<Payload<'m>, Failure<'m>>;

/// What [`Client::poll`] reports.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Message<'m> {
    /// The server greets. The first time, negotiation follows by itself.
    ///
    /// A server may greet again (QEMU 5.2 does when a client connects while it starts). If it has lost the negotiation by that, the
    /// session stays [`Negotiating`](Session::Negotiating) up to its [deadline](Commands::set_handshake_deadline): then
    /// [`negotiate`](Commands::negotiate) once more, or connect anew.
    Greeting(Greeting<'m>),
    /// Negotiation is done: commands are executed.
    Ready {
        /// Whether out-of-band execution is on.
        oob: bool,
    },
    /// The server refused to negotiate.
    Refused(Failure<'m>),
    /// A command ended.
    Reply {
        /// The command.
        ticket: Ticket,
        /// What it came to.
        outcome: Outcome<'m>,
    },
    /// An element of what a command returns, which was sent for its elements. Whose it is, is certain only
    /// when a message says so that ends the run: [`ElementsEnd`](Self::ElementsEnd) or [`Retracted`](Self::Retracted).
    Element {
        /// The command.
        ticket: Ticket,
        /// Which it is, counted from 0.
        index: u32,
        /// The element, or how long it was if it did not fit.
        element: Result<Payload<'m>, OversizeElement>,
    },
    /// A command ended: all elements of what it returned were delivered.
    ElementsEnd {
        /// The command.
        ticket: Ticket,
        /// How many they were, those that did not fit included.
        count: u32,
        /// The command had [timed out](Self::TimedOut) before, and had ended by that.
        late: bool,
    },
    /// A piece of a string that a command returns, which was sent for its text: decoded, and behind the
    /// piece before. Whose it is, is certain only when [`TextEnd`](Self::TextEnd) or [`Retracted`](Self::Retracted) says so.
    Text {
        /// The command.
        ticket: Ticket,
        /// The piece; never empty.
        text: &'m str,
    },
    /// A command ended: all of the text was delivered.
    TextEnd {
        /// The command.
        ticket: Ticket,
        /// The command had [timed out](Self::TimedOut) before, and had ended by that.
        late: bool,
    },
    /// The elements or pieces delivered last were not the command's, or not all of them come. It is in flight as before, if it was; where
    /// damage is the cause, its reply is gone and only its deadline ends it.
    Retracted {
        /// The command.
        ticket: Ticket,
        /// How many are meant.
        count: u32,
        /// Why.
        by: Retraction,
    },
    /// Something happened.
    Event(Event<'m>),
    /// A command's deadline is past. Whether it is or will be executed is unknown; a reply that comes after all is
    /// [`Late`](Self::Late).
    TimedOut {
        /// The command.
        ticket: Ticket,
    },
    /// The session is not ready by its deadline; the state says what the server owes.
    HandshakeTimedOut(Session),
    /// The reply to a command that had timed out. Only now its id and its place in the server's queue are free again.
    Late {
        /// The command.
        ticket: Ticket,
        /// What it came to.
        outcome: Outcome<'m>,
    },
    /// The connection ended with the command in flight: whether it was or will be executed is unknown.
    Lost {
        /// The command.
        ticket: Ticket,
    },
    /// A reply to no command of ours: of an earlier connection, or forged, or a `return` without an id.
    Foreign {
        /// Its id, if any.
        id: Option<Value<'m>>,
        /// What that command came to.
        outcome: Outcome<'m>,
    },
    /// An error without an id: the server could not read some input. It ends no command, as one bad input can draw many.
    Diagnostic(Failure<'m>),
    /// A message was passed over, and if it was the reply to a command, that has ended.
    Oversize {
        /// The command that ended by it.
        ticket: Option<Ticket>,
        /// What is known of the message.
        message: Oversize<'m>,
    },
    /// Bytes were no message. The next message is marked as following a gap. A reply that was damaged is missed by its command only
    /// at its deadline.
    Malformed(Malformed<'m>),
    /// A JSON object that is no message of the protocol.
    Unknown(Payload<'m>),
    /// The stream ended inside a message.
    Incomplete,
}

/// A message, and the means to answer it while it is held.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Incoming<'m, 'b> {
    /// What came.
    pub message: Message<'m>,
    /// Where in the stream. `None` for what time or the end brought, not bytes.
    pub origin: Option<Origin>,
    /// The sending half.
    pub commands: &'m mut Commands<'b>,
}

/// A session as its client sees it. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Client<'b> {
    frames: Frames<'b>,
    commands: Commands<'b>,
}

impl<'b> Client<'b> {
    /// A client for a connection about to be opened.
    pub fn new(storage: Storage<'b>, config: Config) -> Self {
        Self {
            frames: Frames::new(storage.rx, Peer::Server, config.reading, SERVER_MEMBERS),
            commands: Commands::new(Transmit::new(storage.tx), storage.slots, &config),
        }
    }

    /// Begins anew, for a new connection. Bytes and commands of the old one are forgotten; to have the commands reported as lost,
    /// [`rx_eof`](Self::rx_eof) and [`poll`](Self::poll) to the end first. Ids go on, so that late replies are told apart.
    pub fn reset(&mut self) {
        self.frames.reset();
        self.commands.reset();
    }

    /// The free part of the receive buffer. Releases the message last polled. Empty only while messages wait to be polled.
    pub fn rx_space(&mut self) -> &mut [u8] {
        self.frames.rx_space()
    }

    /// [`rx_space`](Self::rx_space) and [`tx_pending`](Self::tx_pending) at once, for a line that works both ways.
    #[cfg(feature = "embedded-io-async")]
    pub(crate) fn both_ways(&mut self) -> (&mut [u8], &[u8]) {
        (self.frames.rx_space(), self.commands.outbox.tx.pending())
    }

    /// The first `count` bytes of [`rx_space`](Self::rx_space) were received.
    ///
    /// # Errors
    /// [`Misuse`](crate::error::Misuse) if there are not so many, or behind [`rx_eof`](Self::rx_eof).
    pub fn rx_commit(&mut self, count: usize) -> Result<(), Error> {
        self.frames.rx_commit(count)
    }

    /// Copies the beginning of `bytes` into the receive buffer and gives its length: 0 only while messages wait to be polled.
    ///
    /// # Errors
    /// [`Misuse`](crate::error::Misuse) behind [`rx_eof`](Self::rx_eof).
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.frames.feed(bytes)
    }

    /// The connection has ended, or failed. What was received is still polled; then commands in flight are reported as lost.
    pub fn rx_eof(&mut self) {
        self.frames.rx_eof();
    }

    /// Bytes to be sent, in one piece. A command lies in it whole.
    pub fn tx_pending(&self) -> &[u8] {
        self.commands.outbox.tx.pending()
    }

    /// The first `count` bytes of [`tx_pending`](Self::tx_pending) were sent.
    ///
    /// # Errors
    /// [`Misuse`](crate::error::Misuse) if there are not so many.
    pub fn tx_sent(&mut self, count: usize) -> Result<(), Error> {
        self.commands.outbox.tx.sent(count)
    }

    /// The sending half.
    pub const fn commands(&mut self) -> &mut Commands<'b> {
        &mut self.commands
    }

    /// Where the session stands.
    pub const fn session(&self) -> Session {
        self.commands.session
    }

    /// Whether out-of-band execution is on.
    pub const fn oob_enabled(&self) -> bool {
        self.commands.oob
    }

    /// Whether `ticket` is in flight and not timed out.
    pub fn is_in_flight(&self, ticket: Ticket) -> bool {
        self.commands.is_in_flight(ticket)
    }

    /// The time is `now`. Deadlines up to it are past; [`poll`](Self::poll) reports them, behind the replies that have come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.commands.now = self.commands.now.max(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let handshake = match self.commands.session {
            Session::Greeting | Session::Negotiating => self.commands.handshake_deadline,
            Session::Ready | Session::Refused | Session::Closed => Instant::NEVER,
        };
        let next = self.commands.outbox.slots.earliest_deadline().min(handshake);
        (next < Instant::NEVER).then_some(next)
    }

    /// What comes next. `None`: nothing until more bytes are fed or time goes on.
    ///
    /// # Errors
    /// [`PeerError::Closed`] behind the end of the stream, when all is reported. [`Resource::Tx`](crate::error::Resource::Tx) when
    /// the transmit buffer cannot hold `qmp_capabilities`, 79 bytes at most.
    pub fn poll(&mut self) -> Result<Option<Incoming<'_, 'b>>, Error> {
        self.commands.pay()?;
        #[cfg(feature = "delivery")]
        if self.commands.outbox.has_stream()
            && let Some((ticket, count, by)) = self.commands.outbox.broken_pieces()
        {
            let message = Message::Retracted { ticket, count, by };
            return Ok(Some(Incoming { message, origin: None, commands: &mut self.commands }));
        }
        let Some(what) = self.advance() else {
            return self.poll_without_bytes();
        };
        Ok(Some(self.report(what)))
    }

    /// What has come of bytes. Where reading them goes deepest, what this has on the stack is not there meanwhile.
    #[cfg_attr(feature = "delivery", inline(never))]
    #[cfg_attr(not(feature = "delivery"), inline(always))]
    fn report(&mut self, what: What) -> Incoming<'_, 'b> {
        let origin = Some(Origin::of(what, &self.frames));
        let message = match what {
            #[cfg(feature = "delivery")]
            What::Piece(piece) => self.commands.piece(&mut self.frames, what, piece),
            _ => server_message(&mut self.frames, what, &mut self.commands),
        };
        // For want of room it stays owed, and the next call says so.
        let _ = self.commands.pay();
        Incoming { message, origin, commands: &mut self.commands }
    }

    #[inline(always)]
    fn advance(&mut self) -> Option<What> {
        #[cfg(feature = "delivery")]
        if self.commands.outbox.has_stream() {
            return self.commands.advance_apart(&mut self.frames);
        }
        self.frames.advance()
    }

    /// What time and the end of the stream bring.
    fn poll_without_bytes(&mut self) -> Result<Option<Incoming<'_, 'b>>, Error> {
        let ended = self.frames.is_finished();
        let message = if ended { self.commands.lose()? } else { self.commands.expire() };
        let Some(message) = message else { return Ok(None) };
        Ok(Some(Incoming { message, origin: None, commands: &mut self.commands }))
    }
}

impl<'m> Receive<'m> for &mut Commands<'_> {
    type Received = Message<'m>;

    /// A message has come: which command it ends, and what it does to the session.
    #[inline(always)]
    fn receive(self, message: ServerMessage<'m>) -> Message<'m> {
        match message {
            ServerMessage::Greeting(greeting) => {
                self.greeted(greeting.offers_oob());
                Message::Greeting(greeting)
            }
            ServerMessage::Return { id, payload } => self.reply(id, Ok(payload)),
            ServerMessage::Error { id, failure } => self.reply(id, Err(failure)),
            ServerMessage::Event(event) => Message::Event(event),
            ServerMessage::Unknown(payload) => Message::Unknown(payload),
            ServerMessage::Oversize(oversize) => self.oversize(oversize),
            ServerMessage::Malformed(malformed) => Message::Malformed(malformed),
            ServerMessage::Incomplete => Message::Incomplete,
            // Read from agents only.
            ServerMessage::Sentinel => Message::Malformed(Malformed { at: 0, reason: Reason::Interrupted, text: &[] }),
        }
    }
}

impl Commands<'_> {
    /// The number of what is answered by a reply with this id, or without one.
    fn answered(&mut self, id: Option<Value<'_>>) -> Option<u32> {
        match (id, self.correlation) {
            (Some(id), _) => Outbox::number(id),
            (None, Correlation::ById) => None,
            (None, Correlation::InOrder) if self.negotiation != 0 => Some(self.negotiation),
            (None, Correlation::InOrder) => self.next_in_order(),
        }
    }

    fn reply<'m>(&mut self, id: Option<Value<'m>>, outcome: Outcome<'m>) -> Message<'m> {
        if let Some(number) = self.answered(id) {
            if number == self.negotiation {
                return self.negotiated(outcome.map(drop));
            }
            match self.outbox.end(number) {
                SlotState::InFlight => return Message::Reply { ticket: Ticket(number), outcome },
                SlotState::TimedOut => return Message::Late { ticket: Ticket(number), outcome },
                SlotState::Free | SlotState::Succeeded => {}
            }
        }
        match (id, outcome) {
            (None, Err(failure)) => Message::Diagnostic(failure),
            (id, outcome) => Message::Foreign { id, outcome },
        }
    }

    fn negotiated<'m>(&mut self, outcome: Result<(), Failure<'m>>) -> Message<'m> {
        self.negotiation = 0;
        let oob = match (outcome, self.unheard) {
            (Ok(()), _) => self.enabling,
            // It is complete already: the server heard an earlier one.
            (Err(failure), Some(oob)) if failure.class() == COMMAND_NOT_FOUND => oob,
            (Err(failure), _) => {
                // Of an earlier one it tells nothing.
                self.session = Session::Refused;
                return Message::Refused(failure);
            }
        };
        self.unheard = None;
        self.session = Session::Ready;
        self.oob = oob;
        Message::Ready { oob }
    }

    fn oversize<'m>(&mut self, message: Oversize<'m>) -> Message<'m> {
        let reply = matches!(message.of, Kind::Return | Kind::Error);
        let number = if reply { self.answered(message.id) } else { None };
        if number.is_some_and(|number| number == self.negotiation) {
            // Which of the two it was is all that matters.
            let outcome = if message.of == Kind::Return { Ok(()) } else { Err(Failure::UNKNOWN) };
            return self.negotiated(outcome);
        }
        let ticket = number.filter(|number| self.outbox.end(*number) == SlotState::InFlight).map(Ticket);
        if message.of == Kind::Greeting {
            // What it offers is gone, but the server is there.
            self.greeted(false);
        }
        Message::Oversize { ticket, message }
    }

    /// A deadline that is past.
    fn expire(&mut self) -> Option<Message<'static>> {
        if self.handshake_deadline <= self.now {
            self.handshake_deadline = Instant::NEVER;
            if matches!(self.session, Session::Greeting | Session::Negotiating) {
                return Some(Message::HandshakeTimedOut(self.session));
            }
        }
        let slot = self.outbox.due(self.now)?;
        slot.state = SlotState::TimedOut;
        Some(Message::TimedOut { ticket: Ticket(slot.id) })
    }

    /// A command that the end of the stream took, and behind the last one the end itself.
    fn lose(&mut self) -> Result<Option<Message<'static>>, Error> {
        self.session = Session::Closed;
        self.owed = false;
        self.outbox.tx.clear();
        let Some(slot) = self.outbox.slots.any(SlotState::InFlight) else {
            self.outbox.reset();
            return Err(PeerError::Closed.into());
        };
        let ticket = Ticket(slot.id);
        *slot = Slot::FREE;
        Ok(Some(Message::Lost { ticket }))
    }
}
