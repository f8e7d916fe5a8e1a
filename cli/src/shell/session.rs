//! A connection, what is known of its server, and the commands that are sent over it.

use alloc::sync::Arc;
use core::time::Duration;
use std::time::Instant;

use anyhow::Result;
use qmp_qapi::registry::{Release, qmp};
use qmp_std::Server;

use super::Options;
use super::board::{Board, Item, Next, Pending, Reply};
use super::catalogue::Catalogue;
use super::fits;
use super::line::{Command, Given};
use super::link::Link;
use super::schema::Schema;
use crate::args::Address;
use crate::arguments;

/// A connection. What comes over it goes to a board, which outlives it.
#[derive(Debug)]
pub(super) struct Session {
    link: Link,
    pub(super) server: Server,
    pub(super) known: Known,
    board: Arc<Board>,
    oob: bool,
    /// The command that was sent last, in this connection or one before.
    number: u64,
}

/// What is known of the server, by now.
#[derive(Clone, Debug)]
pub(super) struct Known {
    release: Release,
    schema: Arc<Schema>,
}

/// What came of waiting for a reply.
#[derive(Debug)]
pub(super) enum Waited {
    Replied(Reply),
    /// It stays pending.
    TimedOut,
    Interrupted,
}

/// A command, ready to be sent.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) name: String,
    pub(super) arguments: Option<String>,
    pub(super) oob: bool,
    /// What does not seem right.
    pub(super) warnings: Vec<String>,
}

impl Session {
    /// Connects. `before`: the number of the last command so far.
    pub(super) fn connect(options: &Options, address: &Address, board: &Arc<Board>, before: u64) -> Result<Self> {
        let mut connecting = qmp_std::Options::new().oob(options.oob);
        if options.timeout.is_some() {
            connecting = connecting.deadline(options.timeout);
        }
        let monitor = address.connect(&connecting)?;
        let server = monitor.server().clone();
        let newest = qmp().releases().last().copied().unwrap_or(Release::new(0, 0, 0));
        let known = Known { release: server.version.map_or(newest, Release::from), schema: Arc::default() };
        let oob = monitor.oob_enabled();
        board.connected();
        let link = Link::new(monitor, Arc::clone(board), Arc::clone(&known.schema))?;
        Ok(Self { link, server, known, board: Arc::clone(board), oob, number: before })
    }

    /// Asks for the server's schema, unless that was done.
    pub(super) fn ask_schema(&mut self) {
        if self.known.schema.ask() {
            self.link.ask_schema();
        }
    }

    /// Makes a command ready. Where the vocabulary and the command do not go together, the server's schema is asked.
    ///
    /// # Errors
    /// Arguments that do not go together; out-of-band execution where that is not enabled.
    pub(super) fn prepare(&mut self, command: &Command) -> Result<Ready, String> {
        if command.oob && !self.oob {
            return Err(
                "out-of-band execution is not enabled: start the shell with --oob, where the server offers it".into()
            );
        }
        let mut ready = prepare(&self.known.catalogue(), command)?;
        if !ready.warnings.is_empty() && self.known.schema.now().is_none() && self.board.is_connected() {
            self.ask_schema();
            // The command itself would not be executed before that is answered.
            self.known.schema.wait(PATIENCE);
            ready = prepare(&self.known.catalogue(), command)?;
        }
        if command.had_id {
            ready.warnings.push("the id is left out: the shell gives each command one of its own".into());
        }
        Ok(ready)
    }

    /// Sends a command, and gives its number.
    pub(super) fn send(&mut self, command: Ready) -> u64 {
        self.number += 1;
        let Ready { name, arguments, oob, .. } = command;
        self.board.sent(Pending { number: self.number, name: name.clone(), since: Instant::now() });
        self.link.execute(self.number, &name, arguments, oob);
        self.number
    }

    pub(super) const fn last_number(&self) -> u64 {
        self.number
    }
}

/// The longest that the schema is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits for the reply to command `number`, and shows what else comes.
pub(super) fn wait(
    board: &Board,
    number: u64,
    timeout: Option<Duration>,
    mut show: impl FnMut(&Item) -> Result<()>,
) -> Result<Waited> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        match board.next(deadline) {
            Next::Item(Item::Reply(reply)) if reply.number == number => return Ok(Waited::Replied(reply)),
            Next::Item(item) => show(&item)?,
            Next::TimedOut => return Ok(Waited::TimedOut),
            Next::Interrupted => return Ok(Waited::Interrupted),
        }
    }
}

impl Known {
    pub(super) fn catalogue(&self) -> Catalogue {
        Catalogue { release: self.release, live: self.schema.now() }
    }
}

fn prepare(catalogue: &Catalogue, command: &Command) -> Result<Ready, String> {
    let Command { name, given, oob, .. } = command;
    let arguments = match given {
        Given::Json(json) => json.clone(),
        Given::Arguments(given) => {
            let known =
                catalogue.command(name).map_or_else(|| catalogue.unknown(), |command| catalogue.arguments(command));
            arguments::object(given, &known)?
        }
    };
    let warnings = fits::warnings(catalogue, name, arguments.as_deref(), *oob);
    Ok(Ready { name: name.clone(), arguments, oob: *oob, warnings })
}
