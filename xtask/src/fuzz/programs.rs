//! The programs: a target and libFuzzer in each.

use core::time::Duration;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::corpus;
use crate::tool::{self, tool};
use crate::workspace::Workspace;

/// What libFuzzer needs to see where a program goes: a counter for each edge, and the operands of comparisons. As `cargo fuzz` asks for.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 --cfg fuzzing";
/// The longest input.
const LONGEST: &str = "-max_len=4096";

#[derive(Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) name: String,
    pub(crate) executions: u64,
    pub(crate) a_second: u64,
    /// How many inputs were worth keeping, in all.
    pub(crate) inputs: usize,
    /// What broke, if anything did.
    pub(crate) found: String,
}

impl Programs {
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        let said = tool::read(&mut tool("rustc", ["-vV"]))?;
        let host = said.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc -vV tells no host")?;
        let target = workspace.target.join("fuzz");
        // With a target named, the flags are not for what runs while building.
        let mut cargo = tool::cargo(["build", "--release", "--bins", "--manifest-path", "fuzz/Cargo.toml"]);
        cargo.args(["--target", host]).arg("--target-dir").arg(&target);
        tool::run(cargo.env("RUSTFLAGS", FLAGS).current_dir(&workspace.root))?;
        Ok(Self { folder: target.join(host).join("release") })
    }

    /// Runs a target so long, or until something breaks.
    pub(crate) fn fuzz(&self, workspace: &Workspace, name: &str, time: Duration) -> Result<Ran> {
        let fuzz = workspace.target.join("fuzz");
        let (corpus, broken) = (fuzz.join("corpus").join(name), fuzz.join("broken").join(name));
        fs::create_dir_all(&broken)?;
        let log = fuzz.join(format!("{name}.log"));
        let to = File::create(&log).with_context(|| format!("{}", log.display()))?;
        let dictionary = workspace.root.join("fuzz").join("qmp.dict");
        let mut program = tool(self.folder.join(name), [LONGEST, "-timeout=25", "-print_final_stats=1"]);
        program.arg(format!("-max_total_time={}", time.as_secs())).arg(format!("-dict={}", dictionary.display()));
        program.arg(format!("-artifact_prefix={}/", broken.display())).arg(&corpus);
        program.stdout(Stdio::null()).stderr(to);
        let status = program.status().with_context(|| format!("cannot start {name}"))?;
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let stat = |what: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(&format!("stat::{what}:")));
            line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
        };
        let found = if status.success() { String::new() } else { tell(name, &said, &log) };
        let inputs = fs::read_dir(&corpus)?.count();
        let name = name.to_owned();
        let (executions, a_second) = (stat("number_of_executed_units"), stat("average_exec_per_sec"));
        Ok(Ran { name, executions, a_second, inputs, found })
    }

    /// Puts into `merged` as few inputs of the others as reach as much. Fails if one of them breaks something.
    pub(crate) fn merge(&self, workspace: &Workspace, name: &str, merged: &Path, others: &[PathBuf]) -> Result<()> {
        let broken = corpus::scratch(workspace, &format!("broken-{name}"))?;
        let mut program = tool(self.folder.join(name), ["-merge=1", LONGEST]);
        program.arg(format!("-artifact_prefix={}/", broken.display()));
        program.arg(merged).args(others.iter().filter(|folder| folder.is_dir()));
        tool::run(program.stdout(Stdio::null()).stderr(Stdio::null()))?;
        // libFuzzer leaves such an input out, and says nothing.
        match fs::read_dir(&broken)?.count() {
            0 => Ok(()),
            count => bail!("{name} breaks by {count} inputs, which are in {}", broken.display()),
        }
    }
}

/// Shows what broke, and says how to see it again.
fn tell(name: &str, said: &str, log: &Path) -> String {
    for line in said.lines().skip_while(|line| !line.contains("panicked at") && !line.contains("ERROR")).take(60) {
        println!("{name}: {line}");
    }
    let input = said.lines().find_map(|line| line.split_once("Test unit written to ").map(|(_, path)| path));
    format!("{name} broke by {}; all that it said is in {}", input.unwrap_or("no input"), log.display())
}
