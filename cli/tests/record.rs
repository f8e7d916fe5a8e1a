//! `qmp record`: what a client and a server say, byte by byte, and what is written of it.

mod program;

use core::mem::MaybeUninit;
use std::fs;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use program::served::{Client, LIMIT, Served};
use program::{Outcome, run};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use tempfile::TempDir;

/// A recorder in front of a socket.
struct Recorder {
    served: Served,
    file: PathBuf,
    _folder: TempDir,
}

impl Recorder {
    fn start(server: &Path, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (listen, file) = (folder.path().join("r"), folder.path().join("transcript"));
        let mut arguments = vec!["--socket", server.to_str().unwrap(), "record", "--listen", listen.to_str().unwrap()];
        arguments.extend(more);
        arguments.push(file.to_str().unwrap());
        let served = Served::spawn(&arguments, &listen);
        Self { served, file, _folder: folder }
    }

    fn connect(&self) -> Client {
        self.served.connect()
    }

    /// What is written, without times.
    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.file).unwrap();
        let line = |line: &str| {
            let (time, rest) = line.split_once(",\"from\":\"").unwrap();
            let time: f64 = time.strip_prefix("{\"time\":").unwrap().parse().unwrap();
            assert!(time > 1.7e9, "{line}");
            rest.strip_suffix('}').unwrap().replacen('"', "", 1)
        };
        text.lines().map(line).collect()
    }

    /// Waits for the end of the recorder.
    fn ended(&mut self) -> Vec<String> {
        assert_eq!(self.served.wait(), Some(0));
        assert!(!self.served.path().exists());
        self.lines()
    }

    fn examine(&self, command: &[&str]) -> Outcome {
        run(&[command, &[self.file.to_str().unwrap()]].concat())
    }
}

