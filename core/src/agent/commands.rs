//! The sending half of an agent's client: commands out, tickets in return.

use core::time::Duration;

use serde::Serialize;

use super::session::{Config, Session};
use super::synchronization::Synchronization;
use crate::client::outbox::{Form, Outbox, raw, serialize};
use crate::client::slots::{Slots, Ticket};
use crate::command::Command;
use crate::error::{Error, Misuse, PeerError, Resource};
use crate::time::Instant;
use crate::transmit::Transmit;

/// Sends commands. Part of a [`Client`](super::Client), and of each [`Incoming`](super::Incoming), so that a command can be sent
/// while a message is looked at.
///
/// Each call that sends encodes one command, whole, on one line, or on any error nothing: buffer and slots are then as they were
/// before. The agent executes one at a time; more than one in flight wait on the line. Where it [echoes no ids](Self::echoes_ids), only
/// one can be in flight: if it were forgotten, the next one's reply would pass for its own.
#[derive(Debug)]
pub struct Commands<'b> {
    pub(super) outbox: Outbox<'b>,
    pub(super) session: Session,
    pub(super) synchronization: Synchronization,
    /// The agent is in step, and commands in flight from before are yet to be reported.
    pub(super) settling: bool,
    pub(super) now: Instant,
}

impl<'b> Commands<'b> {
    pub(super) fn new(tx: Transmit<'b>, slots: Slots<'b>, config: &Config) -> Self {
        Self {
            outbox: Outbox::new(tx, slots, config.seed as u32),
            session: Session::Unsynced,
            synchronization: Synchronization::new(config),
            settling: false,
            now: Instant::ZERO,
        }
    }

    pub(super) fn reset(&mut self) {
        self.outbox.reset();
        self.session = Session::Unsynced;
        self.synchronization.restart(true);
        self.settling = false;
    }

    /// Where the session stands.
    pub const fn session(&self) -> Session {
        self.session
    }

    /// Whether commands bear ids, which this agent echoes: known once the session is [`Ready`](Session::Ready).
    pub const fn echoes_ids(&self) -> bool {
        self.synchronization.echoes
    }

    /// Sends the command `name` with `arguments`, anything that serializes to an object, or `&()` for none.
    ///
    /// # Errors
    /// [`Misuse::NotReady`] while the session is not in step; [`Misuse::NotAnObject`] and [`Misuse::Serialize`] for the arguments;
    /// [`Resource`] when the transmit buffer or the slots are full, or a command is in flight where only one can be; [`PeerError::Closed`] behind the end.
    pub fn execute<A: Serialize + ?Sized>(&mut self, name: &str, arguments: &A) -> Result<Ticket, Error> {
        self.encode(name, false, |tx| serialize(tx, arguments))
    }

    /// Sends the command `name` with `arguments` that are JSON already. They are checked, and sent without white space.
    ///
    /// # Errors
    /// As [`execute`](Self::execute), and [`Misuse::NotJson`].
    pub fn execute_raw(&mut self, name: &str, arguments: &str) -> Result<Ticket, Error> {
        self.encode(name, false, |tx| raw(tx, arguments))
    }

