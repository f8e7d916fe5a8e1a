//! The stages of a full run, each a table that it leaves for the report.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{OURS, RIVALS, build, cortex_m, count, live};
use crate::workspace::Workspace;
use crate::{packages, tool};

pub(super) struct Stage {
    pub(super) name: &'static str,
    pub(super) why: &'static str,
    pub(super) measure: fn(&Workspace) -> Result<String>,
}

pub(super) const STAGES: [Stage; 6] = [
    Stage { name: "counts", why: "instructions, by callgrind, of ours and others", measure: counts },
    Stage {
        name: "cortex-m",
        why: "instructions on a Cortex-M, by QEMU, of ours and others",
        measure: cortex_m::measure,
    },
    Stage { name: "time", why: "by the clock, in turns", measure: |workspace| rivals(workspace, "time") },
    Stage { name: "heap", why: "allocations, and what is refused", measure: |workspace| rivals(workspace, "heap") },
    Stage { name: "grow", why: "cost as the work grows, into docs/plots", measure: grow },
    Stage { name: "live", why: "round trips to real QEMUs", measure: live },
];

impl Stage {
    /// Where its table is.
    pub(super) fn file(&self, workspace: &Workspace) -> Result<PathBuf> {
        let folder = workspace.target.join("bench");
        fs::create_dir_all(&folder)?;
        Ok(folder.join(self.name).with_extension("tsv"))
    }

    /// What it measured last.
    pub(super) fn measured(name: &str, workspace: &Workspace) -> Result<String> {
        let stage = STAGES.iter().find(|stage| stage.name == name).context("a stage")?;
        let file = stage.file(workspace)?;
        fs::read_to_string(file).with_context(|| format!("nothing was measured yet: cargo xtask bench {name}"))
    }
}

fn counts(workspace: &Workspace) -> Result<String> {
    packages::require(&[packages::VALGRIND])?;
    let plain = count::all(&build(workspace, OURS, "", "count")?)?;
    let with_rivals = count::all(&build(workspace, RIVALS, "rivals", "count")?)?;
    let rows = |build: &str, counts: &[count::Count]| {
        counts.iter().map(|count| format!("{build}\t{}\n", count.row())).collect::<String>()
    };
    let table = [rows("x86-64", &plain), rows("x86-64-v3", &with_rivals)].concat();
    print!("{table}");
    Ok(table)
}

fn rivals(workspace: &Workspace, program: &str) -> Result<String> {
    let table = tool::read(&mut tool::tool(build(workspace, RIVALS, "rivals", program)?, [""; 0]))?;
    print!("{table}");
    Ok(table)
}

fn grow(workspace: &Workspace) -> Result<String> {
    let folder = workspace.root.join("docs/plots");
    fs::create_dir_all(&folder)?;
    let table = tool::read(&mut tool::tool(build(workspace, OURS, "plots", "grow")?, [folder]))?;
    print!("{table}");
    Ok(table)
}
