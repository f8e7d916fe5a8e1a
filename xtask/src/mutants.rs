//! `cargo xtask mutants`: changes the code that reads a peer's bytes, a place at a time, and tells which changes no test has seen.
//!
//! What is changed, and which tests must see it, is in `.cargo/mutants.toml`. All of it takes hours: `--shard 0/12` is every twelfth.

use std::fs;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::installed::MUTANTS;
use crate::steps::Steps;
use crate::tool;
use crate::workspace::Workspace;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only the Kth of N parts, counted from 0; each has something of every file
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
    /// Only files of this pattern, as `core/src/frame/*.rs`; may be given more than once
    #[arg(long, value_name = "GLOB")]
    file: Vec<String>,
    /// Only changes whose names have this regular expression, as ` in keep$`
    #[arg(long, value_name = "REGEX")]
    re: Vec<String>,
    /// Tells how many there are, and changes nothing
    #[arg(long)]
    count: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("mutants");
    steps.run("mutants", "what a test would not see if it broke", || mutate(&workspace, options));
    Ok(steps.finish())
}

fn mutate(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut mutants = MUTANTS.call(workspace)?;
    mutants.arg("--workspace");
    // One after the other onto the parts, for neighbours are alike.
    mutants.args(options.shard.iter().flat_map(|shard| ["--sharding", "round-robin", "--shard", shard]));
    mutants.args(options.file.iter().flat_map(|file| ["--file", file]));
    mutants.args(options.re.iter().flat_map(|re| ["--re", re]));
    if options.count {
        println!("{} mutants", tool::read(mutants.arg("--list"))?.lines().count());
        return Ok(());
    }
    let output = workspace.target.join("mutants");
    fs::create_dir_all(&output)?;
    // Nobody debugs them.
    tool::run(mutants.args(["--jobs", "2", "--output"]).arg(&output).env("CARGO_PROFILE_DEV_DEBUG", "0"))
}
