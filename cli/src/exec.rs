//! `qmp exec`: one command, and what it returns.

use core::time::Duration;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use clap::error::ErrorKind;
use qmp_std::Error;

use crate::args::{self, Address};
use crate::arguments::{self, Argument, Strings};
use crate::output::{Coloring, Output, compact, pretty};

/// Executes a command and prints what it returns, as JSON on one line
///
/// If the command fails, QEMU's reason is on standard error, `CLASS: DESCRIPTION`, and the exit status is 1.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The command's name, `query-status` for instance
    command: String,
    /// The command's arguments: `key=value` for a string, `key:=json` for anything else (`size:=1024`, `list:=["a","b"]`). Dots
    /// lead into objects and lists: `file.driver=file`, `list.0=a`. Or one JSON object that is all of them
    #[arg(value_name = "KEY=VALUE|KEY:=JSON")]
    arguments: Vec<Argument>,
    /// Prints what it returns on many lines, indented
    #[arg(long)]
    pretty: bool,
    /// Executes it out of band: it does not wait for the commands in front of it to end
    #[arg(long)]
    oob: bool,
    /// Gives up after this time, fractions allowed: counted for the connection, then anew for the reply
    #[arg(long, value_name = "SECONDS", value_parser = args::seconds)]
    timeout: Option<Duration>,
    #[command(flatten)]
    coloring: Coloring,
}

pub(crate) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let arguments = arguments::object(&options.arguments, &Strings)
        .unwrap_or_else(|message| args::misuse(ErrorKind::ValueValidation, &message));
    let mut connecting = qmp_std::Options::new().oob(options.oob);
    if options.timeout.is_some() {
        connecting = connecting.deadline(options.timeout).timeout(options.timeout);
    }
    let mut monitor = address.connect(&connecting)?;
    let outcome = if options.oob {
        if !monitor.oob_enabled() {
            bail!("this server offers no out-of-band execution (QEMU does on sockets): try without --oob");
        }
        monitor.execute_oob_raw(&options.command, arguments.as_deref())
    } else {
        monitor.execute_raw(&options.command, arguments.as_deref())
    };
    let returned = match outcome {
        Ok(returned) => compact(&returned),
        Err(Error::Command(failure)) => {
            eprintln!("{failure}");
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    let shown = if options.pretty { pretty(&returned) } else { returned };
    let mut output = Output::new();
    output.line(&options.coloring.paint().json(shown))?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
