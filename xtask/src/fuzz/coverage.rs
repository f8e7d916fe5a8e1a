//! Which lines and branches of `core/src/json` and `core/src/frame` the committed corpora reach, and which the engine's own tests.

use alloc::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::packages;
use crate::tool::{self, on_path, tool};
use crate::workspace::{CORE, Workspace};

/// What is looked at.
const FOLDERS: [&str; 2] = ["core/src/json/", "core/src/frame/"];
/// The test that runs all inputs of all corpora.
const REPLAY: &str = "fuzz_corpus";

/// How often each place was reached, by file: a line, or a branch of a line. Lines have 0 and 0.
type Places = BTreeMap<String, BTreeMap<Place, u64>>;
type Place = (u32, u32, u32);

/// Prints a table of files: lines and branches, how many the corpora reached, how many these and the tests, and which neither.
pub(crate) fn print(workspace: &Workspace) -> Result<()> {
    packages::require(&[packages::LLVM])?;
    let features = format!("--features={}", workspace.package(CORE)?.features_without(&["defmt"]));
    let corpora = places(workspace, "corpora", REPLAY, &["--package", "qmp-tests", "--test", REPLAY])?;
    let tests = places(workspace, "tests", "qmp_core", &["--package", CORE, "--lib", &features])?;
    println!(
        "| file | lines | by corpora | and by tests | by neither | branches | by corpora | and by tests | by neither |"
    );
    println!("|---|---:|---:|---:|---|---:|---:|---:|---|");
    let mut sums = [0; 6];
    for (file, reached) in &corpora {
        let other = tests.get(file);
        let mut columns = Vec::new();
        for lines in [true, false] {
            let of_this = || reached.iter().filter(|((_, block, branch), _)| (*block == 0 && *branch == 0) == lines);
            let by_tests = |place: &Place| other.and_then(|other| other.get(place)).is_some_and(|count| *count > 0);
            let missed = of_this().filter(|(place, count)| **count == 0 && !by_tests(place));
            let missed = missed.map(|((line, ..), _)| *line).collect::<Vec<_>>();
            let all = of_this().count();
            let by_corpora = of_this().filter(|(_, count)| **count > 0).count();
            columns.push(([all, by_corpora, all - missed.len()], ranges(&missed)));
        }
        let numbers = columns.iter().flat_map(|(numbers, _)| *numbers);
        sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
        let shown = |(numbers, missed): &([usize; 3], String)| {
            format!("{} | {missed}", numbers.map(|number| number.to_string()).join(" | "))
        };
        println!("| {file} | {} |", columns.iter().map(shown).collect::<Vec<_>>().join(" | "));
    }
    let [lines, lines_by_corpora, lines_by_both, branches, branches_by_corpora, branches_by_both] = sums;
    let (no_line, no_branch) = (lines - lines_by_both, branches - branches_by_both);
    println!(
        "| all | {lines} | {lines_by_corpora} | {lines_by_both} | {no_line} | {branches} | {branches_by_corpora} | \
         {branches_by_both} | {no_branch} |"
    );
    Ok(())
}

/// What a test program reaches.
fn places(workspace: &Workspace, name: &str, program: &str, selection: &[&str]) -> Result<Places> {
    let target = workspace.target.join("coverage");
    let counts = target.join(name);
    if counts.exists() {
        fs::remove_dir_all(&counts)?;
    }
    let cargo = || {
        let mut cargo = tool::cargo(["test", "--target-dir"]);
        cargo.arg(&target).args(selection).current_dir(&workspace.root);
        // Branches are told by a compiler that need not be stable.
        cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Cinstrument-coverage -Zcoverage-options=branch");
        cargo.env("LLVM_PROFILE_FILE", counts.join("%p-%m.profraw"));
        cargo
    };
    tool::run(&mut cargo())?;
    let built = tool::read(cargo().args(["--no-run", "--message-format=json"]))?;
    let program = built.lines().find_map(|line| executable(line, program)).context("cargo named no program")?;
    let raw = fs::read_dir(&counts)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let merged = counts.join("merged.profdata");
    tool::run(tool(llvm("llvm-profdata"), ["merge", "--sparse", "--output"]).arg(&merged).args(raw))?;
    let mut export = tool(llvm("llvm-cov"), ["export", "--format=lcov", "--instr-profile"]);
    Ok(files(&tool::read(export.arg(&merged).arg(program))?, &workspace.root))
}

/// The program of this name that was built, where this line of cargo's names it.
fn executable(line: &str, program: &str) -> Option<PathBuf> {
    let message = serde_json::from_str::<Value>(line).ok()?;
    let name = message.pointer("/target/name")?;
    Some(message.get("executable").filter(|_| name == program)?.as_str()?.into())
}

/// The tool of the compiler's LLVM, as Debian or rustup names it.
fn llvm(name: &str) -> PathBuf {
    on_path(&format!("{name}-{}", packages::LLVM_VERSION)).unwrap_or_else(|| name.into())
}

/// How often each line and branch was reached, by file.
fn files(lcov: &str, root: &Path) -> Places {
    let mut files = Places::new();
    let mut file = None;
    for line in lcov.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let path = Path::new(path);
            let path = path.strip_prefix(root).unwrap_or(path).display().to_string();
            file = FOLDERS.iter().any(|folder| path.contains(folder)).then_some(path);
        } else if let (Some((place, count)), Some(file)) = (reached(line), &file) {
            *files.entry(file.clone()).or_default().entry(place).or_default() += count;
        }
    }
    files
}

/// `DA:line,count` or `BRDA:line,block,branch,count`, where a dash is none.
fn reached(line: &str) -> Option<(Place, u64)> {
    let number = |text: &str| text.parse().ok();
    if let Some(data) = line.strip_prefix("DA:") {
        let (line, count) = data.split_once(',')?;
        return Some(((number(line)?, 0, 0), count.parse().ok()?));
    }
    let mut data = line.strip_prefix("BRDA:")?.splitn(4, ',');
    let mut next = || data.next();
    let (line, block, branch) = (number(next()?)?, number(next()?)?, number(next()?)?);
    // Counted from 1, to tell them from lines.
    Some(((line, block + 1, branch + 1), next()?.parse().unwrap_or(0)))
}

/// `1-3, 7`
fn ranges(lines: &[u32]) -> String {
    let mut ranges = Vec::<(u32, u32)>::new();
    for line in lines {
        match ranges.last_mut() {
            Some((_, last)) if *last == *line || *last + 1 == *line => *last = *line,
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
    fn lines_and_branches_are_counted_by_file() {
        let lcov = "SF:/r/core/src/json/a.rs\nDA:1,2\nDA:2,0\nDA:1,1\nBRDA:1,0,0,5\nBRDA:1,0,1,-\nBRF:2\nend_of_record\n\
                    SF:/r/core/src/b.rs\nDA:1,0\n";
        let files = files(lcov, Path::new("/r"));
        assert_eq!(files.len(), 1);
        assert_eq!(
            files["core/src/json/a.rs"],
            BTreeMap::from([((1, 0, 0), 3), ((2, 0, 0), 0), ((1, 1, 1), 5), ((1, 1, 2), 0)])
        );
    }

    #[test]
    fn neighbours_become_ranges() {
        assert_eq!(ranges(&[1, 2, 2, 3, 7, 9, 10]), "1-3, 7, 9-10");
        assert_eq!(ranges(&[]), "");
    }
}
