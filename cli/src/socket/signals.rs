//! The signals that end a program, as something that can be waited for beside sockets.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use super::Wanted;

/// Becomes readable at the first SIGINT or SIGTERM, which end the program no longer by themselves.
#[derive(Debug)]
pub(crate) struct Signals(UnixStream);

impl Signals {
    pub(crate) fn of_end() -> io::Result<Self> {
        let (told, tells) = UnixStream::pair()?;
        pipe::register(SIGINT, tells.try_clone()?)?;
        pipe::register(SIGTERM, tells)?;
        Ok(Self(told))
    }

    /// To be waited for.
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        Wanted::new(self, true, false)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
