//! `qmp top`: what one or many virtual machines are about.

mod figures;
mod processor;
mod screen;
mod watch;

use core::iter;
use core::time::Duration;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use anyhow::{Context, Result};
use clap::Args;
use clap::error::ErrorKind;
use qmp_std::AddressError;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use crate::args::{self, Address};
use crate::output::Output;
use screen::Screen;
use watch::{News, View, watch};

/// Shows what one or many virtual machines are about: status, processors, disks, jobs, migration, events
///
/// A monitor that is lost is shown as lost, and tried again. The arrow keys and Page Up and Down move over what does not fit on the
/// screen, `q` ends it. How busy a processor is can be told of a QEMU on this machine that has made its Unix socket itself; throughput is
/// that of the last interval.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// More monitors: the paths of their Unix sockets, or addresses as of --connect
    #[arg(value_name = "ADDRESS", value_parser = monitor)]
    monitors: Vec<qmp_std::Address>,
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

/// What the view is told.
enum Told {
    /// By the monitor of this place.
    News(usize, News),
    /// By the person in front of it.
    Terminal(Event),
}

pub(crate) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let monitors: Vec<_> = address.at_most_one().into_iter().chain(options.monitors.clone()).collect();
    if monitors.is_empty() {
        args::misuse(ErrorKind::MissingRequiredArgument, "which monitors? Name their addresses");
    }
    let at_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    if !options.once && !at_terminal {
        args::misuse(
            ErrorKind::MissingRequiredArgument,
            "standard input or output is no terminal: ask for --once, with --json or not",
        );
    }
    let (tells, told) = mpsc::channel();
    let mut views: Vec<View> = monitors.iter().map(View::new).collect();
    let connecting = address.patient(&watch::options());
    for (at, monitor) in monitors.into_iter().enumerate() {
        let (tells, interval, connecting) = (tells.clone(), options.interval, connecting.clone());
        // It ends with the program, or when nobody listens to it.
        thread::spawn(move || watch(&connecting, &monitor, interval, |news| tells.send(Told::News(at, news)).is_ok()));
    }
    if options.once { once(options, &mut views, &told) } else { live(&mut views, tells, &told) }
}

/// The path of a Unix socket, or an address in any form.
fn monitor(text: &str) -> Result<qmp_std::Address, AddressError> {
    if text.contains(':') || text.starts_with('@') { text.parse() } else { Ok(qmp_std::Address::Unix(text.into())) }
}

fn once(options: &Options, views: &mut [View], told: &Receiver<Told>) -> Result<ExitCode> {
    while views.iter().any(|view| !view.is_settled()) {
        let Told::News(at, news) = told.recv().context("watching")? else { continue };
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
            output.text(&line.to_string())?;
        }
    }
    output.flush()?;
    let lost = views.iter().any(View::is_lost);
    Ok(if lost { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn live(views: &mut [View], tells: Sender<Told>, told: &Receiver<Told>) -> Result<ExitCode> {
    let mut terminal = ratatui::try_init().context("preparing the terminal")?;
    thread::spawn(move || {
        while let Ok(event) = event::read() {
            if tells.send(Told::Terminal(event)).is_err() {
                return;
            }
        }
    });
    let outcome = (|| {
        let mut screen = Screen::default();
        loop {
            terminal.draw(|frame| screen.draw(frame, views))?;
            // All that there is, and then the screen.
            for told in iter::once(told.recv().context("watching")?).chain(told.try_iter()) {
                match told {
                    Told::News(at, news) => views[at].take(news),
                    Told::Terminal(Event::Key(key)) if key.kind == KeyEventKind::Press => {
                        let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
                        if interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                            return Ok(());
                        }
                        screen.key(key.code);
                    }
                    // Of another size it is drawn anew.
                    Told::Terminal(_) => {}
                }
            }
        }
    })();
    ratatui::restore();
    outcome.map(|()| ExitCode::SUCCESS)
}
