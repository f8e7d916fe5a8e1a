//! `qmp schema`: what the QEMU that runs has, and how that differs from a release.

mod compare;
mod difference;
pub(crate) mod expected;
pub(crate) mod live;
mod show;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use qmp_qapi::commands::QueryQmpSchema;
use qmp_qapi::registry::{Release, qmp};

use crate::args::Address;
use crate::output::{Line, Output};
use compare::Comparison;
use live::Live;
use show::Show;

/// Prints the commands, events and types that QEMU has, as it was built
///
/// One line each: command NAME(ARGUMENTS) -> RETURNED, event NAME(DATA), and the types that these name. A ? marks what may be
/// left out; brackets behind a name hold its features. QEMU tells no names of types: they are those of the catalogue, or else a
/// number, another one in the next QEMU.
///
/// With --diff the lines are differences: + what this QEMU has more than the release, - what it lacks, ~ what it has otherwise.
/// Exit status 1 means that there are some which no build option explains; where one may, it is named: (if CONFIG_X).
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these commands, events and types
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Prints how this QEMU differs from this release
    #[arg(long, value_name = "RELEASE")]
    diff: Option<Release>,
    /// Prints each line as a JSON object: name and line; of differences mark, name, line and if
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options, address: &Address) -> Result<ExitCode> {
    let mut monitor = address.connect(&qmp_std::Options::new())?;
    let live = monitor.send(&QueryQmpSchema {}, Live::read)?.context("the schema is not as a schema is")?;
    // What a type is called has hardly changed: any release will do where none is told.
    let greeted = monitor.server().version.map(Release::from);
    let newest = qmp().releases().last().copied().unwrap_or(Release::new(0, 0, 0));
    let comparison = Comparison::new(&live, options.diff.or(greeted).unwrap_or(newest));
    match options.diff {
        None => print(options, &live, &comparison),
        Some(release) => differences(options, release, newest, &comparison),
    }
}

fn print(options: &Options, live: &Live, comparison: &Comparison<'_>) -> Result<ExitCode> {
    let mut output = Output::new();
    let show = Show::new(live, comparison.names());
    let mut unknown: Vec<&String> = options.names.iter().collect();
    for (name, line) in show.lines() {
        if options.shows(&name) {
            unknown.retain(|wanted| **wanted != name);
            if options.json {
                let mut object = Line::default();
                object.member("name", &name);
                object.member("line", &line);
                output.line(&object.finish())?;
            } else {
                output.text(&line)?;
            }
        }
    }
    output.flush()?;
    for name in &unknown {
        eprintln!("qmp: this QEMU has no {name}");
    }
    Ok(if unknown.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn differences(options: &Options, release: Release, newest: Release, comparison: &Comparison<'_>) -> Result<ExitCode> {
    let mut output = Output::new();
    let (mut explained, mut left) = (0, 0);
    for difference in comparison.differences().iter().filter(|it| options.shows(&it.of)) {
        *(if difference.condition.is_some() { &mut explained } else { &mut left }) += 1;
        if options.json {
            output.line(&difference.json())?;
        } else {
            output.text(&difference.to_string())?;
        }
    }
    output.flush()?;
    let newer = if newest.series() < release.series() { ", of which nothing is known yet" } else { "" };
    eprintln!("qmp: against QEMU {release}{newer}: {left} differences, {explained} more by build options");
    Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Options {
    fn shows(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| wanted == name)
    }
}
