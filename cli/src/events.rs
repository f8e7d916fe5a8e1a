//! `qmp events`: what happens in the virtual machine, as it happens.

use core::time::Duration;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use qmp_std::{Error, Monitor, OwnedEvent};
use serde::Serialize;

use crate::args::{self, Address};
use crate::output::{Line, Output};

/// Prints each event as it comes, one JSON object a line
///
/// Begins with the connection: what happened before is not told. Lines are in the form in which QEMU sends them.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Ends after this time, fractions allowed; with --until, with exit status 1
    #[arg(long = "for", value_name = "SECONDS", value_parser = args::seconds)]
    duration: Option<Duration>,
    /// Ends behind the first event of this name; may be given several times, for any of several
    #[arg(long, value_name = "NAME")]
    until: Vec<String>,
}

pub(crate) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let mut monitor = address.connect(&qmp_std::Options::new())?;
    eprintln!("qmp: waiting for events");
    let outcome = watch(options, &mut monitor);
    match monitor.events_lost() {
        0 => {}
        lost => eprintln!("qmp: {lost} events came too fast, and are lost"),
    }
    outcome
}

fn watch(options: &Options, monitor: &mut Monitor) -> Result<ExitCode> {
    let deadline = options.duration.and_then(|duration| Instant::now().checked_add(duration));
    let mut output = Output::new();
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let event = match monitor.next_event(left) {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(options.time_is_up()),
            // Nothing else was asked for than what happens until then.
            Err(Error::Closed { source: None }) if options.until.is_empty() && deadline.is_none() => {
                eprintln!("qmp: the server has closed the connection");
                return Ok(ExitCode::SUCCESS);
            }
            Err(error) => return Err(error.into()),
        };
        output.line(&line(&event))?;
        output.flush()?;
        if options.until.contains(&event.name) {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

impl Options {
    fn time_is_up(&self) -> ExitCode {
        if self.until.is_empty() {
            return ExitCode::SUCCESS;
        }
        let seconds = self.duration.unwrap_or_default().as_secs_f64();
        eprintln!("qmp: no {} within {seconds} seconds", self.until.join(" or "));
        ExitCode::FAILURE
    }
}

/// The event in the form that QEMU gives it.
pub(crate) fn line(event: &OwnedEvent) -> Vec<u8> {
    #[derive(Serialize)]
    struct Timestamp {
        seconds: i64,
        microseconds: i64,
    }

    let mut line = Line::default();
    if let Some(time) = event.timestamp {
        line.member("timestamp", &Timestamp { seconds: time.seconds, microseconds: time.microseconds });
    }
    line.member("event", &event.name);
    if let Some(data) = &event.data {
        line.raw("data", data.as_bytes(), true);
    }
    line.finish()
}
