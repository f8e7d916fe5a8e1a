//! `cargo xtask round-trip`: what a command costs on a live monitor, beside a bare write and read and beside other clients.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{python, qemu, tool};

pub(crate) fn run() -> Result<ExitCode> {
    each(|_, call| tool::run(call))?;
    Ok(ExitCode::SUCCESS)
}

/// What it prints, with the release of QEMU in front of each line.
pub(crate) fn measure() -> Result<String> {
    let mut table = String::new();
    each(|version, call| {
        // Its status says whether ours is within its limit, of which the report tells, too.
        let printed = String::from_utf8_lossy(&tool::output(call)?.stdout).into_owned();
        print!("{printed}");
        table.extend(printed.lines().map(|line| format!("{version}\t{line}\n")));
        Ok(())
    })?;
    Ok(table)
}

/// Calls it for each QEMU.
fn each(mut with: impl FnMut(&str, &mut Command) -> Result<()>) -> Result<()> {
    let workspace = Workspace::load()?;
    let python = python::with_qemu_qmp(&workspace.target)?;
    for qemu in qemu::to_test_with()? {
        println!("\n== QEMU {}", qemu.version());
        let mut cargo = tool::cargo(["run", "--release", "--quiet", "--manifest-path", "benches/Cargo.toml"]);
        cargo.args(["--features", "live"]);
        cargo.arg("--target-dir").arg(workspace.target.join("benches")).args(["--bin", "round-trip", "--"]);
        with(qemu.version(), cargo.arg(qemu.system()).arg(&python).current_dir(&workspace.root))?;
    }
    Ok(())
}
