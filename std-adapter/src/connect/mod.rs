//! From an address to a monitor that is ready, by one deadline.
//!
//! A file an address kind opens the stream: [`unix`], [`tcp`], [`vsock`], [`serial`], [`fd`]. [`handshake`] makes it a session, [`retry`]
//! does both more than once, [`again`] with a monitor that was connected before. [`child`] starts the other side first.

mod again;
#[cfg(feature = "spawn")]
pub(crate) mod child;
pub(crate) mod fd;
pub(crate) mod handshake;
pub(crate) mod retry;
mod serial;
mod tcp;
pub(crate) mod unix;
mod vsock;

use std::net::ToSocketAddrs;
use std::os::fd::OwnedFd;
use std::path::Path;

use qmp_core::time::Instant;

use crate::address::Address;
use crate::clock::Clock;
use crate::drive::Driver;
use crate::error::Error;
use crate::log;
use crate::monitor::Monitor;
use crate::options::Options;
use crate::stream::Stream;
use handshake::handshake;

/// A stream to where a monitor should be.
pub(crate) struct Opened {
    pub(crate) stream: Box<dyn Stream>,
    /// Where, for people.
    pub(crate) at: String,
}

impl Options {
    /// Connects to `address`. The monitor keeps it, to [`reconnect`](Monitor::reconnect).
    ///
    /// # Errors
    /// See [`Error`].
    pub fn connect(&self, address: &Address) -> Result<Monitor, Error> {
        if let Address::Fd(number) = address {
            return self.inherited(*number);
        }
        let mut monitor = self.attempt(|clock, deadline| open(address, clock, deadline))?;
        monitor.address = Some(address.clone());
        Ok(monitor)
    }

    /// Connects to the Unix socket at `path`. On Linux the path may be longer than the 107 bytes that the address of a socket can be.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn unix(&self, path: impl AsRef<Path>) -> Result<Monitor, Error> {
        self.connect(&Address::Unix(path.as_ref().to_owned()))
    }

    /// Connects to the Unix socket of the abstract `name`, 1 to 107 bytes. Linux only.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn unix_abstract(&self, name: &[u8]) -> Result<Monitor, Error> {
        self.connect(&Address::Abstract(name.to_owned()))
    }

    /// Connects by TCP to `address`, `("localhost", 4444)` or `"localhost:4444"`. Of several addresses that a name has, the first one
    /// that answers is taken, and is the [`address`](Monitor::address) to reconnect to. Looking a name up is the system's business, and
    /// outside of the deadline.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn tcp(&self, address: impl ToSocketAddrs) -> Result<Monitor, Error> {
        let mut monitor = self.attempt(|clock, deadline| tcp::open(&address, "the address given", clock, deadline))?;
        monitor.address = Some(Address::Tcp(monitor.driver.at.clone()));
        Ok(monitor)
    }

    /// Connects by vsock to `port` of the machine `cid`. Takes the feature `vsock`, and Linux, which by itself gives up after 2 seconds
    /// where nothing answers.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn vsock(&self, cid: u32, port: u32) -> Result<Monitor, Error> {
        self.connect(&Address::Vsock { cid, port })
    }

    /// Opens the character device at `path`, a serial line or a terminal, and speaks over it. A terminal is made raw while the monitor
    /// is there; its speed stays as it is.
    ///
    /// A line does not tell when a client goes. QEMU greets the next one on its pseudo-terminals if nobody has had that open for a
    /// moment in between, and up to a second later.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn serial(&self, path: impl AsRef<Path>) -> Result<Monitor, Error> {
        self.connect(&Address::Serial(path.as_ref().to_owned()))
    }

    /// Speaks over `stream`, which is connected to a monitor that nothing was read from yet.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn over(&self, stream: impl Stream + 'static) -> Result<Monitor, Error> {
        self.once(Opened { stream: Box::new(stream), at: "the stream".to_owned() })
    }

    /// Speaks over `fd`: a connected stream socket of any family, or a character device open for reading and writing. It is found out
    /// which: descriptors go with commands over Unix sockets, TCP is told not to delay, a terminal is made raw.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Unusable`] for what is neither.
    pub fn fd(&self, fd: OwnedFd) -> Result<Monitor, Error> {
        self.once(fd::open(fd, "the descriptor".to_owned())?)
    }

    /// Speaks over the descriptor of this `number`, which a supervisor has handed over to this process: [`fd`](Self::fd) otherwise.
    ///
    /// The monitor works with a duplicate. What stands under the number stays open until the process ends, for only unsafe code could
    /// know that it is nobody else's; but the connection ends when the monitor is dropped. Other numbers than 0, 1 and 2 take Linux 5.6,
    /// and no sandbox that forbids `pidfd_getfd`.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Unusable`] where there is no such descriptor, or it is not to be had.
    pub fn inherited(&self, number: i32) -> Result<Monitor, Error> {
        let mut monitor = self.once(fd::open(fd::inherited(number)?, format!("fd:{number}"))?)?;
        monitor.address = Some(Address::Fd(number));
        Ok(monitor)
    }

    /// Connects to `address` and says nothing: the socket is for who passes on what others say. It blocks.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Unusable`] for [`Address::Serial`] and [`Address::Fd`], where nothing is connected to.
    pub fn open(&self, address: &Address) -> Result<OwnedFd, Error> {
        let unusable = |source| {
            let reason = "only a socket that is connected to can be passed on: name one";
            Error::Unusable { at: address.to_string(), reason, source }
        };
        if matches!(address, Address::Serial(_) | Address::Fd(_)) {
            return Err(unusable(None));
        }
        let clock = Clock::start();
        let opened = retry::until(self, clock, |deadline| open(address, clock, deadline))?;
        let socket = opened.stream.poll_fd().ok_or_else(|| unusable(None))?;
        socket.try_clone_to_owned().map_err(|source| unusable(Some(source)))
    }

    /// Opens and shakes hands, as often as the options say.
    fn attempt(&self, mut open: impl FnMut(Clock, Instant) -> Result<Opened, Error>) -> Result<Monitor, Error> {
        let clock = Clock::start();
        retry::until(self, clock, |deadline| self.begin(open(clock, deadline)?, clock, deadline))
    }

    /// Shakes hands over what cannot be opened again.
    fn once(&self, opened: Opened) -> Result<Monitor, Error> {
        let clock = Clock::start();
        self.begin(opened, clock, clock.deadline(self.deadline)).inspect_err(log::failed)
    }

    fn begin(&self, opened: Opened, clock: Clock, deadline: Instant) -> Result<Monitor, Error> {
        let mut driver = Driver::new(opened, clock, self);
        let oob = handshake(&mut driver, deadline)?;
        Ok(Monitor::new(driver, oob, self))
    }
}

pub(crate) fn open(address: &Address, clock: Clock, deadline: Instant) -> Result<Opened, Error> {
    let timeout = clock.until(deadline);
    match address {
        Address::Unix(path) => unix::open(path, timeout),
        Address::Abstract(name) => unix::open_abstract(name, timeout),
        Address::Tcp(name) => tcp::open(name, name, clock, deadline),
        Address::Vsock { cid, port } => vsock::open(*cid, *port, timeout),
        Address::Serial(path) => serial::open(path),
        Address::Fd(_) => Err(Error::NoAddress),
    }
}
