//! `qmp serve`: the demo machine on a socket, for others to try against.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::args::Address;
use crate::demo::Machine;
use crate::host::{self, Ended};
use crate::socket::{Listening, Signals};

/// Serves a small machine of its own on the Unix socket that --socket names
///
/// One client after another, as QEMU does, with QEMU's greeting, negotiation, errors and flow control. It knows query-version,
/// query-status, query-block, query-qmp-schema, stop, cont and quit; query-yank can be executed out of band, also while x-demo-nap
/// takes its milliseconds. Ends when a client tells it to quit, at SIGINT and at SIGTERM, and removes its socket.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Writes JSON with indentation over many lines, as QEMU does with pretty=on
    #[arg(long)]
    pretty: bool,
    /// Offers no out-of-band execution
    #[arg(long)]
    no_oob: bool,
}

pub(crate) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let signals = Signals::of_end().context("waiting for signals")?;
    let listening = Listening::at(&address.listening_path("serve"))?;
    eprintln!("qmp: serving at {}", listening.path().display());
    let mut machine = Machine::new(!options.no_oob);
    match host::serve(&listening, Some(&signals), &mut machine, options.pretty)? {
        Ended::ByGuest => eprintln!("qmp: the machine was told to quit"),
        Ended::BySignal => eprintln!("qmp: ended by a signal"),
    }
    Ok(ExitCode::SUCCESS)
}
