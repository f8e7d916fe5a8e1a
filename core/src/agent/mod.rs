//! A guest agent's client, without a socket: bytes in, messages out, commands out, and in step throughout.
//!
//! It is driven as [`client::Client`](crate::client::Client) is, over memory of the same kind:
//!
//! - **Bytes in**: [`rx_space`](Client::rx_space) and [`rx_commit`](Client::rx_commit), or [`feed`](Client::feed);
//!   [`rx_eof`](Client::rx_eof) at the end.
//! - **Messages out**: [`poll`](Client::poll) until it gives `None`. A message borrows from the receive buffer and is released by the
//!   next call that reads.
//! - **Commands out**: [`commands`](Client::commands), or the half of the same name in each [`Incoming`].
//! - **Bytes out**: [`tx_pending`](Client::tx_pending) and [`tx_sent`](Client::tx_sent).
//! - **Time**: [`handle_timeout`](Client::handle_timeout) with the time, at the latest at [`poll_timeout`](Client::poll_timeout).
//!
//! What is different: there is no greeting, no negotiation, no event and no out-of-band execution. The line may have been another
//! client's, so the session begins with a [synchronisation](Sync), and with another one whenever a command's time is up or bytes
//! were damaged. Until its answer has come, commands are refused, and what comes is [`Late`](Message::Late),
//! [`Foreign`](Message::Foreign), a [`Diagnostic`](Message::Diagnostic) or worse, but never taken for an answer. A real agent answers
//! the 0xFF with an error first: each synchronisation draws a [`Diagnostic`](Message::Diagnostic).
//!
//! Every command ends exactly once: by [`Message::Reply`], [`Message::ElementsEnd`], [`Message::TextEnd`], [`Message::Sent`],
//! [`Message::TimedOut`], [`Message::Lost`], or a [`Message::Oversize`] that bears its ticket. An agent does one thing after another: what it has not answered when it answers a
//! later synchronisation, it never will, and so that is [`Lost`](Message::Lost), too.
//!
//! ```
//! use qmp_core::agent::{Client, Config, Message, StaticStorage};
//!
//! let mut storage = StaticStorage::<256, 128, 2>::new();
//! let mut client = Client::new(storage.lend(), Config { seed: 4, ..Config::DEFAULT });
//! assert!(client.poll()?.is_none());
//! assert_eq!(
//!     client.tx_pending(),
//!     b"\xFF{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":4503599627370501},\"id\":4503599627370501}\n"
//! );
//! client.tx_sent(client.tx_pending().len())?;
//!
//! client.feed(b"what was left\n\xFF{\"return\": 4503599627370501, \"id\": 4503599627370501}\n")?;
//! while let Some(incoming) = client.poll()? {
//!     if let Message::Ready { .. } = incoming.message {
//!         incoming.commands.execute("guest-ping", &())?;
//!     }
//! }
//! assert_eq!(client.tx_pending(), b"{\"execute\":\"guest-ping\",\"id\":1280}\n");
//! # Ok::<(), qmp_core::error::Error>(())
//! ```

#[cfg(feature = "delivery")]
mod apart;
mod commands;
mod session;
mod synchronization;
#[cfg(test)]
mod tests;

pub use commands::Commands;
pub use session::{Config, Session, Sync};

pub use crate::client::{Delivery, Outcome, OversizeElement, Retraction, Slot, StaticStorage, Storage, Ticket};

use crate::client::outbox::Outbox;
use crate::client::slots::SlotState;
use crate::error::{Error, PeerError};
use crate::frame::{Frames, Peer, What};
use crate::json::{Payload, Value};
use crate::message::{
    Event, Failure, Greeting, Kind, Malformed, Origin, Oversize, Receive, SERVER_MEMBERS, ServerMessage, server_message,
};
use crate::time::Instant;
use crate::transmit::Transmit;
use synchronization::Step;

