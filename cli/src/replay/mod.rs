//! `qmp replay`: a transcript as a server.

mod player;
mod script;
mod session;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::args::Address;
use crate::host::{self, Ended};
use crate::socket::{Listening, Signals};
use player::Player;

/// Answers as a transcript does, on the Unix socket that --socket names
///
/// A stand-in for the QEMU that was recorded: each client gets the next session of the transcript, with its greeting, its replies
/// and its events in their places, and its own ids. Commands must come as they came then, by name and arguments; another one gets an
/// error that says what the transcript has next, and a line on standard error. Negotiation, and what is no command, is answered as
/// QEMU does, whatever was recorded. Exit status 1 means that something else was asked for, or not all.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Keeps the times of the recording, so many times faster: 1 is as it was [default: each thing at once]
    #[arg(long, value_name = "N", value_parser = speed)]
    speed: Option<f64>,
    /// Begins anew behind the last session, until SIGINT or SIGTERM
    #[arg(long)]
    repeat: bool,
    /// What was recorded is a guest agent
    #[arg(long)]
    agent: bool,
    /// Writes JSON with indentation over many lines, as QEMU does with pretty=on
    #[arg(long)]
    pretty: bool,
    /// What `qmp record` wrote, or messages in any mix; standard input if there is none or it is `-`
    file: Option<PathBuf>,
}

pub(crate) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let path = address.listening_path("replay");
    let (sessions, name) = script::read(options.file.as_deref(), options.agent)?;
    ensure!(!sessions.is_empty(), "{name} has no messages");
    let signals = Signals::of_end().context("waiting for signals")?;
    let listening = Listening::at(&path)?;
    eprintln!("qmp: replaying {name} at {}", listening.path().display());
    let mut player = Player::new(sessions, options.speed, options.repeat);
    let ended = host::serve(&listening, Some(&signals), &mut player, options.pretty)?;
    drop(listening);
    eprintln!("qmp: {}", player.summary());
    // Who stops it does not ask for the rest.
    let all = ended == Ended::BySignal || player.is_complete();
    Ok(if all && player.is_faithful() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if speed > 0.0 && f64::is_finite(speed) => Ok(speed),
        _ => Err("not a number above 0".to_owned()),
    }
}
