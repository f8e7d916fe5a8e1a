//! Sockets to be reached at: listening on one, and waiting for several, until a signal ends it.

mod listening;
mod signals;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

pub(crate) use listening::Listening;
pub(crate) use signals::Signals;

/// What a descriptor is waited for. One that says nothing of these is still waited for to be hung up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'f> {
    fd: BorrowedFd<'f>,
    flags: PollFlags,
}

impl<'f> Wanted<'f> {
    pub(crate) fn new(fd: &'f impl AsFd, input: bool, output: bool) -> Self {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, input);
        flags.set(PollFlags::OUT, output);
        Self { fd: fd.as_fd(), flags }
    }

    /// Also the other side's saying that it sends no more is [`gone`](Found::gone), whatever was received of what it said before.
    #[must_use]
    pub(crate) fn or_end(mut self) -> Self {
        self.flags |= END;
        self
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const END: PollFlags = PollFlags::RDHUP;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const END: PollFlags = PollFlags::empty();

/// How a descriptor is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// There is input, or its end.
    pub(crate) input: bool,
    /// Something can be sent.
    pub(crate) output: bool,
    /// Whoever was at the other end is not there any more.
    pub(crate) gone: bool,
}

/// Waits until there is something to be told of one of these, up to a moment. May return early.
pub(crate) fn wait<const N: usize>(wanted: [Option<Wanted<'_>>; N], until: Option<Instant>) -> io::Result<[Found; N]> {
    let mut polled: Vec<_> =
        wanted.iter().flatten().map(|wanted| PollFd::from_borrowed_fd(wanted.fd, wanted.flags)).collect();
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    // Longer than the system can count is for ever.
    let left = left.and_then(|left| Timespec::try_from(left).ok());
    match rustix::event::poll(&mut polled, left.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut polled = polled.iter();
    Ok(wanted.map(|wanted| {
        let flags = wanted.and_then(|_| polled.next()).map_or(PollFlags::empty(), PollFd::revents);
        Found {
            input: flags.contains(PollFlags::IN),
            output: flags.contains(PollFlags::OUT),
            gone: flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL | END),
        }
    }))
}

/// Whether `error` says no more than that it is not the time.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
