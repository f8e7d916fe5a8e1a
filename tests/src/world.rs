//! A client and a server of ours in one memory, with two pipes between them and a clock that the test turns.
//!
//! Nothing happens but by a call: the test says how many bytes move and how much time goes by, so each run of the same calls is the
//! same. A [`Ledger`] holds the client to what it promises.

use alloc::collections::VecDeque;

use qmp_core::client::{self, Client, Handshake, Session, Slot};
use qmp_core::error::{Error, PeerError, Resource};
use qmp_core::message::Version;
use qmp_core::server::{self, Pending, Server};
use qmp_core::time::Instant;
use serde::Serialize;

use crate::host::Host;
use crate::ledger::Ledger;
use crate::random::Random;
use crate::said::Said;

/// How large everything is, and what is negotiated.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// The client's receive and transmit buffers.
    pub client_rx: usize,
    /// See [`client_rx`](Self::client_rx).
    pub client_tx: usize,
    /// The most commands in flight.
    pub slots: usize,
    /// The server's receive and transmit buffers.
    pub server_rx: usize,
    /// See [`server_rx`](Self::server_rx).
    pub server_tx: usize,
    /// The most commands that the server holds.
    pub pending: usize,
    /// How much each pipe holds.
    pub pipe: usize,
    /// Whether out-of-band execution is offered and wanted.
    pub oob: bool,
    /// Whether the client negotiates without waiting to be greeted.
    pub blind: bool,
}

impl Sizes {
    /// Enough for everything.
    pub const AMPLE: Self = Self {
        client_rx: 8192,
        client_tx: 4096,
        slots: 24,
        server_rx: 4096,
        server_tx: 8192,
        pending: 24,
        pipe: 65536,
        oob: true,
        blind: false,
    };
}

/// What a command asks of the [`Host`].
#[derive(Clone, Copy, Debug, Default, Serialize, serde::Deserialize)]
pub struct Wish {
    /// Comes back in the reply.
    pub nonce: u32,
    /// Milliseconds until the reply.
    pub delay: u64,
    /// Bytes of padding in the reply.
    pub size: usize,
    /// Events in front of the reply.
    pub events: u32,
}

/// What succeeds, what fails, and what neither does.
pub const COMMANDS: [&str; 3] = ["do", "fail", "no-such-command"];

/// A client, a server, and what lies between them.
#[derive(Debug)]
pub struct World<'b> {
    /// The client.
    pub client: Client<'b>,
    /// The server.
    pub server: Server<'b>,
    /// What the server's program does.
    pub host: Host,
    /// What the client owes, and has said.
    pub ledger: Ledger,
    up: VecDeque<u8>,
    down: VecDeque<u8>,
    pipe: usize,
    /// All bytes that the client has received on this connection.
    pub received: Vec<u8>,
    /// How many bytes the server has received on this connection.
    pub taken: usize,
    now: u64,
    nonces: u32,
}

