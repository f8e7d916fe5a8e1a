//! One monitor for many threads: QEMU serves one client per monitor.

mod hub;
mod subscription;

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use qmp_core::client::{Commands, Ticket};
use qmp_core::command::Command;
use qmp_core::error::Error as Refusal;
use qmp_core::json::Payload;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call;
use crate::error::Error;
use crate::inbox::Server;
use crate::kept;
use crate::monitor::Monitor;
use crate::notice::Notice;
use hub::Hub;
pub use subscription::{Callback, Subscription};

/// A monitor that many threads use at once: a handle, cheap to clone.
///
/// Each call waits for its own reply. A command goes in one write, by the thread that calls; at most eight in-band ones are in flight,
/// and more wait their turn. One thread of the handle's own receives, so that nothing that QEMU sends piles
/// up there however long no call is made; events fan out to whoever [subscribed](Self::subscribe).
///
/// The connection ends when the last handle is dropped. If it is lost, each command in flight gets [`Error::OutcomeUnknown`].
///
/// ```no_run
/// use std::thread;
///
/// use qmp_std::{Monitor, Shared, Wanted};
///
/// let shared = Monitor::unix("/run/vm/qmp.sock")?.share()?;
/// let events = shared.subscribe(Wanted::named(["BLOCK_JOB_COMPLETED"]));
/// thread::scope(|scope| {
///     for command in ["query-status", "query-block", "query-jobs"] {
///         let shared = shared.clone();
///         scope.spawn(move || println!("{:?}", shared.execute_raw(command, None)));
///     }
/// });
/// # drop(events);
/// # Ok::<(), qmp_std::Error>(())
/// ```
#[derive(Clone)]
pub struct Shared {
    hub: Arc<Hub>,
    timeout: Option<Duration>,
    /// Ends the connection with the last handle.
    _end: Arc<End>,
}

struct End(Arc<Hub>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Monitor {
    /// Makes it one for many threads. Events and notices that have come stay to be given out.
    ///
    /// # Errors
    /// [`Error::Unshareable`]: it speaks over a stream that no thread can wait for beside the others; or the system refuses a thread.
    pub fn share(self) -> Result<Shared, Error> {
        let timeout = self.timeout;
        let hub = Hub::start(self).map_err(|source| Error::Unshareable { source })?;
        let end = Arc::new(End(Arc::clone(&hub)));
        Ok(Shared { hub, timeout, _end: end })
    }
}

/// Commands. Each call waits for the time that [`set_timeout`](Self::set_timeout) says, for its turn and its reply together.
impl Shared {
    /// Sets how long each call of this handle, and of those cloned from it, waits from now on. `None` is as long as it takes.
    pub const fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Executes the command `name` and reads what it returns into a `T`. The arguments are anything that serializes to an object, or
    /// `&()` for none.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute<T: DeserializeOwned>(&self, name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<T, Error> {
        self.call(|commands| commands.execute(name, arguments), |payload| Ok(payload.decode()?))
    }

    /// Executes the command `name` for what it does, whatever it returns.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn run(&self, name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.call(|commands| commands.execute(name, arguments), |_| Ok(()))
    }

    /// [`execute`](Self::execute), out of band; see [`Monitor::execute_oob`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute_oob<T: DeserializeOwned>(
        &self,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        self.call(|commands| commands.exec_oob(name, arguments), |payload| Ok(payload.decode()?))
    }

    /// Executes a typed command and hands what it returns to `read`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn send<C: Command, R>(&self, command: &C, read: impl for<'a> FnOnce(C::Return<'a>) -> R) -> Result<R, Error> {
        self.call(|commands| commands.send(command), |payload| Ok(read(payload.decode()?)))
    }

    /// Executes the command `name` with arguments that are JSON text already, an object, and gives what it returns as the JSON text
    /// that came.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute_raw(&self, name: &str, arguments: Option<&str>) -> Result<String, Error> {
        self.call(|commands| call::raw(commands, name, arguments), |payload| Ok(kept::own(&payload)))
    }

    /// [`execute_raw`](Self::execute_raw), out of band.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute_oob_raw(&self, name: &str, arguments: Option<&str>) -> Result<String, Error> {
        self.call(|commands| call::raw_oob(commands, name, arguments), |payload| Ok(kept::own(&payload)))
    }

    /// Sends the command `name` when there is a place for it. Its reply is kept until [`wait`](Self::wait) asks for it, on any thread.
    ///
    /// # Errors
    /// [`Error::QueueFull`], [`Error::Closed`], [`Error::Misuse`]: the command was not sent.
    pub fn submit(&self, name: &str, arguments: &(impl Serialize + ?Sized)) -> Result<Ticket, Error> {
        self.hub.dispatch(self.hub.deadline(self.timeout), |commands| commands.execute(name, arguments))
    }

    /// Waits for the reply to a command and reads what it returned. After [`Error::Timeout`] it can be waited for once more.
    ///
    /// # Errors
    /// See [`Error`]. [`Error::Misuse`] for a ticket whose reply was given out already.
    pub fn wait<T: DeserializeOwned>(&self, ticket: Ticket) -> Result<T, Error> {
        self.hub.conclude(ticket, self.hub.deadline(self.timeout), |payload| Ok(payload.decode()?))
    }

    fn call<R>(
        &self,
        encode: impl FnMut(&mut Commands<'static>) -> Result<Ticket, Refusal>,
        read: impl FnOnce(Payload<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let deadline = self.hub.deadline(self.timeout);
        let ticket = self.hub.dispatch(deadline, encode)?;
        self.hub.conclude(ticket, deadline, read)
    }
}

/// What else comes.
impl Shared {
    /// What the server said of itself in its greeting.
    #[must_use]
    pub fn server(&self) -> Server {
        self.hub.with(|monitor| monitor.server().clone())
    }

    /// The oldest notice that was not given out.
    #[must_use]
    pub fn next_notice(&self) -> Option<Notice> {
        self.hub.with(Monitor::next_notice)
    }

    /// How many notices were dropped, as more came than are kept.
    #[must_use]
    pub fn notices_lost(&self) -> u64 {
        self.hub.with(|monitor| monitor.notices_lost())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hub.with(|monitor| f.debug_tuple("Shared").field(monitor).finish())
    }
}
