//! What the tests and proofs need of the machine. As root, what is missing is installed; anybody else is told the command.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Result, bail};

use crate::tool::{self, on_path, tool};

/// A Debian package and how to see that what it gives is there, by whichever way it came.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
    present: fn() -> bool,
}

/// What the names of packages with QEMU begin with, which must all be of one version.
const QEMU_SYSTEM: &str = "qemu-system-";
pub(crate) const QEMU: Package = Package {
    name: "qemu-system-x86",
    why: "the real QEMU that the tests talk to",
    present: || on_path("qemu-system-x86_64").is_some(),
};
pub(crate) const QEMU_ARM: Package = Package {
    name: "qemu-system-arm",
    why: "the QEMU that runs firmware for Cortex-M",
    present: || on_path("qemu-system-arm").is_some(),
};
pub(crate) const QEMU_MISC: Package = Package {
    name: "qemu-system-misc",
    why: "the QEMU that runs firmware for RISC-V",
    present: || on_path("qemu-system-riscv32").is_some(),
};
pub(crate) const QEMU_UTILS: Package = Package {
    name: "qemu-utils",
    why: "qemu-img, qemu-io and qemu-nbd, which read what the tests' machines write",
    present: || ["qemu-img", "qemu-io", "qemu-nbd"].iter().all(|tool| on_path(tool).is_some()),
};
pub(crate) const STRACE: Package = Package {
    name: "strace",
    why: "counts the system calls that a command costs",
    present: || on_path("strace").is_some(),
};
pub(crate) const VALGRIND: Package = Package {
    name: "valgrind",
    why: "counts the instructions that the work takes",
    present: || on_path("valgrind").is_some(),
};
pub(crate) const PYTHON_VENV: Package = Package {
    name: "python3-venv",
    why: "a place for the Python package qemu.qmp, the foreign client that our server must satisfy",
    present: || tool::succeeds(&mut tool("python3", ["-c", "import ensurepip, venv"])),
};
/// The compiler that Debian keeps for its browsers: the newest it has, and its sources can be had, which is what a bare-metal
/// target needs where rustup has none installed.
pub(crate) const RUSTC: Package = Package {
    name: "rustc-web",
    why: "a compiler that has its sources beside it, to build core for bare metal",
    present: || Path::new("/usr/bin/rustc").is_file(),
};
pub(crate) const RUST_SRC: Package = Package {
    name: "rust-web-src",
    why: "those sources",
    present: || Path::new("/usr/lib/rustlib/src/rust/library/Cargo.lock").is_file(),
};
pub(crate) const RUST_CLIPPY: Package = Package {
    name: "rust-web-clippy",
    why: "that compiler's lints, for what the host cannot build",
    present: || {
        let version = |program: &str, arguments: &[&str]| tool::read(&mut tool(program, arguments)).ok();
        let lints = version("/usr/bin/clippy-driver", &["--rustc", "--version"]);
        lints.is_some() && lints == version("/usr/bin/rustc", &["--version"])
    },
};
/// Of the LLVM that the pinned compiler is made with; an older one cannot read what its programs count.
pub(crate) const LLVM_VERSION: &str = "22";
pub(crate) const LLVM: Package = Package {
    name: "llvm-22",
    why: "llvm-profdata and llvm-cov, which tell the lines that were reached",
    present: || ["llvm-profdata-22", "llvm-cov-22"].iter().all(|tool| on_path(tool).is_some()),
};
pub(crate) const LLD: Package =
    Package { name: "lld", why: "a linker for bare metal", present: || on_path("ld.lld").is_some() };

/// Sees to it that all of these are there.
pub(crate) fn require(packages: &[Package]) -> Result<()> {
    let missing = packages.iter().filter(|package| !(package.present)()).collect::<Vec<_>>();
    if missing.is_empty() {
        return Ok(());
    }
    for package in &missing {
        println!("missing: {} ({})", package.name, package.why);
    }
    if on_path("apt-get").is_none() {
        bail!("this machine has no apt-get: install what the lines above name in its own way");
    }
    let mut install = ["install", "-y", "--no-install-recommends"].map(String::from).to_vec();
    install.extend(missing.iter().map(|package| package.name.to_owned()));
    if !is_root() {
        bail!("not root, so install them yourself: sudo apt-get update && sudo apt-get {}", install.join(" "));
    }
    tool::run(&mut tool("apt-get", ["update", "-q"]))?;
    // Only now: which version fits depends on the lists that were just fetched.
    if missing.iter().any(|package| package.name.starts_with(QEMU_SYSTEM)) {
        install.extend(fitting_qemu_utils());
    }
    tool::run(tool("apt-get", install).env("DEBIAN_FRONTEND", "noninteractive"))?;
    match missing.iter().find(|package| !(package.present)()) {
        Some(package) => {
            bail!("{} is installed, but what it is for is still not found on PATH", package.name)
        }
        None => Ok(()),
    }
}

/// A machine may have a newer qemu-utils than the release's QEMU (from backports), and apt would remove it to make room.
/// Asking for the one that fits keeps `qemu-img` there.
fn fitting_qemu_utils() -> Vec<String> {
    if on_path("qemu-img").is_none() {
        return Vec::new();
    }
    let policy = tool::read(&mut tool("apt-cache", ["policy", QEMU.name])).unwrap_or_default();
    candidate(&policy)
        .map_or_else(Vec::new, |version| vec!["--allow-downgrades".into(), format!("qemu-utils={version}")])
}

fn candidate(policy: &str) -> Option<&str> {
    policy
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate:"))
        .map(str::trim)
        .filter(|version| *version != "(none)")
}

fn is_root() -> bool {
    // The owner of our own process's folder is who we run as.
    fs::metadata("/proc/self")
        .map_or_else(|_| env::var_os("USER").is_some_and(|user| user == "root"), |own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_candidate_is_read_from_a_policy() {
        let policy = "qemu-system-x86:\n  Installed: (none)\n  Candidate: 1:7.2+dfsg-7+deb12u18+b3\n  Version table:\n";
        assert_eq!(candidate(policy), Some("1:7.2+dfsg-7+deb12u18+b3"));
        assert_eq!(candidate("x:\n  Candidate: (none)\n"), None);
        assert_eq!(candidate(""), None);
    }
}
