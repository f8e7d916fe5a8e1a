//! `cargo xtask bench`: how much work the engine does, counted and timed, alone and beside others.
//!
//! `--check` is what CI holds: instructions, counted by callgrind, of ours alone, against `benches/counts.json`, and on a Cortex-M, by
//! QEMU, against `benches/counts-cortex-m.json`. The rest is for people: each stage leaves what it measured below `target`, and `--report` makes `docs/performance.md` of it.

mod cortex_m;
mod count;
mod report;
mod stage;

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::Args;

use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{packages, qemu, round_trip, tool};
use stage::{STAGES, Stage};

/// Of the releases to test with, those whose traffic is kept, and in which forms.
const FIXTURES: [(&str, &str); 3] = [("7.2", "compact"), ("7.2", "pretty"), ("11.1", "compact")];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Fails where ours takes more instructions than `benches/counts.json` and `counts-cortex-m.json` say; builds nothing else
    #[arg(long, conflicts_with_all = ["update", "capture", "report", "stages"])]
    check: bool,
    /// Writes `benches/counts.json` and `counts-cortex-m.json` anew
    #[arg(long, conflicts_with_all = ["capture", "report", "stages"])]
    update: bool,
    /// Records the traffic anew that all is measured with, of QEMU 7.2 and 11.1 (`QMP_QEMUS_DIR`)
    #[arg(long, conflicts_with_all = ["report", "stages"])]
    capture: bool,
    /// Makes `docs/performance.md` of what was measured last
    #[arg(long, conflicts_with = "stages")]
    report: bool,
    /// What to measure: counts, cortex-m, time, heap, grow, live; all without any, and then the report
    stages: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    if options.check || options.update {
        let mut steps = Steps::of("bench");
        add_to(&mut steps, &workspace, options.update);
        return Ok(steps.finish());
    }
    if options.capture {
        return capture(&workspace);
    }
    if options.report {
        return report::write(&workspace);
    }
    let chosen = |stage: &&Stage| options.stages.is_empty() || options.stages.iter().any(|name| name == stage.name);
    if let Some(strange) = options.stages.iter().find(|name| STAGES.iter().all(|stage| stage.name != **name)) {
        let names = STAGES.iter().map(|stage| stage.name).collect::<Vec<_>>();
        bail!("no stage {strange}; there are {}", names.join(", "));
    }
    for stage in STAGES.iter().filter(chosen) {
        println!("\n== {}: {}", stage.name, stage.why);
        let measured = (stage.measure)(&workspace)?;
        fs::write(stage.file(&workspace)?, measured)?;
    }
    if options.stages.is_empty() { report::write(&workspace) } else { Ok(ExitCode::SUCCESS) }
}

/// The gate.
pub(crate) fn add_to(steps: &mut Steps, workspace: &Workspace, update: bool) {
    steps.run("instructions", "what the work takes, by callgrind, is what it took", || {
        packages::require(&[packages::VALGRIND])?;
        count::hold(workspace, update)
    });
    steps.run("instructions on a Cortex-M", "the same by QEMU, where a word has 32 bits", || {
        cortex_m::hold(workspace, update)
    });
}

/// Call of a program of `benches`, built as it is measured.
fn build(workspace: &Workspace, folder: &str, features: &str, program: &str) -> Result<std::path::PathBuf> {
    let target = workspace.target.join(folder);
    let mut cargo =
        tool::cargo(["build", "--release", "--quiet", "--manifest-path", "benches/Cargo.toml", "--bin", program]);
    cargo.args(["--features", features, "--target-dir"]).arg(&target).current_dir(&workspace.root);
    // What is counted depends on them.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    if folder == RIVALS {
        cargo.env("RUSTFLAGS", "-Ctarget-cpu=x86-64-v3");
    }
    tool::run(&mut cargo)?;
    Ok(target.join("release").join(program))
}

/// Where ours is built, for any x86-64.
const OURS: &str = "benches";
/// Where ours and the others are built for AVX2, which two of them want to be told of at build time.
const RIVALS: &str = "benches-v3";

fn capture(workspace: &Workspace) -> Result<ExitCode> {
    let program = build(workspace, OURS, "capture", "capture")?;
    let qemus = qemu::to_test_with()?;
    for (release, form) in FIXTURES {
        let Some(qemu) = qemus.iter().find(|qemu| qemu.version().starts_with(release)) else {
            bail!("no QEMU {release} to record: QMP_QEMUS_DIR is to name a folder with one");
        };
        let file = workspace.root.join(format!("benches/fixtures/{release}-{form}.qmp.gz"));
        tool::run(Command::new(&program).arg(qemu.system()).arg(form).arg(file))?;
    }
    println!("now: cargo xtask bench --update");
    Ok(ExitCode::SUCCESS)
}

/// What `round-trip` prints, for the report.
fn live(_: &Workspace) -> Result<String> {
    round_trip::measure()
}
