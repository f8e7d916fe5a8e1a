//! A monitor: commands and their replies.

use core::fmt;
use core::time::Duration;
use std::net::ToSocketAddrs;
use std::os::fd::BorrowedFd;
use std::path::Path;

use qmp_core::client::{Commands, Ticket};
use qmp_core::command::Command;
use qmp_core::error::{Error as Refusal, Misuse};
use qmp_core::json::Payload;
use qmp_core::time::Instant;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::address::Address;
use crate::call::{self, End};
use crate::drive::{Driver, pass};
use crate::error::Error;
use crate::inbox::Server;
use crate::kept;
use crate::log;
use crate::notice::Notice;
use crate::options::Options;
use crate::stream::Stream;

/// A connection to a QEMU monitor, ready for commands. Dropping it closes it.
///
/// - **Connecting**: [`unix`](Self::unix), [`tcp`](Self::tcp), [`connect`](Self::connect) to any [`Address`], [`over`](Self::over), or
///   with [`Options`] the methods of the same names and more; [`reconnect`](Self::reconnect).
/// - **Commands**: [`execute`](Self::execute) and [`run`](Self::run) for any type of serde's, [`send`](Self::send) for typed commands,
///   [`execute_raw`](Self::execute_raw) for JSON text.
/// - **Lists, element by element**: [`elements`](Self::elements), [`each`](Self::each); long texts, piece by piece:
///   [`text`](Self::text).
/// - **Several at once**: [`submit`](Self::submit) gives a ticket, [`wait`](Self::wait) takes it.
/// - **With a descriptor**: [`send_with_fd`](Self::send_with_fd), [`execute_with_fd`](Self::execute_with_fd).
/// - **Events**: [`next_event`](Self::next_event), [`wait_event`](Self::wait_event), [`arm`](Self::arm), [`events`](Self::events).
/// - **For many threads**: [`share`](Self::share).
/// - **In a loop of one's own**: [`poll_fd`](Self::poll_fd), [`wants_write`](Self::wants_write),
///   [`arrived_raw`](Self::arrived_raw).
/// - **The rest**: [`next_notice`](Self::next_notice).
///
/// Each call receives what comes while it waits, and keeps what is not its own for the call that will ask for it. Each command is
/// one write.
pub struct Monitor {
    pub(crate) driver: Driver,
    pub(crate) oob: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) address: Option<Address>,
    pub(crate) options: Options,
}

/// Connecting.
impl Monitor {
    /// Connects to the Unix socket at `path` with the default [`Options`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn unix(path: impl AsRef<Path>) -> Result<Self, Error> {
        Options::new().unix(path)
    }

    /// Connects by TCP with the default [`Options`]; see [`Options::tcp`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn tcp(address: impl ToSocketAddrs) -> Result<Self, Error> {
        Options::new().tcp(address)
    }

    /// Connects to `address` with the default [`Options`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn connect(address: &Address) -> Result<Self, Error> {
        Options::new().connect(address)
    }

    /// Speaks over `stream` with the default [`Options`]; see [`Options::over`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn over(stream: impl Stream + 'static) -> Result<Self, Error> {
        Options::new().over(stream)
    }

    pub(crate) fn new(driver: Driver, oob: bool, options: &Options) -> Self {
        Self { driver, oob, timeout: options.timeout, address: None, options: options.clone() }
    }

    /// What the server said of itself in its greeting.
    pub fn server(&self) -> &Server {
        self.driver.inbox.server()
    }

    /// Whether out-of-band execution is on.
    pub const fn oob_enabled(&self) -> bool {
        self.oob
    }

    /// Sets how long each call from now on waits for its command: to be sent, executed and answered. `None` is as long as it takes.
    pub const fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }
}

