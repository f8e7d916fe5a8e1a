//! `qmp exec`: one command to a monitor or a guest agent, and what it returns.

use core::time::Duration;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use clap::error::ErrorKind;
use qmp_qapi::registry::guest_agent;
use qmp_std::{AgentOptions, Error};

use crate::args::{self, Address};
use crate::arguments::{self, Argument, Strings};
use crate::output::{Coloring, Output, compact, pretty, printable};

/// Executes a command and prints what it returns, as JSON on one line
///
/// If the command fails, QEMU's reason is on standard error, `CLASS: DESCRIPTION`, and the exit status is 1.
///
/// With `--agent` the address is that of a guest agent: the host's side of the chardev behind the virtserialport
/// `org.qemu.guest_agent.0`. What `guest-exec` started, `guest-exec-status` tells of.
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
    /// Has the guest agent at the address execute it, in step with it whatever an earlier client left. An agent never answers
    /// `guest-shutdown` and the `guest-suspend-*`: nothing is printed then, and the exit status is 0 if no error came in half a second.
    /// One in a guest that hangs answers nothing at all: give a `--timeout`
    #[arg(long, conflicts_with = "oob")]
    agent: bool,
    /// Gives up after this time, fractions allowed: counted for the connection, then anew for the reply
    #[arg(long, value_name = "SECONDS", value_parser = args::seconds)]
    timeout: Option<Duration>,
    #[command(flatten)]
    coloring: Coloring,
}

pub(crate) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let arguments = arguments::object(&options.arguments, &Strings)
        .unwrap_or_else(|message| args::misuse(ErrorKind::ValueValidation, &message));
    let arguments = arguments.as_deref();
    let outcome = if options.agent {
        by_agent(options, address, arguments)
    } else {
        by_monitor(options, address, arguments).map(Some)
    };
    match outcome {
        Ok(Some(returned)) => show(options, &returned),
        Ok(None) => Ok(ExitCode::SUCCESS),
        Err(error) => match error.downcast()? {
            Error::Command(failure) => {
                eprintln!("{}", printable(&failure.to_string()));
                Ok(ExitCode::FAILURE)
            }
            error => Err(error.into()),
        },
    }
}

fn by_monitor(options: &Options, address: &Address, arguments: Option<&str>) -> Result<String> {
    let mut connecting = qmp_std::Options::new().oob(options.oob);
    if options.timeout.is_some() {
        connecting = connecting.deadline(options.timeout).timeout(options.timeout);
    }
    let mut monitor = address.connect(&connecting)?;
    if !options.oob {
        return Ok(monitor.execute_raw(&options.command, arguments)?);
    }
    if !monitor.oob_enabled() {
        bail!("this server offers no out-of-band execution (QEMU does on sockets): try without --oob");
    }
    Ok(monitor.execute_oob_raw(&options.command, arguments)?)
}

/// `None`: it answers nothing.
fn by_agent(options: &Options, address: &Address, arguments: Option<&str>) -> Result<Option<String>> {
    let mut connecting = AgentOptions::new();
    if options.timeout.is_some() {
        connecting = connecting.deadline(options.timeout).timeout(options.timeout);
    }
    let mut agent = address.connect_agent(&connecting)?;
    if guest_agent().command(&options.command).is_some_and(|known| known.no_reply) {
        agent.run_raw_without_reply(&options.command, arguments)?;
        return Ok(None);
    }
    Ok(Some(agent.execute_raw(&options.command, arguments)?))
}

fn show(options: &Options, returned: &str) -> Result<ExitCode> {
    let returned = compact(returned);
    let shown = if options.pretty { pretty(&returned) } else { returned };
    let mut output = Output::new();
    output.line(&options.coloring.paint().json(shown))?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
