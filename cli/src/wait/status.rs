//! `qmp wait status`: until the virtual machine is in a state.

use anyhow::Result;
use clap::Args;
use qmp_qapi::commands::QueryStatus;
use qmp_std::Error;

use super::progress::{Progress, Report};
use super::{End, Wait};

/// Waits until the virtual machine has a status, as query-status tells it
///
/// A QEMU that ends behind a SHUTDOWN event was shutdown.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The status: running, paused, shutdown, prelaunch, inmigrate, postmigrate, suspended, …
    status: String,
}

const SHUTDOWN: &str = "shutdown";

pub(super) fn wait(options: &Options, wait: &mut Wait, progress: &mut Progress) -> Result<End> {
    let mut shut_down = false;
    let outcome = until(options, wait, progress, &mut shut_down);
    let closed = matches!(
        outcome.as_ref().map_err(anyhow::Error::downcast_ref),
        Err(Some(Error::Closed { source: None } | Error::OutcomeUnknown { source: None }))
    );
    if closed && options.status == SHUTDOWN {
        while let Ok(Some(event)) = wait.monitor.next_event(Some(core::time::Duration::ZERO)) {
            shut_down |= event.name == "SHUTDOWN";
        }
        if shut_down {
            progress.report(&report(SHUTDOWN))?;
            progress.end(None)?;
            return Ok(End::Well);
        }
    }
    outcome
}

fn until(options: &Options, wait: &mut Wait, progress: &mut Progress, shut_down: &mut bool) -> Result<End> {
    loop {
        let status = wait.monitor.send(&QueryStatus, |status| status.status.name().to_owned())?;
        progress.report(&report(&status))?;
        if status == options.status {
            progress.end(None)?;
            return Ok(End::Well);
        }
        // Any may be about it.
        if let Some(event) = wait.rest(&format!("the status is {status}"))? {
            *shut_down |= event.name == "SHUTDOWN";
        }
    }
}

fn report(status: &str) -> Report {
    Report { what: "status", status: status.to_owned(), ..Report::default() }
}
