//! The server's side of a session, without a socket: bytes in, commands out, replies and events in return. For guest agents, test
//! doubles, and whoever else wants to be spoken to as QEMU is.
//!
//! - **Bytes in**: [`rx_space`](Server::rx_space) and [`rx_commit`](Server::rx_commit), or [`feed`](Server::feed);
//!   [`rx_eof`](Server::rx_eof) at the end.
//! - **Commands out**: [`poll`](Server::poll) until it gives `None`. A message borrows from the receive buffer and is released by the
//!   next call that reads.
//! - **Replies and events**: [`replies`](Server::replies), or the half of the same name in each [`Incoming`]: at once, or later by
//!   the command's [`Ticket`].
//! - **Bytes out**: [`tx_pending`](Server::tx_pending) and [`tx_sent`](Server::tx_sent).
//!
//! The server greets and negotiates by itself, and answers all input that is no command with the error class, the description and
//! the id that QEMU answers it with, in its turn; so every [`Message::Command`] is one that a client may give. The program answers
//! it once: with a reply, with an error, or with nothing where that is what the command does.
//!
//! ```
//! use qmp_core::error::Error;
//! use qmp_core::server::{Config, Incoming, Message, Server, StaticStorage};
//!
//! #[derive(serde::Serialize)]
//! struct StatusInfo {
//!     running: bool,
//! }
//!
//! fn answer(server: &mut Server<'_>) -> Result<(), Error> {
//!     while let Some(Incoming { message, replies, .. }) = server.poll()? {
//!         if let Message::Command { ticket, name, oob, .. } = message {
//!             match name {
//!                 _ if oob => replies.no_oob(ticket, name)?,
//!                 "query-status" => replies.reply(ticket, &StatusInfo { running: true })?,
//!                 _ => replies.not_found(ticket, name)?,
//!             }
//!         }
//!     }
//!     Ok(())
//! }
//!
//! let mut storage = StaticStorage::<1024, 1024, 2, 64>::new();
//! let mut server = Server::new(storage.lend(), Config::DEFAULT);
//! server.feed(b"{'execute': 'qmp_capabilities'} {'execute': 'query-status', 'id': [7]} {'id': 8}\n")?;
//! answer(&mut server)?;
//! assert_eq!(
//!     std::str::from_utf8(server.tx_pending()),
//!     Ok(concat!(
//!         r#"{"QMP":{"version":{"qemu":{"micro":0,"minor":0,"major":0},"package":""},"capabilities":[]}}"#, "\r\n",
//!         r#"{"return":{}}"#, "\r\n",
//!         r#"{"return":{"running":true},"id":[7]}"#, "\r\n",
//!         r#"{"error":{"class":"GenericError","desc":"QMP input lacks member 'execute'"},"id":8}"#, "\r\n",
//!     )),
//! );
//! # Ok::<(), Error>(())
//! ```
//!
//! # Order and back-pressure
//!
//! Without out-of-band execution one command is delivered at a time, and nothing is read until it is answered. With it, commands
//! are delivered at once while no more than [`QUEUE`] in-band ones wait behind the first; then nothing is read, as QEMU does.
//! Nor is anything read while an answer of the server's own waits for room in the transmit buffer, or when all entries for pending
//! commands are taken. `poll` gives `None` all that time, and the receive buffer fills up: that is the client's signal to wait.
//!
//! # Where it differs from QEMU
//!
//! - Ids are echoed as they were written, with strings and white space normalised: `1.0` stays `1.0`, `-0` stays `-0`, members keep
//!   their order, and `1e999` does not become `inf`.
//! - Duplicate members are refused in the command and in its `arguments`, not deeper. More than 1,024 members in one of these are
//!   refused.
//! - Of several things wrong with one command, another one may be named than QEMU would. Long names are cut in descriptions.
//! - Nesting beyond the limit draws one error, as from QEMU 11.1 on, not one a level. A command longer than the receive buffer is
//!   answered with its id, where that fits.
//! - A reply to a command of an earlier connection is never sent.

mod config;
mod own;
mod pending;
mod replies;
mod storage;
#[cfg(test)]
mod tests;

pub use config::{Config, Dialect};
pub use pending::{Pending, Ticket};
pub use replies::{QUEUE, Replies};
pub use storage::{StaticStorage, Storage};

use crate::error::{Error, PeerError, Resource};
use crate::frame::{Frames, Peer, What};
use crate::json::scan::members::Span;
use crate::json::scan::{Expected, Input};
use crate::json::{Payload, Value};
use crate::message::{
    CLIENT_ID, CLIENT_MEMBERS, ClientMessage, Malformed, Origin, OversizeCommand, Refusal, RefusalKind, client_message,
    diagnose, is_out_of_band,
};
use crate::transmit::Transmit;
use pending::{IdTooLong, Table};

