//! `qmp wait`: until something has happened.

mod event;
mod job;
mod migration;
mod progress;
mod status;

use core::time::Duration;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use qmp_std::Monitor;

use crate::args::{self, Address};
use crate::output::printable;
use progress::Progress;

/// Waits for a job, a migration, an event or a status, and tells by its exit status how it ended
///
/// Listens for events before it first asks, so that nothing is missed. Progress goes to standard error: a bar on a terminal, else a
/// line now and then. Exit status 1 means that what was waited for failed, is not there, or did not come in time.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
    /// Gives up after this time, fractions allowed
    #[arg(long, global = true, value_name = "SECONDS", value_parser = args::seconds)]
    timeout: Option<Duration>,
    /// Prints each change on standard output, one JSON object a line, the last one with how it ended
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    Job(job::Options),
    Migration(migration::Options),
    Event(event::Options),
    Status(status::Options),
}

pub(crate) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let mut connecting = qmp_std::Options::new();
    if options.timeout.is_some() {
        connecting = connecting.deadline(options.timeout).timeout(options.timeout);
    }
    let deadline = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut wait = Wait { monitor: address.connect(&connecting)?, deadline };
    let outcome = match &options.what {
        What::Job(job) => job::wait(job, &mut wait, &mut Progress::new(options.json, "job", Some(&job.id))),
        What::Migration(_) => migration::wait(&mut wait, &mut Progress::new(options.json, "migration", None)),
        What::Event(event) => event::wait(event, &mut wait),
        What::Status(status) => status::wait(status, &mut wait, &mut Progress::new(options.json, "status", None)),
    };
    match outcome {
        Ok(End::Well) => Ok(ExitCode::SUCCESS),
        Err(error) if matches!(error.downcast_ref(), Some(qmp_std::Error::Timeout { .. })) => {
            bail!("time is up, and QEMU does not answer: it is busy, or stopped")
        }
        Err(error) => Err(error),
        Ok(End::Badly(reason)) => {
            // QEMU says why.
            eprintln!("qmp: {}", printable(&reason));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// How it ended.
enum End {
    Well,
    Badly(String),
}

/// A monitor, and until when it is waited for.
struct Wait {
    monitor: Monitor,
    deadline: Option<Instant>,
}

/// How often is asked for what QEMU tells of by itself only when it is over.
const INTERVAL: Duration = Duration::from_millis(500);

impl Wait {
    /// Waits for an event, whatever it is, but not for long. Fails when time is up.
    fn rest(&mut self, for_what: &str) -> Result<Option<qmp_std::OwnedEvent>> {
        let time = self.left().map_or(INTERVAL, |left| left.min(INTERVAL));
        let event = self.monitor.next_event(Some(time))?;
        let left = self.left();
        if event.is_none() && left == Some(Duration::ZERO) {
            bail!("time is up, and {for_what}");
        }
        // What is asked next has no more time than that.
        self.monitor.set_timeout(left);
        Ok(event)
    }

    fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}