/// Runs `test` in a new world.
pub fn with<T>(sizes: &Sizes, test: impl FnOnce(&mut World<'_>) -> T) -> T {
    let (mut client_rx, mut client_tx) = (vec![b'{'; sizes.client_rx], vec![b'{'; sizes.client_tx]);
    let (mut server_rx, mut server_tx) = (vec![b'}'; sizes.server_rx], vec![b'}'; sizes.server_tx]);
    let (mut slots, mut pending) = (vec![Slot::FREE; sizes.slots], vec![Pending::FREE; sizes.pending]);
    let mut ids = vec![0; sizes.pending * 32];
    let mut config = client::Config::DEFAULT;
    config.oob = sizes.oob;
    config.seed = 7;
    config.handshake = if sizes.blind { Handshake::Blind } else { Handshake::AfterGreeting };
    let storage = client::Storage::new(client_rx.as_mut_slice(), client_tx.as_mut_slice(), &mut slots);
    let client = Client::new(storage, config);
    let mut config = server::Config::DEFAULT;
    config.oob = sizes.oob;
    config.version = Version { major: 9, minor: 0, micro: 0 };
    let storage = server::Storage::new(server_rx.as_mut_slice(), server_tx.as_mut_slice(), &mut pending, &mut ids);
    let server = Server::new(storage, config);
    test(&mut World {
        client,
        server,
        host: Host::default(),
        ledger: Ledger::default(),
        up: VecDeque::new(),
        down: VecDeque::new(),
        pipe: sizes.pipe,
        received: Vec::new(),
        taken: 0,
        now: 0,
        nonces: 0,
    })
}

impl World<'_> {
    /// Sends a command, if the client takes it, and whether it does. What it refuses for want of room is no error.
    ///
    /// # Panics
    /// If the client refuses it for another reason.
    pub fn execute(&mut self, name: &str, oob: bool, wish: Wish, timeout: Option<u64>) -> bool {
        let wish = Wish { nonce: self.nonces, ..wish };
        let pending = self.client.tx_pending().to_vec();
        let commands = self.client.commands();
        let credits = commands.credits();
        let oob = oob && commands.oob_enabled();
        let sent = if oob { commands.exec_oob(name, &wish) } else { commands.execute(name, &wish) };
        let ticket = match sent {
            Ok(ticket) => ticket,
            Err(Error::Resource(reason)) => {
                assert_eq!(matches!(reason, Resource::Credits { .. }), credits == 0 && !oob, "{reason}");
                assert_eq!(self.client.tx_pending(), pending, "all or nothing");
                return false;
            }
            Err(error) => {
                let session = self.client.session();
                assert!(matches!(session, Session::Greeting | Session::Closed), "{error} while {session:?}");
                return false;
            }
        };
        self.nonces += 1;
        let deadline = timeout.map(|timeout| self.now + timeout);
        if let Some(deadline) = deadline {
            commands.set_deadline(ticket, Instant::from_millis(deadline)).expect("it is in flight");
        }
        self.ledger.sent(ticket, name, oob, wish.nonce, deadline);
        true
    }

    /// Time goes on, for all.
    pub fn advance(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.client.handle_timeout(Instant::from_millis(self.now));
        self.poll_client();
        self.host.work(self.now, &mut self.server);
    }

    /// Moves up to `count` bytes one step further, each way, at all four places. Whether any moved.
    pub fn shift(&mut self, count: usize) -> bool {
        let moved = [
            self.client_sends(count),
            self.server_receives(count),
            self.server_sends(count),
            self.client_receives(count),
        ];
        moved.contains(&true)
    }

    /// Up to `count` bytes from the client into the pipe.
    pub fn client_sends(&mut self, count: usize) -> bool {
        let count = count.min(self.pipe - self.up.len()).min(self.client.tx_pending().len());
        self.up.extend(&self.client.tx_pending()[..count]);
        self.client.tx_sent(count).expect("no more than was pending");
        count > 0
    }

    /// Up to `count` bytes from the pipe into the server, which does what it can with them.
    pub fn server_receives(&mut self, count: usize) -> bool {
        let count = count.min(self.up.len());
        let bytes: Vec<u8> = self.up.iter().take(count).copied().collect();
        let taken = self.server.feed(&bytes).expect("the stream goes on");
        self.up.drain(..taken);
        self.taken += taken;
        self.host.serve(self.now, &mut self.server);
        taken > 0
    }

    /// Up to `count` bytes from the server into the pipe.
    pub fn server_sends(&mut self, count: usize) -> bool {
        let count = count.min(self.pipe - self.down.len()).min(self.server.tx_pending().len());
        self.down.extend(&self.server.tx_pending()[..count]);
        self.server.tx_sent(count).expect("no more than was pending");
        // Room was made for what waited for it.
        self.host.serve(self.now, &mut self.server);
        count > 0
    }

    /// Up to `count` bytes from the pipe into the client, which reports what comes of them.
    pub fn client_receives(&mut self, count: usize) -> bool {
        let count = count.min(self.down.len());
        let bytes: Vec<u8> = self.down.iter().take(count).copied().collect();
        let taken = self.client.feed(&bytes).expect("the stream goes on");
        assert!(taken > 0 || count == 0, "a client that was polled has room");
        self.received.extend(self.down.drain(..taken));
        self.poll_client();
        taken > 0
    }

    /// Bytes that nobody sent arrive at the client, behind those on their way.
    pub fn inject(&mut self, bytes: &[u8]) {
        self.down.extend(bytes);
    }

    /// Moves bytes in pieces of up to `most` until none move and no time is waited for but that of commands held for ever.
    pub fn settle(&mut self, random: &mut Random, most: usize) {
        for _ in 0..100_000 {
            let moved = self.shift(1 + random.below(most));
            let waiting = self.host.next_due();
            match (moved, waiting) {
                (true, _) => {}
                (false, Some(due)) => self.advance(due.saturating_sub(self.now).max(1)),
                // The last pieces may have been refused for want of room that there is now.
                (false, None) if self.shift(usize::MAX) => {}
                (false, None) => return,
            }
        }
        panic!("it does not settle: {self:?}");
    }

    /// The connection breaks, and both sides notice. Each command in flight is lost, once.
    ///
    /// # Panics
    /// If it is not.
    pub fn lose(&mut self) {
        self.client.rx_eof();
        self.ledger.broken();
        self.poll_client();
        assert_eq!(self.client.poll().err(), Some(Error::Peer(PeerError::Closed)));
        assert_eq!(self.client.poll_timeout(), None);
        self.ledger.check_all_ended();
        self.up.clear();
        self.down.clear();
    }

    /// A new connection.
    pub fn reconnect(&mut self) {
        self.client.reset();
        self.server.reset();
        self.host.forget(&mut self.server);
        self.ledger.reconnected();
        self.received.clear();
        self.taken = 0;
    }

    /// Reports all there is to the ledger.
    fn poll_client(&mut self) {
        loop {
            let error = match self.client.poll() {
                Ok(Some(incoming)) => {
                    assert!(!incoming.origin.is_some_and(|origin| origin.after_gap || origin.not_finite));
                    self.ledger.said(Said::from(incoming.message), self.now);
                    continue;
                }
                Ok(None) => return,
                Err(error) => error,
            };
            let expected = match error {
                Error::Peer(PeerError::Closed) => self.client.session() == Session::Closed,
                // The negotiation has to wait for room.
                Error::Resource(Resource::Tx { .. }) => !self.client.tx_pending().is_empty(),
                _ => false,
            };
            assert!(expected, "{error}");
            return;
        }
    }
}
