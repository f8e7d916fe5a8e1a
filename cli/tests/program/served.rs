//! The program as a server, and clients that are no better than they must be.

use core::time::Duration;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

/// How long whatever must happen may take, on the slowest machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A process that serves at a socket, and is gone when this is.
#[derive(Debug)]
pub(crate) struct Served {
    process: Child,
    path: PathBuf,
    folder: Option<TempDir>,
}

impl Served {
    /// `qmp serve`, with more arguments, at a socket of its own.
    pub(crate) fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("served");
        let mut served = Self::start_at(&path, more);
        served.folder = Some(folder);
        served
    }

    /// The same, at this socket.
    pub(crate) fn start_at(path: &Path, more: &[&str]) -> Self {
        let socket = path.to_str().unwrap();
        Self::spawn(&[&["--socket", socket, "serve"], more].concat(), path)
    }

    /// The program, with arguments that make it listen at `path`. Waits until it does.
    pub(crate) fn spawn(arguments: &[&str], path: &Path) -> Self {
        let mut process = super::command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap());
        let mut first = String::new();
        said.read_line(&mut first).unwrap();
        assert!(first.contains(path.to_str().unwrap()) && first.contains(" at "), "{first}");
        // What it says later must find somebody who reads it.
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { process, path: path.to_owned(), folder: None }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(&self.path)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Its exit status, when it has ended.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < LIMIT, "it does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client of a server, by hand.
#[derive(Debug)]
pub(crate) struct Client(BufReader<UnixStream>);

impl Client {
    pub(crate) fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes());
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// Sends this over and over, until no more is taken.
    pub(crate) fn send_until_full(&mut self, bytes: &[u8]) {
        let stream = self.0.get_mut();
        // Full for so long is full for good.
        stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        loop {
            match stream.write_all(bytes) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        stream.set_write_timeout(Some(LIMIT)).unwrap();
    }

    /// The next line, without its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(line.ends_with("\r\n") || line.is_empty(), "{line:?}");
        line.trim_end().to_owned()
    }

    /// All that comes until the end.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest
    }

    /// All that comes until the end, whatever it is.
    pub(crate) fn rest_bytes(&mut self, rest: &mut Vec<u8>) {
        self.0.read_to_end(rest).unwrap();
    }

    /// Sends no more, but receives.
    pub(crate) fn end_of_input(&mut self) {
        self.0.get_mut().shutdown(Shutdown::Write).unwrap();
    }

    /// Nothing comes, for a while.
    pub(crate) fn is_silent(&mut self) {
        self.0.get_mut().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let nothing = self.0.fill_buf().unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        self.0.get_mut().set_read_timeout(Some(LIMIT)).unwrap();
    }
}
