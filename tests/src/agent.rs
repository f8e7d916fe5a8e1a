//! A guest agent of QEMU, run without a guest, and a client that sends it typed commands.

use core::time::Duration;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use qmp_core::command;
use qmp_core::json::{Payload, Value};
use qmp_std::{AgentOptions, Error};
use tempfile::TempDir;

use crate::process::Process;
use crate::qemu::Qemu;
use crate::said::Failed;
use crate::vocabulary::written;
use crate::{LIMIT, wait_until};

/// What an agent must not do to the machine that the tests run on. It refuses these.
pub const FORBIDDEN: [&str; 10] = [
    "guest-shutdown",
    "guest-suspend-disk",
    "guest-suspend-ram",
    "guest-suspend-hybrid",
    "guest-fsfreeze-freeze",
    "guest-fstrim",
    "guest-set-time",
    "guest-set-vcpus",
    "guest-set-memory-blocks",
    "guest-set-user-password",
];

/// A running agent. Killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    folder: TempDir,
    socket: PathBuf,
}

impl Daemon {
    /// An agent that listens.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(agent: &Qemu) -> Self {
        let folder = tempfile::Builder::new().prefix("qga").tempdir_in("/tmp").expect("a folder in /tmp");
        let socket = folder.path().join("s");
        let complaints = fs::File::create(folder.path().join(COMPLAINTS)).expect("a file");
        let mut command = Command::new(&agent.path);
        command
            .args(["-m", "unix-listen", "-b", &FORBIDDEN.join(",")])
            .arg("-p")
            .arg(&socket)
            .arg("-t")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(complaints);
        let mut daemon = Self { process: Process::start(&mut command), folder, socket };
        wait_until("the agent's socket", || daemon.socket.exists() || daemon.has_ended());
        assert!(!daemon.has_ended(), "agent {}: {}", agent.version, daemon.complaints());
        daemon
    }

    /// Its working folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// A connection to it that nothing was said on yet.
    ///
    /// # Panics
    /// If there is none to be had.
    pub fn stream(&self) -> UnixStream {
        let mut stream = None;
        wait_until("the agent to listen", || {
            stream = UnixStream::connect(&self.socket).ok();
            stream.is_some()
        });
        let stream = stream.expect("a stream");
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
        stream.set_write_timeout(Some(LIMIT)).expect("a timeout");
        stream
    }

    /// A client in step with it.
    ///
    /// # Panics
    /// If it is not by the limit.
    pub fn client(&self) -> qmp_std::Agent {
        options().unix(&self.socket).unwrap_or_else(|error| panic!("{error}: {}", self.complaints()))
    }

    /// Whether it is gone.
    ///
    /// # Panics
    /// If the system does not tell.
    pub fn has_ended(&mut self) -> bool {
        self.process.has_ended()
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Stops it.
    ///
    /// # Panics
    /// If it cannot be.
    pub fn stop(&self) {
        self.process.stop();
    }

    /// Has it go on.
    ///
    /// # Panics
    /// If it cannot be.
    pub fn go_on(&self) {
        self.process.go_on();
    }

    fn complaints(&self) -> String {
        fs::read_to_string(self.folder.path().join(COMPLAINTS)).unwrap_or_default()
    }
}

/// Options that are patient.
pub fn options() -> AgentOptions {
    AgentOptions::new().deadline(LIMIT).timeout(LIMIT).farewell(Duration::from_secs(2)).retry(true)
}

/// A running agent and the connection to it.
#[derive(Debug)]
pub struct Agent {
    // Closed before the agent is killed.
    client: qmp_std::Agent,
    daemon: Daemon,
}

impl Agent {
    /// An agent, in step with us.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(agent: &Qemu) -> Self {
        let daemon = Daemon::start(agent);
        Self { client: daemon.client(), daemon }
    }

    /// Its working folder.
    pub fn folder(&self) -> &Path {
        self.daemon.folder()
    }

    /// Has a typed command executed and shows `look` what it returns. The value is looked at twice: by `check`, too, as JSON.
    ///
    /// # Errors
    /// What the agent says.
    ///
    /// # Panics
    /// If the agent returns something else than it should.
    pub fn send<C: command::Command, T>(
        &mut self,
        command: &C,
        check: impl FnOnce(&str, Value<'_>),
        look: impl FnOnce(C::Return<'_>) -> T,
    ) -> Result<T, Failed> {
        let arguments = written(command);
        self.execute(C::NAME, Some(&*arguments).filter(|arguments| *arguments != "null"), |value| {
            check(C::NAME, value);
            look(value.decode().unwrap_or_else(|error| panic!("{}: {error}: {value}", C::NAME)))
        })
    }

    /// Has a command without arguments executed, and shows `look` what it returns.
    ///
    /// # Errors
    /// What the agent says.
    pub fn ask<T>(&mut self, name: &str, look: impl FnOnce(Value<'_>) -> T) -> Result<T, Failed> {
        self.execute(name, None, look)
    }

    fn execute<T>(
        &mut self,
        name: &str,
        arguments: Option<&str>,
        look: impl FnOnce(Value<'_>) -> T,
    ) -> Result<T, Failed> {
        match self.client.execute_raw(name, arguments) {
            Ok(returned) => {
                let mut text = returned.into_bytes();
                Ok(look(Payload::parse(&mut text).expect("JSON").into_value()))
            }
            Err(Error::Command(failure)) => Err(Failed { class: failure.class, desc: failure.desc }),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

const COMPLAINTS: &str = "stderr";

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            println!("the agent said: {}", self.complaints());
        }
    }
}
