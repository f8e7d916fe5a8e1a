//! Processes that are gone when a test is.

use core::ops::{Deref, DerefMut};
use std::fs;
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait_until;

/// The memory of this process that is in use, in bytes.
///
/// # Panics
/// If the system does not tell.
pub fn memory() -> usize {
    of_status("self", "VmRSS:").expect("Linux")
}

/// A size that the system tells of a process, in bytes.
fn of_status(process: &str, name: &str) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().trim_end_matches(" kB").parse::<usize>().ok()? << 10)
}

/// A process that is killed, and waited for, with its owner.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display())))
    }

    /// Whether it is gone.
    ///
    /// # Panics
    /// If the system does not tell.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a process").is_some()
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// If it does not.
    pub fn ends(&mut self) -> ExitStatus {
        let name = self.name();
        wait_until(&format!("the end of {name}"), || self.has_ended());
        self.0.wait().expect("a process")
    }

    /// Kills it (SIGKILL), and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("a process to tell");
    }

    /// Stops it (SIGSTOP), and waits until it stands still, which takes a while.
    ///
    /// # Panics
    /// If it does not.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
        wait_until("a process to stop", || self.state() == Some('T'));
    }

    /// Has it go on (SIGCONT).
    ///
    /// # Panics
    /// If it is gone.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// `T` if it is stopped, by the system's tables.
    fn state(&self) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    }

    /// The most memory that it ever had in use, in bytes.
    ///
    /// # Panics
    /// If it is gone.
    pub fn peak_memory(&self) -> usize {
        of_status(&self.0.id().to_string(), "VmHWM:").expect("a process")
    }

    fn name(&self) -> String {
        fs::read_to_string(format!("/proc/{}/comm", self.0.id())).unwrap_or_default().trim().to_owned()
    }
}

impl Deref for Process {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
