//! What can be said on the command line: the subcommands, each with its options in a file of its own, and the monitor's address.

use core::time::Duration;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use qmp_std::{Agent, AgentOptions, Monitor, Options};

use crate::logging::Level;
use crate::{completions, decode, events, exec, lint, man, record, replay, schema, serve, shell, top, wait};

/// Talks to QEMU's monitor by QMP, the QEMU Machine Protocol
///
/// Without a subcommand it shows what that is: it starts a small machine of its own, talks to it, and prints what goes over
/// the wire.
#[derive(Debug, Parser)]
#[command(name = "qmp", version)]
pub(crate) struct Cli {
    /// Tells on standard error what goes on, for who looks for the reason of something. Where the shell or `top` has the terminal, send
    /// it elsewhere: `2> FILE`
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log: Option<Level>,
    #[command(flatten)]
    pub(crate) address: Address,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Exec(exec::Options),
    Shell(shell::Options),
    Events(events::Options),
    Decode(decode::Options),
    Lint(lint::Options),
    Schema(schema::Options),
    Serve(serve::Options),
    Record(record::Options),
    Replay(replay::Options),
    Wait(wait::Options),
    Top(top::Options),
    Completions(completions::Options),
    Man(man::Options),
}

/// Where the monitor is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Monitor")]
pub(crate) struct Address {
    /// The monitor's Unix socket, as in QEMU's `-qmp unix:PATH,server=on,wait=off`
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The monitor's TCP address, as in QEMU's `-qmp tcp:HOST:PORT,server=on,wait=off`
    #[arg(long, global = true, value_name = "HOST:PORT")]
    tcp: Option<String>,
    /// The monitor's address in any form: unix:PATH, @NAME or unix-abstract:NAME, tcp:HOST:PORT, vsock:CID:PORT, serial:PATH, fd:NUMBER
    #[arg(long, global = true, value_name = "ADDRESS")]
    connect: Option<qmp_std::Address>,
    /// The monitor's connection, as an open descriptor that was handed over
    #[arg(long, global = true, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(0..))]
    fd: Option<i32>,
    /// Waits so long for a virtual machine that is just starting, fractions allowed: tries again until it can be connected to
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    wait: Option<Duration>,
}

impl Address {
    /// Connects to the monitor. Ends the program with a usage error unless there is one address.
    pub(crate) fn connect(&self, options: &Options) -> Result<Monitor, qmp_std::Error> {
        let (options, address) = self.chosen(options);
        options.connect(&address)
    }

    /// Connects to the guest agent that is there instead of a monitor. Ends the program with a usage error unless there is one address.
    pub(crate) fn connect_agent(&self, options: &AgentOptions) -> Result<Agent, qmp_std::Error> {
        let address = self.only("the guest agent");
        match self.wait {
            Some(wait) => options.clone().deadline(wait).retry(true).connect(&address),
            None => options.connect(&address),
        }
    }

    /// The one address, and the options with what is said of waiting. Ends the program with a usage error unless there is one.
    pub(crate) fn chosen(&self, options: &Options) -> (Options, qmp_std::Address) {
        (self.patient(options), self.only("the monitor"))
    }

    /// The one address, that of `whom`. Ends the program with a usage error unless there is one.
    fn only(&self, whom: &str) -> qmp_std::Address {
        self.at_most_one().unwrap_or_else(|| {
            let message = format!(
                "where is {whom}? Give its address by --socket PATH, --tcp HOST:PORT, --connect ADDRESS or --fd NUMBER"
            );
            misuse(ErrorKind::MissingRequiredArgument, &message)
        })
    }

    /// `options` with what is said of waiting.
    pub(crate) fn patient(&self, options: &Options) -> Options {
        match self.wait {
            Some(wait) => options.clone().deadline(wait).retry(true),
            None => options.clone(),
        }
    }

    /// The address, if there is one. Ends the program with a usage error if there are several.
    pub(crate) fn at_most_one(&self) -> Option<qmp_std::Address> {
        let mut given = self.given();
        let address = given.pop();
        if !given.is_empty() {
            misuse(ErrorKind::ArgumentConflict, "--socket, --tcp, --connect and --fd exclude each other");
        }
        address
    }

    /// Each address that was given.
    fn given(&self) -> Vec<qmp_std::Address> {
        use qmp_std::Address::{Fd, Tcp, Unix};
        let all = [self.socket.clone().map(Unix), self.tcp.clone().map(Tcp), self.connect.clone(), self.fd.map(Fd)];
        all.into_iter().flatten().collect()
    }

    /// Where to listen, for a `command` that is a server itself. Ends the program with a usage error unless it is a Unix socket.
    pub(crate) fn listening_path(&self, command: &str) -> PathBuf {
        match &*self.given() {
            [qmp_std::Address::Unix(path)] => path.clone(),
            _ => misuse(
                ErrorKind::MissingRequiredArgument,
                &format!("{command} listens on a Unix socket: say where by --socket PATH"),
            ),
        }
    }

    /// Ends the program with a usage error if there is an address, which `command` has no use for.
    pub(crate) fn forbid(&self, command: &str) {
        if self.wait.is_some() || !self.given().is_empty() {
            misuse(
                ErrorKind::ArgumentConflict,
                &format!("{command} talks to no monitor: an address does not belong here"),
            );
        }
    }
}

/// Ends the program with a usage error, as clap does.
pub(crate) fn misuse(kind: ErrorKind, message: &str) -> ! {
    Cli::command().error(kind, message).exit()
}

/// A number of seconds, with or without a fraction.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}