/// What [`Server::poll`] reports. Only a command is to be answered; the rest is for who wants to know.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Message<'m> {
    /// A command, to be answered by its ticket.
    Command {
        /// Names it in [`Replies`].
        ticket: Ticket,
        /// Its name. There may be no such command: answer [`not_found`](Replies::not_found).
        name: &'m str,
        /// Whether it is to be executed out of band. Where it cannot be: [`no_oob`](Replies::no_oob).
        oob: bool,
        /// Its arguments, an object.
        arguments: Option<Payload<'m>>,
    },
    /// The client has negotiated: commands are executed, and events are sent.
    Negotiated {
        /// Whether out-of-band execution is on.
        oob: bool,
    },
    /// An agent's client synchronises: the number was sent back.
    Synchronized {
        /// The number.
        id: i64,
        /// Whether it was sent back behind a 0xFF.
        delimited: bool,
    },
    /// A message was no command that is executed. The server answers it.
    Answered(Refusal<'m>),
    /// Bytes were no message. The server answers them.
    Malformed(Malformed<'m>),
    /// A message was passed over. The server answers it.
    Oversize(OversizeCommand<'m>),
    /// The stream ended inside a message.
    Incomplete,
}

/// A message, and the means to answer it while it is held.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Incoming<'m, 'b> {
    /// What came.
    pub message: Message<'m>,
    /// Where in the stream.
    pub origin: Option<Origin>,
    /// The sending half.
    pub replies: &'m mut Replies<'b>,
}

/// A session as its server sees it. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Server<'b> {
    frames: Frames<'b, Input>,
    replies: Replies<'b>,
    /// The message handed out last has an id, or a synchronisation's number, too long to be kept, and is still to be answered. It is
    /// held that long, for its id, if it has one, is sent back.
    held: Option<Option<Span>>,
}

impl<'b> Server<'b> {
    /// A server for a connection just opened: the greeting is there to be sent.
    pub fn new(storage: Storage<'b>, config: Config) -> Self {
        Self {
            frames: Frames::new(storage.rx, Peer::Client, config.reading, CLIENT_MEMBERS),
            replies: Replies::new(Transmit::new(storage.tx), Table::new(storage.pending, storage.ids), &config),
            held: None,
        }
    }

    /// Begins anew, for a new connection: bytes, capabilities and commands of the old one are forgotten. A reply to one of these is
    /// refused and not sent to a client that did not ask.
    pub fn reset(&mut self) {
        self.frames.reset();
        self.replies.reset();
        self.held = None;
    }

    /// The free part of the receive buffer. Releases the message last polled. Empty only while messages wait to be polled or
    /// commands to be answered.
    pub fn rx_space(&mut self) -> &mut [u8] {
        if self.held.is_some() { self.frames.rx_space_behind() } else { self.frames.rx_space() }
    }

    /// The first `count` bytes of [`rx_space`](Self::rx_space) were received.
    ///
    /// # Errors
    /// [`Misuse`](crate::error::Misuse) if there are not so many, or behind [`rx_eof`](Self::rx_eof).
    pub fn rx_commit(&mut self, count: usize) -> Result<(), Error> {
        self.frames.rx_commit(count)
    }

