//! `cargo xtask panic`: links the core and the vocabulary into a bare-metal program that has no std, no allocator, and whose panic handler calls
//! a symbol that exists nowhere. So the link fails as soon as the compiler cannot rule out one panic.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::Args;

use crate::bare_metal::{BareMetal, CORTEX_M};
use crate::steps::Steps;
use crate::workspace::{CORE, Workspace};
use crate::{elf, tool};

const PROGRAM: &str = "qmp-no-std";
/// What is proven: the scanner without and with its fast paths, as features of the proof, with all that it can do; and how it is
/// optimized. What the compiler can rule out depends on both, and the firmware of most is made for size alone.
const PROOFS: [(&str, &str, &str); 3] =
    [("byte by byte", "delivery", PROFILE), ("fast", "fast,delivery", PROFILE), ("fast, z", "fast,delivery", "z")];
/// The `opt-level` of the proof's profile.
const PROFILE: &str = "s";
/// The feature of the proof that adds a reachable panic.
const CONTROL: &str = "reachable-panic,delivery";
/// The feature of the proof that lets panics in, to find them.
const TOLERANT: &str = "tolerate-panics";
/// What the linker misses where a panic can be reached.
const MISSING: &str = "panic_is_reachable";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Fails where a panic can be reached, as it does without this: there is nothing to write
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(_: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("panic");
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

    for (scanner, features, optimized) in PROOFS {
        let why = format!("links without std, allocator and panic for {}", CORTEX_M.join(", "));
        steps.run(format_args!("bare metal, {scanner}"), &why, || {
            if let Err(error) = tool::run(&mut link(&bare_metal, &CORTEX_M, features, optimized)) {
                let places = CORTEX_M.map(|target| reachable_panics(&bare_metal, target, features, optimized));
                bail!("{error}{}", places.concat());
            }
            for target in CORTEX_M {
                let program = elf::read(&bare_metal.program(target, PROGRAM))?;
                println!("size for {target}, {scanner}: {}", program.size);
                if !program.forbidden.is_empty() {
                    bail!("linked in for {target}: {}", program.forbidden.join(", "));
                }
            }
            Ok(())
        });
    }
    steps.run("bare metal, control", "one panic let in on purpose must break the link, for each of them", || {
        let output = tool::output(link(&bare_metal, &CORTEX_M, CONTROL, PROFILE).arg("--keep-going"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            bail!("it linked all the same: the proof proves nothing");
        }
        if said.matches(MISSING).count() < CORTEX_M.len() {
            bail!("it did not fail for each of them, or for another reason:\n{said}");
        }
        Ok(())
    });

    // On the smaller of the two, which lacks more.
    let [target, _] = CORTEX_M;
    let core = workspace.package(CORE)?;
    steps.run(
        format_args!("{target}, features"),
        "every feature of core builds without std, and all but one without alloc",
        || {
            let without_alloc = core.features_without(&["alloc"]);
            tool::run(&mut check_core(&bare_metal, target, "core", &without_alloc))?;
            tool::run(&mut check_core(&bare_metal, target, "core,alloc", &core.features_without(&[])))
        },
    );
    Ok(())
}

/// The proof is a workspace of its own: its profile and its lock file are part of it.
fn link(bare_metal: &BareMetal, targets: &[&str], features: &str, optimized: &str) -> Command {
    let mut cargo = tool::cargo(["build", "--release"]);
    // In its own folder, where cargo finds the proof's link arguments.
    cargo.current_dir(bare_metal.root.join("tests/no-std"));
    bare_metal.configure_for(&mut cargo, targets, "core", features);
    cargo.arg(format!("--config=profile.release.opt-level={optimized:?}"));
    cargo
}

/// Where the panics are that broke the link, if it was panics.
fn reachable_panics(bare_metal: &BareMetal, target: &str, features: &str, optimized: &str) -> String {
    let tolerant = format!("{TOLERANT},{features}");
    let linked = tool::output(&mut link(bare_metal, &[target], &tolerant, optimized))
        .is_ok_and(|output| output.status.success());
    let program = bare_metal.program(target, PROGRAM);
    let places = if linked { elf::panics(&program).unwrap_or_default() } else { Vec::new() };
    places.into_iter().map(|place| format!("\n  a panic can be reached at {place}")).collect()
}

fn check_core(bare_metal: &BareMetal, target: &str, crates: &str, features: &str) -> Command {
    let mut cargo = tool::cargo(["check", "--package", CORE, "--lib", "--no-default-features"]);
    cargo.current_dir(&bare_metal.root);
    bare_metal.configure(&mut cargo, target, crates, features);
    cargo
}
