//! Builds for bare metal, with whatever of this machine can: the toolchain that runs us, or one that has its sources beside it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::packages;
use crate::tool::{self, on_path, tool};
use crate::workspace::Workspace;

/// The smallest Cortex-M, without atomic compare-and-swap, and one with an FPU, as firmware uses them.
pub(crate) const CORTEX_M: [&str; 2] = ["thumbv6m-none-eabi", "thumbv7em-none-eabihf"];
/// All that is built for.
const TARGETS: [&str; 4] =
    ["thumbv6m-none-eabi", "thumbv7em-none-eabihf", "thumbv7m-none-eabi", "riscv32imac-unknown-none-elf"];

/// A way to build for bare metal on this machine.
pub(crate) struct BareMetal {
    pub(crate) root: PathBuf,
    target: PathBuf,
    compiler: Compiler,
}

enum Compiler {
    /// The toolchain that runs us has the targets' libraries.
    Targets,
    /// This one has its own sources, and builds their `core` anew; it needs a linker for bare metal beside it.
    Sources { rustc: PathBuf, linker: PathBuf },
}

impl BareMetal {
    /// Any way.
    pub(crate) fn find(workspace: &Workspace) -> Result<Self> {
        match Compiler::targets()? {
            Some(compiler) => Ok(Self::with(workspace, compiler)),
            None => {
                println!("no bare-metal target is installed (rustup target add {})", TARGETS.join(" "));
                Self::with_sources(workspace)
            }
        }
    }

    /// One that builds `core` as the program's profile says.
    pub(crate) fn with_sources(workspace: &Workspace) -> Result<Self> {
        if let Some(compiler) = Compiler::sources()? {
            return Ok(Self::with(workspace, compiler));
        }
        packages::require(&[packages::RUSTC, packages::RUST_SRC])?;
        if linker(&sysroot("rustc")?)?.is_none() {
            packages::require(&[packages::LLD])?;
        }
        let compiler = Compiler::sources()?.context("the compiler that was installed does not find its own sources")?;
        Ok(Self::with(workspace, compiler))
    }

    fn with(workspace: &Workspace, compiler: Compiler) -> Self {
        // Of its own, since another compiler than that of the workspace may build there.
        let target = workspace.target.join("no-std");
        Self { root: workspace.root.clone(), target, compiler }
    }

    /// Makes a call of cargo build for `target`; `crates` are those of the standard library that it needs.
    pub(crate) fn configure(&self, cargo: &mut Command, target: &str, crates: &str, features: &str) {
        self.configure_for(cargo, &[target], crates, features);
    }

    /// The same for several targets: each is optimized by itself, and so side by side.
    pub(crate) fn configure_for(&self, cargo: &mut Command, targets: &[&str], crates: &str, features: &str) {
        // Flags from outside would replace the program's own.
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo.arg("--target-dir").arg(&self.target).args(targets.iter().flat_map(|target| ["--target", target]));
        if !features.is_empty() {
            cargo.args(["--features", features]);
        }
        if let Compiler::Sources { rustc, linker } = &self.compiler {
            cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1").arg(format!("-Zbuild-std={crates}"));
            for target in targets {
                let linker_of_target = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
                cargo.env(linker_of_target, linker);
            }
        }
    }

    /// A call of the compiler's own clippy, still to be configured.
    pub(crate) fn clippy(&self) -> Result<Command> {
        match &self.compiler {
            Compiler::Sources { rustc, .. } if rustc.is_absolute() => {
                packages::require(&[packages::RUST_CLIPPY])?;
                Ok(tool(rustc.with_file_name("cargo-clippy"), ["clippy"]))
            }
            _ => Ok(tool::cargo(["clippy"])),
        }
    }

    /// The compiler, as it calls itself.
    pub(crate) fn rustc(&self) -> Result<String> {
        let rustc = match &self.compiler {
            Compiler::Targets => Path::new("rustc"),
            Compiler::Sources { rustc, .. } => rustc,
        };
        Ok(tool::read(&mut tool(rustc, ["--version"]))?.trim().to_owned())
    }

    /// Where a release build leaves a program.
    pub(crate) fn program(&self, target: &str, name: &str) -> PathBuf {
        self.target.join(target).join("release").join(name)
    }
}

impl Compiler {
    fn targets() -> Result<Option<Self>> {
        let own = sysroot("rustc")?.join("lib/rustlib");
        Ok(TARGETS.iter().all(|target| own.join(target).join("lib").is_dir()).then_some(Self::Targets))
    }

    fn sources() -> Result<Option<Self>> {
        let Some(linker) = linker(&sysroot("rustc")?)? else { return Ok(None) };
        for rustc in [Path::new("rustc"), Path::new("/usr/bin/rustc")] {
            let has_sources = |sysroot: PathBuf| sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").is_file();
            if sysroot(rustc).is_ok_and(has_sources) {
                return Ok(Some(Self::Sources { rustc: rustc.into(), linker }));
            }
        }
        Ok(None)
    }
}

fn sysroot(rustc: impl AsRef<Path>) -> Result<PathBuf> {
    let printed = tool::read(&mut tool(rustc.as_ref(), ["--print", "sysroot"]))?;
    Ok(printed.trim().into())
}

/// The linker that comes with a toolchain of rustup's, or LLVM's own.
fn linker(sysroot: &Path) -> Result<Option<PathBuf>> {
    let host = tool::read(&mut tool("rustc", ["--print", "host-tuple"]))?;
    let bundled = sysroot.join("lib/rustlib").join(host.trim()).join("bin/rust-lld");
    Ok(Some(bundled).filter(|linker| linker.is_file()).or_else(|| on_path("ld.lld")))
}
