//! A guest agent, the core's own, at a socket.

use core::time::Duration;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use qmp_core::error::{Error, PeerError};
use qmp_core::json::{Payload, Value};
use qmp_core::server::{Config, Dialect, Message, Server, Storage};
use tempfile::TempDir;

/// An agent that serves one client. `hang` is never answered, `guest-shutdown` and `guest-suspend-disk` not either, `guest-suspend-ram`
/// and `refuse` with an error; the rest with its own arguments.
#[derive(Debug)]
pub(crate) struct Agent {
    folder: TempDir,
    thread: JoinHandle<Vec<String>>,
}

impl Agent {
    /// One that listens.
    pub(crate) fn start() -> Self {
        Self::start_after(Duration::ZERO)
    }

    /// One that listens after this time: its guest is just starting.
    pub(crate) fn start_after(pause: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("qga");
        let listening = pause.is_zero().then(|| UnixListener::bind(&path).unwrap());
        let thread = thread::spawn(move || {
            let listener = listening.unwrap_or_else(|| {
                thread::sleep(pause);
                UnixListener::bind(path).unwrap()
            });
            serve(listener.accept().unwrap().0)
        });
        Self { folder, thread }
    }

    /// Where it listens.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("qga")
    }

    /// The commands that it received and their arguments, when its client has gone.
    pub(crate) fn commands(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

fn serve(mut stream: UnixStream) -> Vec<String> {
    let config = Config { dialect: Dialect::Agent, in_order: false, ..Config::DEFAULT };
    let mut server = Server::new(Storage::growing(4096, 1 << 20, 16, 1024), config);
    let mut commands = Vec::new();
    loop {
        loop {
            match server.poll() {
                Ok(Some(incoming)) => {
                    let Message::Command { ticket, name, arguments, .. } = incoming.message else { continue };
                    let name = name.to_owned();
                    let arguments = arguments.map_or(Value::NULL, Payload::into_value);
                    commands.push(format!("{name} {arguments}"));
                    match &*name {
                        "hang" | "guest-shutdown" | "guest-suspend-disk" => incoming.replies.release(ticket),
                        "guest-suspend-ram" | "refuse" => incoming.replies.fail(ticket, "GenericError", "no"),
                        _ => incoming.replies.reply(ticket, &arguments),
                    }
                    .unwrap();
                }
                Ok(None) => break,
                Err(Error::Peer(PeerError::Closed)) => return commands,
                Err(error) => panic!("{error}"),
            }
        }
        let pending = server.tx_pending();
        let count = pending.len();
        if stream.write_all(pending).is_err() {
            return commands;
        }
        server.tx_sent(count).unwrap();
        match stream.read(server.rx_space()) {
            Ok(0) | Err(_) => server.rx_eof(),
            Ok(count) => server.rx_commit(count).unwrap(),
        }
    }
}
