//! From an address to a monitor that is ready, by one deadline.

use core::ops::ControlFlow;
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use qmp_core::client::{Message, Session};
use qmp_core::time::Instant;

use crate::clock::Clock;
use crate::drive::Driver;
use crate::error::{Error, Failure};
use crate::monitor::Monitor;
use crate::options::Options;
use crate::stream::Stream;

impl Options {
    /// Connects to the Unix socket at `path`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn unix(&self, path: impl AsRef<Path>) -> Result<Monitor, Error> {
        let path = path.as_ref();
        let clock = Clock::start();
        let deadline = clock.deadline(self.deadline);
        let stream = unix(path, clock.until(deadline))?;
        establish(Box::new(stream), path.display().to_string(), clock, deadline, self)
    }

    /// Connects by TCP to `address`, `("localhost", 4444)` or `"localhost:4444"`. Of several addresses that a name has, the first one
    /// that answers is taken. Looking a name up is the system's business, and outside of the deadline.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn tcp(&self, address: impl ToSocketAddrs) -> Result<Monitor, Error> {
        let clock = Clock::start();
        let deadline = clock.deadline(self.deadline);
        let (stream, at) = tcp(address, clock, deadline)?;
        establish(Box::new(stream), at, clock, deadline, self)
    }

    /// Speaks over `stream`, which is connected to a monitor that nothing was read from yet.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn over(&self, stream: impl Stream + 'static) -> Result<Monitor, Error> {
        let clock = Clock::start();
        establish(Box::new(stream), "the stream".to_owned(), clock, clock.deadline(self.deadline), self)
    }
}

/// Bytes in the address of a Unix socket, behind which a NUL must fit.
const PATH_LIMIT: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };

fn unix(path: &Path, timeout: Option<Duration>) -> Result<UnixStream, Error> {
    let length = path.as_os_str().as_bytes().len();
    if length > PATH_LIMIT {
        return Err(Error::PathTooLong { path: path.to_owned(), length, limit: PATH_LIMIT });
    }
    connect_unix(path, timeout).map_err(|source| unconnected(path, timeout, source))
}

pub(crate) fn unconnected(path: &Path, timeout: Option<Duration>, source: io::Error) -> Error {
    let at = path.display().to_string();
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Error::NoSuchSocket { path: path.to_owned(), source },
        ErrorKind::PermissionDenied => Error::PermissionDenied { path: path.to_owned(), source },
        ErrorKind::ConnectionRefused => Error::NobodyListens { at, source },
        // As many wait in line already as may: somebody holds the monitor, and others want it too.
        ErrorKind::WouldBlock => Error::NoGreeting { at, after: timeout.unwrap_or_default() },
        _ => Error::Connect { at, source },
    }
}

/// `connect()` waits while the line of those who wait is full, so it needs the deadline too. Linux goes by the timeout for sending.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn connect_unix(path: &Path, timeout: Option<Duration>) -> io::Result<UnixStream> {
    use rustix::net::sockopt::{Timeout, set_socket_timeout};
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

    let address = SocketAddrUnix::new(path)?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // Zero would be none.
    set_socket_timeout(&socket, Timeout::Send, timeout.map(|timeout| timeout.max(Duration::from_millis(1))))?;
    rustix::io::retry_on_intr(|| connect(&socket, &address))?;
    set_socket_timeout(&socket, Timeout::Send, None)?;
    Ok(socket.into())
}

/// Elsewhere a full line refuses.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn connect_unix(path: &Path, _: Option<Duration>) -> io::Result<UnixStream> {
    UnixStream::connect(path)
}

fn tcp(address: impl ToSocketAddrs, clock: Clock, deadline: Instant) -> Result<(TcpStream, String), Error> {
    let unknown = |source| Error::Connect { at: "the address given".to_owned(), source };
    let mut last = unknown(io::Error::new(ErrorKind::NotFound, "the name has no address"));
    for address in address.to_socket_addrs().map_err(unknown)? {
        let at = address.to_string();
        let stream = match clock.until(deadline) {
            None => TcpStream::connect(address),
            Some(Duration::ZERO) => Err(ErrorKind::TimedOut.into()),
            Some(left) => TcpStream::connect_timeout(&address, left),
        };
        // Commands are small, and each waits for its reply.
        match stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream)) {
            Ok(stream) => return Ok((stream, at)),
            Err(source) if source.kind() == ErrorKind::ConnectionRefused => last = Error::NobodyListens { at, source },
            Err(source) => last = Error::Connect { at, source },
        }
    }
    Err(last)
}

/// Greeting and negotiation.
fn establish(
    stream: Box<dyn Stream>,
    at: String,
    clock: Clock,
    deadline: Instant,
    options: &Options,
) -> Result<Monitor, Error> {
    let mut driver = Driver::new(stream, clock, options);
    driver.client.commands().set_handshake_deadline(deadline);
    let mut greeted = false;
    let end = driver.drive(Instant::NEVER, |message| {
        ControlFlow::Break(match message {
            Message::Ready { oob } => End::Ready { oob },
            Message::Refused(failure) => End::Refused(failure.into()),
            Message::HandshakeTimedOut(session) => End::TimedOut(session),
            Message::Malformed(_) if !greeted => End::NotQmp,
            other => {
                greeted |= matches!(other, Message::Greeting(_));
                return ControlFlow::Continue(other);
            }
        })
    });
    let received = core::mem::take(&mut driver.first);
    let after = options.deadline.unwrap_or_default();
    match end {
        Ok(Some(End::Ready { oob })) => Ok(Monitor::new(driver, oob, options.timeout)),
        Ok(Some(End::Refused(failure))) => Err(Error::Refused { at, failure }),
        Ok(Some(End::NotQmp)) => Err(Error::NotQmp { at, received }),
        // It spoke, and said nothing that a QMP server says.
        Ok(Some(End::TimedOut(Session::Greeting)) | None) if spoke_otherwise(&driver, &received) => {
            Err(Error::NotQmp { at, received })
        }
        Ok(Some(End::TimedOut(Session::Greeting)) | None) => Err(Error::NoGreeting { at, after }),
        Ok(Some(End::TimedOut(_))) => Err(Error::NotReady { at, after }),
        Err(Error::Closed { .. }) if !greeted && !received.is_empty() => Err(Error::NotQmp { at, received }),
        Err(error) => Err(error),
    }
}

enum End {
    Ready { oob: bool },
    Refused(Failure),
    TimedOut(Session),
    NotQmp,
}

/// Events and replies to others come before a greeting too, in the field. Something else does not.
fn spoke_otherwise(driver: &Driver, received: &[u8]) -> bool {
    use crate::notice::Notice;
    let unknown = driver.inbox.notices.items.iter().any(|notice| matches!(notice, Notice::Unknown(_)));
    let nothing = driver.inbox.events.items.is_empty() && driver.inbox.notices.items.is_empty();
    unknown || (nothing && !received.iter().all(u8::is_ascii_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::error::Error as _;

    /// A test that runs as root is let in everywhere.
    #[test]
    fn permission_denied() {
        for errno in [rustix::io::Errno::ACCESS, rustix::io::Errno::PERM] {
            let error = unconnected(Path::new("/run/vm/qmp.sock"), None, errno.into());
            assert!(matches!(error, Error::PermissionDenied { .. }), "{error:?}");
            assert!(error.to_string().contains("/run/vm/qmp.sock"));
            assert!(error.source().is_some());
        }
    }
}
