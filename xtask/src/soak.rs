//! `cargo xtask soak`: what takes longer than a test should. Millions of messages over a line on which everything goes wrong; on request
//! hostile peers with lines of a gigabyte, and hundreds of thousands of commands to real QEMUs.

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{qemu, tool};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Messages between a client and a server of ours
    #[arg(long, default_value_t = 10_000_000)]
    messages: u64,
    /// What goes wrong, and when, depends on it alone
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Does instead what hostile peers do: lines of so many bytes, and a million times all that is not a line
    #[arg(long, value_name = "BYTES", num_args = 0..=1, default_missing_value = "1073741824")]
    hostile: Option<u64>,
    /// Has each QEMU execute so many commands instead
    #[arg(long, value_name = "COMMANDS", num_args = 0..=1, default_missing_value = "200000")]
    qemu: Option<u64>,
}

/// Optimized, and with the checks of a test; without the vocabulary, which takes long to optimize and has no part in it.
const PROFILE: &str = "soak";
const MANY: u64 = 1_000_000;

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("soak");
    let program = |arguments: &[&str]| {
        let cargo = ["run", "--quiet", "--profile", PROFILE, "--package", "qmp-tests", "--bin", "soak", "--"];
        let mut cargo: Command = tool::cargo(cargo);
        cargo.args(arguments).current_dir(&workspace.root);
        cargo
    };
    if let Some(bytes) = options.hostile {
        steps.run("hostile peers", "memory is what was lent, and each session goes on as it should", || {
            tool::run(&mut program(&["hostile", &bytes.to_string(), &MANY.to_string()]))
        });
    }
    if let Some(commands) = options.qemu {
        steps.run("real QEMUs", "each command ends once, and memory does not grow", || {
            let given = qemu::given(&qemu::to_test_with()?);
            tool::run(program(&["qemu", &commands.to_string()]).envs(given))
        });
    }
    if options.hostile.is_none() && options.qemu.is_none() {
        steps.run(
            "a bad line",
            "each message is as foretold, each command ends once, and memory does not grow",
            || tool::run(&mut program(&["line", &options.messages.to_string(), &options.seed.to_string()])),
        );
    }
    Ok(steps.finish())
}
