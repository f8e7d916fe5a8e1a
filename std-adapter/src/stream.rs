//! What a monitor speaks over.

use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};

use crate::fds;

/// A stream of bytes, both ways, to a monitor.
///
/// Made for connected sockets, blocking or not. Whatever else carries bytes both ways can implement it, a wrapper around a socket
/// for instance.
pub trait Stream: Send {
    /// Receives what has come, at least a byte, and waits for it no longer than `timeout`: `None` is as long as it takes, zero is not
    /// at all. 0 is the end of the stream.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) or [`TimedOut`](ErrorKind::TimedOut) when nothing came in time; anything else ends the
    /// session.
    fn receive(&mut self, space: &mut [u8], timeout: Option<Duration>) -> io::Result<usize>;

    /// Sends as much of `bytes` as can go without waiting: in one system call, so that a command is one write.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) when nothing can go; anything else ends the session.
    fn send(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// [`send`](Self::send)s, and `fd` with the first of `bytes`. When a byte has gone, the descriptor has.
    ///
    /// Refused, unless it is implemented: by Unix sockets, and by what wraps one.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Unsupported`](ErrorKind::Unsupported) and whatever else is not an end of the connection ends the
    /// command, and not the session.
    fn send_with_fd(&mut self, bytes: &[u8], fd: BorrowedFd<'_>) -> io::Result<usize> {
        let _ = (bytes, fd);
        Err(fds::refused())
    }

    /// Waits until something can be received or sent, no longer than `timeout`. May return early.
    ///
    /// # Errors
    /// Anything but [`Interrupted`](ErrorKind::Interrupted) ends the session.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// Ends the connection in both directions, whoever else holds it. What has come can still be received.
    ///
    /// # Errors
    /// Are not looked at.
    fn close(&mut self) -> io::Result<()>;
}

macro_rules! socket {
    ($type:ty $(, $more:item)?) => {
        impl Stream for $type {
            fn receive(&mut self, space: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
                receive_from(self.as_fd(), space, timeout)
            }

            fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
                Ok(send(self.as_fd(), bytes, SEND)?)
            }

            $($more)?

            fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
                wait_for(self.as_fd(), PollFlags::IN | PollFlags::OUT, timeout)
            }

            fn close(&mut self) -> io::Result<()> {
                Ok(shutdown(self.as_fd(), Shutdown::Both)?)
            }
        }
    };
}

socket!(TcpStream);
socket!(Socket);
socket!(
    UnixStream,
    fn send_with_fd(&mut self, bytes: &[u8], fd: BorrowedFd<'_>) -> io::Result<usize> {
        fds::send_with_fd(self.as_fd(), bytes, fd)
    }
);

/// A connected stream socket of a family that std has no type for.
pub(crate) struct Socket(pub(crate) OwnedFd);

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What is there while there is no connection: at its end.
pub(crate) struct Gone;

impl Stream for Gone {
    fn receive(&mut self, _: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
        Ok(0)
    }

    fn send(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn wait(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Stream + ?Sized> Stream for Box<S> {
    fn receive(&mut self, space: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        (**self).receive(space, timeout)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (**self).send(bytes)
    }

    fn send_with_fd(&mut self, bytes: &[u8], fd: BorrowedFd<'_>) -> io::Result<usize> {
        (**self).send_with_fd(bytes, fd)
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        (**self).wait(timeout)
    }

    fn close(&mut self) -> io::Result<()> {
        (**self).close()
    }
}

/// Without a timeout this is one system call: a round trip then costs what a bare write and read do.
fn receive_from(socket: BorrowedFd<'_>, space: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
    if timeout.is_none() {
        match recv(socket, &mut *space, RecvFlags::empty()) {
            // It is not blocking, or has a timeout of its own.
            Err(rustix::io::Errno::AGAIN) => {}
            outcome => return Ok(outcome?.0),
        }
    }
    wait_for(socket, PollFlags::IN, timeout)?;
    Ok(recv(socket, space, RecvFlags::DONTWAIT)?.0)
}

/// Without waiting, and without a signal. Apple's sockets are told the latter once, by std.
#[cfg(not(target_vendor = "apple"))]
pub(crate) const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
#[cfg(target_vendor = "apple")]
pub(crate) const SEND: SendFlags = SendFlags::DONTWAIT;

pub(crate) fn wait_for(socket: BorrowedFd<'_>, what: PollFlags, timeout: Option<Duration>) -> io::Result<()> {
    // Longer than the system can count is for ever.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    let mut sockets = [PollFd::from_borrowed_fd(socket, what)];
    match poll(&mut sockets, timeout.as_ref())? {
        0 => Err(ErrorKind::TimedOut.into()),
        _ => Ok(()),
    }
}
