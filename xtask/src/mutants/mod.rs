//! `cargo xtask mutants`: changes the code that reads a peer's bytes, a place at a time, and tells which changes no test has seen.
//!
//! cargo-mutants names the changes and would build each by itself: hours. So one build has them all, each behind its number
//! ([`switched`]), and its tests run with one after the other ([`trial`]). What cannot be switched is left to cargo-mutants.
//!
//! What is changed, and which tests must see it, is in `.cargo/mutants.toml`; which changes change nothing, in `same.txt`.

mod change;
mod known;
mod switched;
mod trial;

use alloc::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::installed::MUTANTS;
use crate::steps::Steps;
use crate::workspace::Workspace;
use change::Change;
use known::Known;
use switched::Switched;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only changes whose names have this regular expression, as `^core/src/frame/` or ` in keep$`; may be given more than once
    #[arg(long, value_name = "REGEX")]
    re: Vec<String>,
    /// Tells how many there are, and changes nothing
    #[arg(long)]
    count: bool,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    DoesNotCompile,
    TestFailed,
    DidNotEnd,
    Survived,
}

impl Fate {
    const fn words(self) -> &'static str {
        match self {
            Self::DoesNotCompile => "do not compile",
            Self::TestFailed => "a test failed",
            Self::DidNotEnd => "the tests did not end",
            Self::Survived => "no test saw it",
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::of("mutants");
    steps.run("mutants", "what a test would not see if it broke", || mutate(&workspace, options));
    Ok(steps.finish())
}

fn mutate(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut list = MUTANTS.call(workspace)?;
    list.arg("--workspace").args(options.re.iter().flat_map(|re| ["--re", re]));
    let mut changes = change::list(&mut list)?;
    if !options.re.is_empty() {
        // These few it lists whatever is asked for.
        changes.retain(|change| !change.name.contains(": delete field "));
    }
    println!("{} changes", changes.len());
    if options.count {
        return Ok(());
    }
    let folder = workspace.target.join("mutants");
    let switched = Switched::build(workspace, &folder, &changes)?;
    let mut fates = trial::all(&switched, &changes)?;
    fates.extend(switched.unbuilt.iter().map(|number| (*number, Fate::DoesNotCompile)));
    let rest = changes.iter().filter(|change| !fates.contains_key(&change.number)).collect::<Vec<_>>();
    fates.extend(alone(workspace, &folder, &rest)?);
    report(&folder, options, &changes, &fates)
}

/// Those that cargo-mutants is to build one by one.
fn alone(workspace: &Workspace, folder: &Path, changes: &[&Change]) -> Result<BTreeMap<usize, Fate>> {
    if changes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut mutants = MUTANTS.call(workspace)?;
    mutants.args(["--workspace", "--baseline=skip", "--timeout=60", "--output"]).arg(folder);
    mutants.args(changes.iter().flat_map(|change| ["--re".into(), format!("^{}$", escaped(&change.name))]));
    // Nobody debugs them, nor needs the smallest input that shows one.
    mutants.env("CARGO_PROFILE_DEV_DEBUG", "0").env("PROPTEST_MAX_SHRINK_ITERS", "0");
    println!("{} changes by cargo-mutants, one by one", changes.len());
    // It fails where one survives.
    let _ = mutants.status().context("cannot start cargo-mutants")?;
    let mut fates = BTreeMap::new();
    let lists = [
        ("unviable", Fate::DoesNotCompile),
        ("caught", Fate::TestFailed),
        ("timeout", Fate::DidNotEnd),
        ("missed", Fate::Survived),
    ];
    for (list, fate) in lists {
        let path = folder.join("mutants.out").join(list).with_extension("txt");
        let names = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let of = |name: &str| changes.iter().find(|change| change.name == name).map(|change| (change.number, fate));
        fates.extend(names.lines().filter_map(of));
    }
    if fates.len() < changes.len() {
        bail!("cargo-mutants tried {} of {} changes", fates.len(), changes.len());
    }
    Ok(fates)
}

/// A name as a regular expression that matches nothing else. (`\<` would be the beginning of a word.)
fn escaped(name: &str) -> String {
    let escape = |c: char| r"\.+*?()|[]{}^$".contains(c).then_some('\\');
    name.chars().flat_map(|c| escape(c).into_iter().chain([c])).collect()
}

/// Counts, and fails if one survived that is not known to change nothing.
fn report(folder: &Path, options: &Options, changes: &[Change], fates: &BTreeMap<usize, Fate>) -> Result<()> {
    let mut counts = BTreeMap::<Fate, usize>::new();
    let mut names = String::new();
    for change in changes {
        let fate = fates.get(&change.number).with_context(|| format!("{} was not tried", change.name))?;
        *counts.entry(*fate).or_default() += 1;
        names += &format!("{}: {}\n", fate.words(), change.name);
    }
    let all = folder.join("all.txt");
    fs::write(&all, names).with_context(|| format!("cannot write {}", all.display()))?;
    for (fate, count) in &counts {
        println!("{count:>6} {}", fate.words());
    }
    println!("each by name: {}", all.display());
    let survived = |change: &&Change| fates.get(&change.number) == Some(&Fate::Survived);
    let survivors = changes.iter().filter(survived).collect::<Vec<_>>();
    let difference = Known::read(include_str!("same.txt"))?.compared(&survivors);
    for stale in &difference.seen {
        // Of a part, most of the list is not tried.
        if options.re.is_empty() {
            println!("in same.txt, though a test sees it: {stale}");
        }
    }
    for survivor in &difference.survivors {
        println!("survived: {survivor}");
    }
    match difference.survivors.len() {
        0 => Ok(()),
        some => bail!("no test saw {some} changes: write one, or say in same.txt why they change nothing"),
    }
}
