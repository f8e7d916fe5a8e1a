//! A guest agent: commands and their replies.

pub(crate) mod connect;
mod inbox;
mod options;
mod pieces;

use alloc::string::String;
use core::fmt;
use core::time::Duration;
use std::path::Path;

use qmp_core::agent::{Client, Commands, Message, Session};
use qmp_core::client::{Delivery, Ticket};
use qmp_core::command::Command;
use qmp_core::error::{Error as Refusal, Misuse};
use qmp_core::json::Payload;
use qmp_core::time::Instant;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::address::Address;
use crate::drive::Driver;
use crate::engine::Engine;
use crate::error::Error;
use crate::kept;
use crate::log;
use crate::notice::Notice;
use crate::stream::Stream;
use connect::{Step, in_step};
pub use options::AgentOptions;

/// A connection to a guest agent, in step with it.
///
/// - **Connecting**: [`unix`](Self::unix), [`serial`](Self::serial), [`connect`](Self::connect), [`over`](Self::over), or with
///   [`AgentOptions`] the methods of the same names there.
/// - **Commands**: [`execute`](Self::execute) and [`run`](Self::run) for any type of serde's, [`send`](Self::send) for typed commands,
///   [`execute_raw`](Self::execute_raw) for JSON text.
/// - **Commands that answer nothing**: `send` knows them; else [`run_without_reply`](Self::run_without_reply), and for JSON text
///   [`run_raw_without_reply`](Self::run_raw_without_reply).
/// - **The rest**: [`next_notice`](Self::next_notice).
///
/// An agent does one thing at a time, and may stop doing so at any time: the guest is suspended, restarted, stuck. After each
/// [`Error::Unanswered`] the next call first gets in step again, within its own timeout, so that it never takes a late reply for its
/// own; until then it gives [`Error::NotInStep`], and nothing was sent.
///
/// Dropping it closes the connection. Answers that are on their way are waited for a little while:
/// [`farewell`](AgentOptions::farewell).
///
/// ```no_run
/// use std::time::Duration;
///
/// use qmp_std::AgentOptions;
///
/// let mut agent = AgentOptions::new().timeout(Duration::from_secs(5)).unix("/run/vm/qga.sock")?;
/// agent.run("guest-ping", &())?;
/// agent.run_without_reply("guest-shutdown", &())?;
/// # Ok::<(), qmp_std::Error>(())
/// ```
pub struct Agent {
    driver: Driver<Client<'static>>,
    options: AgentOptions,
}

/// Connecting.
impl Agent {
    /// Connects to the Unix socket at `path` with the default [`AgentOptions`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn unix(path: impl AsRef<Path>) -> Result<Self, Error> {
        AgentOptions::new().unix(path)
    }

    /// Opens the character device at `path` with the default [`AgentOptions`]; see [`AgentOptions::serial`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn serial(path: impl AsRef<Path>) -> Result<Self, Error> {
        AgentOptions::new().serial(path)
    }

    /// Connects to `address` with the default [`AgentOptions`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn connect(address: &Address) -> Result<Self, Error> {
        AgentOptions::new().connect(address)
    }

    /// Speaks over `stream` with the default [`AgentOptions`]; see [`AgentOptions::over`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn over(stream: impl Stream + 'static) -> Result<Self, Error> {
        AgentOptions::new().over(stream)
    }

    /// Sets how long each call from now on waits: to get in step if need be, and for its command to be sent, executed and answered.
    /// `None` is as long as it takes.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.options.base.timeout = timeout;
    }

    /// Whether the agent echoes ids, so that its commands bear some. QEMU's does, but for the oldest.
    pub fn echoes_ids(&mut self) -> bool {
        self.driver.client.commands().echoes_ids()
    }
}

