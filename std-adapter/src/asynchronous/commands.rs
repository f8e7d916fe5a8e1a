//! Commands and their replies.

use embedded_io_async::{Read, Write};
use qmp_core::client::{Commands, Ticket};
use qmp_core::command::Command;
use qmp_core::error::{Error as Refusal, Misuse};
use qmp_core::json::Payload;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Monitor;
use crate::call::{self, End};
use crate::error::Error;
use crate::kept;

/// Commands, one at a time.
impl<R: Read, W: Write<Error = R::Error>> Monitor<R, W> {
    /// Executes the command `name` and reads what it returns into a `T`. The arguments are anything that serializes to an object, or
    /// `&()` for none.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn execute<T: DeserializeOwned>(
        &mut self,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        self.call(|commands| commands.execute(name, arguments), |payload| Ok(payload.decode()?)).await
    }

    /// Executes the command `name` for what it does, whatever it returns.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run(&mut self, name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.call(|commands| commands.execute(name, arguments), |_| Ok(())).await
    }

    /// [`execute`](Self::execute), out of band: it does not wait for other commands to end. The command must allow that, and
    /// [`Options::oob`](crate::Options::oob) must have been asked for.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn execute_oob<T: DeserializeOwned>(
        &mut self,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        self.call(|commands| commands.exec_oob(name, arguments), |payload| Ok(payload.decode()?)).await
    }

    /// Executes a typed command and hands what it returns, which may borrow from the receive buffer, to `read`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send<C: Command, T>(
        &mut self,
        command: &C,
        read: impl for<'a> FnOnce(C::Return<'a>) -> T,
    ) -> Result<T, Error> {
        self.call(|commands| commands.send(command), |payload| Ok(read(payload.decode()?))).await
    }

    /// Executes the command `name` with arguments that are JSON text already, an object, and gives what it returns as the JSON text
    /// that came.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn execute_raw(&mut self, name: &str, arguments: Option<&str>) -> Result<String, Error> {
        self.call(|commands| call::raw(commands, name, arguments), |payload| Ok(kept::own(&payload))).await
    }

    /// [`execute_raw`](Self::execute_raw), out of band; see [`execute_oob`](Self::execute_oob).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn execute_oob_raw(&mut self, name: &str, arguments: Option<&str>) -> Result<String, Error> {
        self.call(|commands| call::raw_oob(commands, name, arguments), |payload| Ok(kept::own(&payload))).await
    }

    pub(super) async fn call<T>(
        &mut self,
        encode: impl FnMut(&mut Commands<'static>) -> Result<Ticket, Refusal>,
        read: impl FnOnce(Payload<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut pending = self.dispatch(encode).await?;
        let outcome = pending.monitor.conclude(pending.ticket, read).await;
        pending.settled = true;
        outcome
    }
}

/// Several commands at once. Each ticket must be waited for, or its reply is kept for as long as the monitor is.
impl<R: Read, W: Write<Error = R::Error>> Monitor<R, W> {
    /// Sends the command `name`. Where the server's queue is full, waits for one of its eight places.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Misuse`]: the command was not sent.
    pub async fn submit(&mut self, name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<Ticket, Error> {
        self.submitted(|commands| commands.execute(name, arguments)).await
    }

    /// [`submit`](Self::submit), out of band; see [`execute_oob`](Self::execute_oob).
    ///
    /// # Errors
    /// As there.
    pub async fn submit_oob(&mut self, name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<Ticket, Error> {
        self.submitted(|commands| commands.exec_oob(name, arguments)).await
    }

    /// [`submit`](Self::submit) with arguments that are JSON text already.
    ///
    /// # Errors
    /// As there.
    pub async fn submit_raw(&mut self, name: &str, arguments: Option<&str>) -> Result<Ticket, Error> {
        self.submitted(|commands| call::raw(commands, name, arguments)).await
    }

    /// Waits for the reply to a command and reads what it returned.
    ///
    /// # Errors
    /// See [`Error`]. [`Error::Misuse`] for a ticket whose reply was given out already.
    pub async fn wait<T: DeserializeOwned>(&mut self, ticket: Ticket) -> Result<T, Error> {
        self.conclude(ticket, |payload| Ok(payload.decode()?)).await
    }

    /// [`wait`](Self::wait), for what it returned as the JSON text that came.
    ///
    /// # Errors
    /// As there.
    pub async fn wait_raw(&mut self, ticket: Ticket) -> Result<String, Error> {
        self.conclude(ticket, |payload| Ok(kept::own(&payload))).await
    }

    async fn submitted(
        &mut self,
        encode: impl FnMut(&mut Commands<'static>) -> Result<Ticket, Refusal>,
    ) -> Result<Ticket, Error> {
        let mut pending = self.dispatch(encode).await?;
        pending.settled = true;
        Ok(pending.ticket)
    }

    /// Sends what `encode` encodes when there is a place for it.
    pub(super) async fn dispatch(
        &mut self,
        mut encode: impl FnMut(&mut Commands<'static>) -> Result<Ticket, Refusal>,
    ) -> Result<Pending<'_, R, W>, Error> {
        let ticket = loop {
            if let Some(ticket) = call::placed(encode(self.client.commands()))? {
                break ticket;
            }
            // What makes room may have come already.
            self.file()?;
            if let Some(ticket) = call::placed(encode(self.client.commands()))? {
                break ticket;
            }
            self.step().await?;
        };
        let pending = Pending { monitor: self, ticket, settled: false };
        while !pending.monitor.client.tx_pending().is_empty() {
            pending.monitor.step().await?;
            match pending.monitor.file() {
                // It is among the lost ones.
                Err(Error::Closed { source }) => {
                    pending.monitor.cause = source;
                    break;
                }
                filed => filed?,
            }
        }
        Ok(pending)
    }

    /// Takes what a command came to: from what is kept, or when it comes.
    async fn conclude<T>(
        &mut self,
        ticket: Ticket,
        read: impl FnOnce(Payload<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let read = match self.inbox.conclude(ticket, read) {
            Ok(End::Ended(outcome)) => return outcome,
            Ok(End::Lost) => return Err(Error::OutcomeUnknown { source: self.cause.take() }),
            Err(read) => read,
        };
        if !self.client.commands().is_in_flight(ticket) {
            return Err(Error::Misuse(Misuse::Ticket.into()));
        }
        match self.drive(call::looking(ticket, read)).await? {
            End::Ended(outcome) => outcome,
            End::Lost => Err(Error::OutcomeUnknown { source: self.cause.take() }),
        }
    }
}

/// A command that is encoded, and that somebody waits for until this is dropped.
pub(super) struct Pending<'m, R: Read, W: Write<Error = R::Error>> {
    pub(super) monitor: &'m mut Monitor<R, W>,
    pub(super) ticket: Ticket,
    /// It has ended, or its ticket was handed out.
    pub(super) settled: bool,
}

impl<R: Read, W: Write<Error = R::Error>> Drop for Pending<'_, R, W> {
    fn drop(&mut self) {
        if !self.settled {
            self.monitor.abandon(self.ticket);
        }
    }
}
