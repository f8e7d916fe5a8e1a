//! `cargo xtask firmware`: builds the firmware, runs it in QEMU, and has the tests named `firmware_*` talk to it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::bare_metal::BareMetal;
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{elf, packages, python, qemu, tool};

/// What the names of tests with firmware begin with.
pub(crate) const TEST: &str = "firmware_";
/// The boards that it runs on, as QEMU calls them, and the target of each; and the first of them with other processors, for the code that
/// is made for those.
const BOARDS: [(&str, &str); 4] = [
    ("lm3s6965evb", "thumbv7m-none-eabi"),
    ("virt", "riscv32imac-unknown-none-elf"),
    ("cortex-m0", "thumbv6m-none-eabi"),
    ("cortex-m4", "thumbv7em-none-eabihf"),
];
/// All that it is built for: at once those for which crates have the same features, as cargo has a crate with those of all.
const TARGETS: [&[&str]; 2] =
    [&["thumbv7m-none-eabi", "thumbv6m-none-eabi", "thumbv7em-none-eabihf"], &["riscv32imac-unknown-none-elf"]];
const PROGRAMS: [&str; 2] = ["qmp-pilot", "qmp-agent"];
/// What the agent may have of RAM, all told, in bytes.
const AGENT_RAM: u64 = 8192;

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("firmware");
    add_to(&mut steps, &workspace, true)?;
    Ok(steps.finish())
}

/// With `shown`, all that is said is printed; without, what went wrong.
pub(crate) fn add_to(steps: &mut Steps, workspace: &Workspace, shown: bool) -> Result<()> {
    let tests = workspace.tests().filter(|name| name.starts_with(TEST)).collect::<Vec<_>>();
    if tests.is_empty() {
        bail!("no package has a tests/{TEST}*.rs, so no firmware would be run");
    }
    let mut found = None;
    steps.run("bare metal", "a compiler for the boards, and QEMUs that have them", || {
        packages::require(&[packages::QEMU_ARM, packages::QEMU_MISC])?;
        found = Some(BareMetal::find(workspace)?);
        Ok(())
    });
    let Some(bare_metal) = found else { return Ok(()) };

    for targets in TARGETS {
        steps.run(format_args!("firmware for {}", targets.join(", ")), "pilot and agent", || {
            build(&bare_metal, targets)?;
            for target in targets {
                for program in PROGRAMS {
                    let size = elf::read(&bare_metal.program(target, program))?.size;
                    println!("{program} for {target}: {size}");
                    if program == "qmp-agent" && size.data + size.bss > AGENT_RAM {
                        bail!("{program} has {} B of variables, of {AGENT_RAM} B of RAM", size.data + size.bss);
                    }
                }
            }
            Ok(())
        });
    }
    steps.run("firmware in QEMU", &tests.join(", "), || {
        let mut cargo = tool::cargo(["test", "--no-fail-fast"]);
        cargo.args(workspace.everything()?).args(tests.iter().flat_map(|name| ["--test", *name]));
        // One test at a time: each runs as many QEMUs as there are boards and releases.
        cargo.args(["--", "--test-threads=1"]).args(shown.then_some("--show-output")).current_dir(&workspace.root);
        let boards = BOARDS.map(|(board, target)| {
            let program = bare_metal.program(target, "");
            [OsString::from(board), "=".into(), program.into_os_string()].into_iter().collect::<OsString>()
        });
        cargo.env("QMP_TEST_FIRMWARE", boards.join(":".as_ref()));
        cargo.env("QMP_TEST_PRINT", print(workspace)?);
        cargo.env("QMP_TEST_PYTHON", python::with_qemu_qmp(&workspace.target)?);
        let qemus = qemu::to_test_with()?;
        cargo.envs(qemu::given(&qemus));
        tool::run(&mut cargo)
    });
    Ok(())
}

fn build(bare_metal: &BareMetal, targets: &[&str]) -> Result<()> {
    let mut cargo = tool::cargo(["build", "--quiet", "--release"]);
    cargo.args(PROGRAMS.iter().flat_map(|program| ["--package", program]));
    // In its own folder, where cargo finds its link arguments.
    cargo.current_dir(bare_metal.root.join("firmware"));
    bare_metal.configure_for(&mut cargo, targets, "core", "");
    tool::run(&mut cargo)
}

/// Builds the program that shows a firmware's log, which runs here, and tells where it is.
fn print(workspace: &Workspace) -> Result<PathBuf> {
    let target = workspace.target.join("firmware-print");
    let mut cargo = tool::cargo(["build", "--quiet", "--release", "--package", "qmp-print", "--target-dir"]);
    tool::run(cargo.arg(&target).current_dir(workspace.root.join("firmware")))?;
    Ok(target.join("release/qmp-print"))
}
