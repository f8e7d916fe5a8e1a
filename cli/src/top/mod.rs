//! `qmp top`: what one or many virtual machines are about.

mod figures;
mod screen;
mod thread;
mod watch;

use core::time::Duration;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};

use anyhow::{Context, Result};
use clap::Args;
use clap::error::ErrorKind;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};

use crate::args::{self, Address};
use crate::output::Output;
use watch::{News, View, watch};

/// Shows what one or many virtual machines are about: status, processors, disks, jobs, migration, events
///
/// A monitor that is lost is shown as lost, and tried again. `q` ends it. How busy a processor is can be told of a QEMU on this
/// machine that has made its socket itself; throughput is that of the last interval.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Unix sockets of more monitors than that of --socket
    #[arg(value_name = "SOCKET")]
    sockets: Vec<PathBuf>,
    /// How long to wait from one look to the next, fractions allowed
    #[arg(long, value_name = "SECONDS", value_parser = args::seconds, default_value = "1")]
    interval: Duration,
    /// Prints one sample of each monitor, taken over an interval, and ends; exit status 1 means that one is lost
    #[arg(long)]
    once: bool,
    /// With --once: prints one JSON object a line for each monitor
    #[arg(long, requires = "once")]
    json: bool,
}

/// How long the screen waits for news before it looks at the keys.
const KEYS: Duration = Duration::from_millis(100);

pub(crate) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let sockets: Vec<PathBuf> = address.unix_path().into_iter().chain(options.sockets.clone()).collect();
    if sockets.is_empty() {
        args::misuse(ErrorKind::MissingRequiredArgument, "which monitors? Name their Unix sockets");
    }
    if !options.once && !io::stdout().is_terminal() {
        args::misuse(
            ErrorKind::MissingRequiredArgument,
            "standard output is no terminal: ask for --once, with --json or not",
        );
    }
    let (tells, told) = mpsc::channel();
    let mut views: Vec<View> = sockets.iter().map(|socket| View::new(socket)).collect();
    for (at, socket) in sockets.into_iter().enumerate() {
        let (tells, interval) = (tells.clone(), options.interval);
        // It ends with the program, or when nobody listens to it.
        std::thread::spawn(move || watch(&socket, interval, |news| tells.send((at, news)).is_ok()));
    }
    if options.once { once(options, &mut views, &told) } else { live(&mut views, &told) }
}

type Told = Receiver<(usize, News)>;

fn once(options: &Options, views: &mut [View], told: &Told) -> Result<ExitCode> {
    while views.iter().any(|view| !view.is_settled()) {
        let (at, news) = told.recv().context("watching")?;
        // What is settled stays as it is.
        if !views[at].is_settled() {
            views[at].take(news);
        }
    }
    let mut output = Output::new();
    if options.json {
        for view in &*views {
            output.line(&view.json())?;
        }
    } else {
        for line in screen::lines(views) {
            output.line(line.to_string().as_bytes())?;
        }
    }
    output.flush()?;
    let lost = views.iter().any(View::is_lost);
    Ok(if lost { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn live(views: &mut [View], told: &Told) -> Result<ExitCode> {
    let mut terminal = ratatui::try_init().context("preparing the terminal")?;
    let outcome = (|| {
        loop {
            terminal.draw(|frame| screen::draw(frame, views))?;
            match told.recv_timeout(KEYS) {
                Ok((at, news)) => views[at].take(news),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            while event::poll(Duration::ZERO)? {
                if let Event::Key(key) = event::read()? {
                    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
                    if interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                        return Ok(());
                    }
                }
            }
        }
    })();
    ratatui::restore();
    outcome.map(|()| ExitCode::SUCCESS)
}
