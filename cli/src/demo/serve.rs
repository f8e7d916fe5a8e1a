//! The demo machine's monitor on a socket.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use anyhow::Result;
use qmp_core::error::{Error, PeerError};
use qmp_core::server::{Incoming, Message, Server, Storage};

use super::machine::{Machine, Power};

/// The longest command, and the longest reply.
const LONGEST: usize = 1 << 20;
/// Commands that wait for an answer, and bytes for the id of each.
const PENDING: usize = 10;
const ID: usize = 256;

/// Serves one client after another, as QEMU does, until one tells the machine to quit.
pub(super) fn serve(listener: &UnixListener, machine: &mut Machine) -> Result<()> {
    let mut server = Server::new(Storage::growing(LONGEST, LONGEST, PENDING, ID), Machine::config());
    loop {
        let (mut stream, _) = listener.accept()?;
        server.reset();
        if session(&mut stream, &mut server, machine)? == Power::Off {
            return Ok(());
        }
    }
}

/// Serves one client until it goes or the machine is off.
fn session(stream: &mut UnixStream, server: &mut Server<'_>, machine: &mut Machine) -> Result<Power> {
    let mut power = Power::On;
    loop {
        let went = stream.write_all(server.tx_pending());
        server.tx_sent(server.tx_pending().len())?;
        if power == Power::Off || went.is_err() {
            // A client that takes no more is one that is gone.
            return Ok(power);
        }
        match answer(server, machine) {
            Ok(then) => power = then,
            Err(Error::Peer(PeerError::Closed)) => return Ok(Power::On),
            Err(error) => return Err(error.into()),
        }
        if power == Power::Off || !server.tx_pending().is_empty() {
            continue;
        }
        match stream.read(server.rx_space()) {
            Ok(0) => server.rx_eof(),
            Ok(count) => server.rx_commit(count)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => server.rx_eof(),
        }
    }
}

/// Answers what has come, as far as there is room.
fn answer(server: &mut Server<'_>, machine: &mut Machine) -> Result<Power, Error> {
    while let Some(Incoming { message, replies, .. }) = server.poll()? {
        // All else the server answers by itself.
        if let Message::Command { ticket, name, arguments, .. } = message
            && machine.execute(name, arguments, ticket, replies)? == Power::Off
        {
            return Ok(Power::Off);
        }
    }
    Ok(Power::On)
}
