//! Real sockets: another process sends events on each, this one reads them all in one thread.

use std::env;
use std::hint::black_box;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Instant;

use mio::{Events, Interest, Poll, Token};
use qmp_benches::fixtures::longest;
use qmp_core::client::{Client, Config, Message};

use crate::Memory;
use crate::draw::Plot;

const EVENTS: usize = 400_000;
/// How many events are sent by one call. QEMU writes as many as have gathered, too.
const BATCH: usize = 8;

/// What the other process is started with: the socket's path and how many connections follow.
pub(crate) const SENDER: &str = "--send";

/// Events a second, of all connections together.
pub(crate) fn sockets() -> Plot {
    let most = files();
    let (counts, beyond): (Vec<_>, Vec<_>) =
        [1, 10, 100, 1000, 3000, 10_000].into_iter().partition(|count| *count <= most);
    if !beyond.is_empty() {
        eprintln!("not measured for want of file descriptors (ulimit -n): {beyond:?} sockets");
    }
    let points = counts.into_iter().map(|count| {
        let took = (0..3).map(|_| run(count)).fold(f64::INFINITY, f64::min);
        (count as f64, rounds(count) as f64 * (BATCH * count) as f64 / took)
    });
    Plot {
        name: "sockets",
        title: "Events a second by real sockets, their sender's work included".into(),
        x: "connections in one thread",
        y: "events a second, all together",
        points: points.collect(),
    }
}

/// How many sockets a process may have, besides what else it opens.
fn files() -> usize {
    let most = rlimit::increase_nofile_limit(10_100).expect("a limit");
    usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(50)
}

const fn rounds(count: usize) -> usize {
    let rounds = EVENTS / BATCH / count;
    if rounds == 0 { 1 } else { rounds }
}

/// A connection as it is read.
struct Connection<'m> {
    line: mio::net::UnixStream,
    client: Client<'m>,
}

/// How many seconds it takes until all that is sent on `count` connections was polled.
fn run(count: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let program = env::current_exe().expect("this program");
    let sender = Command::new(program).arg(SENDER).arg(&path).arg(count.to_string()).stdin(Stdio::piped()).spawn();
    let mut sender = Sender::new(sender.expect("this program again"));

    let mut poll = Poll::new().expect("a poll");
    let mut memory = (0..count).map(|_| Memory::new()).collect::<Vec<_>>();
    let mut connections = memory
        .iter_mut()
        .enumerate()
        .map(|(number, memory)| {
            let (mut line, _) = listener.accept().expect("a connection");
            let mut client = Client::new(memory.lend(), Config::DEFAULT);
            // Greeting, and the answer to what nobody reads.
            while !client.session().eq(&qmp_core::client::Session::Ready) {
                let space = client.rx_space();
                let read = line.read(space).expect("a greeting");
                client.rx_commit(read).expect("as many as were read");
                while client.poll().expect("a session").is_some() {}
            }
            line.set_nonblocking(true).expect("a socket");
            let mut line = mio::net::UnixStream::from_std(line);
            poll.registry().register(&mut line, Token(number), Interest::READABLE).expect("a socket");
            Connection { line, client }
        })
        .collect::<Vec<_>>();

    let mut ready = Events::with_capacity(1024);
    let mut left = rounds(count) * BATCH * count;
    let start = Instant::now();
    sender.go();
    while left > 0 {
        poll.poll(&mut ready, None).expect("a poll");
        for event in &ready {
            left -= drain(&mut connections[event.token().0]);
        }
    }
    start.elapsed().as_secs_f64()
}

/// Reads what there is, and gives how many events it had.
fn drain(connection: &mut Connection<'_>) -> usize {
    let mut events = 0;
    loop {
        let space = connection.client.rx_space();
        let read = match connection.line.read(space) {
            Ok(0) => return events,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return events,
            Err(error) => panic!("{error}"),
        };
        connection.client.rx_commit(read).expect("as many as were read");
        while let Some(incoming) = connection.client.poll().expect("a session") {
            assert!(matches!(black_box(incoming.message), Message::Event(_)));
            events += 1;
        }
    }
}

/// The other process, as long as it is wanted.
struct Sender {
    process: Child,
    word: Option<ChildStdin>,
}

impl Sender {
    fn new(mut process: Child) -> Self {
        let word = process.stdin.take();
        Self { process, word }
    }

    fn go(&mut self) {
        self.word.as_mut().expect("it waits").write_all(b"!").expect("it waits");
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        drop(self.word.take());
        self.process.wait().expect("it ends by itself");
    }
}

/// What that process does: connects so often, greets, waits for the word, sends, and stays until nobody listens any more.
pub(crate) fn send(path: &str, count: &str) {
    files();
    let count = count.parse().expect("a number");
    let mut lines = (0..count)
        .map(|_| {
            let mut line = UnixStream::connect(path).expect("a listener");
            line.write_all(b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n{\"return\": {}, \"id\": 511}\r\n")
                .expect("room");
            line
        })
        .collect::<Vec<_>>();
    let batch = longest(&["\"event\": \"RESUME\""]).repeat(BATCH);
    let mut word = std::io::stdin();
    if word.read(&mut [0]).expect("a pipe") == 0 {
        return;
    }
    for _ in 0..rounds(count) {
        for line in &mut lines {
            line.write_all(&batch).expect("a reader");
        }
    }
    // The end of the pipe: all was read.
    word.read_to_end(&mut Vec::new()).expect("a pipe");
}