/// What [`Client::poll`] reports.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Message<'m> {
    /// In step: commands are executed.
    Ready {
        /// Whether the agent echoes ids, so that commands bear some.
        ids: bool,
    },
    /// The agent has not answered a synchronisation in time. The next one is sent, unless this one is still waiting to be.
    Unanswered {
        /// How many have gone unanswered, one after another.
        attempts: u32,
    },
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
    /// damage is the cause, its reply is gone: it ends by its deadline, or with the synchronisation that follows.
    Retracted {
        /// The command.
        ticket: Ticket,
        /// How many are meant.
        count: u32,
        /// Why.
        by: Retraction,
    },
    /// A command that does not answer when it succeeds ended: it was sent whole, and no error came. More cannot be known.
    Sent {
        /// The command.
        ticket: Ticket,
    },
    /// A command's deadline is past. Whether it is or will be executed is unknown; a reply that comes after all is
    /// [`Late`](Self::Late). The session gets in step anew.
    TimedOut {
        /// The command.
        ticket: Ticket,
    },
    /// The reply to a command that had timed out.
    Late {
        /// The command.
        ticket: Ticket,
        /// What it came to.
        outcome: Outcome<'m>,
    },
    /// No reply to the command will come: the connection has ended, or the agent has answered a later synchronisation. Whether it
    /// was executed is unknown.
    Lost {
        /// The command.
        ticket: Ticket,
    },
    /// A reply to no command of ours: to an earlier client, to an earlier synchronisation, or forged.
    Foreign {
        /// Its id, if any.
        id: Option<Value<'m>>,
        /// What that command came to.
        outcome: Outcome<'m>,
    },
    /// An error that is no command's: the agent could not read some input. Every synchronisation draws one.
    Diagnostic(Failure<'m>),
    /// A message was passed over, and if it was the reply to a command, that has ended.
    Oversize {
        /// The command that ended by it.
        ticket: Option<Ticket>,
        /// What is known of the message.
        message: Oversize<'m>,
    },
    /// Bytes were no message. The next message is marked as following a gap. If commands are in flight, the session gets in step anew.
    Malformed(Malformed<'m>),
    /// A JSON object that is no message of the protocol.
    Unknown(Payload<'m>),
    /// A greeting: this is no agent, but a QMP monitor.
    Greeting(Greeting<'m>),
    /// An event: this is no agent, but a QMP monitor.
    Event(Event<'m>),
    /// A 0xFF that belongs to no synchronisation.
    Sentinel,
    /// The stream ended inside a message.
    Incomplete,
}

/// A message, and the means to answer it while it is held.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Incoming<'m, 'b> {
    /// What came.
    pub message: Message<'m>,
    /// Where in the stream. `None` for what time or the end brought, not bytes, and for [`Message::Ready`].
    pub origin: Option<Origin>,
    /// The sending half.
    pub commands: &'m mut Commands<'b>,
}

/// A session with a guest agent. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Client<'b> {
    frames: Frames<'b>,
    commands: Commands<'b>,
}

impl<'b> Client<'b> {
    /// A client for a connection about to be opened. The receive buffer holds at least 64 bytes, or it has no room for the answer to a
    /// synchronisation; the transmit buffer at least 94, its length.
    pub fn new(storage: Storage<'b>, config: Config) -> Self {
        Self {
            frames: Frames::new(storage.rx, Peer::Agent, config.reading, SERVER_MEMBERS),
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
        let sync = match self.commands.session {
            Session::Syncing => self.commands.synchronization.deadline,
            Session::Unsynced | Session::Ready | Session::Closed => Instant::NEVER,
        };
        let next = self.commands.outbox.slots.earliest_deadline().min(sync);
        (next < Instant::NEVER).then_some(next)
    }

    /// What comes next. `None`: nothing until more bytes are fed or time goes on.
    ///
    /// # Errors
    /// [`PeerError::Closed`] behind the end of the stream, when all is reported. [`Resource::Tx`](crate::error::Resource::Tx) when
    /// the transmit buffer cannot hold a synchronisation.
    pub fn poll(&mut self) -> Result<Option<Incoming<'_, 'b>>, Error> {
        self.commands.pay()?;
        #[cfg(feature = "delivery")]
        if let Some((ticket, count, by)) = self.commands.outbox.broken_pieces() {
            let message = Message::Retracted { ticket, count, by };
            return Ok(Some(Incoming { message, origin: None, commands: &mut self.commands }));
        }
        while !self.commands.settling {
            let Some(what) = self.advance() else {
                return self.poll_without_bytes();
            };
            let origin = Some(Origin::of(what, &self.frames));
            let message = match what {
                #[cfg(feature = "delivery")]
                What::Piece(piece) => self.commands.piece(&mut self.frames, what, piece),
                _ => match self.commands.follow(&mut self.frames, what) {
                    Step::Sentinel => continue,
                    Step::Done => {
                        self.commands.settling = true;
                        continue;
                    }
                    Step::None => server_message(&mut self.frames, what, &mut self.commands),
                },
            };
            // For want of room it stays owed, and the next call says so.
            let _ = self.commands.pay();
            return Ok(Some(Incoming { message, origin, commands: &mut self.commands }));
        }
        let message = self.commands.settle();
        Ok(Some(Incoming { message, origin: None, commands: &mut self.commands }))
    }

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
        let _ = self.commands.pay();
        let Some(message) = message else { return Ok(None) };
        Ok(Some(Incoming { message, origin: None, commands: &mut self.commands }))
    }
}

impl<'m> Receive<'m> for &mut Commands<'_> {
    type Received = Message<'m>;

    /// A message has come that is not the synchronisation's: which command it ends.
    #[inline(always)]
    fn receive(self, message: ServerMessage<'m>) -> Message<'m> {
        match message {
            ServerMessage::Return { id, payload } => self.reply(id, Ok(payload)),
            ServerMessage::Error { id, failure } => self.reply(id, Err(failure)),
            ServerMessage::Oversize(message) => {
                let number = match message.of {
                    Kind::Return | Kind::Error => self.command_of(message.id),
                    Kind::Greeting | Kind::Event | Kind::Unknown => None,
                };
                let ticket =
                    number.filter(|number| self.outbox.end_in_order(*number) == SlotState::InFlight).map(Ticket);
                Message::Oversize { ticket, message }
            }
            ServerMessage::Malformed(malformed) => {
                // It may have been a reply.
                if self.unanswered() > 0 {
                    self.doubt();
                }
                Message::Malformed(malformed)
            }
            ServerMessage::Unknown(payload) => Message::Unknown(payload),
            ServerMessage::Greeting(greeting) => Message::Greeting(greeting),
            ServerMessage::Event(event) => Message::Event(event),
            ServerMessage::Sentinel => {
                // What follows is no answer to a command, and nothing but its place would tell.
                if !self.echoes_ids() {
                    self.doubt();
                }
                Message::Sentinel
            }
            ServerMessage::Incomplete => Message::Incomplete,
        }
    }
}

impl Commands<'_> {
    /// What a message means to the synchronisation, if there is one under way.
    fn follow(&mut self, frames: &mut Frames<'_>, what: What) -> Step {
        match self.session {
            Session::Syncing => self.synchronization.receive(frames, what),
            Session::Unsynced | Session::Ready | Session::Closed => Step::None,
        }
    }

    /// In step again. What was sent before and is not answered by now is not going to be; then all is ready.
    fn settle(&mut self) -> Message<'static> {
        if let Some(message) = self.succeeded() {
            return message;
        }
        if let Some(slot) = self.outbox.slots.any(SlotState::InFlight) {
            let Slot { id, silent, .. } = core::mem::take(slot);
            let ticket = Ticket(id);
            return if silent { Message::Sent { ticket } } else { Message::Lost { ticket } };
        }
        self.outbox.slots.all_mut().fill(Slot::FREE);
        self.settling = false;
        self.session = Session::Ready;
        Message::Ready { ids: self.synchronization.echoes }
    }

    fn reply<'m>(&mut self, id: Option<Value<'m>>, outcome: Outcome<'m>) -> Message<'m> {
        if let Some(number) = self.command_of(id) {
            match self.outbox.end_in_order(number) {
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

    /// The id of the command that a reply is to: by the id in it or, where the agent echoes none and is in step, the only one.
    fn command_of(&mut self, id: Option<Value<'_>>) -> Option<u32> {
        if let Some(id) = id {
            return Outbox::number(id);
        }
        if self.session != Session::Ready || self.synchronization.echoes {
            return None;
        }
        self.outbox.slots.any(SlotState::InFlight).map(|slot| slot.id)
    }

    /// A command without a reply that has succeeded.
    fn succeeded(&mut self) -> Option<Message<'static>> {
        let slot = self.outbox.slots.any(SlotState::Succeeded)?;
        Some(Message::Sent { ticket: Ticket(core::mem::take(slot).id) })
    }

    /// A deadline that is past.
    fn expire(&mut self) -> Option<Message<'static>> {
        if self.session == Session::Syncing && self.synchronization.deadline <= self.now {
            self.session = Session::Unsynced;
            return Some(Message::Unanswered { attempts: self.synchronization.attempts() });
        }
        let succeeded = self.succeeded();
        if succeeded.is_some() {
            return succeeded;
        }
        let all_sent = self.outbox.tx.pending().is_empty();
        let slot = self.outbox.due(self.now)?;
        let ticket = Ticket(slot.id);
        if slot.silent && all_sent {
            *slot = Slot::FREE;
            return Some(Message::Sent { ticket });
        }
        slot.state = SlotState::TimedOut;
        self.doubt();
        Some(Message::TimedOut { ticket })
    }

    /// A command that the end of the stream took, and behind the last one the end itself.
    fn lose(&mut self) -> Result<Option<Message<'static>>, Error> {
        self.session = Session::Closed;
        if let Some(message) = self.succeeded() {
            return Ok(Some(message));
        }
        let all_sent = self.outbox.tx.pending().is_empty();
        let Some(slot) = self.outbox.slots.any(SlotState::InFlight) else {
            self.outbox.reset();
            return Err(PeerError::Closed.into());
        };
        let Slot { id, silent, .. } = core::mem::take(slot);
        let ticket = Ticket(id);
        Ok(Some(if silent && all_sent { Message::Sent { ticket } } else { Message::Lost { ticket } }))
    }
}
