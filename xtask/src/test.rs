//! `cargo xtask test`: sets the machine up and runs every test of the workspace.

use alloc::collections::BTreeSet;
use std::env;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use crate::packages;
use crate::steps::Steps;
use crate::workspace::{CORE, Workspace};
use crate::{firmware, python, qemu, tool};

/// Integration tests whose name starts so talk to a real QEMU.
const REAL_QEMU: &str = "qemu_";

/// Names a file of wire examples, one JSON object a line: `seed` and `line` (where it is from), `dir` (`client` or `server`) and
/// `json`.
const EXAMPLES: &str = "QMP_TEST_EXAMPLES";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Leaves out the tests that need a real QEMU
    #[arg(long)]
    no_qemu: bool,
    /// For the test programs: a filter, --nocapture, …
    #[arg(last = true)]
    extra: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let core = workspace.package(CORE)?;
    // Those with firmware are `cargo xtask firmware`'s.
    let names = workspace.tests().filter(|name| !name.starts_with(firmware::TEST));
    let (real_qemu, in_memory): (BTreeSet<_>, BTreeSet<_>) = names.partition(|name| name.starts_with(REAL_QEMU));
    if real_qemu.is_empty() && !options.no_qemu {
        bail!("no package has a tests/{REAL_QEMU}*.rs, so nothing would be tested against a real QEMU");
    }

    let mut given = vec![("QMP_TEST_PYTHON", python::with_qemu_qmp(&workspace.target)?.into_os_string())];
    if !options.no_qemu {
        packages::require(&[packages::QEMU_UTILS, packages::STRACE])?;
        given.extend(qemu::given(&qemu::to_test_with()?));
        given.push(("QMP_TEST_PROGRAM", workspace.target.join("debug").join("qmp").into_os_string()));
    }

    let mut steps = Steps::of("test");
    // Of one selection of packages and features, so that each crate is built once; and all before the first test, for those of one
    // package run the program of another.
    let everything = workspace.everything()?;
    let everything = everything.each_ref().map(String::as_str);
    steps.run("build", "all that the next steps run", || {
        tool::run(tool::cargo(["test", "--no-run"]).args(everything).current_dir(&workspace.root))
    });
    let mut test = |name: &str, why: &str, selection: &[&str]| {
        steps.run(name, why, || {
            let mut cargo = tool::cargo(["test", "--no-fail-fast"]);
            cargo.args(selection).current_dir(&workspace.root).envs(given.iter().cloned());
            if !options.extra.is_empty() {
                cargo.arg("--").args(&options.extra);
            }
            tool::run(&mut cargo)
        });
    };

    let own = ["--lib", "--bins", "--examples"];
    test(
        "workspace",
        "every crate's own tests, what holds between them, and a foreign client",
        &[&everything[..], &own, &named(&in_memory)].concat(),
    );
    test("documentation", "its examples run", &[&everything[..], &["--doc"]].concat());

    // With its fast paths, and every feature, it was tested above. What defmt calls exists on bare metal alone, and a test that reached
    // it would not link; `cargo xtask ci` lints that feature.
    let all_but_fast = core.features_without(&["defmt", "fast"]);
    let core = ["--package", CORE, "--lib", "--no-default-features"];
    test("core, byte by byte", "the scanner without its fast paths: the same outcomes", &core);
    test(
        "core, every feature, byte by byte",
        "what the optional features add, without the fast paths",
        &[&core[..], &["--features", &all_but_fast]].concat(),
    );

    if options.no_qemu {
        let names = real_qemu.iter().copied().collect::<Vec<_>>().join(", ");
        steps.left_out(format!("the tests against a real QEMU, by --no-qemu: {names}"));
    } else {
        let why = "the same protocol with the program it was made for";
        test("real QEMU", why, &[&everything[..], &named(&real_qemu)].concat());
    }
    if env::var_os(EXAMPLES).is_none() {
        steps.left_out(format!(
            "the wire examples of QEMU's own manuals, which are not ours to ship: {EXAMPLES} names none"
        ));
    }
    Ok(steps.finish())
}

/// Selects tests by name.
fn named<'n>(names: &BTreeSet<&'n str>) -> Vec<&'n str> {
    names.iter().flat_map(|name| ["--test", *name]).collect()
}
