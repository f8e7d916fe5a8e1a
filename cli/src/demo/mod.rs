//! `qmp` alone: a small machine of our own, and a tour through the protocol on it.

mod disks;
mod machine;
mod schema;
mod tap;
mod tour;

use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result, anyhow};

use crate::host;
use crate::output::Output;
use crate::socket::Listening;
pub(crate) use machine::Machine;

pub(crate) fn run() -> Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("qmp-demo-").tempdir().context("making a folder for the socket")?;
    let path = folder.path().join("monitor.sock");
    let listening = Listening::at(&path)?;
    // Ends when it is told to quit.
    let machine = thread::spawn(move || host::serve(&listening, None, &mut Machine::new(false), false));
    let mut output = Output::new();
    tour::run(&path, &mut output)?;
    machine.join().map_err(|_| anyhow!("the demo machine panicked"))?.context("the demo machine")?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
