//! `cargo xtask exhaust`: every text of up to seven bytes of seven alphabets, against serde_json and in every way of cutting it.

use std::process::ExitCode;

use anyhow::Result;

use crate::steps::Steps;
use crate::tool;
use crate::workspace::{CORE, Workspace};

/// The length, in the tests' environment. Without it they go as far as takes a few seconds.
const LENGTH: &str = "QMP_TEST_EXHAUST";
const ALL: &str = "7";
/// What CI has time for: a twelfth of it.
const BRIEFLY: &str = "6";
const TESTS: &str = "json::scan::exhaustive";

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("exhaust");
    walk(&mut steps, &workspace, ALL);
    Ok(steps.finish())
}

/// The step of `cargo xtask ci`.
pub(crate) fn add_to(steps: &mut Steps, workspace: &Workspace) {
    walk(steps, workspace, BRIEFLY);
}

fn walk(steps: &mut Steps, workspace: &Workspace, length: &str) {
    let name = format!("exhaustion, {length} bytes");
    steps.run(&name, "every text so long is judged as serde_json does, however it is cut", || {
        let mut cargo = tool::cargo(["test", "--release", "--package", CORE, "--lib", TESTS, "--", "--nocapture"]);
        tool::run(cargo.env(LENGTH, length).current_dir(&workspace.root))
    });
}
