//! Unix sockets: by path, however long, and by abstract name.

use core::time::Duration;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::connect::Opened;
use crate::error::Error;

/// Bytes in the address of a Unix socket, behind which a NUL must fit.
const PATH_LIMIT: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };

/// The socket at `path`.
pub(crate) fn open(path: &Path, timeout: Option<Duration>) -> Result<Opened, Error> {
    let length = path.as_os_str().as_bytes().len();
    let stream = if length > PATH_LIMIT {
        let too_long = || Error::PathTooLong { path: path.to_owned(), length, limit: PATH_LIMIT };
        system::connect_long(path, timeout).ok_or_else(too_long)?
    } else {
        system::connect(path, timeout)
    };
    let stream = stream.map_err(|source| unconnected(path, timeout, source))?;
    Ok(Opened { stream: Box::new(stream), at: path.display().to_string() })
}

/// The socket that has this abstract `name`.
pub(crate) fn open_abstract(name: &[u8], timeout: Option<Duration>) -> Result<Opened, Error> {
    let at = format!("@{}", name.escape_ascii());
    if name.is_empty() || name.len() > PATH_LIMIT {
        return Err(Error::Unusable { at, reason: "an abstract name has 1 to 107 bytes", source: None });
    }
    let Some(stream) = system::connect_abstract(name, timeout) else {
        return Err(Error::Unusable { at, reason: "only Linux has abstract names: use a path", source: None });
    };
    match stream {
        Ok(stream) => Ok(Opened { stream: Box::new(stream), at }),
        Err(source) if source.kind() == ErrorKind::ConnectionRefused => Err(Error::NobodyListens { at, source }),
        Err(source) if source.kind() == ErrorKind::WouldBlock => Err(queue_full(at, timeout)),
        Err(source) => Err(Error::Connect { at, source }),
    }
}

fn unconnected(path: &Path, timeout: Option<Duration>, source: io::Error) -> Error {
    let at = path.display().to_string();
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Error::NoSuchSocket { path: path.to_owned(), source },
        ErrorKind::PermissionDenied => Error::PermissionDenied { path: path.to_owned(), source },
        ErrorKind::ConnectionRefused => Error::NobodyListens { at, source },
        ErrorKind::WouldBlock => queue_full(at, timeout),
        _ => Error::Connect { at, source },
    }
}

/// As many wait in line already as may: somebody holds the monitor, and others want it too.
fn queue_full(at: String, timeout: Option<Duration>) -> Error {
    Error::NoGreeting { at, after: timeout.unwrap_or_default() }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use core::time::Duration;
    use std::io::{self, ErrorKind};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    use std::path::Path;

    use rustix::fs::{Mode, OFlags, open};
    use rustix::net::sockopt::{Timeout, set_socket_timeout};
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};

    pub(super) fn connect(path: &Path, timeout: Option<Duration>) -> io::Result<UnixStream> {
        connect_to(&SocketAddrUnix::new(path)?, timeout)
    }

    pub(super) fn connect_abstract(name: &[u8], timeout: Option<Duration>) -> Option<io::Result<UnixStream>> {
        let address = SocketAddrUnix::new_abstract_name(name).map_err(io::Error::from);
        Some(address.and_then(|address| connect_to(&address, timeout)))
    }

    /// The socket is found by the long path, and connected to by a short one that names what was found. `None`: there is no /proc.
    pub(super) fn connect_long(path: &Path, timeout: Option<Duration>) -> Option<io::Result<UnixStream>> {
        let found = match open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
            Ok(found) => found,
            Err(error) => return Some(Err(error.into())),
        };
        match connect(format!("/proc/self/fd/{}", found.as_raw_fd()).as_ref(), timeout) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            outcome => Some(outcome),
        }
    }

    /// `connect()` waits while the line of those who wait is full, so it needs the deadline too. Linux goes by the timeout for sending.
    fn connect_to(address: &SocketAddrUnix, timeout: Option<Duration>) -> io::Result<UnixStream> {
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // Zero would be none.
        set_socket_timeout(&socket, Timeout::Send, timeout.map(|timeout| timeout.max(Duration::from_millis(1))))?;
        rustix::io::retry_on_intr(|| rustix::net::connect(&socket, address))?;
        set_socket_timeout(&socket, Timeout::Send, None)?;
        Ok(socket.into())
    }
}

/// Elsewhere a full line refuses, and neither long paths nor abstract names can be reached.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use core::time::Duration;
    use std::io;
    use std::os::unix::net::UnixStream;
    use std::path::Path;

    pub(super) fn connect(path: &Path, _: Option<Duration>) -> io::Result<UnixStream> {
        UnixStream::connect(path)
    }

    pub(super) fn connect_abstract(_: &[u8], _: Option<Duration>) -> Option<io::Result<UnixStream>> {
        None
    }

    pub(super) fn connect_long(_: &Path, _: Option<Duration>) -> Option<io::Result<UnixStream>> {
        None
    }
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
