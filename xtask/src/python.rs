//! A Python that has `qemu.qmp`, QEMU's own client library: the foreign client that our server must satisfy.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::packages;
use crate::tool::{self, tool};

/// Named with its version, so that a run of today and one of next year test the same thing.
const PACKAGE: &str = "qemu.qmp==0.0.6";

/// The interpreter to use: the machine's own if it has the package, else one in an environment under `target`.
pub(crate) fn with_qemu_qmp(target: &Path) -> Result<PathBuf> {
    if imports(Path::new("python3")) {
        let path = tool::read(&mut tool("python3", ["-c", "import sys; print(sys.executable, end='')"]))?;
        return Ok(path.into());
    }
    let environment = target.join("qemu-qmp-venv");
    let python = environment.join("bin/python3");
    if !imports(&python) {
        packages::require(&[packages::PYTHON_VENV])?;
        tool::run(tool("python3", ["-m", "venv", "--clear"]).arg(&environment))?;
        tool::run(&mut tool(&python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]))?;
    }
    Ok(python)
}

fn imports(python: &Path) -> bool {
    tool::succeeds(&mut tool(python, ["-c", "import qemu.qmp"]))
}
