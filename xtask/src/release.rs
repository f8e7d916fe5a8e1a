//! `cargo xtask release`: what must hold of that which others build on, beyond what CI holds on every run: its tools take minutes to
//! install.

use std::ffi::OsStr;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::installed::{DENY, PUBLIC_API, SEMVER_CHECKS};
use crate::steps::Steps;
use crate::tool::{self, tool};
use crate::tree;
use crate::workspace::{CORE, VOCABULARY, Workspace};

const STD: &str = "qmp-std";
/// Whose API is kept as text. Of the vocabulary, thousands of items are made of the schema, and `cargo xtask codegen --check` holds
/// them against that.
const KEPT: [&str; 2] = [CORE, STD];
/// What others build on.
const RELEASED: [&str; 3] = [CORE, VOCABULARY, STD];
/// Where it is kept.
const FOLDER: &str = "docs/api";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Compares with this revision [default: the newest tag `v…`]
    #[arg(long, value_name = "REVISION")]
    baseline: Option<String>,
    /// Writes the API as it is to `docs/api`, in place of comparing
    #[arg(long)]
    write: bool,
    /// Only steps whose names have one of these words: dependencies, api, version
    words: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("release").only(&options.words);
    steps.run("dependencies", "their licences, their sources, no wildcards: deny.toml", || deny(&workspace));
    for package in KEPT {
        steps.run(format!("api of {package}"), "is as docs/api has it", || api(&workspace, package, options.write));
    }
    let baseline = match &options.baseline {
        Some(given) => Some(given.clone()),
        None => newest_tag(&workspace)?,
    };
    if let Some(baseline) = baseline {
        let why = format!("says what has changed since {baseline}");
        steps.run("version", &why, || versions(&workspace, &baseline));
    } else {
        steps.left_out("version: there is no tag v… yet to compare with; --baseline names a revision".into());
    }
    Ok(steps.finish())
}

/// For each workspace.
fn deny(workspace: &Workspace) -> Result<()> {
    for lock in tree::lock_files(workspace)? {
        let manifest = workspace.root.join(lock).with_file_name("Cargo.toml");
        let mut deny = DENY.call(workspace)?;
        deny.arg("--manifest-path").arg(manifest).args(["--locked", "--all-features", "--config"]);
        // Advisories are not a matter of what is released, but of when one looks.
        tool::run(deny.arg(workspace.root.join("deny.toml")).args([
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ]))?;
    }
    Ok(())
}

/// Compares the API with what is kept of it, or keeps it.
fn api(workspace: &Workspace, package: &str, write: bool) -> Result<()> {
    let target = workspace.target.join("api");
    let mut rustdoc = tool::cargo(["rustdoc", "--quiet", "--lib", "--all-features", "--package", package]);
    rustdoc.arg("--target-dir").arg(&target).args(["--", "-Zunstable-options", "--output-format", "json"]);
    tool::run(rustdoc.current_dir(&workspace.root).env("RUSTC_BOOTSTRAP", "1"))?;
    let json = target.join("doc").join(package.replace('-', "_")).with_extension("json");
    // Without what the compiler adds by itself: derived and automatic traits, and those for every type.
    let mut list = PUBLIC_API.call(workspace)?;
    let found = tool::read(list.args(["-sss", "--color", "never", "--rustdoc-json"]).arg(json))?;
    let kept = workspace.root.join(FOLDER).join(package).with_extension("txt");
    if write {
        fs::create_dir_all(workspace.root.join(FOLDER))?;
        fs::write(&kept, &found)?;
        println!("{FOLDER}/{package}.txt: {} items", found.lines().count());
        return Ok(());
    }
    let before = fs::read_to_string(&kept).with_context(|| format!("no {FOLDER}/{package}.txt: use --write"))?;
    if before == found {
        return Ok(());
    }
    let made = target.join(package).with_extension("txt");
    fs::write(&made, found)?;
    let paths: [&OsStr; 2] = [kept.as_ref(), made.as_ref()];
    let _ = tool("git", ["diff", "--no-index", "--unified=0"]).args(paths).status();
    bail!("it is another one: if that is meant, cargo xtask release --write keeps it, and CHANGELOG.md tells of it")
}

/// Compares what is there with a revision, and its version with what that allows.
fn versions(workspace: &Workspace, baseline: &str) -> Result<()> {
    let mut check = SEMVER_CHECKS.call(workspace)?;
    check.args(["check-release", "--baseline-rev", baseline]);
    check.args(RELEASED.iter().flat_map(|package| ["--package", package]));
    tool::run(check.env("CARGO_TARGET_DIR", workspace.target.join("semver-checks")))
}

fn newest_tag(workspace: &Workspace) -> Result<Option<String>> {
    let mut git = tool("git", ["tag", "--list", "--sort=-version:refname", "v[0-9]*"]);
    Ok(tool::read(git.current_dir(&workspace.root))?.lines().next().map(str::to_owned))
}
