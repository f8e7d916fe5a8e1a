//! A session with one client, over a socket that never blocks.

use core::time::Duration;
use std::io::Read;
use std::net;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use anyhow::Result;
use qmp_core::error::{Error, PeerError};
use qmp_core::server::{Config, Incoming, Server, Storage};

use super::outbox::Outbox;
use super::{Guest, Next};
use crate::socket::{Found, Signals, Wanted, is_passing, wait};

/// The longest command, and the longest reply: what QEMU itself reads.
const LONGEST: usize = 64 << 20;
/// Commands that wait for an answer, as many as QEMU lets wait and one out-of-band, and bytes for the id of each.
const PENDING: usize = 10;
const ID: usize = 256;
/// How long a client may take to receive the last words.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client went, or was sent away.
    Gone,
    /// There is to be no other.
    Off,
    Signal,
}

pub(super) struct Session {
    stream: UnixStream,
    server: Server<'static>,
    out: Outbox,
    /// The client sends no more.
    eof: bool,
    /// All that it sent was read.
    finished: bool,
}

impl Session {
    pub(super) fn new(stream: UnixStream, config: Config, pretty: bool) -> Self {
        let server = Server::new(Storage::growing(LONGEST, LONGEST, PENDING, ID), config);
        Self { stream, server, out: Outbox::new(pretty), eof: false, finished: false }
    }

    pub(super) fn run(mut self, guest: &mut impl Guest, signals: Option<&Signals>) -> Result<End> {
        loop {
            let wake = match self.produce(guest)? {
                Next::Off => return self.part(End::Off, signals),
                Next::Close => return self.part(End::Gone, signals),
                Next::Idle(wake) => wake,
                Next::More => None,
            };
            if self.finished && self.out.is_empty() && wake.is_none() {
                return self.part(End::Gone, signals);
            }
            // What it does not receive is a reason not to listen to it.
            let receives = !self.eof && self.out.is_empty() && !self.server.rx_space().is_empty();
            let client = Wanted::new(&self.stream, receives, !self.out.is_empty());
            let [found, signal] = wait([Some(client), signals.map(Signals::wanted)], wake)?;
            if signal.input {
                return Ok(End::Signal);
            }
            if !self.transfer(found)? {
                return Ok(End::Gone);
            }
        }
    }

    /// Has what came answered, up to the first thing that is to be sent.
    fn produce(&mut self, guest: &mut impl Guest) -> Result<Next> {
        while self.out.is_empty() {
            let heard = match self.server.poll() {
                Ok(Some(Incoming { message, .. })) => {
                    guest.take(message);
                    true
                }
                Ok(None) => false,
                Err(Error::Peer(PeerError::Closed)) => {
                    self.finished = true;
                    false
                }
                Err(error) => return Err(error.into()),
            };
            // What the server itself has to say goes first.
            let next = if self.server.tx_pending().is_empty() {
                guest.speak(self.server.replies(), Instant::now())?
            } else {
                Next::More
            };
            self.out.fill(&mut self.server)?;
            match next {
                Next::More => {}
                Next::Idle(_) if heard => {}
                next => return Ok(next),
            }
        }
        Ok(Next::More)
    }

    /// Receives and sends what can be. Whether the client is there.
    fn transfer(&mut self, found: Found) -> Result<bool> {
        if found.output
            && let Err(error) = self.out.send(&self.stream)
            && !is_passing(&error)
        {
            return Ok(false);
        }
        if found.input {
            match self.stream.read(self.server.rx_space()) {
                Ok(0) => self.end_of_input(),
                Ok(count) => self.server.rx_commit(count)?,
                Err(error) if is_passing(&error) => {}
                Err(_) => self.end_of_input(),
            }
        }
        // It may have gone behind a last word of its own, which is then read first.
        Ok(!found.gone || found.input)
    }

    fn end_of_input(&mut self) {
        self.eof = true;
        self.server.rx_eof();
    }

    /// Sends what is left to be sent, closes, and reads what the client had sent: else it might see an error in the place of the
    /// last words.
    fn part(mut self, end: End, signals: Option<&Signals>) -> Result<End> {
        let deadline = Instant::now() + LAST_WORDS;
        while !self.out.is_empty() && Instant::now() < deadline {
            let client = Wanted::new(&self.stream, false, true);
            let [found, signal] = wait([Some(client), signals.map(Signals::wanted)], Some(deadline))?;
            if signal.input {
                return Ok(End::Signal);
            }
            if found.gone || !self.transfer(found)? {
                return Ok(end);
            }
        }
        let _ = self.stream.shutdown(net::Shutdown::Write);
        let mut rest = [0; 4096];
        for _ in 0..256 {
            match self.stream.read(&mut rest) {
                Ok(1..) => {}
                _ => break,
            }
        }
        Ok(end)
    }
}
