//! `cargo xtask ci`: what must hold beyond the tests.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::bare_metal::BareMetal;
use crate::footprint::Gate;
use crate::steps::Steps;
use crate::workspace::{CORE, VOCABULARY, Workspace};
use crate::{bench, build_time, codegen, firmware, fuzz, no_std, readme, size, stack, tool, tree};

/// Bare-metal programs: workspaces of their own, so that `--workspace` does not reach them. The second has several programs, one a
/// feature.
const PROOF: [&str; 2] = ["--manifest-path", "tests/no-std/Cargo.toml"];
const SIZE: [&str; 2] = ["--manifest-path", "tests/size/Cargo.toml"];
const BENCHES: [&str; 2] = ["--manifest-path", "benches/Cargo.toml"];
const BENCHES_CORTEX_M: [&str; 2] = ["--manifest-path", "benches/cortex-m/Cargo.toml"];
/// Of `programs.rs` one: each is a `run`.
const SIZES: [&str; 2] = ["--features", "decode,encode,measured,typed,types,messages,ram"];
const FIRMWARE: [&str; 2] = ["--manifest-path", "firmware/Cargo.toml"];
const FUZZ: [&str; 2] = ["--manifest-path", "fuzz/Cargo.toml"];
const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only steps whose names have one of these words, as `readme`; all without any
    words: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let core = workspace.package(CORE)?;
    let cargo = |arguments: &[&[&str]]| {
        let mut cargo = tool::cargo(arguments.concat());
        cargo.current_dir(&workspace.root);
        cargo
    };
    let run = |arguments: &[&[&str]]| tool::run(&mut cargo(arguments));
    let mut steps = Steps::of("ci").only(&options.words);

    steps.run("format", "one layout, so that diffs show what changed", || {
        run(&[&["fmt", "--all", "--check"]])?;
        run(&[&["fmt", "--check"], &PROOF])?;
        run(&[&["fmt", "--check"], &SIZE])?;
        run(&[&["fmt", "--all", "--check"], &FIRMWARE])?;
        run(&[&["fmt", "--check"], &BENCHES])?;
        run(&[&["fmt", "--check"], &BENCHES_CORTEX_M])?;
        run(&[&["fmt", "--check"], &FUZZ])
    });

    steps.run("clippy", "the lint table holds everywhere", || {
        run(&[&["clippy", "--workspace", "--all-targets"], &DENY_WARNINGS])?;
        let target = bare_metal_target(&workspace);
        run(&[&["clippy"], &PROOF, &["--target-dir", &target], &DENY_WARNINGS])?;
        run(&[&["clippy"], &SIZE, &SIZES, &["--target-dir", &target], &DENY_WARNINGS])?;
        let target = workspace.target.join("benches").display().to_string();
        run(&[&["clippy", "--all-features", "--all-targets"], &BENCHES, &["--target-dir", &target], &DENY_WARNINGS])?;
        let target = workspace.target.join("fuzz-lint").display().to_string();
        run(&[&["clippy", "--all-targets"], &FUZZ, &["--target-dir", &target], &DENY_WARNINGS])
    });
    steps.run("clippy on bare metal", "the same for what the host cannot build", || lint_bare_metal(&workspace));
    let core_alone = ["clippy", "--package", CORE];
    steps.run("clippy, core's features together", "none at all, and all at once", || {
        run(&[&core_alone, &["--all-targets", "--no-default-features"], &DENY_WARNINGS])?;
        run(&[&core_alone, &["--all-targets", "--all-features"], &DENY_WARNINGS])
    });
    steps.run("clippy, core's features one by one", "each stands on its own, without what tests bring along", || {
        core.features.iter().try_for_each(|feature| {
            run(&[&core_alone, &["--lib", "--no-default-features", "--features", feature], &DENY_WARNINGS])
        })
    });

    steps.run("clippy, the std adapter without features", "what tests bring along is not needed", || {
        run(&[&["clippy", "--package", "qmp-std", "--lib", "--no-default-features"], &DENY_WARNINGS])
    });

    let vocabulary = workspace.package(VOCABULARY)?;
    let vocabulary_alone = ["clippy", "--package", VOCABULARY, "--no-default-features"];
    steps.run("clippy, the vocabulary's features together", "none at all, and all at once", || {
        run(&[&vocabulary_alone, &["--lib"], &DENY_WARNINGS])?;
        run(&[&vocabulary_alone, &["--all-targets", "--all-features"], &DENY_WARNINGS])
    });
    steps.run(
        "the vocabulary's chapters one by one",
        "each builds with no more than it asks for, without warnings",
        || {
            // Not by clippy, whose lints do not depend on what else is there.
            let mut features = vocabulary.features.iter().filter(|feature| !["all", "default"].contains(&&***feature));
            features.try_for_each(|feature| {
                let check = ["check", "--package", VOCABULARY, "--no-default-features", "--features", feature];
                tool::run(
                    cargo(&[&check]).env("RUSTFLAGS", "-D warnings").env("CARGO_TARGET_DIR", chapters(&workspace)),
                )
            })
        },
    );

    steps.run("documentation", "complete, and every link leads somewhere", || {
        let doc = |arguments: &[&str]| tool::run(deny_warnings(&mut cargo(&[&["doc", "--no-deps"], arguments])));
        doc(&["--workspace", "--all-features"])?;
        doc(&["--package", CORE, "--no-default-features"])
    });

    steps.run("vocabulary", "what is generated is what the schema and the words say, and all of it", || {
        codegen::run(&codegen::Options::CHECK).map(|_| ())
    });
    steps.run("readme", "its commands exist and its links lead somewhere", || readme::check(&workspace));
    steps.run("tree", "nothing in it belongs to one machine, and no test is ignored", || tree::check(&workspace));
    steps.run("licences", "both are there, and every package names them", || tree::licences(&workspace));
    steps.run("dependencies", "all of them from the public registry, under licences that deny.toml allows", || {
        tree::dependencies(&workspace)
    });

    no_std::add_to(&mut steps, &workspace)?;
    stack::add_to(&mut steps, &workspace, &Gate::CHECK);
    size::add_to(&mut steps, &workspace, &Gate::CHECK);
    firmware::add_to(&mut steps, &workspace, false)?;
    fuzz::add_to(&mut steps, &workspace);
    bench::add_to(&mut steps, &workspace, false);
    build_time::add_to(&mut steps, &workspace);
    Ok(steps.finish())
}

