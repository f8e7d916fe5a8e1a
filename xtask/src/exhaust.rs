//! `cargo xtask exhaust`: every text of up to seven bytes of seven alphabets, against serde_json and in every way of cutting it.

use std::process::ExitCode;

use anyhow::Result;

use crate::steps::Steps;
use crate::tool;
use crate::workspace::{CORE, Workspace};

/// The length, in the tests' environment. Without it they go as far as takes a few seconds.
const LENGTH: (&str, &str) = ("QMP_TEST_EXHAUST", "7");
const TESTS: &str = "json::scan::exhaustive";

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("exhaust");
    steps.run("exhaustion", "every text of seven bytes is judged as serde_json does, however it is cut", || {
        let mut cargo = tool::cargo(["test", "--release", "--package", CORE, "--lib", TESTS, "--", "--nocapture"]);
        tool::run(cargo.env(LENGTH.0, LENGTH.1).current_dir(&workspace.root))
    });
    Ok(steps.finish())
}