    /// Copies the beginning of `bytes` into the receive buffer and gives its length: 0 only while messages wait to be polled or
    /// commands to be answered.
    ///
    /// # Errors
    /// [`Misuse`](crate::error::Misuse) behind [`rx_eof`](Self::rx_eof).
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.rx_space();
        self.frames.take(bytes)
    }

    /// The client sends no more. What was received is still polled, and can still be answered.
    pub fn rx_eof(&mut self) {
        self.frames.rx_eof();
    }

    /// Bytes to be sent, in one piece. A message lies in it whole.
    pub fn tx_pending(&self) -> &[u8] {
        self.replies.tx.pending()
    }

    /// The first `count` bytes of [`tx_pending`](Self::tx_pending) were sent.
    ///
    /// # Errors
    /// [`Misuse`](crate::error::Misuse) if there are not so many.
    pub fn tx_sent(&mut self, count: usize) -> Result<(), Error> {
        self.replies.tx.sent(count)
    }

    /// The sending half.
    pub const fn replies(&mut self) -> &mut Replies<'b> {
        &mut self.replies
    }

    /// The next message. `None` when there is none, or none is to be read yet: receive, answer and send, then poll again.
    ///
    /// # Errors
    /// [`PeerError::Closed`] when the stream has ended and all of it was polled. [`Resource::Slots`] where there is no entry for a
    /// pending command at all, and [`Resource::Tx`] where the transmit buffer is empty and still too small for what the server has
    /// to say: nothing more can come of the connection.
    pub fn poll(&mut self) -> Result<Option<Incoming<'_, 'b>>, Error> {
        if !self.pay()? || !self.replies.may_read() {
            return Ok(None);
        }
        let Some(what) = self.frames.advance() else {
            return if self.frames.is_finished() { Err(PeerError::Closed.into()) } else { Ok(None) };
        };
        let origin = Origin::of(what, &self.frames);
        let id = self.frames.found().span(CLIENT_ID);
        let expected = self.frames.expected();
        let oob = self.replies.oob_enabled();
        let out_of_band = oob && is_out_of_band(self.frames.found());
        let message = client_message(&mut self.frames, what, oob);
        let message = self.replies.receive(message, out_of_band, what, &origin, expected).unwrap_or_else(|IdTooLong| {
            self.held = Some(id);
            Message::Answered(self.replies.id_too_long())
        });
        // What finds no room stays owed.
        let _ = self.replies.flush();
        Ok(Some(Incoming { message, origin: Some(origin), replies: &mut self.replies }))
    }

    /// Writes what the server owes. Whether all of it found room.
    fn pay(&mut self) -> Result<bool, Error> {
        if self.replies.pending.all().is_empty() {
            return Err(Resource::Slots { limit: 0 }.into());
        }
        let mut outcome = self.replies.flush();
        if outcome.is_ok()
            && let Some(span) = self.held
        {
            // The id was decoded when the message was read.
            let text = self.frames.text();
            let id = span.map(|span| text.get(span.range()).and_then(|text| core::str::from_utf8(text).ok()));
            outcome = self.replies.refuse_id(id.map(|id| id.map_or(Value::NULL, Value::from_decoded)));
            if outcome.is_ok() {
                self.held = None;
            }
        }
        match outcome {
            Ok(()) => Ok(true),
            Err(Error::Resource(Resource::Tx { .. })) if !self.tx_pending().is_empty() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Replies<'_> {
    /// Takes in a message: what is to be reported of it, after what the server itself has to do about it.
    fn receive<'m>(
        &mut self,
        message: ClientMessage<'m>,
        out_of_band: bool,
        what: What,
        origin: &Origin,
        expected: Expected,
    ) -> Result<Message<'m>, IdTooLong> {
        match message {
            ClientMessage::Command { name, oob, id, arguments } => self.command(name, oob, id, arguments),
            ClientMessage::Refused { id, refusal } => self.refused(id, out_of_band, refusal),
            ClientMessage::Oversize(oversize) => {
                let refusal = oversize.refusal();
                let id = oversize.id.filter(|_| refusal.kind() == RefusalKind::TooLong);
                self.refuse(id, false, &refusal)?;
                Ok(Message::Oversize(oversize))
            }
            ClientMessage::Malformed(malformed) => {
                let (kind, detail) = diagnose(&malformed, what, origin, expected);
                self.refuse_malformed(kind, detail);
                Ok(Message::Malformed(malformed))
            }
            ClientMessage::Incomplete => Ok(Message::Incomplete),
        }
    }

    fn refused<'m>(
        &mut self,
        id: Option<Value<'_>>,
        oob: bool,
        refusal: Refusal<'m>,
    ) -> Result<Message<'m>, IdTooLong> {
        self.refuse(id, oob, &refusal)?;
        Ok(Message::Answered(refusal))
    }

    fn command<'m>(
        &mut self,
        name: &'m str,
        oob: bool,
        id: Option<Value<'m>>,
        arguments: Option<Payload<'m>>,
    ) -> Result<Message<'m>, IdTooLong> {
        match (self.dialect(), name) {
            (Dialect::Qmp, own::NEGOTIATION) if oob => {
                self.refused(id, true, Refusal::with(RefusalKind::NoOutOfBand, name))
            }
            (Dialect::Qmp, own::NEGOTIATION) => match own::negotiation(arguments, self.offers_oob()) {
                Err(refusal) => self.refused(id, false, refusal),
                Ok(_) if self.is_negotiated() => self.refused(id, false, Refusal::new(RefusalKind::AlreadyNegotiated)),
                Ok(enable_oob) => {
                    self.negotiate(id, enable_oob)?;
                    Ok(Message::Negotiated { oob: enable_oob })
                }
            },
            _ if !self.is_negotiated() => self.refused(id, false, Refusal::with(RefusalKind::NotNegotiated, name)),
            (Dialect::Agent, own::SYNC | own::SYNC_DELIMITED) => match own::sync(arguments) {
                Err(refusal) => self.refused(id, false, refusal),
                Ok(number) => {
                    let delimited = name == own::SYNC_DELIMITED;
                    self.sync(id, number, delimited)?;
                    Ok(Message::Synchronized { id: number, delimited })
                }
            },
            _ => Ok(Message::Command { ticket: self.expect(id, oob)?, name, oob, arguments }),
        }
    }
}
