//! A QEMU of one's own, whose monitor is on a pair of sockets: in no folder, and open to nobody else.

use core::ops::{Deref, DerefMut};
use core::time::Duration;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{self, Command, ExitStatus};
use std::thread;
use std::time::Instant;

use command_fds::CommandFdExt;

use crate::connect::Opened;
use crate::error::Error;
use crate::monitor::Monitor;
use crate::options::Options;

impl Options {
    /// Starts `command`, a QEMU, with a monitor on one end of a pair of sockets, and connects to it over the other: no path to choose,
    /// nothing to wait for, nobody else who could connect. Takes the feature `spawn`.
    ///
    /// Two arguments are added, `-chardev socket,id=qmp-std,fd=N -qmp chardev:qmp-std`; the rest is the caller's, standard streams
    /// included. It must not be told to `-daemonize`: what was started would end, and the machine would be nobody's. The command is taken
    /// whole, as it holds QEMU's end of the connection open.
    ///
    /// ```no_run
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// let mut qemu = Command::new("qemu-system-x86_64");
    /// qemu.args(["-machine", "q35", "-display", "none", "-S"]);
    /// let (mut monitor, mut machine) = qmp_std::Options::new().spawn(qemu)?;
    /// monitor.run("cont", &())?;
    /// monitor.run("quit", &())?;
    /// println!("{:?}", machine.wait_for(Duration::from_secs(10)));
    /// # Ok::<(), qmp_std::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Spawn`] if it cannot be started, [`Error::Exited`] if it ends before it is ready, and whatever else can happen to a
    /// connection. Nothing is left running then.
    pub fn spawn(&self, mut command: Command) -> Result<(Monitor, Child), Error> {
        let program = command.get_program().to_string_lossy().into_owned();
        let spawned = start(&mut command);
        // QEMU's end is QEMU's alone from here on, so that its end is seen.
        drop(command);
        let (stream, process) = spawned.map_err(|source| Error::Spawn { program: program.clone(), source })?;
        let mut child = Child { process, kill: true };
        let at = format!("{program}, process {}", child.id());
        match self.once(Opened { stream: Box::new(stream), at }) {
            Ok(monitor) => Ok((monitor, child)),
            // Its connection ends a little before it does.
            Err(error @ Error::Closed { .. }) => match child.wait_for(Duration::from_secs(2)) {
                Ok(Some(status)) => Err(Error::Exited { program, status }),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

fn start(command: &mut Command) -> io::Result<(UnixStream, process::Child)> {
    let (ours, theirs) = UnixStream::pair()?;
    // Under its number here, which nothing else that is handed over can have.
    let number = theirs.as_raw_fd();
    command.args(["-chardev", &format!("socket,id=qmp-std,fd={number}"), "-qmp", "chardev:qmp-std"]);
    command.preserved_fds(vec![OwnedFd::from(theirs)]);
    Ok((ours, command.spawn()?))
}

/// A process that was started, and that does not outlive this: dropped, it is killed (SIGKILL) and waited for, since a machine without a
/// monitor can be ended by nobody in good order. For good order, `quit` or `system_powerdown` it first and [wait](Self::wait_for).
///
/// Behind it is std's [`Child`](process::Child), with all its methods.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    kill: bool,
}

impl Child {
    /// Whether it is killed and waited for when this is dropped: yes, unless told otherwise. What is not, runs on.
    pub const fn kill_on_drop(&mut self, kill: bool) {
        self.kill = kill;
    }

    /// Waits until it has ended, for `timeout` at most: `None` when it has not.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn wait_for(&mut self, timeout: Duration) -> io::Result<Option<ExitStatus>> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            let status = self.process.try_wait()?;
            let left = timeout.saturating_sub(begun.elapsed());
            if status.is_some() || left.is_zero() {
                return Ok(status);
            }
            thread::sleep(pause.min(left));
            pause = pause.saturating_mul(2).min(Duration::from_millis(50));
        }
    }
}

impl Deref for Child {
    type Target = process::Child;

    fn deref(&self) -> &process::Child {
        &self.process
    }
}

impl DerefMut for Child {
    fn deref_mut(&mut self) -> &mut process::Child {
        &mut self.process
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.kill {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}