#[test]
fn a_session_is_passed_on_and_written_down() {
    let machine = Served::start(&[]);
    let mut recorder = Recorder::start(&machine.path(), &[]);
    let mut client = recorder.connect();
    let greeting = client.line();
    client.send("{ 'execute' : 'qmp_capabilities', 'id': 'a' }\n");
    assert_eq!(client.line(), r#"{"return":{},"id":"a"}"#);
    client.send("\u{1}{\"execute\":\"stop\"}");
    assert!(client.line().contains("error"));
    assert!(client.line().contains("STOP"));
    assert_eq!(client.line(), r#"{"return":{}}"#);
    drop(client);

    // Another one comes, and is greeted by the server.
    let mut client = recorder.connect();
    assert_eq!(client.line(), greeting);
    client.send("{\"execute\":\"qmp_capabilities\"}{\"execute\":\"quit\"}");
    assert_eq!(client.rest().lines().count(), 3);
    let file = recorder.file.clone();
    let kept = fs::read_to_string(&file).unwrap();

    let decoded = recorder.examine(&["decode"]);
    assert_eq!(decoded.status, Some(0), "{decoded:?}");
    let kinds: Vec<_> = decoded.lines().iter().map(|line| line.split('"').nth(3).unwrap().to_owned()).collect();
    assert_eq!(kinds, ["greeting", "return", "error", "event", "return", "greeting", "return", "event", "return"]);
    let decoded = recorder.examine(&["decode", "--role", "server"]);
    let kinds: Vec<_> = decoded.lines().iter().map(|line| line.split('"').nth(3).unwrap().to_owned()).collect();
    assert_eq!(kinds, ["command", "malformed", "command", "command", "command"]);
    assert_eq!(decoded.status, Some(1));
    let linted = recorder.examine(&["lint", "--qemu", "10.2"]);
    assert_eq!(linted.lines().len(), 1, "{linted:?}");
    assert!(linted.lines()[0].ends_with(":5: message: 1 bytes that are no message"), "{linted:?}");

    let lines = recorder.ended();
    assert_eq!(kept.lines().count(), lines.len(), "all of it was written at once");
    let greeted = format!(r#"server,"message":{greeting}"#);
    let expected = [
        r#"client,"connection":"opened""#,
        &greeted,
        r#"client,"message":{"execute":"qmp_capabilities","id":"a"}"#,
        r#"server,"message":{"return":{},"id":"a"}"#,
        r#"client,"bytes":"\u0001""#,
    ];
    assert_eq!(lines[..5], expected);
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!((count("opened"), count("\"QMP\""), count("\"event\""), count("closed")), (2, 2, 2, 2), "{lines:?}");
    assert_eq!(lines.last().unwrap(), r#"server,"connection":"closed""#);
}

/// A server by hand, to see each byte.
fn by_hand() -> (TempDir, UnixListener, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    (folder, listener, path)
}

fn accept(listener: &UnixListener) -> UnixStream {
    let stream = listener.accept().unwrap().0;
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

fn read(stream: &mut UnixStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn every_byte_is_passed_on_as_it_is() {
    let (_folder, listener, path) = by_hand();
    let mut recorder = Recorder::start(&path, &["--limit", "64"]);
    let mut server = accept(&listener);
    let mut client = UnixStream::connect(recorder.served.path()).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    let said: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let mut sent = said.clone();
    sent.extend(b"\n{\"execute\":\"a\"}");
    std::thread::scope(|scope| {
        scope.spawn(|| client.write_all(&sent).unwrap());
        assert_eq!(read(&mut server, sent.len()), sent);
    });
    std::thread::scope(|scope| {
        scope.spawn(|| server.write_all(&said).unwrap());
        assert_eq!(read(&mut client, said.len()), said);
    });
    // The client has no more to say, and is answered.
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(server.read(&mut [0; 1]).unwrap(), 0);
    server.write_all(b"{\"return\": 1}").unwrap();
    drop((listener, server));
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "{\"return\": 1}");

    let file = recorder.file.clone();
    let lines = recorder.ended();
    assert!(lines.contains(&r#"client,"message":{"execute":"a"}"#.to_owned()));
    let of_client = run(&["decode", "--role", "server", "--buffer", "999", file.to_str().unwrap()]);
    assert!(!of_client.stdout.is_empty(), "{of_client:?}");
    assert!(of_client.lines().last().unwrap().contains(r#""kind":"command","name":"a""#));
    // Joined, what is written is what was said.
    let mut joined = Vec::new();
    for line in lines.iter().filter_map(|line| line.strip_prefix("server,\"bytes\":")) {
        let text: String = serde_json::from_str(line).unwrap();
        joined.extend(text.chars().map(|char| u8::try_from(char).unwrap()));
    }
    if let Some(line) = lines.iter().find_map(|line| line.strip_prefix("server,\"message\":")) {
        assert_eq!(line, "{\"return\":1}");
    } else {
        said.iter().chain(b"{\"return\": 1}").zip(&joined).for_each(|(said, joined)| assert_eq!(said, joined));
    }
    assert!(joined.starts_with(&said));
}

#[test]
fn descriptors_go_along() {
    let (_folder, listener, path) = by_hand();
    let mut recorder = Recorder::start(&path, &[]);
    let mut server = accept(&listener);
    let client = UnixStream::connect(recorder.served.path()).unwrap();
    let (mut told, tells) = UnixStream::pair().unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [tells.as_fd()];
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    let command = b"{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"f\"}}";
    sendmsg(&client, &[IoSlice::new(command)], &mut control, SendFlags::empty()).unwrap();
    drop(tells);

    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(9))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut first = [0];
    recvmsg(&server, &mut [IoSliceMut::new(&mut first)], &mut control, RecvFlags::CMSG_CLOEXEC).unwrap();
    let mut received: Vec<OwnedFd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            received.extend(descriptors);
        }
    }
    assert_eq!((received.len(), first), (1, *b"{"), "it comes with the first byte");
    assert_eq!(read(&mut server, command.len() - 1), command[1..]);
    // It is the one that was sent, and nobody kept another.
    UnixStream::from(received.remove(0)).write_all(b"hello").unwrap();
    let mut heard = String::new();
    told.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "hello");
    drop((listener, server));
    let lines = recorder.ended();
    assert_eq!(lines[1], r#"client,"descriptors":1"#);
    assert!(lines[2].starts_with(r#"client,"message":{"execute":"getfd""#));
}

#[test]
fn it_ends_with_the_server_or_by_a_signal() {
    // Nobody is there.
    let mut machine = Served::start(&[]);
    let mut recorder = Recorder::start(&machine.path(), &[]);
    machine.signal("KILL");
    machine.wait();
    assert_eq!(recorder.ended(), [""; 0]);

    // A client is there, and reads nothing.
    let machine = Served::start(&[]);
    let mut recorder = Recorder::start(&machine.path(), &[]);
    let mut client = recorder.connect();
    client.send("{'execute':'qmp_capabilities'}");
    client.send_until_full(b"{'execute':'query-qmp-schema'}");
    recorder.served.signal("INT");
    assert_eq!(recorder.served.wait(), Some(0));
    assert!(recorder.lines().len() > 3);
    drop(client);

    // The machine is free again, and there is none at another place.
    let outcome = run(&["--socket", machine.path().to_str().unwrap(), "exec", "query-status", "--timeout", "60"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let outcome = run(&["--socket", "/nonexistent/s", "record", "--listen", "/nonexistent/l", "-"]);
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stderr.contains("no such socket: /nonexistent/s"), "{outcome:?}");
    // A file that cannot be written is told of before anybody is disturbed.
    let outcome = run(&["--socket", "/nonexistent/s", "record", "--listen", "/nonexistent/l", "/nonexistent/f"]);
    assert!(outcome.stderr.contains("creating /nonexistent/f"), "{outcome:?}");
}

#[test]
fn a_guest_agents_channel() {
    let (_folder, listener, path) = by_hand();
    let mut recorder = Recorder::start(&path, &["--agent"]);
    let mut server = accept(&listener);
    let mut client = recorder.connect();
    let sync = b"\xFF{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":7}}\n";
    client.send_bytes(sync);
    assert_eq!(read(&mut server, sync.len()), sync);
    server.write_all(b"\xFF{\"return\": 7}\n").unwrap();
    drop((listener, server));
    let mut rest = Vec::new();
    client.rest_bytes(&mut rest);
    assert_eq!(rest, b"\xFF{\"return\": 7}\n");
    assert!(recorder.lines().len() >= 5, "{:?}", recorder.lines());
    let linted = recorder.examine(&["lint", "--agent"]);
    assert_eq!((linted.status, linted.stdout.as_str()), (Some(0), ""), "{linted:?}");
    let decoded = recorder.examine(&["decode", "--role", "agent"]);
    assert_eq!(decoded.lines().len(), 2, "{decoded:?}");
    assert_eq!(decoded.status, Some(0));
    recorder.ended();
}

/// Also where it is not a path.
#[test]
fn what_can_be_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("localhost:0").unwrap();
    let address = format!("tcp:{}", listener.local_addr().unwrap());
    let listen = folder.path().join("listen");
    let arguments = ["--connect", &address, "record", "--listen", listen.to_str().unwrap(), "-"];
    let mut recorder = std::process::Command::new(env!("CARGO_BIN_EXE_qmp"))
        .args(arguments)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It ends with the server.
    drop(listener.accept().unwrap());
    assert!(recorder.wait().unwrap().success());
    for (address, why) in [("serial:/dev/null", "only a socket"), ("fd:0", "only a socket")] {
        let outcome = run(&["--connect", address, "record", "--listen", listen.to_str().unwrap(), "-"]);
        assert!(outcome.status == Some(1) && outcome.stderr.contains(why), "{outcome:?}");
    }
}
