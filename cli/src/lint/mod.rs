//! `qmp lint`: a transcript against the vocabulary of a release.

mod documents;
mod envelope;
mod id;
mod linter;
mod message;
mod pending;
mod release;
mod report;

use core::num::NonZeroU32;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use qmp_qapi::registry::{self, Release, Vocabulary};

use crate::output::Output;
use documents::Document;
pub(crate) use id::canonical;
use linter::Linter;
use report::Report;

/// Tells what of a recorded session does not fit a release of QEMU
///
/// Reads commands and what a server sent, in any mix: JSON objects with white space between them or none, on one line or many.
/// Replies belong to commands by their id, or else by their order. Prints a line for each thing that the release does not know,
/// lacks, or has in another form: FILE:LINE: NAME: PLACE: REASON. What depends on how QEMU was built is taken as built in.
/// A transcript, which `qmp record` writes, is read as well. A summary goes to standard error. Exit status 1 means that something does not fit.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The release to check against [default: the one that greets in the file, or else the newest known]
    #[arg(long, value_name = "RELEASE")]
    qemu: Option<Release>,
    /// The session is one with a guest agent
    #[arg(long)]
    agent: bool,
    /// The most bytes that a message may have to be looked at
    #[arg(long, value_name = "BYTES", default_value = "67108864")]
    limit: NonZeroU32,
    /// Prints each line as a JSON object: file, line, name and misfit, where PLACE: REASON stands
    #[arg(long)]
    json: bool,
    /// The recorded session; standard input if there is none or it is `-`
    file: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let (source, name) = options.open()?;
    let mut linter = Linter::new(options.vocabulary(), options.agent, options.qemu);
    let mut report = Report::new(&name, Output::new(), options.json);
    let document = |document: Document<'_>, report: &mut Report<'_>| linter.document(document, report);
    documents::read((source, &name), options.limit, &mut report, document)?;
    report.flush()?;
    let summary = linter.summary();
    eprintln!("qmp: {summary}");
    Ok(if summary.all_fits() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Options {
    /// The stream, and what to call it.
    fn open(&self) -> Result<(Box<dyn Read>, String)> {
        match &self.file {
            Some(path) if path.as_os_str() != "-" => {
                let name = path.display().to_string();
                let file = File::open(path).with_context(|| format!("opening {name}"))?;
                Ok((Box::new(file), name))
            }
            _ => Ok((Box::new(io::stdin().lock()), "-".into())),
        }
    }

    fn vocabulary(&self) -> &'static Vocabulary {
        if self.agent { registry::guest_agent() } else { registry::qmp() }
    }
}
