//! `cargo xtask states`: writes `docs/states.md`. A test holds it against the code.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::tool;
use crate::workspace::Workspace;

const FILE: &str = "docs/states.md";

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut cargo = tool::cargo(["run", "--quiet", "--package", "qmp-tests", "--bin", "states"]);
    let text = tool::read(cargo.current_dir(&workspace.root))?;
    fs::write(workspace.root.join(FILE), text).with_context(|| format!("cannot write {FILE}"))?;
    println!("wrote {FILE}");
    Ok(ExitCode::SUCCESS)
}