    /// Sends a typed command; one with [`NO_REPLY`](Command::NO_REPLY) as [`execute_without_reply`](Self::execute_without_reply)
    /// does.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub fn send<C: Command>(&mut self, command: &C) -> Result<Ticket, Error> {
        self.encode(C::NAME, C::NO_REPLY, |tx| serialize(tx, command))
    }

    /// Sends the command `name`, which answers nothing when it succeeds: `guest-shutdown` and the `guest-suspend-*`. Its deadline is
    /// how long an error is waited for; it ends by [`Message::Sent`](super::Message::Sent) then, or when a later command or the end of
    /// the connection shows that none comes.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub fn execute_without_reply<A: Serialize + ?Sized>(&mut self, name: &str, arguments: &A) -> Result<Ticket, Error> {
        self.encode(name, true, |tx| serialize(tx, arguments))
    }

    /// [`execute_without_reply`](Self::execute_without_reply) with `arguments` that are JSON already.
    ///
    /// # Errors
    /// As [`execute_raw`](Self::execute_raw).
    pub fn execute_raw_without_reply(&mut self, name: &str, arguments: &str) -> Result<Ticket, Error> {
        self.encode(name, true, |tx| raw(tx, arguments))
    }

    /// Sets how the reply to `ticket` is delivered; without this, in one piece. To be called before any of it can have been read: right
    /// behind the call that sends.
    ///
    /// Elements of a list come as [`Element`](super::Message::Element)s, and behind the last one
    /// [`ElementsEnd`](super::Message::ElementsEnd) ends the command; a long string comes as [`Text`](super::Message::Text)s up to
    /// [`TextEnd`](super::Message::TextEnd).
    ///
    /// ```
    /// # use qmp_core::agent::{Client, Config, Message, StaticStorage};
    /// use qmp_core::client::Delivery;
    ///
    /// # fn main() -> Result<(), qmp_core::error::Error> {
    /// # let mut storage = StaticStorage::<128, 256, 4>::new();
    /// # let mut client = Client::new(storage.lend(), Config::DEFAULT);
    /// # client.poll()?;
    /// # client.feed(b"\xFF{\"return\": 4503599627370497, \"id\": 4503599627370497}\n")?;
    /// # while client.poll()?.is_some() {}
    /// let ticket = client.commands().execute("guest-get-disks", &())?;
    /// client.commands().set_delivery(ticket, Delivery::ELEMENTS)?;
    /// # let mut received: &[u8] = b"{\"return\": [{\"name\": \"one\"}, {\"name\": \"two\"}], \"id\": 256}\n";
    /// let mut names = Vec::new();
    /// # while !received.is_empty() {
    /// # let taken = client.feed(received)?;
    /// # received = &received[taken..];
    /// while let Some(incoming) = client.poll()? {
    ///     match incoming.message {
    ///         Message::Element { element: Ok(element), .. } => {
    ///             let name = element.into_value().get("name").and_then(|name| name.as_str());
    ///             names.extend(name.map(str::to_owned));
    ///         }
    ///         Message::Element { element: Err(oversize), .. } => panic!("{} bytes", oversize.bytes),
    ///         Message::ElementsEnd { count, .. } => assert_eq!(count, 2),
    ///         other => panic!("{other:?}"),
    ///     }
    /// }
    /// # }
    /// assert_eq!(names, ["one", "two"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Misuse::Ticket`] if it is not in flight; [`Resource::Delivery`] while the reply to another command is to come in pieces.
    #[cfg(feature = "delivery")]
    pub fn set_delivery(&mut self, ticket: Ticket, delivery: crate::client::Delivery) -> Result<(), Error> {
        self.outbox.set_delivery(ticket, delivery)
    }

    /// Whether the reply to a command is not to come whole, so that no other can at present.
    #[cfg(feature = "delivery")]
    pub fn delivers_in_pieces(&self) -> bool {
        self.outbox.delivers_in_pieces()
    }

    /// Sets when `ticket` times out. Without this it never does.
    ///
    /// # Errors
    /// [`Misuse::Ticket`] if it is not in flight.
    pub fn set_deadline(&mut self, ticket: Ticket, deadline: Instant) -> Result<(), Error> {
        self.outbox.set_deadline(ticket, deadline)
    }

    /// [`set_deadline`](Self::set_deadline), counted from the time last given to
    /// [`handle_timeout`](super::Client::handle_timeout).
    ///
    /// # Errors
    /// As there.
    pub fn set_timeout(&mut self, ticket: Ticket, timeout: Duration) -> Result<(), Error> {
        self.set_deadline(ticket, self.now.after(timeout))
    }

    /// Whether `ticket` is in flight and not timed out.
    pub fn is_in_flight(&self, ticket: Ticket) -> bool {
        self.outbox.is_in_flight(ticket)
    }

    /// How many commands are in flight or timed out, with a reply that may still come.
    pub fn unanswered(&self) -> usize {
        self.outbox.slots.in_band()
    }

    /// Gets in step anew, for whoever has reason to doubt that the session is: nothing else is sent until it is. Commands in flight
    /// go on; those that are not answered by then are [`Lost`](super::Message::Lost).
    ///
    /// # Errors
    /// [`PeerError::Closed`] behind the end.
    pub fn synchronize(&mut self) -> Result<(), Error> {
        match self.session {
            Session::Closed => Err(PeerError::Closed.into()),
            Session::Unsynced | Session::Syncing => Ok(()),
            Session::Ready => {
                self.doubt();
                Ok(())
            }
        }
    }

    /// The session may be out of step.
    pub(super) const fn doubt(&mut self) {
        if matches!(self.session, Session::Ready) {
            self.session = Session::Unsynced;
        }
    }

    /// Sends the synchronisation that is owed.
    pub(super) fn pay(&mut self) -> Result<(), Error> {
        if self.session != Session::Unsynced {
            return Ok(());
        }
        match self.synchronization.send(&mut self.outbox.tx, self.now) {
            Ok(()) => self.session = Session::Syncing,
            // It stays owed until a command before it has gone.
            Err(_) if !self.outbox.tx.pending().is_empty() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn encode(
        &mut self,
        name: &str,
        silent: bool,
        arguments: impl FnOnce(&mut Transmit<'b>) -> Result<(), Error>,
    ) -> Result<Ticket, Error> {
        match self.session {
            Session::Closed => return Err(PeerError::Closed.into()),
            Session::Unsynced | Session::Syncing => return Err(Misuse::NotReady.into()),
            Session::Ready => {}
        }
        let with_id = self.synchronization.echoes;
        if !with_id && self.unanswered() > 0 {
            return Err(Resource::Credits { limit: 1 }.into());
        }
        self.outbox.encode(Form { name, oob: false, silent, with_id }, arguments)
    }
}
