//! The other end: a peer that follows a script, on a thread of its own.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use qmp_std::{Error, Monitor, Options};
use tempfile::TempDir;

pub const GREETING: &str = concat!(
    r#"{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, "#,
    r#""capabilities": ["oob"]}}"#,
    "\r\n"
);

/// The longest that a test waits for what must come.
pub const SOON: Duration = Duration::from_secs(20);
/// The time given to what does not come.
pub const BRIEF: Duration = Duration::from_millis(60);

pub struct Peer {
    reader: BufReader<UnixStream>,
}

impl Peer {
    pub fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.set_write_timeout(Some(SOON)).unwrap();
        Self { reader: BufReader::new(stream) }
    }

    pub fn stream(&self) -> &UnixStream {
        self.reader.get_ref()
    }

    pub fn send(&mut self, text: &str) {
        self.reader.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// The next command: its line and its id. An empty line at the end.
    pub fn command(&mut self) -> (String, u64) {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let id = line.rsplit_once("\"id\":").map_or(0, |(_, id)| id.trim_end_matches(['}', '\n']).parse().unwrap());
        (line, id)
    }

    pub fn returns(&mut self, id: u64, value: &str) {
        self.send(&format!("{{\"return\": {value}, \"id\": {id}}}\r\n"));
    }

    pub fn event(&mut self, name: &str, data: &str) {
        self.send(&format!(
            "{{\"timestamp\": {{\"seconds\": 1, \"microseconds\": 2}}, \"event\": \"{name}\", \"data\": {data}}}\r\n"
        ));
    }

    /// Greets and negotiates.
    pub fn welcome(&mut self) {
        self.send(GREETING);
        let (line, id) = self.command();
        assert!(line.starts_with("{\"execute\":\"qmp_capabilities\""), "{line}");
        self.returns(id, "{}");
    }

    /// Answers the next command with `value`.
    pub fn answer(&mut self, value: &str) -> String {
        let (line, id) = self.command();
        self.returns(id, value);
        line
    }

    /// Nothing more has come, nor comes in a moment.
    pub fn quiet(&mut self) {
        assert_eq!(self.reader.buffer(), b"");
        self.stream().set_read_timeout(Some(BRIEF)).unwrap();
        let more = self.reader.fill_buf().map(<[u8]>::to_vec);
        self.stream().set_read_timeout(Some(SOON)).unwrap();
        assert!(matches!(&more, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "{more:?}");
    }

    /// Waits until the client is gone.
    pub fn gone(&mut self) {
        assert_eq!(self.command().0, "");
    }
}

/// A stream to a peer that plays `script`.
pub fn peer<R: Send + 'static>(script: impl FnOnce(&mut Peer) -> R + Send + 'static) -> (UnixStream, JoinHandle<R>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (ours, thread::spawn(move || script(&mut Peer::new(theirs))))
}

/// A monitor whose peer has welcomed it and goes on with `script`.
pub fn monitor<R: Send + 'static>(script: impl FnOnce(&mut Peer) -> R + Send + 'static) -> (Monitor, JoinHandle<R>) {
    monitor_with(&options(), script)
}

pub fn monitor_with<R: Send + 'static>(
    options: &Options,
    script: impl FnOnce(&mut Peer) -> R + Send + 'static,
) -> (Monitor, JoinHandle<R>) {
    let (stream, peer) = peer(|peer| {
        peer.welcome();
        script(peer)
    });
    (options.over(stream).unwrap(), peer)
}

pub fn options() -> Options {
    Options::new().deadline(SOON).timeout(SOON)
}

/// A path for a socket in a folder of its own, which goes with the test.
pub struct SocketPath {
    _folder: TempDir,
    pub path: PathBuf,
}

pub fn socket_path() -> SocketPath {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qmp.sock");
    SocketPath { _folder: folder, path }
}

/// The error and its text, to look at both.
pub fn failed(outcome: Result<Monitor, Error>) -> (Error, String) {
    let error = outcome.err().unwrap();
    let text = error.to_string();
    (error, text)
}
