//! Descriptors that are open already: what they are, and how to speak over that.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::fs::{FileType, fstat};
use rustix::net::sockopt::{socket_acceptconn, socket_type};
use rustix::net::{AddressFamily, SocketType, getpeername, getsockname};

use crate::connect::Opened;
use crate::connect::serial::Device;
use crate::error::Error;
use crate::stream::{Socket, Stream};

/// A connected socket, or a character device.
pub(crate) fn open(fd: OwnedFd, at: String) -> Result<Opened, Error> {
    match stream(fd) {
        Ok(stream) => Ok(Opened { stream, at }),
        Err((reason, source)) => Err(Error::Unusable { at, reason, source }),
    }
}

/// Why a descriptor is of no use here.
type Unfit = (&'static str, Option<io::Error>);

fn stream(fd: OwnedFd) -> Result<Box<dyn Stream>, Unfit> {
    let unlooked = |error: rustix::io::Errno| ("the system does not say what it is", Some(error.into()));
    match FileType::from_raw_mode(fstat(&fd).map_err(unlooked)?.st_mode) {
        FileType::Socket => socket(fd),
        FileType::CharacterDevice => match Device::new(fd) {
            Ok(device) => Ok(Box::new(device)),
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                Err(("the device must be open for reading and writing", Some(error)))
            }
            Err(error) => Err(("the device cannot be set up for reading and writing", Some(error))),
        },
        FileType::Fifo => Err(("a pipe goes one way: give a connected socket or a terminal", None)),
        _ => Err(("it is neither a socket nor a terminal: give one of those", None)),
    }
}

fn socket(fd: OwnedFd) -> Result<Box<dyn Stream>, Unfit> {
    let unlooked = |error: rustix::io::Errno| ("the system does not say what socket it is", Some(error.into()));
    if socket_type(&fd).map_err(unlooked)? != SocketType::STREAM {
        return Err(("it is a socket for datagrams: QMP takes a stream", None));
    }
    if socket_acceptconn(&fd).map_err(unlooked)? {
        return Err(("it is a socket that listens: accept a connection, and give that", None));
    }
    getpeername(&fd).map_err(|error| ("the socket is not connected: connect it first", Some(error.into())))?;
    Ok(match getsockname(&fd).map_err(unlooked)?.address_family() {
        AddressFamily::UNIX => Box::new(UnixStream::from(fd)),
        AddressFamily::INET | AddressFamily::INET6 => {
            let stream = TcpStream::from(fd);
            stream.set_nodelay(true).map_err(|error| ("its delay cannot be turned off", Some(error)))?;
            Box::new(stream)
        }
        _ => Box::new(Socket(fd)),
    })
}

/// Another descriptor for what the process has open as `number`.
pub(crate) fn inherited(number: i32) -> Result<OwnedFd, Error> {
    let duplicated = match number {
        0 => io::stdin().as_fd().try_clone_to_owned(),
        1 => io::stdout().as_fd().try_clone_to_owned(),
        2 => io::stderr().as_fd().try_clone_to_owned(),
        number => duplicate(number),
    };
    duplicated.map_err(|source| {
        let reason = match source.kind() {
            ErrorKind::Unsupported => "this takes Linux 5.6: open it otherwise, and give it to Options::fd",
            _ if source.raw_os_error() == Some(rustix::io::Errno::BADF.raw_os_error()) => {
                "no descriptor of this number is open: hand it over without close-on-exec"
            }
            _ => "the system does not give it out, a sandbox may forbid that: hand it over as standard input, fd 0",
        };
        Error::Unusable { at: format!("fd:{number}"), reason, source: Some(source) }
    })
}

/// To own a number is a matter of trust, and takes unsafe code. So the system is asked for a duplicate, as it would be for one of another
/// process.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn duplicate(number: i32) -> io::Result<OwnedFd> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    Ok(pidfd_getfd(this, number, PidfdGetfdFlags::empty())?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn duplicate(_: i32) -> io::Result<OwnedFd> {
    Err(ErrorKind::Unsupported.into())
}
