//! Descriptors beside commands.
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::fs::File;
use std::io::{self, IoSliceMut, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::{BRIEF, GREETING, Peer, SOON, monitor, options};
use qmp_std::{Error, Monitor, Stream};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// What came: the bytes, and the descriptors with how many bytes were in front of them.
#[derive(Default)]
struct Came {
    bytes: Vec<u8>,
    fds: Vec<(usize, File)>,
}

impl Came {
    /// Receives up to the end of the line, a byte at a time, so that a descriptor is known to belong to one.
    fn line(&mut self, stream: &UnixStream) -> String {
        let begin = self.bytes.len();
        while self.bytes[begin..].last() != Some(&b'\n') {
            let mut byte = [0];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let received = recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC);
            assert_eq!(received.unwrap().bytes, 1);
            for message in control.drain() {
                let RecvAncillaryMessage::ScmRights(fds) = message else { panic!() };
                self.fds.extend(fds.map(|fd: OwnedFd| (self.bytes.len(), fd.into())));
            }
            self.bytes.push(byte[0]);
        }
        String::from_utf8(self.bytes[begin..].to_vec()).unwrap()
    }

    /// Answers the next command.
    fn answer(&mut self, peer: &mut Peer) -> String {
        let line = self.line(peer.stream());
        peer.returns(id(&line), "{}");
        line
    }

    /// Each descriptor's place and the text that is read from it.
    fn texts(mut self) -> Vec<(usize, String)> {
        let text = |(at, mut file): (usize, File)| {
            let mut text = String::new();
            file.rewind().unwrap();
            file.read_to_string(&mut text).unwrap();
            (at, text)
        };
        self.fds.drain(..).map(text).collect()
    }
}

fn id(line: &str) -> u64 {
    line.rsplit_once("\"id\":").unwrap().1.trim_end_matches(['}', '\n']).parse().unwrap()
}

