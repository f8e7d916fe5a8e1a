//! `cargo xtask no-std`: links the core into a bare-metal program that has no std, no allocator, and whose panic handler calls
//! a symbol that exists nowhere. So the link fails as soon as the compiler cannot rule out one panic.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::steps::Steps;
use crate::tool::{self, on_path, tool};
use crate::workspace::{CORE, Workspace};
use crate::{elf, packages};

/// The smallest Cortex-M, without atomic compare-and-swap, and one with an FPU, as firmware uses them.
const TARGETS: [&str; 2] = ["thumbv6m-none-eabi", "thumbv7em-none-eabihf"];
/// The scanner without and with its fast paths, as features of the proof.
const SCANNERS: [(&str, &str); 2] = [("byte by byte", ""), ("fast", "fast")];
/// The feature of the proof that adds a reachable panic.
const CONTROL: &str = "reachable-panic";
/// The feature of the proof that lets panics in, to find them.
const TOLERANT: &str = "tolerate-panics";
/// What the linker misses where a panic can be reached.
const MISSING: &str = "panic_is_reachable";

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("no-std");
    add_to(&mut steps, &workspace)?;
    Ok(steps.finish())
}

pub(crate) fn add_to(steps: &mut Steps, workspace: &Workspace) -> Result<()> {
    let mut found = None;
    steps.run("bare metal", "a compiler and a linker for it are here", || {
        found = Some(BareMetal::find(workspace)?);
        Ok(())
    });
    let Some(bare_metal) = found else { return Ok(()) };

    for target in TARGETS {
        for (scanner, features) in SCANNERS {
            let name = format!("{target}, {scanner}");
            steps.run(&name, "links without std, allocator and panic", || {
                if let Err(error) = tool::run(&mut bare_metal.link(target, features)) {
                    bail!("{error}{}", bare_metal.reachable_panics(target, features));
                }
                let program = elf::read(&bare_metal.program(target))?;
                println!("size of {name}: {}", program.size);
                if !program.forbidden.is_empty() {
                    bail!("linked in: {}", program.forbidden.join(", "));
                }
                Ok(())
            });
        }
        let name = format!("{target}, control");
        steps.run(&name, "one panic let in on purpose must break the link", || {
            let output = tool::output(&mut bare_metal.link(target, CONTROL))?;
            let said = String::from_utf8_lossy(&output.stderr);
            if output.status.success() {
                bail!("it linked all the same: the proof proves nothing");
            }
            if !said.contains(MISSING) {
                bail!("it failed for another reason:\n{said}");
            }
            Ok(())
        });
    }

    // On the smaller of the two, which lacks more.
    let [target, _] = TARGETS;
    let core = workspace.package(CORE)?;
    steps.run(
        format_args!("{target}, features"),
        "every feature of core builds without std, and all but one without alloc",
        || {
            let without_alloc = core.features_without(&["alloc"]);
            tool::run(&mut bare_metal.check_core(target, "core", &without_alloc))?;
            tool::run(&mut bare_metal.check_core(target, "core,alloc", &core.features_without(&[])))
        },
    );
    Ok(())
}

/// A way to build for bare metal on this machine.
struct BareMetal {
    root: PathBuf,
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
    fn find(workspace: &Workspace) -> Result<Self> {
        let compiler = match Compiler::present()? {
            Some(compiler) => compiler,
            None => {
                println!(
                    "no bare-metal target is installed (rustup target add {}): building core from sources",
                    TARGETS.join(" ")
                );
                packages::require(&[packages::RUSTC, packages::RUST_SRC])?;
                if linker(&sysroot("rustc")?)?.is_none() {
                    packages::require(&[packages::LLD])?;
                }
                Compiler::present()?.context("the compiler that was installed does not find its own sources")?
            }
        };
        // Of its own, since another compiler than that of the workspace may build there.
        let target = workspace.target.join("no-std");
        Ok(Self { root: workspace.root.clone(), target, compiler })
    }

    /// The proof is a workspace of its own: its profile and its lock file are part of it.
    fn link(&self, target: &str, features: &str) -> Command {
        let mut cargo = tool::cargo(["build", "--release"]);
        // In its own folder, where cargo finds the proof's link arguments.
        cargo.current_dir(self.root.join("tests/no-std"));
        self.configure(&mut cargo, target, "core", features);
        cargo
    }

    /// Where the panics are that broke the link, if it was panics.
    fn reachable_panics(&self, target: &str, features: &str) -> String {
        let tolerant = format!("{TOLERANT},{features}");
        let linked = tool::output(&mut self.link(target, &tolerant)).is_ok_and(|output| output.status.success());
        let places = if linked { elf::panics(&self.program(target)).unwrap_or_default() } else { Vec::new() };
        places.into_iter().map(|place| format!("\n  a panic can be reached at {place}")).collect()
    }

    fn check_core(&self, target: &str, crates: &str, features: &str) -> Command {
        let mut cargo = tool::cargo(["check", "--package", CORE, "--lib", "--no-default-features"]);
        cargo.current_dir(&self.root);
        self.configure(&mut cargo, target, crates, features);
        cargo
    }

    fn configure(&self, cargo: &mut Command, target: &str, crates: &str, features: &str) {
        // Flags from outside would replace the proof's own.
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo.args(["--target", target, "--target-dir"]).arg(&self.target);
        if !features.is_empty() {
            cargo.args(["--features", features]);
        }
        if let Compiler::Sources { rustc, linker } = &self.compiler {
            let linker_of_target = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
            cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1").env(linker_of_target, linker);
            cargo.arg(format!("-Zbuild-std={crates}"));
        }
    }

    fn program(&self, target: &str) -> PathBuf {
        self.target.join(target).join("release/qmp-no-std")
    }
}

impl Compiler {
    fn present() -> Result<Option<Self>> {
        let own = sysroot("rustc")?;
        if TARGETS.iter().all(|target| own.join("lib/rustlib").join(target).join("lib").is_dir()) {
            return Ok(Some(Self::Targets));
        }
        let Some(linker) = linker(&own)? else { return Ok(None) };
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
