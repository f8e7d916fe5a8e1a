//! `qmp` alone: a small machine of our own, and a tour through the protocol on it.

mod disks;
mod machine;
mod schema;
mod serve;
mod tap;
mod tour;

use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result, anyhow};

use crate::output::Output;
use machine::Machine;

pub(crate) fn run() -> Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("qmp-demo-").tempdir().context("making a folder for the socket")?;
    let path = folder.path().join("monitor.sock");
    let listener = UnixListener::bind(&path).with_context(|| format!("listening at {}", path.display()))?;
    // Ends when it is told to quit.
    let machine = thread::spawn(move || serve::serve(&listener, &mut Machine::new()));
    let mut output = Output::new();
    tour::run(&path, &mut output)?;
    machine.join().map_err(|_| anyhow!("the demo machine panicked"))?.context("the demo machine")?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
