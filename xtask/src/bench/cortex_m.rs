//! Instructions on a Cortex-M: `benches/cortex-m`, built for one and run by QEMU, which counts them.
//!
//! With `-icount shift=0` an instruction takes a nanosecond, whatever the host does, and the board's timers go by that. So the counts of
//! a program are the same each time, and the program fails where its clock is another one.

use alloc::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use super::count::{self, Count};
use crate::bare_metal::BareMetal;
use crate::workspace::Workspace;
use crate::{packages, tool};

const BASE: &str = "benches/counts-cortex-m.json";
const FOLDER: &str = "benches/cortex-m";
const PROGRAM: &str = "qmp-benches-cortex-m";

/// One of those that are compared: its name, and the feature that it is built with.
pub(super) struct Subject {
    pub(super) name: &'static str,
    feature: &'static str,
}

pub(super) const SUBJECTS: [Subject; 4] = [
    Subject { name: "qmp", feature: "fast" },
    Subject { name: "qmp, the smaller scanner", feature: "qmp" },
    Subject { name: "serde-json-core", feature: "serde-json-core" },
    Subject { name: "picojson", feature: "picojson" },
];
/// Of them ours, which CI counts.
const OURS: usize = 2;
/// What it is built for, and how it is optimized; CI has the first.
pub(super) const BUILDS: [(&str, &str); 3] =
    [("thumbv7em-none-eabihf", "3"), ("thumbv7em-none-eabihf", "z"), ("thumbv6m-none-eabi", "3")];

/// Counts ours, and writes the base anew or compares with it.
pub(super) fn hold(workspace: &Workspace, update: bool) -> Result<()> {
    let bare_metal = prepare(workspace)?;
    let [build, ..] = BUILDS;
    let mut counts = Vec::new();
    for subject in &SUBJECTS[..OURS] {
        counts.extend(count(&bare_metal, build, subject)?.into_iter().map(|(count, _)| count));
    }
    count::hold_to(BASE, workspace, bare_metal.rustc()?, &counts, update)
}

/// Counts all, each twice, which must not differ.
pub(super) fn measure(workspace: &Workspace) -> Result<String> {
    let bare_metal = prepare(workspace)?;
    let rustc = bare_metal.rustc()?;
    let mut table = String::new();
    // By work: the number that comes of it, whoever does it.
    let mut outcomes = BTreeMap::new();
    for build in BUILDS {
        for subject in &SUBJECTS {
            let (counts, again) = (count(&bare_metal, build, subject)?, run(&bare_metal, build, subject)?);
            for ((count, outcome), (other, _)) in counts.iter().zip(&again) {
                let (work, first) = (&count.work, count.instructions);
                if first != other.instructions {
                    bail!("{work} by {}: {first} instructions, and then {}", subject.name, other.instructions);
                }
                let expected = outcomes.entry(work.clone()).or_insert_with(|| outcome.clone());
                if expected != outcome {
                    bail!("{work} by {}: {outcome} comes of it, and of another's {expected}", subject.name);
                }
                let Count { unit, amount, .. } = count;
                let (target, optimized) = build;
                let name = subject.name;
                table += &format!("{rustc}\t{target}\t{optimized}\t{work}\t{name}\t{unit}\t{amount}\t{first}\n");
            }
        }
    }
    print!("{table}");
    Ok(table)
}

fn prepare(workspace: &Workspace) -> Result<BareMetal> {
    packages::require(&[packages::QEMU_ARM])?;
    BareMetal::with_sources(workspace)
}

/// Builds it and runs it.
fn count(bare_metal: &BareMetal, build: (&str, &str), subject: &Subject) -> Result<Vec<(Count, String)>> {
    let (target, optimized) = build;
    let mut cargo = tool::cargo(["build", "--quiet", "--release"]);
    // In its own folder, where cargo finds its link arguments.
    cargo.current_dir(bare_metal.root.join(FOLDER));
    bare_metal.configure(&mut cargo, target, "core", subject.feature);
    let optimized = optimized.parse::<u8>().map_or_else(|_| format!("{optimized:?}"), |level| level.to_string());
    cargo.arg(format!("--config=profile.release.opt-level={optimized}"));
    tool::run(&mut cargo)?;
    run(bare_metal, build, subject)
}

/// Runs what was built last: each piece of work, with what came of it.
fn run(bare_metal: &BareMetal, (target, _): (&str, &str), subject: &Subject) -> Result<Vec<(Count, String)>> {
    // It takes seconds; a fault is a loop without an end.
    let mut qemu = tool::tool("timeout", ["300", "qemu-system-arm", "-M", "mps2-an386", "-icount", "shift=0"]);
    qemu.args(["-display", "none", "-monitor", "none", "-serial", "none"]);
    qemu.args(["-semihosting-config", "enable=on,target=native", "-kernel"]);
    let printed = tool::read(qemu.arg(bare_metal.program(target, PROGRAM)))?;
    let counts = printed.lines().map(|line| {
        let [work, unit, amount, instructions, outcome] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("{PROGRAM} printed {line:?}");
        };
        let (amount, instructions) = (amount.parse()?, instructions.parse()?);
        let (work, unit, subject) = (work.into(), unit.into(), subject.name.into());
        Ok((Count { work, unit, amount, subject, instructions }, outcome.to_owned()))
    });
    let counts = counts.collect::<Result<Vec<_>>>().context("a line of five")?;
    if counts.is_empty() { bail!("{PROGRAM} counted nothing") } else { Ok(counts) }
}
