//! Descriptors beside commands: `getfd` and `add-fd` take one that came with them.

use core::mem::MaybeUninit;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use qmp_core::client::{Commands, Ticket};
use qmp_core::command::Command;
use qmp_core::error::Error as Refusal;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, sendmsg};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call;
use crate::drive::{Driver, is_end, is_passing};
use crate::error::Error;
use crate::kept::Kept;
use crate::monitor::Monitor;
use crate::stream::SEND;

/// Commands with a descriptor, over Unix sockets. Other streams refuse it: [`Error::Descriptor`].
///
/// The descriptor goes with the command's first byte, once, however little of the command the socket takes at a time. It is duplicated
/// first: the caller's can be closed when the call returns, a timeout included. QEMU keeps the descriptor that came last, so the next
/// one is sent when the command before is answered.
impl Monitor {
    /// [`send`](Self::send), with a descriptor.
    ///
    /// ```no_run
    /// use std::fs::File;
    ///
    /// use qmp_std::Monitor;
    /// use qmp_std::qmp_core::command::Command;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize)]
    /// struct AddFd<'a> {
    ///     opaque: &'a str,
    /// }
    ///
    /// #[derive(Deserialize)]
    /// struct AddfdInfo {
    ///     #[serde(rename = "fdset-id")]
    ///     fdset_id: i64,
    /// }
    ///
    /// impl Command for AddFd<'_> {
    ///     const NAME: &'static str = "add-fd";
    ///     type Return<'a> = AddfdInfo;
    /// }
    ///
    /// let mut monitor = Monitor::unix("/run/vm/qmp.sock")?;
    /// let disk = File::open("/vm/disk.raw").expect("a disk");
    /// let set = monitor.send_with_fd(&AddFd { opaque: "disk" }, &disk, |info| info.fdset_id)?;
    /// println!("the disk is /dev/fdset/{set}");
    /// # Ok::<(), qmp_std::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [`Error`].
    pub fn send_with_fd<C: Command, R>(
        &mut self,
        command: &C,
        fd: impl AsFd,
        read: impl for<'a> FnOnce(C::Return<'a>) -> R,
    ) -> Result<R, Error> {
        self.call_with(Some(fd.as_fd()), |commands| commands.send(command), |payload| Ok(read(payload.decode()?)))
    }

    /// [`execute`](Self::execute), with a descriptor.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn execute_with_fd<T: DeserializeOwned>(
        &mut self,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
        fd: impl AsFd,
    ) -> Result<T, Error> {
        self.call_with(Some(fd.as_fd()), |commands| commands.execute(name, arguments), |payload| Ok(payload.decode()?))
    }
}

/// A descriptor whose command is encoded, and has not begun to go.
pub(crate) struct Waiting {
    fd: OwnedFd,
    ticket: Ticket,
    /// Bytes of other commands in front of it.
    ahead: usize,
    /// Its own bytes.
    length: usize,
}

impl Driver {
    /// Encodes a command, and has `fd` wait for it to go. `None`: there is no place for it at present.
    pub(crate) fn encode(
        &mut self,
        fd: Option<BorrowedFd<'_>>,
        encode: impl FnOnce(&mut Commands<'static>) -> Result<Ticket, Refusal>,
    ) -> Result<Option<Ticket>, Error> {
        if fd.is_some() && self.with_fd.is_some_and(|ticket| self.is_unanswered(ticket)) {
            return Ok(None);
        }
        let fd = fd.map(|fd| fd.try_clone_to_owned()).transpose().map_err(|source| Error::Descriptor { source })?;
        let ahead = self.client.tx_pending().len();
        let Some(ticket) = call::placed(encode(self.client.commands()))? else { return Ok(None) };
        if let Some(fd) = fd {
            let length = self.client.tx_pending().len().saturating_sub(ahead);
            self.waiting = Some(Waiting { fd, ticket, ahead, length });
            self.with_fd = Some(ticket);
        }
        Ok(Some(ticket))
    }

    fn is_unanswered(&self, ticket: Ticket) -> bool {
        self.client.is_in_flight(ticket) || self.inbox.overdue.contains(&ticket)
    }

    /// Sends as much of what is pending as can go: up to the command that a descriptor waits for, or that one with it.
    pub(crate) fn send_pending(&mut self) -> io::Result<usize> {
        let pending = self.client.tx_pending();
        let Some(waiting) = &mut self.waiting else { return self.stream.send(pending) };
        if let Some(ahead) = pending.get(..waiting.ahead).filter(|ahead| !ahead.is_empty()) {
            let count = self.stream.send(ahead)?;
            waiting.ahead = waiting.ahead.saturating_sub(count);
            return Ok(count);
        }
        match self.stream.send_with_fd(pending, waiting.fd.as_fd()) {
            Ok(0) => Ok(0),
            Ok(count) => {
                // It has gone.
                self.waiting = None;
                Ok(count)
            }
            Err(error) if is_passing(&error) || is_end(&error) => Err(error),
            // It is the descriptor that does not go: the command is taken back, and the session goes on.
            Err(source) => {
                let (ticket, length) = (waiting.ticket, waiting.length);
                self.waiting = None;
                self.inbox.overdue.retain(|overdue| *overdue != ticket);
                // Where its time is up, it has ended for the core.
                let _ = self.client.commands().forget(ticket);
                self.inbox.replies.insert(ticket, Kept::Error(Error::Descriptor { source }));
                Ok(length)
            }
        }
    }
}

/// Sends `bytes`, and `fd` with the first of them.
pub(crate) fn send_with_fd(socket: BorrowedFd<'_>, bytes: &[u8], fd: BorrowedFd<'_>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [fd];
    if !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(refused());
    }
    Ok(sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SEND)?)
}

/// What a stream says that carries no descriptors.
pub(crate) fn refused() -> io::Error {
    io::Error::new(ErrorKind::Unsupported, "the stream is no Unix socket, and carries no descriptors")
}
