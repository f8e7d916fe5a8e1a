//! `cargo xtask fuzz`: the fuzz targets, each for a while; their corpora; what of the core these reach.
//!
//! libFuzzer's own driver, `cargo fuzz`, is not needed: the programs are built as it builds them, without a sanitizer, as there is no
//! unsafe code to watch. Overflow checks and debug assertions are on.

mod corpus;
mod coverage;
mod programs;

use core::num::NonZeroU64;
use core::time::Duration;
use std::fs;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{qemu, tool};
use programs::Programs;

/// How long each target runs where nothing else is said.
const BRIEFLY: Duration = Duration::from_secs(10);
/// How many run side by side.
const JOBS: usize = 2;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Ten seconds for each target, two of them side by side. This is what runs without any option, too
    #[arg(long, conflicts_with_all = ["minutes", "merge", "seeds", "coverage"])]
    check: bool,
    /// Runs each target for so many minutes
    #[arg(long)]
    minutes: Option<NonZeroU64>,
    /// Only this target; may be given more than once
    #[arg(long)]
    target: Vec<String>,
    /// Makes the committed corpora anew of all that was found: as few inputs, as short as can be, that reach as much
    #[arg(long)]
    merge: bool,
    /// Records traffic of each QEMU for the corpora to begin with; `--merge` takes it in
    #[arg(long)]
    seeds: bool,
    /// Tells which lines and branches of the core's `json` and `frame` the committed corpora reach, and its tests
    #[arg(long)]
    coverage: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("fuzz");
    if options.coverage {
        steps
            .run("coverage", "what of json and frame the corpora reach, and the tests", || coverage::print(&workspace));
        return Ok(steps.finish());
    }
    if options.seeds {
        steps.run("seeds", "what real QEMUs send", || record_seeds(&workspace));
    }
    if options.merge {
        let names = chosen(&corpus::targets(&workspace)?, &options.target)?;
        steps.run("merge", "the committed corpora, minimised", || merge(&workspace, &names));
    }
    if !options.seeds && !options.merge {
        let time = options.minutes.map_or(BRIEFLY, |minutes| Duration::from_secs(minutes.get().saturating_mul(60)));
        let names = chosen(&corpus::targets(&workspace)?, &options.target)?;
        steps.run("targets", "no bytes and no calls break a promise", || fuzz(&workspace, &names, time));
    }
    Ok(steps.finish())
}

/// The step of `cargo xtask ci`.
pub(crate) fn add_to(steps: &mut Steps, workspace: &Workspace) {
    steps.run("fuzz", "no bytes and no calls break a promise, ten seconds each", || {
        fuzz(workspace, &corpus::targets(workspace)?, BRIEFLY)
    });
}

fn chosen(all: &[String], wanted: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        bail!("there is no target {unknown}; there are {}", all.join(", "));
    }
    Ok(if wanted.is_empty() { all.to_vec() } else { wanted.to_vec() })
}

/// Runs each target so long, from its corpus and what earlier runs found.
fn fuzz(workspace: &Workspace, names: &[String], time: Duration) -> Result<()> {
    let programs = Programs::build(workspace)?;
    for name in names {
        corpus::unpack(workspace, name)?;
    }
    let waiting = Mutex::new(names.iter().rev().collect::<Vec<_>>());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.pop());
    let work = || {
        let mut ran = Vec::new();
        while let Some(name) = next() {
            ran.push(programs.fuzz(workspace, name, time));
        }
        ran
    };
    let ran = thread::scope(|scope| {
        let workers = (0..JOBS).map(|_| scope.spawn(work)).collect::<Vec<_>>();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect::<Vec<_>>()
    });
    let mut ran = ran.into_iter().collect::<Result<Vec<_>>>()?;
    ran.sort_by(|one, other| one.name.cmp(&other.name));
    println!("{:<12} {:>12} {:>10} {:>9}", "target", "executions", "a second", "inputs");
    for it in &ran {
        println!("{:<12} {:>12} {:>10} {:>9}", it.name, it.executions, it.a_second, it.inputs);
    }
    let executions = ran.iter().fold(0_u64, |sum, it| sum.saturating_add(it.executions));
    println!("{:<12} {executions:>12}", "all");
    match ran.iter().filter(|it| !it.found.is_empty()).map(|it| it.found.as_str()).collect::<Vec<_>>() {
        found if found.is_empty() && ran.len() == names.len() => Ok(()),
        found if found.is_empty() => bail!("{} of {} targets ran", ran.len(), names.len()),
        found => bail!("{}", found.join("; ")),
    }
}

fn merge(workspace: &Workspace, names: &[String]) -> Result<()> {
    let programs = Programs::build(workspace)?;
    for name in names {
        let found = corpus::unpack(workspace, name)?;
        let seeds = corpus::seeds(workspace, name);
        let merged = corpus::scratch(workspace, &format!("merged-{name}"))?;
        programs.merge(workspace, name, &merged, &[found, seeds])?;
        corpus::pack(workspace, name, &merged)?;
    }
    Ok(())
}

fn record_seeds(workspace: &Workspace) -> Result<()> {
    let folder = corpus::seeds(workspace, "");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    }
    let mut cargo = tool::cargo(["run", "--package", "qmp-tests", "--example", "fuzz_seeds", "--"]);
    cargo.arg(&folder).current_dir(&workspace.root).envs(qemu::given(&qemu::to_test_with()?));
    tool::run(&mut cargo)
}