/// Commands, one at a time.
impl Monitor {
    /// Executes the command `name` and reads what it returns into a `T`. The arguments are anything that serializes to an object, or
    /// `&()` for none.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute<T: DeserializeOwned>(
        &mut self,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        self.call(|commands| commands.execute(name, arguments), |payload| Ok(payload.decode()?))
    }

    /// Executes the command `name` for what it does, whatever it returns.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn run(&mut self, name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.call(|commands| commands.execute(name, arguments), |_| Ok(()))
    }

    /// [`execute`](Self::execute), out of band: it does not wait for other commands to end. The command must allow that, and
    /// [`Options::oob`] must have been asked for.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute_oob<T: DeserializeOwned>(
        &mut self,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        self.call(|commands| commands.exec_oob(name, arguments), |payload| Ok(payload.decode()?))
    }

    /// Executes a typed command and hands what it returns, which may borrow from the receive buffer, to `read`.
    ///
    /// ```no_run
    /// # use qmp_std::Monitor;
    /// use qmp_std::qmp_core::command::Command;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize)]
    /// struct QueryName;
    ///
    /// #[derive(Deserialize)]
    /// struct NameInfo<'a> {
    ///     name: Option<&'a str>,
    /// }
    ///
    /// impl Command for QueryName {
    ///     const NAME: &'static str = "query-name";
    ///     type Return<'a> = NameInfo<'a>;
    /// }
    ///
    /// # let mut monitor = Monitor::unix("")?;
    /// let length = monitor.send(&QueryName, |info| info.name.map_or(0, str::len))?;
    /// # let _: usize = length;
    /// # Ok::<(), qmp_std::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub fn send<C: Command, R>(
        &mut self,
        command: &C,
        read: impl for<'a> FnOnce(C::Return<'a>) -> R,
    ) -> Result<R, Error> {
        self.call(|commands| commands.send(command), |payload| Ok(read(payload.decode()?)))
    }

    /// Executes the command `name` with arguments that are JSON text already, an object, and gives what it returns as the JSON text
    /// that came.
    ///
    /// QEMU can write `inf` and `nan` in a number's place, which JSON has no words for.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute_raw(&mut self, name: &str, arguments: Option<&str>) -> Result<String, Error> {
        self.call(|commands| call::raw(commands, name, arguments), |payload| Ok(kept::own(&payload)))
    }

    /// [`execute_raw`](Self::execute_raw), out of band; see [`execute_oob`](Self::execute_oob).
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute_oob_raw(&mut self, name: &str, arguments: Option<&str>) -> Result<String, Error> {
        self.call(|commands| call::raw_oob(commands, name, arguments), |payload| Ok(kept::own(&payload)))
    }

    /// Receives to the end of the connection, up to `timeout`. Behind `quit`, so that it is executed: what is written and at once
    /// closed, QEMU may never read. Events stay to be asked for.
    ///
    /// Gives whether the end came in time.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is not the server that ended the connection.
    pub fn drain_to_end(&mut self, timeout: Option<Duration>) -> Result<bool, Error> {
        let deadline = self.driver.clock.deadline(timeout);
        match self.driver.drive(deadline, pass) {
            Ok(_) => Ok(false),
            Err(Error::Closed { source: None }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn call<R>(
        &mut self,
        encode: impl FnMut(&mut Commands<'static>) -> Result<Ticket, Refusal>,
        read: impl FnOnce(Payload<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.call_with(None, encode, read)
    }

    pub(crate) fn call_with<R>(
        &mut self,
        fd: Option<BorrowedFd<'_>>,
        encode: impl FnMut(&mut Commands<'static>) -> Result<Ticket, Refusal>,
        read: impl FnOnce(Payload<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let deadline = self.driver.clock.deadline(self.timeout);
        let ticket = self.dispatch(deadline, fd, encode)?;
        self.conclude(ticket, deadline, read)
    }
}

/// Several commands at once. Each ticket must be waited for, or its reply is kept for as long as the monitor is.
impl Monitor {
    /// Sends the command `name`. Where the server's queue is full, waits for one of its eight places.
    ///
    /// If the server is slow to read, a rest of the command may be unsent when time is up. Calls that follow send it first.
    ///
    /// # Errors
    /// [`Error::QueueFull`], [`Error::Closed`], [`Error::Misuse`]: the command was not sent.
    pub fn submit(&mut self, name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<Ticket, Error> {
        let deadline = self.driver.clock.deadline(self.timeout);
        self.dispatch(deadline, None, |commands| commands.execute(name, arguments))
    }

    /// [`submit`](Self::submit), out of band; see [`execute_oob`](Self::execute_oob).
    ///
    /// # Errors
    /// As there.
    pub fn submit_oob(&mut self, name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<Ticket, Error> {
        let deadline = self.driver.clock.deadline(self.timeout);
        self.dispatch(deadline, None, |commands| commands.exec_oob(name, arguments))
    }

    /// [`submit`](Self::submit) with arguments that are JSON text already.
    ///
    /// # Errors
    /// As there.
    pub fn submit_raw(&mut self, name: &str, arguments: Option<&str>) -> Result<Ticket, Error> {
        let deadline = self.driver.clock.deadline(self.timeout);
        self.dispatch(deadline, None, |commands| call::raw(commands, name, arguments))
    }

    /// [`submit_raw`](Self::submit_raw), out of band; see [`execute_oob`](Self::execute_oob).
    ///
    /// # Errors
    /// As there.
    pub fn submit_oob_raw(&mut self, name: &str, arguments: Option<&str>) -> Result<Ticket, Error> {
        let deadline = self.driver.clock.deadline(self.timeout);
        self.dispatch(deadline, None, |commands| call::raw_oob(commands, name, arguments))
    }

    /// Waits for the reply to a command and reads what it returned. After [`Error::Timeout`] it can be waited for once more.
    ///
    /// # Errors
    /// See [`Error`]. [`Error::Misuse`] for a ticket whose reply was given out already.
    pub fn wait<T: DeserializeOwned>(&mut self, ticket: Ticket) -> Result<T, Error> {
        let deadline = self.driver.clock.deadline(self.timeout);
        self.conclude(ticket, deadline, |payload| Ok(payload.decode()?))
    }

    /// [`wait`](Self::wait), for what it returned as the JSON text that came.
    ///
    /// # Errors
    /// As there.
    pub fn wait_raw(&mut self, ticket: Ticket) -> Result<String, Error> {
        let deadline = self.driver.clock.deadline(self.timeout);
        self.conclude(ticket, deadline, |payload| Ok(kept::own(&payload)))
    }

    /// Waits no longer for a command. A reply that comes after all is a [`Notice`].
    ///
    /// # Errors
    /// [`Error::Misuse`] if there is no such command.
    pub fn forget(&mut self, ticket: Ticket) -> Result<(), Error> {
        let inbox = &mut self.driver.inbox;
        if inbox.take(ticket).is_some() || inbox.overdue.contains(&ticket) {
            return Ok(());
        }
        Ok(self.driver.client.commands().forget(ticket)?)
    }
}

/// What came and was nobody's.
impl Monitor {
    /// The oldest notice that was not given out. Only gives what other calls have received.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.driver.inbox.notices.pop()
    }

    /// How many notices were dropped, as more came than are kept, since the connection was made.
    pub const fn notices_lost(&self) -> u64 {
        self.driver.inbox.notices.lost()
    }
}

impl Monitor {
    /// Sends what `encode` encodes, and `fd` with it, when there is a place for it.
    pub(crate) fn dispatch(
        &mut self,
        deadline: Instant,
        fd: Option<BorrowedFd<'_>>,
        mut encode: impl FnMut(&mut Commands<'static>) -> Result<Ticket, Refusal>,
    ) -> Result<Ticket, Error> {
        let driver = &mut self.driver;
        let mut last = false;
        let ticket = loop {
            if let Some(ticket) = driver.encode(fd, &mut encode)? {
                break ticket;
            }
            // What makes room may have come already.
            driver.file()?;
            if let Some(ticket) = driver.encode(fd, &mut encode)? {
                break ticket;
            }
            if last {
                return Err(Error::QueueFull);
            }
            last = driver.clock.is_past(deadline);
            driver.turn(deadline)?;
        };
        let whole = driver.client.tx_pending().len();
        let flushed = driver.flush(deadline);
        if driver.unsendable && driver.client.tx_pending().len() == whole {
            // Not a byte of it went.
            driver.client.commands().forget(ticket)?;
            driver.inbox.take(ticket);
            driver.waiting = None;
            return Err(Error::Closed { source: driver.take_cause() });
        }
        match flushed {
            // It is among the lost ones.
            Err(Error::Closed { source }) => {
                driver.cause = source;
                Ok(ticket)
            }
            flushed => flushed.map(|()| ticket),
        }
    }

    /// Takes what a command came to: from what is kept, or when it comes.
    fn conclude<R>(
        &mut self,
        ticket: Ticket,
        deadline: Instant,
        read: impl FnOnce(Payload<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let driver = &mut self.driver;
        let read = match driver.inbox.conclude(ticket, read) {
            Ok(End::Ended(outcome)) => return outcome,
            Ok(End::Lost) => return Err(Error::OutcomeUnknown { source: driver.take_cause() }),
            Err(read) => read,
        };
        let overdue = driver.inbox.overdue.contains(&ticket);
        if !overdue && !driver.client.commands().is_in_flight(ticket) {
            return Err(Error::Misuse(Misuse::Ticket.into()));
        }
        match driver.drive(deadline, call::looking(ticket, read)) {
            Ok(Some(End::Ended(outcome))) => {
                driver.inbox.overdue.retain(|other| *other != ticket);
                outcome
            }
            Ok(Some(End::Lost)) => Err(Error::OutcomeUnknown { source: driver.take_cause() }),
            Ok(None) => {
                if !overdue {
                    // Told that its time is up, the core knows a late reply to it from others.
                    driver.client.commands().set_deadline(ticket, Instant::ZERO)?;
                    driver.file()?;
                }
                log::timed_out(&driver.at, ticket.id());
                Err(Error::Timeout { ticket })
            }
            // One whose time was up is not lost, to the core: it had ended.
            Err(Error::Closed { source }) => {
                driver.inbox.overdue.retain(|other| *other != ticket);
                Err(Error::OutcomeUnknown { source })
            }
            Err(error) => Err(error),
        }
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("at", &self.driver.at)
            .field("server", self.server())
            .field("session", &self.driver.client.session())
            .field("events", &self.driver.inbox.events.items.len())
            .field("notices", &self.driver.inbox.notices.items.len())
            .finish_non_exhaustive()
    }
}
