//! `qmp man`: the manual.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_mangen::Man;

use crate::args::Cli;
use crate::output::Output;

/// Prints the manual page, or writes one for each subcommand
///
/// `qmp man | man -l -` shows it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder in which to write `qmp.1`, `qmp-exec.1` and so on, instead of printing the first of them
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if let Some(folder) = &options.folder {
        fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
            .with_context(|| format!("writing to {}", folder.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = Vec::new();
    Man::new(Cli::command()).render(&mut text)?;
    let mut output = Output::new();
    output.line(text.trim_ascii_end())?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
