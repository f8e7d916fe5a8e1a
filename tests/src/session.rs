//! A client pumped over a socket, with a deadline for all that must come.

use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use qmp_core::client::{Client, Config, Message, Storage, Ticket};
use qmp_core::error::{Error, PeerError};
use qmp_core::message::Origin;
use qmp_core::time;
use serde_json::{Value, json};

use crate::LIMIT;
use crate::said::{Outcome, Said};

/// A client and its connection.
#[derive(Debug)]
pub struct Session<'b> {
    /// The client, for what the methods here do not say.
    pub client: Client<'b>,
    stream: UnixStream,
    began: Instant,
    /// Where the message last given came from.
    pub origin: Option<Origin>,
}

/// Memory that is enough for all but schemas.
pub fn storage() -> Storage<'static> {
    Storage::growing(64 << 10, 16 << 10, 16)
}

impl Session<'static> {
    /// A session over `stream` that has greeted and negotiated.
    pub fn ready(stream: UnixStream, config: Config) -> Self {
        let mut session = Self::new(stream, storage(), config);
        session.handshake();
        session
    }
}

impl<'b> Session<'b> {
    /// A session about to begin.
    pub fn new(stream: UnixStream, storage: Storage<'b>, config: Config) -> Self {
        Self { client: Client::new(storage, config), stream, began: Instant::now(), origin: None }
    }

    /// Goes on over a new connection, as a client does that connects once more.
    pub fn reconnect(&mut self, stream: UnixStream) {
        self.stream = stream;
        self.client.reset();
    }

    /// The stream has been closed by this side.
    ///
    /// # Panics
    /// If the socket is broken.
    pub fn leave(&mut self) {
        self.stream.shutdown(std::net::Shutdown::Both).expect("a connection");
        self.client.rx_eof();
    }

    /// Waits for greeting and negotiation, between which nothing else may come.
    ///
    /// # Panics
    /// If anything else comes.
    pub fn handshake(&mut self) {
        let said = [self.next_message(), self.next_message()];
        assert!(matches!(said, [Said::Greeting(_), Said::Ready { .. }]), "{said:?}");
    }

    /// Sends a command; `arguments` is an object or null.
    ///
    /// # Panics
    /// If the client refuses.
    pub fn execute(&mut self, name: &str, arguments: &Value) -> Ticket {
        let ticket = self.client.commands().execute(name, arguments);
        let ticket = ticket.unwrap_or_else(|error| panic!("{name} {arguments}: {error}"));
        self.flush();
        ticket
    }

    /// Sends a command out of band.
    ///
    /// # Panics
    /// If the client refuses.
    pub fn exec_oob(&mut self, name: &str) -> Ticket {
        let ticket = self.client.commands().exec_oob(name, &());
        let ticket = ticket.unwrap_or_else(|error| panic!("{name}: {error}"));
        self.flush();
        ticket
    }

    /// Sends a command without arguments and gives what it comes to. What else comes meanwhile is dropped.
    ///
    /// # Panics
    /// If it ends by anything but a reply.
    pub fn ask(&mut self, name: &str) -> Outcome {
        self.ask_with(name, &Value::Null)
    }

    /// [`ask`](Self::ask) with arguments.
    ///
    /// # Panics
    /// As there.
    pub fn ask_with(&mut self, name: &str, arguments: &Value) -> Outcome {
        let ticket = self.execute(name, arguments);
        match self.until(|said| said.ended() == Some(ticket)).pop() {
            Some(Said::Reply(_, outcome)) => outcome,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// [`ask_with`](Self::ask_with) for a command that succeeds.
    ///
    /// # Panics
    /// If it does not.
    pub fn returned(&mut self, name: &str, arguments: &Value) -> Value {
        let raw = self.ask_with(name, arguments).unwrap_or_else(|failed| panic!("{name}: {failed}"));
        serde_json::from_str(&raw).expect("a payload is JSON")
    }

    /// The session works: a command is answered.
    ///
    /// # Panics
    /// If it does not.
    pub fn check_alive(&mut self) {
        assert!(self.returned("query-status", &json!(null))["running"].is_boolean());
    }

    /// Puts bytes on the wire past the client.
    ///
    /// # Panics
    /// If the socket takes them not.
    pub fn say(&mut self, bytes: &[u8]) {
        self.flush();
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// The next message.
    ///
    /// # Panics
    /// If none comes within [`LIMIT`], or the session has ended.
    pub fn next_message(&mut self) -> Said {
        self.next_within(LIMIT).expect("nothing came in time").expect("the session has ended")
    }

    /// All messages up to the first that is `last`, with it.
    ///
    /// # Panics
    /// As [`next_message`](Self::next_message).
    pub fn until(&mut self, last: impl Fn(&Said) -> bool) -> Vec<Said> {
        let mut all = Vec::new();
        loop {
            let said = self.next_message();
            let is_last = last(&said);
            all.push(said);
            if is_last {
                return all;
            }
        }
    }

    /// All messages up to the end of the session.
    ///
    /// # Panics
    /// If it does not end.
    pub fn until_end(&mut self) -> Vec<Said> {
        let next = || self.next_within(LIMIT).expect("the session has to end");
        core::iter::from_fn(next).collect()
    }

    /// Shows `look` the next message where it lies.
    ///
    /// # Panics
    /// As [`next_message`](Self::next_message).
    pub fn look<T>(&mut self, look: impl FnOnce(Message<'_>) -> T) -> T {
        self.look_within(LIMIT, look).expect("nothing came in time").expect("the session has ended")
    }

    /// The next message within `limit`: `None` for nothing in that time, `Some(None)` for the end of the session.
    pub fn next_within(&mut self, limit: Duration) -> Option<Option<Said>> {
        self.look_within(limit, |message| Said::from(message))
    }

    fn look_within<T>(&mut self, limit: Duration, look: impl FnOnce(Message<'_>) -> T) -> Option<Option<T>> {
        let deadline = Instant::now() + limit;
        loop {
            self.client.handle_timeout(self.now());
            match self.client.poll() {
                Ok(Some(incoming)) => {
                    self.origin = incoming.origin;
                    let looked = look(incoming.message);
                    // What the client has to say of its own, such as the negotiation, goes out at once.
                    self.flush();
                    return Some(Some(looked));
                }
                Ok(None) => {}
                Err(Error::Peer(PeerError::Closed)) => return Some(None),
                Err(error) => panic!("{error}"),
            }
            self.flush();
            let now = Instant::now();
            let mut patience = deadline.checked_duration_since(now).filter(|left| !left.is_zero())?;
            if let Some(due) = self.client.poll_timeout() {
                patience = patience.min(self.now().until(due).max(Duration::from_millis(1)));
            }
            self.receive(patience);
        }
    }

    /// The time, as the client counts it.
    pub fn now(&self) -> time::Instant {
        time::Instant::ZERO.after(self.began.elapsed())
    }

    fn receive(&mut self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).expect("a timeout");
        match self.stream.read(self.client.rx_space()) {
            Ok(0) => self.client.rx_eof(),
            Ok(count) => self.client.rx_commit(count).expect("room for what was read"),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            // A server that goes with input unread resets the connection instead of closing it.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.client.rx_eof(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Puts on the wire what the client has to send. A server that is gone shows when it is read from.
    fn flush(&mut self) {
        while !self.client.tx_pending().is_empty() {
            let Ok(count) = self.stream.write(self.client.tx_pending()) else { return };
            self.client.tx_sent(count).expect("no more than was pending");
        }
    }
}