/// The firmware and the counts on a Cortex-M, of whose crates some are for one architecture.
fn lint_bare_metal(workspace: &Workspace) -> Result<()> {
    let bare_metal = BareMetal::with_sources(workspace)?;
    let firmware: [(&str, &str, &[&str]); 5] = [
        (
            "firmware",
            "thumbv7m-none-eabi",
            &["--package", "qmp-board", "--package", "qmp-pilot", "--package", "qmp-agent"],
        ),
        ("firmware", "riscv32imac-unknown-none-elf", &["--package", "qmp-board"]),
        ("benches/cortex-m", "thumbv7em-none-eabihf", &["--features", "fast"]),
        ("benches/cortex-m", "thumbv7em-none-eabihf", &["--features", "serde-json-core"]),
        ("benches/cortex-m", "thumbv7em-none-eabihf", &["--features", "picojson"]),
    ];
    for (folder, target, what) in firmware {
        let mut clippy = bare_metal.clippy()?;
        // As it is built later, so that what runs here for the build is there already.
        clippy.args(["--quiet", "--release"]).args(what).current_dir(workspace.root.join(folder));
        bare_metal.configure(&mut clippy, target, "core", "");
        tool::run(clippy.args(DENY_WARNINGS))?;
    }
    let mut print = tool::cargo(["clippy", "--quiet", "--package", "qmp-print", "--target-dir"]);
    print.arg(bare_metal_target(workspace)).args(DENY_WARNINGS).current_dir(workspace.root.join("firmware"));
    tool::run(&mut print)
}

fn deny_warnings(command: &mut Command) -> &mut Command {
    command.env("RUSTDOCFLAGS", "-D warnings")
}

fn bare_metal_target(workspace: &Workspace) -> String {
    workspace.target.join("no-std-lint").display().to_string()
}

/// A folder of its own: other flags would have all else built anew.
fn chapters(workspace: &Workspace) -> PathBuf {
    workspace.target.join("chapters")
}
