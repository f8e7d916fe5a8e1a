//! Which lines of `core/src/json` and `core/src/frame` the committed corpora reach.

use alloc::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::packages;
use crate::tool::{self, on_path, tool};
use crate::workspace::Workspace;

/// What is looked at.
const FOLDERS: [&str; 2] = ["core/src/json/", "core/src/frame/"];
/// The test that runs all inputs of all corpora.
const REPLAY: &str = "fuzz_corpus";

/// Prints a table of files: lines, how many were reached, and which were not.
pub(crate) fn print(workspace: &Workspace) -> Result<()> {
    packages::require(&[packages::LLVM])?;
    let target = workspace.target.join("coverage");
    let counts = target.join("counts");
    if counts.exists() {
        fs::remove_dir_all(&counts)?;
    }
    let cargo = || {
        let mut cargo = tool::cargo(["test", "--package", "qmp-tests", "--test", REPLAY, "--target-dir"]);
        cargo.arg(&target).current_dir(&workspace.root).env("RUSTFLAGS", "-Cinstrument-coverage");
        cargo.env("LLVM_PROFILE_FILE", counts.join("%p-%m.profraw"));
        cargo
    };
    tool::run(&mut cargo())?;
    let built = tool::read(cargo().args(["--no-run", "--message-format=json"]))?;
    let program = built.lines().find_map(executable).context("cargo named no program")?;
    let raw = fs::read_dir(&counts)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let merged = counts.join("merged.profdata");
    tool::run(tool(llvm("llvm-profdata"), ["merge", "--sparse", "--output"]).arg(&merged).args(raw))?;
    let mut export = tool(llvm("llvm-cov"), ["export", "--format=lcov", "--instr-profile"]);
    let lines = tool::read(export.arg(&merged).arg(program))?;

    let (mut all, mut reached) = (0, 0);
    println!("| file | lines | reached | not reached |\n|---|---:|---:|---|");
    for (file, lines) in files(&lines, &workspace.root) {
        let missed = lines.iter().filter(|(_, count)| **count == 0).map(|(line, _)| *line).collect::<Vec<_>>();
        all += lines.len();
        reached += lines.len() - missed.len();
        println!("| {file} | {} | {} | {} |", lines.len(), lines.len() - missed.len(), ranges(&missed));
    }
    println!("| all | {all} | {reached} | {} |", all - reached);
    Ok(())
}

/// The replay's program, where this line of cargo's names it.
fn executable(line: &str) -> Option<PathBuf> {
    let message = serde_json::from_str::<Value>(line).ok()?;
    let name = message.pointer("/target/name")?;
    Some(message.get("executable").filter(|_| name == REPLAY)?.as_str()?.into())
}

/// The tool of the compiler's LLVM, as Debian or rustup names it.
fn llvm(name: &str) -> PathBuf {
    on_path(&format!("{name}-{}", packages::LLVM_VERSION)).unwrap_or_else(|| name.into())
}

/// How often each line was reached, by file.
fn files(lcov: &str, root: &Path) -> BTreeMap<String, BTreeMap<u32, u64>> {
    let mut files = BTreeMap::<String, BTreeMap<u32, u64>>::new();
    let mut file = None;
    for line in lcov.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let path = Path::new(path);
            let path = path.strip_prefix(root).unwrap_or(path).display().to_string();
            file = FOLDERS.iter().any(|folder| path.contains(folder)).then_some(path);
        } else if let (Some(data), Some(file)) = (line.strip_prefix("DA:"), &file)
            && let Some((line, count)) = data.split_once(',')
            && let (Ok(line), Ok(count)) = (line.parse(), count.parse::<u64>())
        {
            *files.entry(file.clone()).or_default().entry(line).or_default() += count;
        }
    }
    files
}

/// `1-3, 7`
fn ranges(lines: &[u32]) -> String {
    let mut ranges = Vec::<(u32, u32)>::new();
    for line in lines {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *line => *last = *line,
            _ => ranges.push((*line, *line)),
        }
    }
    let shown = |(first, last): &(u32, u32)| if first == last { format!("{first}") } else { format!("{first}-{last}") };
    ranges.iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_by_file() {
        let lcov = "SF:/r/core/src/json/a.rs\nDA:1,2\nDA:2,0\nDA:1,1\nend_of_record\nSF:/r/core/src/b.rs\nDA:1,0\n";
        let files = files(lcov, Path::new("/r"));
        assert_eq!(files.len(), 1);
        assert_eq!(files["core/src/json/a.rs"], BTreeMap::from([(1, 3), (2, 0)]));
    }

    #[test]
    fn neighbours_become_ranges() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3, 7, 9-10");
        assert_eq!(ranges(&[]), "");
    }
}