/// Commands.
impl Agent {
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
        self.call(false, |commands| commands.execute(name, arguments), |payload| Ok(payload.decode()?))
    }

    /// Executes the command `name` for what it does, whatever it returns.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn run(&mut self, name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.call(false, |commands| commands.execute(name, arguments), |_| Ok(()))
    }

    /// Sends the command `name`, which answers nothing when it succeeds: `guest-shutdown`, `guest-suspend-disk` and their like
    /// (`success-response: false` in what `guest-info` returns). An error is waited for, up to the [grace](AgentOptions::grace) and the
    /// call's timeout; if none comes, or the connection ends, that is success: more cannot be known.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn run_without_reply(&mut self, name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.call(true, |commands| commands.execute_without_reply(name, arguments), |_| Ok(()))
    }

    /// Executes a typed command and hands what it returns, which may borrow from the receive buffer, to `read`. One that answers
    /// nothing ([`Command::NO_REPLY`]) as [`run_without_reply`](Self::run_without_reply) does; what it returns is `{}` then.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn send<C: Command, R>(
        &mut self,
        command: &C,
        read: impl for<'a> FnOnce(C::Return<'a>) -> R,
    ) -> Result<R, Error> {
        self.call(C::NO_REPLY, |commands| commands.send(command), |payload| Ok(read(payload.decode()?)))
    }

    /// Executes the command `name` with arguments that are JSON text already, an object, and gives what it returns as the JSON text
    /// that came.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute_raw(&mut self, name: &str, arguments: Option<&str>) -> Result<String, Error> {
        let encode = |commands: &mut Commands<'static>| match arguments {
            Some(arguments) => commands.execute_raw(name, arguments),
            None => commands.execute(name, &()),
        };
        self.call(false, encode, |payload| Ok(kept::own(&payload)))
    }

    /// [`run_without_reply`](Self::run_without_reply) with arguments that are JSON text already, an object.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn run_raw_without_reply(&mut self, name: &str, arguments: Option<&str>) -> Result<(), Error> {
        let encode = |commands: &mut Commands<'static>| match arguments {
            Some(arguments) => commands.execute_raw_without_reply(name, arguments),
            None => commands.execute_without_reply(name, &()),
        };
        self.call(true, encode, |_| Ok(()))
    }

    /// Gets in step with the agent, which shows that it is there and reads. It is done by itself where it must be.
    ///
    /// # Errors
    /// [`Error::NotInStep`] when it is not by the call's timeout; [`Error::Closed`].
    pub fn synchronize(&mut self) -> Result<(), Error> {
        let deadline = self.driver.clock.deadline(self.options.base.timeout);
        self.driver.client.handle_timeout(self.driver.clock.now());
        self.driver.client.commands().synchronize()?;
        self.driver.inbox.syncing = true;
        self.in_step(deadline)
    }

    fn in_step(&mut self, deadline: Instant) -> Result<(), Error> {
        let begun = self.driver.clock.now();
        match in_step(&mut self.driver, deadline)? {
            Step::Ready => Ok(()),
            Step::TimedOut | Step::Monitor => Err(Error::NotInStep { after: begun.until(self.driver.clock.now()) }),
        }
    }

    fn call<R>(
        &mut self,
        silent: bool,
        encode: impl FnOnce(&mut Commands<'static>) -> Result<Ticket, Refusal>,
        read: impl FnOnce(Payload<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        match self.call_by(Delivery::Whole, silent, encode, read, |_| {})? {
            Came::Whole(value) => Ok(value),
            // They were not asked for.
            Came::Pieces(_) => Err(Error::Misuse(Misuse::Ticket.into())),
        }
    }

    /// [`call`](Self::call), which has pieces of the reply shown to `look`.
    fn call_by<R>(
        &mut self,
        delivery: Delivery,
        silent: bool,
        encode: impl FnOnce(&mut Commands<'static>) -> Result<Ticket, Refusal>,
        read: impl FnOnce(Payload<'_>) -> Result<R, Error>,
        mut look: impl FnMut(Message<'_>),
    ) -> Result<Came<R>, Error> {
        let clock = self.driver.clock;
        let deadline = clock.deadline(self.options.base.timeout);
        self.in_step(deadline)?;
        let driver = &mut self.driver;
        let ticket = encode(driver.client.commands())?;
        let grace = if silent { clock.deadline(Some(self.options.grace)) } else { Instant::NEVER };
        driver.client.commands().set_deadline(ticket, deadline.min(grace))?;
        driver.client.commands().set_delivery(ticket, delivery)?;
        let whole = driver.client.tx_pending().len();

        let mut read = Some(read);
        let mut read = |payload: Payload<'_>| read.take().map(|read| read(payload));
        // The core watches the time.
        let end = driver.pump(Instant::NEVER, |message, inbox| match message {
            Message::Reply { ticket: other, outcome } if other == ticket => Some(match outcome {
                Ok(payload) => End::Ended(read(payload)?.map(Came::Whole)),
                Err(failure) => End::Ended(Err(Error::Command(failure.into()))),
            }),
            Message::Sent { ticket: other } if other == ticket => {
                let mut nothing = *b"{}";
                Some(End::Ended(read(Payload::parse(&mut nothing).ok()?)?.map(Came::Whole)))
            }
            Message::Element { ticket: other, .. } | Message::Text { ticket: other, .. } if other == ticket => {
                look(message);
                None
            }
            Message::ElementsEnd { ticket: other, count, .. } if other == ticket => {
                Some(End::Ended(Ok(Came::Pieces(count))))
            }
            Message::TextEnd { ticket: other, .. } if other == ticket => Some(End::Ended(Ok(Came::Pieces(0)))),
            Message::Retracted { ticket: other, count, by } if other == ticket => {
                Some(End::Ended(Err(Error::Retracted { count, by })))
            }
            Message::Oversize { ticket: Some(other), message } if other == ticket => {
                Some(End::Ended(Err(Error::Oversize { bytes: message.bytes, cause: message.cause })))
            }
            Message::TimedOut { ticket: other } if other == ticket => Some(End::TimedOut),
            Message::Lost { ticket: other } if other == ticket => Some(End::Lost),
            other => {
                Client::file(inbox, other);
                None
            }
        });
        match end? {
            Some(End::Ended(outcome)) => {
                if let Err(Error::Retracted { .. }) = &outcome {
                    // Nobody waits for its own reply any more.
                    driver.inbox.syncing = true;
                    driver.client.commands().synchronize()?;
                }
                outcome
            }
            Some(End::Lost) if driver.client.session() == Session::Closed => {
                let source = driver.take_cause();
                if driver.unsendable && driver.client.tx_pending().len() == whole {
                    // Not a byte of it went.
                    return Err(Error::Closed { source });
                }
                Err(Error::OutcomeUnknown { source })
            }
            Some(End::Lost | End::TimedOut) | None => {
                driver.inbox.syncing = true;
                log::timed_out(&driver.at, ticket.id());
                // What brings it back in step is on its way while nobody calls. If that fails, the next call says so.
                let _ = driver.flush(Instant::ZERO);
                Err(Error::Unanswered { ticket })
            }
        }
    }
}

/// What came and was nobody's.
impl Agent {
    /// The oldest notice that was not given out: late replies, replies to others, damaged messages. Only gives what other calls have
    /// received. The errors that synchronisations draw are none.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.driver.inbox.notices.pop()
    }

    /// How many notices were dropped, as more came than are kept, since the connection was made.
    pub const fn notices_lost(&self) -> u64 {
        self.driver.inbox.notices.lost()
    }
}

/// What a command returned.
enum Came<R> {
    Whole(R),
    /// So many elements, or a text; they were shown.
    Pieces(u32),
}

enum End<R> {
    Ended(Result<Came<R>, Error>),
    TimedOut,
    Lost,
}

/// Takes the answers that are on their way, if they come soon.
impl Drop for Agent {
    fn drop(&mut self) {
        let driver = &mut self.driver;
        driver.client.handle_timeout(driver.clock.now());
        let deadline = driver.clock.deadline(Some(self.options.farewell));
        while driver.client.session() != Session::Closed
            && (driver.client.commands().unanswered() > 0 || driver.client.session() != Session::Ready)
            && !driver.clock.is_past(deadline)
            && driver.turn(deadline).is_ok()
            && driver.file().is_ok()
        {}
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("at", &self.driver.at)
            .field("session", &self.driver.client.session())
            .field("notices", &self.driver.inbox.notices.items.len())
            .finish_non_exhaustive()
    }
}
