//! `cargo xtask build-time`: how long the vocabulary takes to build, all of it and its largest chapter.

use std::fs;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::steps::Steps;
use crate::tool;
use crate::workspace::{VOCABULARY, Workspace};

/// Features, and the seconds that building them may take on two cores, dependencies built before.
const LIMITS: [(&str, f64); 2] = [("all", 30.0), ("block-core", 6.0)];
/// Other programs take time, too: one run of these within the limit is enough.
const RUNS: usize = 3;

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("build-time");
    add_to(&mut steps, &workspace);
    Ok(steps.finish())
}

pub(crate) fn add_to(steps: &mut Steps, workspace: &Workspace) {
    for (features, limit) in LIMITS {
        let why = format!("at most {limit} s, dependencies not counted");
        steps.run(format_args!("build of the vocabulary, {features}"), &why, || {
            tool::run(&mut cargo(workspace, &["build", "--features", features]))?;
            let mut best = f64::INFINITY;
            for _ in 0..RUNS {
                best = best.min(seconds(workspace, features)?);
                if best <= limit {
                    return Ok(());
                }
            }
            bail!("{best:.1} s, the best of {RUNS}; the limit is {limit} s")
        });
    }
}

/// Builds the vocabulary alone, prints what it took, and returns it.
fn seconds(workspace: &Workspace, features: &str) -> Result<f64> {
    tool::read(&mut cargo(workspace, &["clean"]))?;
    let (start, before) = (Instant::now(), processor_seconds());
    tool::read(&mut cargo(workspace, &["build", "--quiet", "--features", features]))?;
    let took = start.elapsed().as_secs_f64();
    match before.zip(processor_seconds()) {
        Some((before, after)) => println!("{features}: {took:.1} s, of processor time {:.1} s", after - before),
        None => println!("{features}: {took:.1} s"),
    }
    Ok(took)
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut cargo = tool::cargo(arguments);
    // In a folder of its own: `clean` takes nothing from anybody there.
    cargo.args(["--package", VOCABULARY, "--target-dir"]).arg(workspace.target.join("build-time"));
    cargo.current_dir(&workspace.root).env("CARGO_INCREMENTAL", "0");
    cargo
}

/// What the programs that we started and that have ended took of the processors, where the system tells.
fn processor_seconds() -> Option<f64> {
    const TICKS_A_SECOND: f64 = 100.0;
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, in parentheses: the state, then numbers, of which the 13th and 14th are meant.
    let (_, numbers) = text.rsplit_once(')')?;
    let mut children = numbers.split_whitespace().skip(13).map_while(|number| number.parse::<f64>().ok());
    Some((children.next()? + children.next()?) / TICKS_A_SECOND)
}
