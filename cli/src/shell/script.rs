//! The shell without a terminal: lines in, lines of JSON out.

use alloc::sync::Arc;
use core::cell::Cell;
use std::io::{self, BufRead};
use std::process::{self, ExitCode};
use std::thread;

use anyhow::{Context, Result};
use qmp_std::Error;

use super::board::{Board, Item, Reply, Turn};
use super::catalogue::Catalogue;
use super::line::{self, Asked};
use super::session::{self, Session, Waited};
use super::{Options, help, show};
use crate::args::Address;
use crate::arguments::{self, Tree};
use crate::events;
use crate::output::{Line, Output, Paint, compact, is_closed, printable};

pub(super) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let board = Arc::new(Board::default());
    board.filter(|filter| filter.all = !options.no_events);
    let session = Session::connect(options, address, &board, 0)?;
    // While the next line is waited for, events are shown all the same.
    let printer = Arc::clone(&board);
    thread::Builder::new().name("printer".into()).spawn(move || print(&printer)).context("starting a thread")?;
    let mut script = Script { options, address, board, session, line: 0, failed: Cell::new(false) };
    script.board.pass(Turn::Typing);
    for line in io::stdin().lock().lines() {
        let line = line.context("reading standard input")?;
        script.line += 1;
        script.board.pass(Turn::Waiting);
        script.board.wait_for_printer();
        let goes_on = script.execute(&line)?;
        if !goes_on || (options.stop_on_error && script.failed.get()) {
            break;
        }
        script.board.pass(Turn::Typing);
    }
    script.board.pass(Turn::Waiting);
    script.board.wait_for_printer();
    for item in script.board.rest() {
        tell(&item)?;
    }
    Ok(if script.failed.get() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(board: &Board) {
    while let Some(items) = board.take_while_typing() {
        for item in items {
            if let Err(error) = tell(&item) {
                // The other thread waits for a line, which may never come.
                if !is_closed(&error) {
                    eprintln!("qmp: {error}");
                }
                process::exit(i32::from(!is_closed(&error)));
            }
        }
        board.printed();
    }
}

struct Script<'o> {
    options: &'o Options,
    address: &'o Address,
    board: Arc<Board>,
    session: Session,
    /// The number of the line that is executed.
    line: u64,
    failed: Cell<bool>,
}

impl Script<'_> {
    /// Whether the script goes on.
    fn execute(&mut self, line: &str) -> Result<bool> {
        match line::parse(line) {
            Err(message) => self.fail(&message),
            Ok(Asked::Nothing) => {}
            Ok(Asked::Exit) => return Ok(false),
            Ok(Asked::Events { on, names }) => {
                self.board.filter(|filter| {
                    if let Some(on) = on {
                        filter.set(on, names);
                    }
                });
            }
            Ok(Asked::Help(words)) => match explain(&self.session.known.catalogue(), &words, Paint(false)) {
                Ok(text) => eprint!("{text}"),
                Err(message) => self.fail(&message),
            },
            Ok(Asked::Pending) => {
                for pending in self.board.pending() {
                    eprintln!("qmp: {} is not answered, for {}", pending.name, show::duration(pending.since.elapsed()));
                }
            }
            Ok(Asked::Reconnect) => {
                match Session::connect(self.options, self.address, &self.board, self.session.last_number()) {
                    Ok(session) => self.session = session,
                    Err(error) => self.fail(&crate::explain(&error)),
                }
            }
            Ok(Asked::Command(command)) => match self.session.prepare(&command) {
                Err(message) => self.fail(&message),
                Ok(command) => {
                    for warning in &command.warnings {
                        self.say(&format!("warning: {warning}"));
                    }
                    let name = command.name.clone();
                    let number = self.session.send(command);
                    self.conclude(number, &name)?;
                }
            },
        }
        Ok(true)
    }

    fn conclude(&self, number: u64, name: &str) -> Result<()> {
        match session::wait(&self.board, number, self.options.timeout, tell)? {
            Waited::Replied(reply) => {
                if let Err(error) = &reply.outcome {
                    self.fail(&format!("{name}: {error}"));
                }
                write(line_of(&reply, false))
            }
            Waited::TimedOut | Waited::Interrupted => {
                self.fail(&format!("{name}: no reply in time. It is still pending"));
                let mut line = Line::default();
                line.member("command", name);
                line.member("pending", &true);
                write(line)
            }
        }
    }

    fn fail(&self, message: &str) {
        self.failed.set(true);
        self.say(message);
    }

    fn say(&self, message: &str) {
        eprintln!("qmp: line {}: {}", self.line, printable(message));
    }
}

/// Writes what came, where it belongs.
fn tell(item: &Item) -> Result<()> {
    match item {
        Item::Event(event) => put(&events::line(event)),
        // A line's own reply is written where that is waited for.
        Item::Reply(reply) => write(line_of(reply, true)),
        Item::Notice(notice) => {
            eprintln!("qmp: {}", show::notice(notice));
            Ok(())
        }
        Item::Dropped(count) => {
            eprintln!("qmp: {count} events came too fast, and are lost");
            Ok(())
        }
        Item::Lost(_, true) => Ok(()),
        Item::Lost(error, false) => {
            eprintln!("qmp: {error}");
            Ok(())
        }
    }
}

/// What a command came to.
fn line_of(reply: &Reply, late: bool) -> Line {
    let mut line = Line::default();
    line.member("command", &reply.name);
    if late {
        line.member("late", &true);
    }
    match &reply.outcome {
        Ok(json) => line.raw("return", &compact(json), true),
        Err(Error::Command(failure)) => {
            let mut error = Line::default();
            error.member("class", &failure.class);
            error.member("desc", &failure.desc);
            line.raw("error", &error.finish(), false);
        }
        Err(Error::OutcomeUnknown { .. }) => line.member("outcome", "unknown"),
        Err(error @ (Error::QueueFull | Error::Closed { .. } | Error::Misuse(_))) => {
            line.member("unsent", &error.to_string());
        }
        Err(error) => line.member("unread", &error.to_string()),
    }
    line
}

fn write(line: Line) -> Result<()> {
    put(&line.finish())
}

fn put(line: &[u8]) -> Result<()> {
    let mut output = Output::new();
    output.line(line)?;
    Ok(output.flush()?)
}

/// What `help` says to these words.
///
/// # Errors
/// That it says nothing.
pub(super) fn explain(catalogue: &Catalogue, words: &[String], paint: Paint) -> Result<String, String> {
    let Some((name, given)) = words.split_first() else { return Ok(help::all(catalogue, paint)) };
    let given = given.iter().map(|word| word.parse().map_err(|error| format!("'{word}': {error}")));
    let tree: Tree = arguments::tree(&given.collect::<Result<Vec<_>, String>>()?)?;
    help::about(catalogue, name, &tree, paint)
}
