//! The `qmp` program: talks to QEMU's monitor, decodes and checks recorded streams, brings a demo machine of its own.
//!
//! Each subcommand is a file or folder of its own, with its options; [`args`] lists them.

extern crate alloc;

mod args;
mod arguments;
mod completions;
mod decode;
mod demo;
mod events;
mod exec;
mod host;
mod lint;
mod logging;
mod man;
mod output;
mod record;
mod replay;
mod schema;
mod serve;
mod shell;
mod socket;
mod top;
mod transcript;
mod wait;

use core::fmt::Write as _;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let Cli { address, log, command } = Cli::parse();
    if let Some(level) = log {
        logging::start(level);
    }
    let outcome = match &command {
        None => {
            address.forbid("the demo");
            demo::run()
        }
        Some(Command::Exec(options)) => exec::run(options, &address),
        Some(Command::Events(options)) => events::run(options, &address),
        Some(Command::Decode(options)) => {
            address.forbid("decode");
            decode::run(options)
        }
        Some(Command::Lint(options)) => {
            address.forbid("lint");
            lint::run(options)
        }
        Some(Command::Schema(options)) => schema::run(options, &address),
        Some(Command::Shell(options)) => shell::run(options, &address),
        Some(Command::Serve(options)) => serve::run(options, &address),
        Some(Command::Record(options)) => record::run(options, &address),
        Some(Command::Replay(options)) => replay::run(options, &address),
        Some(Command::Wait(options)) => wait::run(options, &address),
        Some(Command::Top(options)) => top::run(options, &address),
        Some(Command::Completions(options)) => {
            address.forbid("completions");
            completions::run(options)
        }
        Some(Command::Man(options)) => {
            address.forbid("man");
            man::run(options)
        }
    };
    match outcome {
        Ok(code) => code,
        // Whoever reads has read enough: `qmp decode … | head`.
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // What a server said may be in it.
            eprintln!("qmp: {}", output::printable(&explain(&error)));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, those left out that were told already.
fn explain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            let _ = write!(text, "\n     because: {cause}");
        }
    }
    text
}