/// An open file with `text` in it.
fn file(text: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn a_descriptor_arrives_with_the_first_byte() {
    let (mut monitor, peer) = monitor(|peer| {
        let mut came = Came::default();
        let lines = [came.answer(peer), came.answer(peer), came.answer(peer)];
        (lines, came)
    });
    monitor.run("query-status", &()).unwrap();
    monitor.execute_with_fd::<()>("getfd", &(), file("one")).unwrap_err();
    monitor.run("query-status", &()).unwrap();
    let (lines, came) = peer.join().unwrap();
    assert!(lines[1].starts_with("{\"execute\":\"getfd\""));
    assert_eq!(came.texts(), [(lines[0].len(), "one".to_owned())]);
}

/// The first write takes only a part of the command: what follows carries nothing.
#[test]
fn a_descriptor_is_sent_once_with_a_command_in_many_writes() {
    let (mut monitor, peer) = monitor(|peer| {
        let mut came = Came::default();
        let first = came.answer(peer);
        came.answer(peer);
        (first.len(), came)
    });
    let _: Empty = monitor.execute_with_fd("add-fd", &Large::new(), file("one")).unwrap();
    let _: Empty = monitor.execute_with_fd("add-fd", &(), file("two")).unwrap();
    let (length, came) = peer.join().unwrap();
    assert!(length > 600_000);
    assert_eq!(came.texts(), [(0, "one".to_owned()), (length, "two".to_owned())]);
}

/// A stopped server takes a part of one command and nothing of the next: its descriptor, which the caller has closed since, goes when
/// the command does, and the one behind waits for its turn.
#[test]
fn a_descriptor_waits_for_its_command_to_go() {
    let (go, went) = mpsc::channel();
    let (mut monitor, peer) = monitor(move |peer| {
        went.recv().unwrap();
        let mut came = Came::default();
        let lines: Vec<String> = (0..4).map(|_| came.answer(peer)).collect();
        (lines, came)
    });
    monitor.set_timeout(Some(BRIEF));
    let Err(Error::Timeout { ticket: large }) = monitor.execute::<Empty>("large", &Large::new()) else { panic!() };
    let waiting = monitor.execute_with_fd::<Empty>("getfd", &(), file("one"));
    let Err(Error::Timeout { ticket: waiting }) = waiting else { panic!("{waiting:?}") };
    let behind = monitor.submit("query-status", &()).unwrap();
    let another = monitor.execute_with_fd::<Empty>("getfd", &(), file("two"));
    assert!(matches!(another, Err(Error::QueueFull)), "{another:?}");
    go.send(()).unwrap();
    monitor.set_timeout(Some(SOON));
    monitor.wait::<Empty>(large).unwrap();
    let _: Empty = monitor.execute_with_fd("getfd", &(), file("three")).unwrap();
    monitor.wait::<Empty>(waiting).unwrap();
    monitor.wait::<Empty>(behind).unwrap();
    let (lines, came) = peer.join().unwrap();
    let at = |index: usize| lines[..index].iter().map(String::len).sum::<usize>();
    assert_eq!(came.texts(), [(at(1), "one".to_owned()), (at(3), "three".to_owned())]);
}

#[test]
fn a_refused_command_sends_none() {
    let (mut monitor, peer) = monitor(|peer| {
        let mut came = Came::default();
        (came.answer(peer), came)
    });
    let refused = monitor.execute_with_fd::<Empty>("getfd", &3, file("one"));
    assert!(matches!(refused, Err(Error::Misuse(_))), "{refused:?}");
    monitor.run("query-status", &()).unwrap();
    let (line, came) = peer.join().unwrap();
    assert!(line.starts_with("{\"execute\":\"query-status\""));
    assert_eq!(came.texts(), []);
}

/// Whatever carries no descriptors: the command is not sent, and the session goes on.
#[test]
fn only_a_unix_socket_carries_descriptors() {
    fn check(over: impl Stream + 'static, peer: thread::JoinHandle<String>) {
        let mut monitor: Monitor = options().over(over).unwrap();
        let refused = monitor.execute_with_fd::<Empty>("getfd", &Large::new(), file("one"));
        let Err(Error::Descriptor { source }) = &refused else { panic!("{refused:?}") };
        assert_eq!(source.kind(), io::ErrorKind::Unsupported);
        assert!(refused.unwrap_err().to_string().contains("no Unix socket"));
        monitor.run("query-status", &()).unwrap();
        assert!(peer.join().unwrap().starts_with("{\"execute\":\"query-status\""));
    }

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    let peer = thread::spawn(move || {
        let mut line = |sent: &str| {
            accepted.write_all(sent.as_bytes()).unwrap();
            let mut line = Vec::new();
            while line.last() != Some(&b'\n') {
                let mut byte = [0];
                accepted.read_exact(&mut byte).unwrap();
                line.push(byte[0]);
            }
            String::from_utf8(line).unwrap()
        };
        let negotiation = line(GREETING);
        let command = line(&format!("{{\"return\": {{}}, \"id\": {}}}\r\n", id(&negotiation)));
        accepted.write_all(format!("{{\"return\": {{}}, \"id\": {}}}\r\n", id(&command)).as_bytes()).unwrap();
        command
    });
    check(tcp, peer);

    let (stream, peer) = common::peer(|peer| {
        peer.welcome();
        peer.answer("{}")
    });
    check(Plain(stream), peer);
}

/// A wrapper that does not know of descriptors.
struct Plain(UnixStream);

impl Stream for Plain {
    fn receive(&mut self, space: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        self.0.receive(space, timeout)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Stream::send(&mut self.0, bytes)
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.wait(timeout)
    }

    fn close(&mut self) -> io::Result<()> {
        self.0.close()
    }
}

/// One that does, and lets no more than a byte go with the first write, after refusing once.
struct Reluctant(UnixStream, bool);

impl Stream for Reluctant {
    fn receive(&mut self, space: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        self.0.receive(space, timeout)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Stream::send(&mut self.0, bytes)
    }

    fn send_with_fd(&mut self, bytes: &[u8], fd: BorrowedFd<'_>) -> io::Result<usize> {
        if !core::mem::replace(&mut self.1, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.0.send_with_fd(&bytes[..1], fd.as_fd())
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.wait(timeout)
    }

    fn close(&mut self) -> io::Result<()> {
        self.0.close()
    }
}

#[test]
fn a_write_of_one_byte_takes_the_descriptor_with_it() {
    let (stream, peer) = common::peer(|peer| {
        peer.welcome();
        let mut came = Came::default();
        came.answer(peer);
        came
    });
    let boxed: Box<dyn Stream> = Box::new(Reluctant(stream, false));
    let mut monitor = options().over(boxed).unwrap();
    let _: Empty = monitor.execute_with_fd("getfd", &(), file("one")).unwrap();
    assert_eq!(peer.join().unwrap().texts(), [(0, "one".to_owned())]);
}

#[derive(serde::Deserialize, Debug)]
struct Empty {}

#[derive(serde::Serialize)]
struct Large {
    opaque: String,
}

impl Large {
    fn new() -> Self {
        Self { opaque: "x".repeat(600_000) }
    }
}
