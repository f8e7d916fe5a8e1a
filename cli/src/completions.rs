//! `qmp completions`: what a shell must know to complete a command line.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::output::Output;

/// Prints what makes a shell complete this program's command lines
///
/// For bash: `qmp completions bash > ~/.local/share/bash-completion/completions/qmp`. For zsh: `_qmp` in a folder of its `fpath`.
/// For fish: `~/.config/fish/completions/qmp.fish`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "qmp", &mut text);
    let mut output = Output::new();
    output.line(text.trim_ascii_end())?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
