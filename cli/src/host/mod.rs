//! One client after another is served, as QEMU does: whoever comes meanwhile waits in line.
//!
//! Nothing that a client does or leaves undone holds up more than its own session: what it sends is read only as fast as it reads
//! what it is sent, in memory that has a limit, and its going is noticed whatever is under way.

mod asked;
mod outbox;
mod session;

use std::time::Instant;

use anyhow::{Context, Result};
use qmp_core::error::Error;
use qmp_core::server::{Config, Message, Replies};

use crate::socket::{Listening, Signals, Wanted, wait};
pub(crate) use asked::{Asked, Queue};
use session::{End, Session};

/// What is talked to behind a [`Server`](qmp_core::server::Server).
pub(crate) trait Guest {
    /// What it says of itself to the next client; `None` if it receives none any more.
    fn welcome(&mut self) -> Option<Config>;

    /// Takes in what came. What has a ticket is answered by [`speak`](Self::speak).
    fn take(&mut self, message: Message<'_>);

    /// Says one thing, if there is one to be said. It always finds all the room that there is.
    fn speak(&mut self, replies: &mut Replies<'_>, now: Instant) -> Result<Next, Error>;

    /// The client is gone, and what it asked for is nobody's.
    fn part(&mut self);
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Something was said, or done; there may be more.
    More,
    /// Nothing, until then or until the client says something.
    Idle(Option<Instant>),
    /// The connection is closed behind what was said.
    Close,
    /// So is everything.
    Off,
}

/// Why nobody is served any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The guest said so.
    ByGuest,
    /// A signal did.
    BySignal,
}

/// Serves until the guest wants no more clients, or a signal comes. `pretty`: messages are indented, over many lines.
pub(crate) fn serve(
    listening: &Listening,
    signals: Option<&Signals>,
    guest: &mut impl Guest,
    pretty: bool,
) -> Result<Ended> {
    while let Some(config) = guest.welcome() {
        let stream = loop {
            let [found, signal] =
                wait([Some(Wanted::new(listening, true, false)), signals.map(Signals::wanted)], None)?;
            if signal.input {
                return Ok(Ended::BySignal);
            }
            if found.input
                && let Some(stream) = listening.accept().context("accepting a client")?
            {
                break stream;
            }
        };
        let end = Session::new(stream, config, pretty).run(guest, signals)?;
        guest.part();
        match end {
            End::Gone => {}
            End::Off => break,
            End::Signal => return Ok(Ended::BySignal),
        }
    }
    Ok(Ended::ByGuest)
}
