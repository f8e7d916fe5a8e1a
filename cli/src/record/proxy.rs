//! Between one client after another and QEMU.

use core::fmt;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result};
use qmp_std::{Address, Options};
use rustix::net::{Shutdown, shutdown};

use super::pipe::Pipe;
use crate::socket::{Listening, Signals, Wanted, wait};
use crate::transcript::{Scribe, Side, Writer};

pub(super) struct Proxy<W> {
    pub(super) address: Address,
    pub(super) signals: Signals,
    pub(super) agent: bool,
    pub(super) limit: usize,
    pub(super) writer: Writer<W>,
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    WithServer,
    BySignal,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WithServer => "the server has ended",
            Self::BySignal => "ended by a signal",
        })
    }
}

/// A connection to the server, and what came over it that no client has received.
struct Upstream {
    socket: OwnedFd,
    pipe: Pipe,
}

impl Upstream {
    fn new(socket: OwnedFd) -> Self {
        Self { socket, pipe: Pipe::new() }
    }
}

/// A connection to the server, which does not block.
pub(super) fn connect(options: &Options, address: &Address) -> Result<OwnedFd> {
    let socket = options.open(address)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

impl<W: Write> Proxy<W> {
    /// The server is connected for the next client beforehand: that tells when it ends, client or not.
    pub(super) fn run(&mut self, server: OwnedFd, listening: &Listening) -> Result<Ended> {
        let mut upstream = Upstream::new(server);
        loop {
            let client = match self.client(&mut upstream, listening)? {
                Came::Client(client) => client,
                Came::Signal => return Ok(Ended::BySignal),
                Came::EndOfServer => return Ok(Ended::WithServer),
            };
            self.writer.opened(Side::Client)?;
            if self.session(&client, upstream)? == Some(Ended::BySignal) {
                return Ok(Ended::BySignal);
            }
            drop(client);
            let Ok(server) = connect(&Options::new(), &self.address) else { return Ok(Ended::WithServer) };
            upstream = Upstream::new(server);
        }
    }

    /// Waits for the next client.
    fn client(&mut self, upstream: &mut Upstream, listening: &Listening) -> Result<Came> {
        loop {
            let Upstream { socket, pipe } = &mut *upstream;
            let server = Wanted::new(socket, pipe.receives(), false).or_end();
            let [client, server, signal] =
                wait([Some(Wanted::new(listening, true, false)), Some(server), Some(self.signals.wanted())], None)?;
            if signal.input {
                return Ok(Came::Signal);
            }
            if server.input && pipe.receives() {
                let _ = pipe.receive(socket);
            }
            if pipe.has_ended() || (server.gone && !server.input) {
                return Ok(Came::EndOfServer);
            }
            if client.input
                && let Some(client) = listening.accept().context("accepting a client")?
            {
                return Ok(Came::Client(client));
            }
        }
    }

    /// Passes on what the two say until one of them is gone.
    fn session(&mut self, client: &UnixStream, upstream: Upstream) -> Result<Option<Ended>> {
        let Upstream { socket: server, pipe: mut replies } = upstream;
        let mut commands = Pipe::new();
        let mut client_scribe = Scribe::new(Side::Client, self.agent, self.limit);
        let mut server_scribe = Scribe::new(Side::Server, self.agent, self.limit);
        // The client's having no more to say was passed on; the server takes no more.
        let (mut shut, mut deaf) = (false, false);
        let ended = loop {
            // A server that has gone is no news while the client has not received its last words.
            let (hears, talks) = (replies.receives(), !commands.is_empty() && !deaf);
            let [from_server, from_client, signal] = wait(
                [
                    (hears || talks).then(|| Wanted::new(&server, hears, talks)),
                    Some(Wanted::new(client, commands.receives() && !deaf, !replies.is_empty())),
                    Some(self.signals.wanted()),
                ],
                None,
            )?;
            if signal.input {
                break Some(Ended::BySignal);
            }
            // What the server says first, so that its greeting stands in front.
            if from_server.input && replies.receives() {
                let _ = replies.receive(&server);
            }
            while !replies.is_empty() {
                match replies.send(client) {
                    Ok(Some(sent)) => server_scribe.heard(sent.bytes, &mut self.writer)?,
                    Ok(None) => break,
                    // Nobody is there to hear it.
                    Err(_) => break,
                }
            }
            if replies.has_ended() && replies.is_empty() {
                self.end(&mut server_scribe, &mut client_scribe)?;
                self.writer.closed(Side::Server)?;
                return Ok(None);
            }
            if from_client.input && commands.receives() {
                let _ = commands.receive(client);
            }
            while !commands.is_empty() && !deaf {
                match commands.send(&server) {
                    Ok(Some(sent)) => {
                        if sent.descriptors > 0 {
                            self.writer.descriptors(Side::Client, sent.descriptors)?;
                        }
                        client_scribe.heard(sent.bytes, &mut self.writer)?;
                    }
                    Ok(None) => break,
                    // What it has said yet is still to come.
                    Err(_) => deaf = true,
                }
            }
            if from_client.gone && (commands.has_ended() || !from_client.input) {
                break None;
            }
            if commands.has_ended() && commands.is_empty() && !shut {
                shut = true;
                let _ = shutdown(&server, Shutdown::Write);
            }
        };
        self.end(&mut server_scribe, &mut client_scribe)?;
        if ended.is_none() {
            self.writer.closed(Side::Client)?;
        }
        Ok(ended)
    }

    fn end(&mut self, server: &mut Scribe, client: &mut Scribe) -> Result<()> {
        client.end(&mut self.writer)?;
        server.end(&mut self.writer)?;
        Ok(())
    }
}

enum Came {
    Client(UnixStream),
    EndOfServer,
    Signal,
}
