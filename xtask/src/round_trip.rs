//! `cargo xtask round-trip`: what a command costs on a live monitor, beside a bare write and read and beside other clients.

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{python, qemu, tool};

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let python = python::with_qemu_qmp(&workspace.target)?;
    for qemu in qemu::to_test_with()? {
        println!("\n== QEMU {}", qemu.version());
        let mut cargo = tool::cargo(["run", "--release", "--quiet", "--manifest-path", "benches/Cargo.toml"]);
        cargo.arg("--target-dir").arg(workspace.target.join("benches")).args(["--bin", "round-trip", "--"]);
        tool::run(cargo.arg(qemu.system()).arg(&python).current_dir(&workspace.root))?;
    }
    Ok(ExitCode::SUCCESS)
}
