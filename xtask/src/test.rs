//! `cargo xtask test`: sets the machine up and runs every test of the workspace.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use crate::packages;
use crate::steps::Steps;
use crate::workspace::{CORE, TESTS, VOCABULARY, Workspace};
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
    let across = workspace.package(TESTS)?;
    let vocabulary = workspace.package(VOCABULARY)?;
    // Those with firmware are `cargo xtask firmware`'s.
    let tests = across.tests.iter().filter(|name| !name.starts_with(firmware::TEST));
    let (real_qemu, in_memory): (Vec<_>, Vec<_>) = tests.partition(|name| name.starts_with(REAL_QEMU));
    if real_qemu.is_empty() && !options.no_qemu {
        bail!("package {TESTS} has no tests/{REAL_QEMU}*.rs, so nothing would be tested against a real QEMU");
    }

    let mut given = vec![("QMP_TEST_PYTHON", python::with_qemu_qmp(&workspace.target)?.into_os_string())];
    if !options.no_qemu {
        packages::require(&[packages::QEMU_UTILS, packages::STRACE])?;
        given.extend(qemu::given(&qemu::to_test_with()?));
        given.push(("QMP_TEST_PROGRAM", program(&workspace)?));
    }

    let mut steps = Steps::of("test");
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

    let apart = ["--exclude", TESTS, "--exclude", VOCABULARY];
    test("workspace", "every crate's own tests, doc tests and examples", &[&["--workspace"][..], &apart].concat());

    let every = vocabulary.features_without(&["defmt"]);
    test(
        "vocabulary",
        "every type both ways, the registry, the documentation's examples",
        &["--package", VOCABULARY, "--features", &every],
    );

    // What defmt calls exists on bare metal alone, and a test that reached it would not link; `cargo xtask ci` lints that feature.
    let all = core.features_without(&["defmt"]);
    let all_but_fast = core.features_without(&["defmt", "fast"]);
    let core = ["--package", CORE, "--no-default-features"];
    test("core, byte by byte", "the scanner without its fast paths: the same outcomes", &core);
    test("core, every feature", "what the optional features add", &[&core[..], &["--features", &all]].concat());
    test(
        "core, every feature, byte by byte",
        "the same without the fast paths",
        &[&core[..], &["--features", &all_but_fast]].concat(),
    );

    let mut across_in_memory = vec!["--package", TESTS];
    across_in_memory.extend(across.has_library.then_some("--lib"));
    across_in_memory.extend(in_memory.iter().flat_map(|name| ["--test", name.as_str()]));
    if across_in_memory.len() > 2 {
        test("across crates", "what holds between the crates, and with a foreign client", &across_in_memory);
    }

    if options.no_qemu {
        let names = real_qemu.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        steps.left_out(format!("the tests against a real QEMU, by --no-qemu: {names}"));
    } else {
        let mut with_qemu = vec!["--package", TESTS];
        with_qemu.extend(real_qemu.iter().flat_map(|name| ["--test", name.as_str()]));
        test("real QEMU", "the same protocol with the program it was made for", &with_qemu);
    }
    if env::var_os(EXAMPLES).is_none() {
        steps.left_out(format!(
            "the wire examples of QEMU's own manuals, which are not ours to ship: {EXAMPLES} names none"
        ));
    }
    Ok(steps.finish())
}

/// Builds the program, which is of another package than the tests that run it with a real QEMU, and tells where it is.
fn program(workspace: &Workspace) -> Result<OsString> {
    tool::run(tool::cargo(["build", "--package", "qmp-cli"]).current_dir(&workspace.root))?;
    Ok(workspace.target.join("debug").join("qmp").into_os_string())
}
