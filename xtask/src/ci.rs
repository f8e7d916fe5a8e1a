//! `cargo xtask ci`: what must hold beyond the tests.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::steps::Steps;
use crate::workspace::{CORE, Workspace};
use crate::{codegen, no_std, readme, tool, tree};

/// The proof's manifest: a workspace of its own, so that `--workspace` does not reach it.
const PROOF: [&str; 2] = ["--manifest-path", "tests/no-std/Cargo.toml"];
const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let core = workspace.package(CORE)?;
    let cargo = |arguments: &[&[&str]]| {
        let mut cargo = tool::cargo(arguments.concat());
        cargo.current_dir(&workspace.root);
        cargo
    };
    let run = |arguments: &[&[&str]]| tool::run(&mut cargo(arguments));
    let mut steps = Steps::of("ci");

    steps.run("format", "one layout, so that diffs show what changed", || {
        run(&[&["fmt", "--all", "--check"]])?;
        run(&[&["fmt", "--check"], &PROOF])
    });

    steps.run("clippy", "the lint table holds everywhere", || {
        run(&[&["clippy", "--workspace", "--all-targets"], &DENY_WARNINGS])?;
        run(&[&["clippy"], &PROOF, &["--target-dir"], &[&proof_target(&workspace)], &DENY_WARNINGS])
    });
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
    steps.run("dependencies", "all of them from the public registry", || tree::dependencies(&workspace));

    no_std::add_to(&mut steps, &workspace)?;
    Ok(steps.finish())
}

fn deny_warnings(command: &mut Command) -> &mut Command {
    command.env("RUSTDOCFLAGS", "-D warnings")
}

fn proof_target(workspace: &Workspace) -> String {
    workspace.target.join("no-std-lint").display().to_string()
}
