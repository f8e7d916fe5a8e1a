//! What must hold for the files themselves.

use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::tool::{self, tool};
use crate::workspace::Workspace;

const LICENCE: &str = "MIT OR Apache-2.0";
/// What may be depended on.
const POLICY: &str = "deny.toml";
/// Where people's homes are.
const HOMES: [&str; 3] = ["home", "root", "Users"];
/// Top-level folders that every machine has: a path below one of them tells of no machine.
const EVERYWHERE: [&str; 12] = ["bin", "dev", "etc", "lib", "mnt", "opt", "proc", "run", "srv", "tmp", "usr", "var"];

/// No file names a path of this machine, and no test is switched off.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let paths = machine_paths(&workspace.root);
    // In two parts, since this file is in the tree as well.
    let ignored = [concat!("#[", "ignore"), concat!("```", "ignore"), concat!("```rust,", "ignore")];
    let mut wrong = Vec::new();
    for file in files(workspace)? {
        let bytes = fs::read(workspace.root.join(&file)).with_context(|| format!("cannot read {}", file.display()))?;
        for (number, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let line = String::from_utf8_lossy(line);
            let place = format!("{}:{}", file.display(), number + 1);
            wrong.extend(
                paths.iter().filter(|path| names_path(&line, path)).map(|path| format!("{place} names {path}…")),
            );
            wrong.extend(ignored.iter().filter(|mark| line.contains(**mark)).map(|mark| format!("{place} has {mark}")));
        }
    }
    fail_if_any(&wrong)
}

pub(crate) fn licences(workspace: &Workspace) -> Result<()> {
    let mut wrong = Vec::new();
    for (file, title) in [("LICENSE-MIT", "MIT License"), ("LICENSE-APACHE", "Apache License")] {
        let text = fs::read_to_string(workspace.root.join(file)).unwrap_or_default();
        if !text.lines().any(|line| line.trim() == title) {
            wrong.push(format!("{file} is missing or holds something else"));
        }
    }
    for package in workspace.packages.iter().filter(|package| package.license.as_deref() != Some(LICENCE)) {
        wrong.push(format!("package {} does not say license = {LICENCE:?}", package.name));
    }
    fail_if_any(&wrong)
}

/// All that any workspace of ours is built of, on any platform, is from the public registry, under a licence of `deny.toml`.
pub(crate) fn dependencies(workspace: &Workspace) -> Result<()> {
    let mut wrong = Vec::new();
    let policy = fs::read_to_string(workspace.root.join(POLICY))?;
    let allowed = allowed(&policy).with_context(|| format!("{POLICY} allows no licence"))?;
    let excepted = |name: &str| policy.contains(&format!("{{ crate = {name:?}, allow = "));
    for file in lock_files(workspace)? {
        let text = fs::read_to_string(workspace.root.join(&file))?;
        let sources = text.lines().filter_map(|line| line.strip_prefix("source = "));
        let elsewhere =
            sources.filter(|source| *source != r#""registry+https://github.com/rust-lang/crates.io-index""#);
        wrong.extend(elsewhere.map(|source| format!("{} takes a package from {source}", file.display())));
        let manifest = workspace.root.join(&file).with_file_name("Cargo.toml");
        let mut metadata = tool::cargo(["metadata", "--locked", "--format-version=1", "--manifest-path"]);
        let metadata = tool::read(metadata.arg(manifest).current_dir(&workspace.root))?;
        let Metadata { packages } = serde_json::from_str(&metadata)?;
        println!("{}: {} packages", file.display(), packages.len());
        let refused = packages
            .into_iter()
            .filter(|it| !excepted(&it.name) && !is_allowed(it.license.as_deref().unwrap_or_default(), &allowed));
        wrong.extend(refused.map(|it| {
            let licence = it.license.as_deref().unwrap_or("unknown");
            format!("{}: {} is under {licence}, which {POLICY} does not allow", file.display(), it.name)
        }));
    }
    fail_if_any(&wrong)
}

/// The lock file of each workspace, relative to the root.
pub(crate) fn lock_files(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    Ok(files(workspace)?.into_iter().filter(|file| file.ends_with("Cargo.lock")).collect())
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// None is as good as one that nobody knows.
    license: Option<String>,
}

/// The licences that the policy allows.
fn allowed(policy: &str) -> Option<Vec<&str>> {
    let (list, _) = policy.split_once("\nallow = [")?.1.split_once(']')?;
    Some(list.split('"').skip(1).step_by(2).collect())
}

/// Whether these licences are enough for an SPDX expression. Parentheses are not heeded: as if `OR` bound tighter than `AND`, which never
/// allows more.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.replace('/', " OR ");
    expression
        .split(" AND ")
        .all(|any| any.split(" OR ").any(|one| allowed.contains(&one.trim_matches(['(', ')', ' ']))))
}

/// Every file that is in the repository or about to be, relative to its root.
pub(crate) fn files(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut git = tool("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = tool::read(git.current_dir(&workspace.root))?;
    let files = listed.split_terminator('\0').map(PathBuf::from);
    // One that is deleted but not yet committed is still listed.
    Ok(files.filter(|file| workspace.root.join(file).is_file()).collect())
}

/// Prints each of them, and fails if there is one.
pub(crate) fn fail_if_any(wrong: &[String]) -> Result<()> {
    for line in wrong {
        println!("{line}");
    }
    match wrong.len() {
        0 => Ok(()),
        1 => bail!("{}", wrong.concat()),
        more => bail!("{more} places, named above"),
    }
}

/// The beginnings of paths that only some machine has: homes, and where this checkout lies.
fn machine_paths(root: &Path) -> Vec<String> {
    let mut names = HOMES.map(String::from).to_vec();
    let top = |path: &Path| {
        let first =
            path.components().find_map(|part| if let Component::Normal(name) = part { name.to_str() } else { None })?;
        Some(first.to_owned()).filter(|first| !EVERYWHERE.contains(&&**first))
    };
    names.extend(top(root));
    names.extend(env::var_os("HOME").and_then(|home| top(Path::new(&home))));
    names.sort();
    names.dedup();
    names.into_iter().map(|name| format!("/{name}/")).collect()
}

/// Whether the path stands there from its beginning, and is not the middle of a longer one.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        before.is_none_or(|c| !(c.is_alphanumeric() || "._-/~$})>".contains(c)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_counts_from_its_beginning_only() {
        let home = &format!("/{}/", HOMES[0]);
        assert!(names_path(&format!("see {home}me/x"), home));
        assert!(names_path(&format!("\"{home}me\""), home));
        assert!(!names_path(&format!("docs{home}index"), home));
        assert!(!names_path(&format!("https://example.org{home}"), home));
        assert!(!names_path("nothing", home));
    }

    #[test]
    fn a_licence_is_allowed_by_a_list() {
        let policy = "[licenses]\n# Some.\nallow = [\n    \"MIT\",\n    \"ISC\",\n]\nexceptions = [\n    { allow = [\"X\"] },\n]\n";
        let allowed = allowed(policy).unwrap();
        assert_eq!(allowed, ["MIT", "ISC"]);
        for (expression, expected) in [
            ("MIT", true),
            ("X OR MIT", true),
            ("X/MIT", true),
            ("(X OR MIT) AND ISC", true),
            ("MIT AND X", false),
            ("MIT AND (X OR Y)", false),
            ("MITX", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn where_the_checkout_lies_counts_unless_every_machine_has_it() {
        assert!(machine_paths(Path::new("/data7/qmp")).contains(&"/data7/".to_owned()));
        assert!(!machine_paths(Path::new("/tmp/qmp")).contains(&"/tmp/".to_owned()));
    }
}
