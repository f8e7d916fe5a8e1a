//! A guest agent of QEMU, run without a guest, and a client that sends it typed commands.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::thread;

use qmp_core::command;
use qmp_core::frame::{Buffer, Reading};
use qmp_core::json::{Payload, Value};
use qmp_core::message::ServerMessage;
use qmp_core::reader::{FromServer, Reader};
use qmp_qapi::guest_agent::commands::GuestSyncDelimited;
use tempfile::TempDir;

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

/// A running agent and the connection to it. Killed when dropped.
#[derive(Debug)]
pub struct Agent {
    process: Child,
    folder: TempDir,
    stream: UnixStream,
    reader: Reader<'static, FromServer>,
}

impl Agent {
    /// An agent, in step with us.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(agent: &Qemu) -> Self {
        let folder = tempfile::Builder::new().prefix("qga").tempdir_in("/tmp").expect("a folder in /tmp");
        let socket = folder.path().join("s");
        let complaints = fs::File::create(folder.path().join(COMPLAINTS)).expect("a file");
        let mut process = Command::new(&agent.path)
            .args(["-m", "unix-listen", "-b", &FORBIDDEN.join(",")])
            .arg("-p")
            .arg(&socket)
            .arg("-t")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(complaints)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", agent.path.display()));
        let mut stream = None;
        wait_until("the agent to listen", || {
            stream = UnixStream::connect(&socket).ok();
            stream.is_some() || process.try_wait().expect("a process").is_some()
        });
        let complaints = || fs::read_to_string(folder.path().join(COMPLAINTS)).unwrap_or_default();
        let stream = stream.unwrap_or_else(|| panic!("agent {}: {}", agent.version, complaints()));
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
        stream.set_write_timeout(Some(LIMIT)).expect("a timeout");
        let reader = Reader::of_agent(Buffer::growing(4 << 10, 4 << 20), Reading::DEFAULT);
        let mut agent = Self { process, folder, stream, reader };
        agent.sync(0x5eed);
        agent
    }

    /// Its working folder.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Gets in step: what it sent before, and what it read of a command before, is forgotten.
    ///
    /// # Panics
    /// If it answers otherwise.
    pub fn sync(&mut self, id: i64) {
        self.stream.write_all(&[0xFF]).expect("the agent reads");
        self.say(&command(&GuestSyncDelimited::new(id)));
        while !self.next(|message| matches!(message, ServerMessage::Sentinel)) {}
        let answered = self.answer(|payload| payload.into_value().as_i64());
        assert_eq!(answered, Ok(Some(id)));
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
        self.say(&self::command(command));
        self.answer(|payload| {
            let value = payload.into_value();
            check(C::NAME, value);
            look(value.decode().unwrap_or_else(|error| panic!("{}: {error}: {value}", C::NAME)))
        })
    }

    /// Has a command without arguments executed, and shows `look` what it returns.
    ///
    /// # Errors
    /// What the agent says.
    pub fn ask<T>(&mut self, name: &str, look: impl FnOnce(Value<'_>) -> T) -> Result<T, Failed> {
        self.say(&format!("{{\"execute\":\"{name}\"}}"));
        self.answer(|payload| look(payload.into_value()))
    }

    fn say(&mut self, line: &str) {
        self.stream.write_all(line.as_bytes()).expect("the agent reads");
        self.stream.write_all(b"\n").expect("the agent reads");
    }

    /// The next message has to be an answer: replies come in the order of their commands.
    fn answer<T>(&mut self, look: impl FnOnce(Payload<'_>) -> T) -> Result<T, Failed> {
        self.next(|message| match message {
            ServerMessage::Return { id: None, payload } => Ok(look(payload)),
            ServerMessage::Error { id: None, failure } => Err(failure.into()),
            other => panic!("no answer: {other:?}"),
        })
    }

    fn next<T>(&mut self, look: impl FnOnce(ServerMessage<'_>) -> T) -> T {
        let mut look = Some(look);
        loop {
            if let Some((message, _)) = self.reader.poll() {
                let look = look.take().expect("one look");
                return look(message);
            }
            let count = self.stream.read(self.reader.rx_space()).expect("an answer in time");
            assert!(count > 0, "the agent has gone");
            self.reader.rx_commit(count).expect("room for what was read");
        }
    }
}

const COMPLAINTS: &str = "stderr";

/// A command as it is on the wire.
fn command<C: command::Command>(command: &C) -> String {
    match written(command).as_str() {
        "null" => format!("{{\"execute\":\"{}\"}}", C::NAME),
        arguments => format!("{{\"execute\":\"{}\",\"arguments\":{arguments}}}", C::NAME),
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            println!("the agent said: {}", fs::read_to_string(self.folder.path().join(COMPLAINTS)).unwrap_or_default());
        }
    }
}
