//! The sending half of a client: commands out, tickets in return.

use core::time::Duration;

use serde::Serialize;

use super::outbox::{Form, Outbox, finish, raw, serialize};
use super::session::{Config, Correlation, Handshake, IN_BAND_MOST, Session};
use super::slots::{NEGOTIATION, Slots, Ticket};
use crate::command::Command;
use crate::error::{Error, Misuse, PeerError, Resource};
use crate::json::ser::{Full, Sink};
use crate::time::Instant;
use crate::transmit::Transmit;

/// Sends commands. Part of a [`Client`](super::Client), and of each [`Incoming`](super::Incoming), so that a command can be sent
/// while a message is looked at.
///
/// Each call that sends encodes one command, whole, on one line, or on any error nothing: buffer, slots and ids are then as they
/// were before.
#[derive(Debug)]
pub struct Commands<'b> {
    pub(super) outbox: Outbox<'b>,
    pub(super) session: Session,
    pub(super) correlation: Correlation,
    /// Whether to ask for out-of-band execution when the greeting has come. `None`: not to wait for it.
    upon_greeting: Option<bool>,
    in_band: u8,
    /// The id of the `qmp_capabilities` in flight; 0 for none. Whether it enables out-of-band execution.
    pub(super) negotiation: u32,
    pub(super) enabling: bool,
    /// Whether out-of-band execution is on if the server heard an earlier negotiation whose reply was lost: only if each of these
    /// asked for it. `None` if there is none.
    pub(super) unheard: Option<bool>,
    /// The negotiation is to be sent as soon as there is room.
    pub(super) owed: bool,
    pub(super) oob: bool,
    pub(super) now: Instant,
    pub(super) handshake_deadline: Instant,
}

impl<'b> Commands<'b> {
    pub(super) fn new(tx: Transmit<'b>, slots: Slots<'b>, config: &Config) -> Self {
        Self {
            outbox: Outbox::new(tx, slots, config.seed),
            session: Session::Greeting,
            correlation: config.correlation,
            upon_greeting: (config.handshake == Handshake::AfterGreeting).then_some(config.oob),
            in_band: config.in_band.clamp(1, IN_BAND_MOST),
            negotiation: 0,
            enabling: false,
            unheard: None,
            owed: config.handshake == Handshake::Blind,
            oob: false,
            now: Instant::ZERO,
            handshake_deadline: Instant::NEVER,
        }
    }

    pub(super) fn reset(&mut self) {
        self.outbox.reset();
        self.session = Session::Greeting;
        self.negotiation = 0;
        self.enabling = false;
        self.unheard = None;
        self.owed = self.upon_greeting.is_none();
        self.oob = false;
        self.handshake_deadline = Instant::NEVER;
    }

    /// Where the session stands.
    pub const fn session(&self) -> Session {
        self.session
    }

    /// Whether out-of-band execution is on.
    pub const fn oob_enabled(&self) -> bool {
        self.oob
    }

    /// How many more in-band commands may be sent just now.
    pub fn credits(&self) -> u8 {
        self.in_band.saturating_sub(u8::try_from(self.outbox.slots.in_band()).unwrap_or(u8::MAX))
    }

    /// Sends the command `name` with `arguments`, anything that serializes to an object, or `&()` for none.
    ///
    /// # Errors
    /// [`Misuse::NotReady`] before the greeting and behind the end; [`Misuse::NotAnObject`] and [`Misuse::Serialize`] for the
    /// arguments; [`Resource`] when the transmit buffer, the slots or the server's queue are full.
    pub fn execute<A: Serialize + ?Sized>(&mut self, name: &str, arguments: &A) -> Result<Ticket, Error> {
        self.encode(name, false, |tx| serialize(tx, arguments))
    }

