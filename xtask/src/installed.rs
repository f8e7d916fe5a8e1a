//! Tools of others that take minutes to install, so that CI does without them. They are kept below the target folder.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::tool::{self, tool};
use crate::workspace::Workspace;

/// A subcommand of cargo from the public registry, in the version with which this was tried.
#[derive(Debug)]
pub(crate) struct Installed {
    name: &'static str,
    version: &'static str,
}

pub(crate) const DENY: Installed = Installed { name: "deny", version: "0.20.2" };
pub(crate) const MUTANTS: Installed = Installed { name: "mutants", version: "27.1.0" };
pub(crate) const PUBLIC_API: Installed = Installed { name: "public-api", version: "0.52.0" };
pub(crate) const SEMVER_CHECKS: Installed = Installed { name: "semver-checks", version: "0.51.0" };

impl Installed {
    /// A call of it in the folder of the workspace. Installs it first where it is missing.
    pub(crate) fn call(&self, workspace: &Workspace) -> Result<Command> {
        let Self { name, version } = self;
        let tools = workspace.target.join("tools");
        let package = format!("cargo-{name}");
        let program = tools.join("bin").join(&package);
        let has = |version: &str| {
            let said = program.is_file().then(|| tool::read(&mut tool(&program, [name, "--version"])));
            said.and_then(Result::ok).is_some_and(|said| said.split_whitespace().last() == Some(version))
        };
        if !has(version) {
            // What it is built of is worth more than a gigabyte, and of no use behind it.
            let build = tools.join("build");
            let mut install = tool::cargo(["install", "--quiet", "--locked", "--force", &package, "--version"]);
            install.arg(format!("={version}")).arg("--root").arg(&tools).arg("--target-dir").arg(&build);
            tool::run(install.current_dir(&workspace.root))?;
            fs::remove_dir_all(&build)?;
        }
        let mut call = tool(&program, [name]);
        call.current_dir(&workspace.root);
        Ok(call)
    }
}
