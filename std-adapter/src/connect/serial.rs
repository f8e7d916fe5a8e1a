//! Character devices: serial lines, terminals, QEMU's pseudo-terminals, virtio ports.

use core::time::Duration;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::event::PollFlags;
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, read, write};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::connect::{Opened, fd};
use crate::error::Error;
use crate::stream::{Stream, wait_for};

/// The device at `path`. Opening one does not wait for a carrier.
pub(crate) fn open(path: &Path) -> Result<Opened, Error> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(device) => fd::open(device, path.display().to_string()),
        Err(error) => {
            let (path, source) = (path.to_owned(), io::Error::from(error));
            Err(match source.kind() {
                ErrorKind::PermissionDenied => Error::PermissionDenied { path, source },
                _ => Error::Connect { at: path.display().to_string(), source },
            })
        }
    }
}

/// A device as it is while a monitor is spoken to: a terminal is raw, so that it neither echoes nor changes a byte, and nothing blocks.
/// Closed, it is as it was before.
pub(crate) struct Device {
    device: OwnedFd,
    flags: OFlags,
    terminal: Option<Termios>,
}

impl Device {
    pub(crate) fn new(device: OwnedFd) -> io::Result<Self> {
        let flags = fcntl_getfl(&device)?;
        if flags & OFlags::RWMODE != OFlags::RDWR {
            return Err(ErrorKind::InvalidInput.into());
        }
        let this = Self { terminal: tcgetattr(&device).ok(), device, flags };
        fcntl_setfl(&this.device, flags | OFlags::NONBLOCK)?;
        if let Some(before) = &this.terminal {
            let mut raw = before.clone();
            raw.make_raw();
            tcsetattr(&this.device, OptionalActions::Now, &raw)?;
        }
        Ok(this)
    }
}

impl Stream for Device {
    fn receive(&mut self, space: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        wait_for(self.device.as_fd(), PollFlags::IN, timeout)?;
        match read(&self.device, space) {
            // The other side of a pseudo-terminal has gone.
            Err(Errno::IO) if self.terminal.is_some() => Ok(0),
            outcome => Ok(outcome?),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(write(&self.device, bytes)?)
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        wait_for(self.device.as_fd(), PollFlags::IN | PollFlags::OUT, timeout)
    }

    /// A line does not end. What can be done is to leave the device as it was found.
    fn close(&mut self) -> io::Result<()> {
        if let Some(before) = self.terminal.take() {
            tcsetattr(&self.device, OptionalActions::Now, &before)?;
        }
        Ok(fcntl_setfl(&self.device, self.flags)?)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.close();
    }
}