    /// Sends a typed command.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub fn send<C: Command>(&mut self, command: &C) -> Result<Ticket, Error> {
        self.execute(C::NAME, command)
    }

    /// Sends the command `name` to be executed out of band: its reply may overtake others, and it takes no credit.
    ///
    /// # Errors
    /// As [`execute`](Self::execute), and [`Misuse::NoOutOfBand`] where that is not on.
    pub fn exec_oob<A: Serialize + ?Sized>(&mut self, name: &str, arguments: &A) -> Result<Ticket, Error> {
        self.encode(name, true, |tx| serialize(tx, arguments))
    }

    /// Sends the command `name` with `arguments` that are JSON already. They are checked, and sent without white space.
    ///
    /// # Errors
    /// As [`execute`](Self::execute), and [`Misuse::NotJson`].
    pub fn execute_raw(&mut self, name: &str, arguments: &str) -> Result<Ticket, Error> {
        self.encode(name, false, |tx| raw(tx, arguments))
    }

    /// [`execute_raw`](Self::execute_raw), out of band.
    ///
    /// # Errors
    /// As [`exec_oob`](Self::exec_oob), and [`Misuse::NotJson`].
    pub fn exec_oob_raw(&mut self, name: &str, arguments: &str) -> Result<Ticket, Error> {
        self.encode(name, true, |tx| raw(tx, arguments))
    }

    /// Sends the command `name` with arguments that serde-json-core writes. What it wrote is checked before it goes out.
    ///
    /// # Errors
    /// As [`execute`](Self::execute), and [`Misuse::NotJson`] for what that crate gets wrong.
    #[cfg(feature = "serde-json-core")]
    pub fn execute_with_serde_json_core<A: Serialize + ?Sized>(
        &mut self,
        name: &str,
        arguments: &A,
        scratch: &mut [u8],
    ) -> Result<Ticket, Error> {
        let text = crate::json::to_slice_with_serde_json_core(arguments, scratch).map_err(|_| Misuse::NotJson)?;
        self.encode(name, false, |tx| tx.text(core::str::from_utf8(text).map_err(|_| Misuse::NotJson)?))
    }

    /// Sets how the reply to `ticket` is delivered; without this, in one piece. To be called before any of it can have been read: right
    /// behind the call that sends.
    ///
    /// Elements of a list come as [`Element`](super::Message::Element)s, and behind the last one
    /// [`ElementsEnd`](super::Message::ElementsEnd) ends the command; a long string comes as [`Text`](super::Message::Text)s up to
    /// [`TextEnd`](super::Message::TextEnd).
    ///
    /// ```
    /// # use qmp_core::client::{Client, Config, Message, StaticStorage};
    /// use qmp_core::client::Delivery;
    ///
    /// # fn main() -> Result<(), qmp_core::error::Error> {
    /// # let mut storage = StaticStorage::<128, 256, 4>::new();
    /// # let mut client = Client::new(storage.lend(), Config::DEFAULT);
    /// # client.feed(b"{\"QMP\": {}}\n{\"return\": {}, \"id\": 511}\n")?;
    /// # while client.poll()?.is_some() {}
    /// let ticket = client.commands().execute("query-qmp-schema", &())?;
    /// client.commands().set_delivery(ticket, Delivery::ELEMENTS)?;
    /// # let mut received: &[u8] = b"{\"return\": [{\"name\": \"one\"}, {\"name\": \"two\"}], \"id\": 512}\n";
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
    pub fn set_delivery(&mut self, ticket: Ticket, delivery: super::Delivery) -> Result<(), Error> {
        self.outbox.set_delivery(ticket, delivery)
    }

    /// Whether the reply to a command is not to come whole, so that no other can at present.
    #[cfg(feature = "delivery")]
    pub fn delivers_in_pieces(&self) -> bool {
        self.outbox.delivers_in_pieces()
    }

    /// Sets when `ticket` times out. Without this it never does.
    ///
    /// It can be set anew at any time. While a reply comes in pieces, who sets it at each piece limits how long the line may be silent
    /// instead of how long all of the reply may take.
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

    /// Sets when the handshake times out. Counts until the session is ready.
    pub const fn set_handshake_deadline(&mut self, deadline: Instant) {
        self.handshake_deadline = deadline;
    }

    /// Whether `ticket` is in flight and not timed out.
    pub fn is_in_flight(&self, ticket: Ticket) -> bool {
        self.outbox.is_in_flight(ticket)
    }

    /// Waits no longer for `ticket`, whose command sends no reply when it succeeds. An error that comes after all is
    /// [`Foreign`](super::Message::Foreign).
    ///
    /// # Errors
    /// [`Misuse::Ticket`] if it is not in flight.
    pub fn forget(&mut self, ticket: Ticket) -> Result<(), Error> {
        self.outbox.forget(ticket)
    }

    /// Brings the server's parser to a known state, behind a command that a lossy line damaged: sends 0xFF, which is valid nowhere
    /// in JSON. The server answers it with an error, and what was left of broken input with more: each is a
    /// [`Diagnostic`](super::Message::Diagnostic) and ends no command.
    ///
    /// # Errors
    /// [`PeerError::Closed`] behind the end; [`Resource::Tx`] when there is no room.
    pub fn resynchronize(&mut self) -> Result<(), Error> {
        if self.session == Session::Closed {
            return Err(PeerError::Closed.into());
        }
        self.outbox.tx.append(|tx| tx.push(b"\xFF").map_err(|Full| tx.full()))
    }

    /// Sends `qmp_capabilities` once more: where the server refused it, has greeted anew because it started anew, or where it or its
    /// reply was lost on the way. A server that had heard the earlier one then says that negotiation is complete, by an error of
    /// class `CommandNotFound`: the session is [`Ready`](Session::Ready) by that, too.
    ///
    /// The same class says that it heard no negotiation yet, but something that a bad line made of it. Where commands that are
    /// surely there are not found, negotiate once more.
    ///
    /// # Errors
    /// [`Misuse::NotReady`] behind the end; [`Resource::Tx`] when there is no room.
    pub fn negotiate(&mut self, oob: bool) -> Result<(), Error> {
        if self.session == Session::Closed {
            return Err(PeerError::Closed.into());
        }
        let id = self.outbox.generation.next(NEGOTIATION);
        let with_id = self.correlation == Correlation::ById;
        self.outbox.tx.append(|tx| {
            tx.text("{\"execute\":\"qmp_capabilities\"")?;
            if oob {
                tx.text(",\"arguments\":{\"enable\":[\"oob\"]}")?;
            }
            finish(tx, with_id.then_some(id))
        })?;
        self.outbox.generation.advance(id);
        if self.negotiation != 0 {
            self.unheard = Some(self.enabling && self.unheard.unwrap_or(true));
        } else if self.session == Session::Ready {
            self.unheard = Some(self.oob);
        }
        self.negotiation = id;
        self.enabling = oob;
        self.owed = false;
        self.oob = false;
        self.session = Session::Negotiating;
        Ok(())
    }

    /// The greeting has come: negotiates unless that was done.
    pub(super) fn greeted(&mut self, offers_oob: bool) {
        if self.session == Session::Greeting
            && let Some(wants_oob) = self.upon_greeting
        {
            self.enabling = wants_oob && offers_oob && self.correlation == Correlation::ById;
            self.owed = true;
        }
    }

    /// Sends the negotiation that is owed.
    pub(super) fn pay(&mut self) -> Result<(), Error> {
        if self.owed { self.negotiate(self.enabling) } else { Ok(()) }
    }

    /// The in-band command that comes next where the server echoes no ids.
    pub(super) fn next_in_order(&mut self) -> Option<u32> {
        self.outbox.oldest_to_answer()
    }

    fn encode(
        &mut self,
        name: &str,
        oob: bool,
        arguments: impl FnOnce(&mut Transmit<'b>) -> Result<(), Error>,
    ) -> Result<Ticket, Error> {
        match self.session {
            Session::Closed => return Err(PeerError::Closed.into()),
            Session::Negotiating | Session::Ready => {}
            Session::Greeting | Session::Refused => return Err(Misuse::NotReady.into()),
        }
        if oob && !self.oob {
            return Err(Misuse::NoOutOfBand.into());
        }
        if !oob && self.credits() == 0 {
            return Err(Resource::Credits { limit: self.in_band }.into());
        }
        let with_id = self.correlation == Correlation::ById;
        self.outbox.encode(Form { name, oob, silent: false, with_id }, arguments)
    }
}
