//! A QMP server that says what a test wants it to say.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use tempfile::TempDir;

/// What a server does with a client.
pub(crate) type Session = Box<dyn FnOnce(&mut Wire) + Send>;

/// A server of one session or several, on a socket in a folder of its own.
#[derive(Debug)]
pub(crate) struct Canned {
    folder: TempDir,
    thread: JoinHandle<Vec<String>>,
}

/// What the session sends and has received.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: UnixStream,
    commands: Vec<String>,
}

impl Canned {
    /// Greets, negotiates, and goes on as `session` says.
    pub(crate) fn after_negotiation(capabilities: &str, session: impl FnOnce(&mut Wire) + Send + 'static) -> Self {
        Self::from_the_beginning(Self::negotiated(capabilities, session))
    }

    /// A session that greets, negotiates, and goes on as `session` says.
    pub(crate) fn negotiated(
        capabilities: &str,
        session: impl FnOnce(&mut Wire) + Send + 'static,
    ) -> impl FnOnce(&mut Wire) + Send + 'static {
        let greeting = format!(
            "{{\"QMP\": {{\"version\": {{\"qemu\": {{\"micro\": 0, \"minor\": 2, \"major\": 8}}, \"package\": \"\"}}, \
             \"capabilities\": {capabilities}}}}}\r\n"
        );
        move |wire| {
            wire.send(&greeting);
            wire.answer("\"return\": {}");
            session(wire);
        }
    }

    /// Does as `session` says.
    pub(crate) fn from_the_beginning(session: impl FnOnce(&mut Wire) + Send + 'static) -> Self {
        Self::of_sessions(vec![Box::new(session)])
    }

    /// Serves one client after another, as these say.
    pub(crate) fn of_sessions(sessions: Vec<Session>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("qmp")).unwrap();
        let thread = thread::spawn(move || {
            let mut commands = Vec::new();
            for session in sessions {
                let mut wire = Wire { stream: listener.accept().unwrap().0, commands };
                session(&mut wire);
                commands = wire.commands;
            }
            commands
        });
        Self { folder, thread }
    }

    /// Where it listens.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("qmp")
    }

    /// The commands that it received, the negotiation included, without their ids.
    pub(crate) fn commands(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

impl Wire {
    /// Sends text as it is. Nobody may be there any longer.
    pub(crate) fn send(&mut self, text: &str) {
        let _ = self.stream.write_all(text.as_bytes());
    }

    /// Receives a command and gives its id.
    pub(crate) fn receive(&mut self) -> String {
        let mut line = String::new();
        // A byte at a time: what comes behind it is the next command's.
        BufReader::with_capacity(1, &self.stream).read_line(&mut line).unwrap();
        let (command, id) = line.trim_end().rsplit_once(",\"id\":").expect("every command has an id");
        self.commands.push(format!("{command}}}"));
        id.trim_end_matches('}').to_owned()
    }

    /// Receives a command and answers it with this member.
    pub(crate) fn answer(&mut self, member: &str) {
        let id = self.receive();
        self.send(&format!("{{{member}, \"id\": {id}}}\r\n"));
    }

    /// Waits until the client is gone.
    pub(crate) fn wait_for_end(&mut self) {
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut self.stream, &mut rest);
    }
}
