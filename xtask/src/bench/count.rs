//! Instructions, counted by callgrind, and the gate over them.
//!
//! The count of one program with one input is the same each time: the environment is emptied, the program is called by the same
//! relative path, valgrind places what it loads where it always does, and only what lies between entering and leaving one function is
//! counted. It is another with another compiler, so the base says which one it was made with, and there is more room for any other.

use alloc::collections::BTreeMap;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{OURS, build};
use crate::workspace::Workspace;
use crate::{tool, tree};

/// What ours took, as it is kept.
pub(super) const BASE: &str = "benches/counts.json";
/// How many hundredths more than the base a count may be: with the compiler that the base was made with, and with another.
const ROOM: u64 = 2;
const ROOM_OF_OTHERS: u64 = 10;

/// What was counted of one piece of work.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) work: String,
    pub(super) unit: String,
    /// How many units there were.
    pub(super) amount: u64,
    pub(super) subject: String,
    pub(super) instructions: u64,
}

impl Count {
    pub(super) fn row(&self) -> String {
        let Self { work, unit, amount, subject, instructions } = self;
        format!("{work}\t{unit}\t{amount}\t{subject}\t{instructions}")
    }

    #[allow(clippy::cast_precision_loss, reason = "it is shown with two digits behind the point")]
    pub(super) fn per_unit(&self) -> f64 {
        self.instructions as f64 / self.amount as f64
    }
}

/// What such a file has.
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
struct Base {
    rustc: String,
    /// By work and subject.
    counts: BTreeMap<String, BTreeMap<String, u64>>,
}

/// Counts ours, and writes the base anew or compares with it.
pub(super) fn hold(workspace: &Workspace, update: bool) -> Result<()> {
    let counts = all(&build(workspace, OURS, "", "count")?)?;
    let rustc = tool::read(&mut tool::tool("rustc", ["--version"]))?.trim().to_owned();
    hold_to(BASE, workspace, rustc, &counts, update)
}

/// Writes these counts, made with this compiler, into a base, or compares with it.
pub(super) fn hold_to(file: &str, workspace: &Workspace, rustc: String, counts: &[Count], update: bool) -> Result<()> {
    let mut new = Base { rustc, counts: BTreeMap::new() };
    for count in counts {
        println!(
            "{:<18} {:<20} {:>12} instructions, {:>9.2} by the {}",
            count.work,
            count.subject,
            count.instructions,
            count.per_unit(),
            count.unit
        );
        new.counts.entry(count.work.clone()).or_default().insert(count.subject.clone(), count.instructions);
    }
    let path = workspace.root.join(file);
    if update {
        let text = serde_json::to_string_pretty(&new)? + "\n";
        return fs::write(&path, text).with_context(|| format!("cannot write {file}"));
    }
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
    let base: Base = serde_json::from_str(&text).with_context(|| format!("{file} is not what `--update` writes"))?;
    let (more, less) = compare(file, &base, &new);
    for line in less {
        println!("{line}: cargo xtask bench --update keeps it");
    }
    tree::fail_if_any(&more)
}

/// What grew beyond its room, and what shrank as far.
fn compare(file: &str, base: &Base, new: &Base) -> (Vec<String>, Vec<String>) {
    let room = if base.rustc == new.rustc { ROOM } else { ROOM_OF_OTHERS };
    if base.rustc != new.rustc {
        println!("{file} was made with {}, this is {}: {room} % of room", base.rustc, new.rustc);
    }
    let flat = |of: &Base| {
        let each = |(work, subjects): (&String, &BTreeMap<String, u64>)| {
            subjects.iter().map(|(subject, count)| (format!("{work} ({subject})"), *count)).collect::<Vec<_>>()
        };
        of.counts.iter().flat_map(each).collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (flat(base), flat(new));
    let (mut more, mut less) = (Vec::new(), Vec::new());
    for (name, count) in &new {
        match old.get(name) {
            None => more.push(format!("{name}: not in {file}; cargo xtask bench --update puts it there")),
            Some(old) if count * 100 > old * (100 + room) => {
                more.push(format!("{name}: {count} instructions, and {old} in {file}"));
            }
            Some(old) if count * (100 + room) < old * 100 => {
                less.push(format!("{name}: {count} instructions, {old} before"));
            }
            Some(_) => {}
        }
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    more.extend(gone.map(|name| format!("{name}: in {file}, and not measured")));
    (more, less)
}

/// Counts all that a build of `count` has, on as many processors as there are.
pub(super) fn all(program: &Path) -> Result<Vec<Count>> {
    let list = tool::read(&mut tool::tool(program, [""; 0]))?;
    let rows = list.lines().map(|line| line.split('\t').collect::<Vec<_>>()).collect::<Vec<_>>();
    let next = AtomicUsize::new(0);
    let counted = Mutex::new(BTreeMap::new());
    let count_some = || -> Result<()> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(row) = rows.get(index) else { return Ok(()) };
            let [work, unit, amount, subject, ..] = row[..] else { bail!("count printed {row:?}") };
            let instructions = instructions(program, work, subject)?;
            let (work, unit, subject) = (work.to_owned(), unit.to_owned(), subject.to_owned());
            let count = Count { work, unit, amount: amount.parse()?, subject, instructions };
            counted.lock().expect("no thread panics").insert(index, count);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let threads = (0..threads).map(|_| scope.spawn(count_some)).collect::<Vec<_>>();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no thread panics"))
    })?;
    Ok(counted.into_inner().expect("no thread panics").into_values().collect())
}

fn instructions(program: &Path, work: &str, subject: &str) -> Result<u64> {
    let name = program.file_name().context("a file")?;
    let mut valgrind = Command::new("valgrind");
    // Kept, for callgrind_annotate.
    let out = format!("--callgrind-out-file=callgrind.{work}.{}.out", subject.replace([' ', ','], "-"));
    valgrind.args(["--tool=callgrind", "--toggle-collect=qmp_benches::measured*", &out]);
    valgrind.arg(Path::new(".").join(name)).args([work, subject]).current_dir(program.parent().context("a folder")?);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let output = tool::output(valgrind.env_clear().env("PATH", path))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    match collected {
        Some(instructions) if output.status.success() && instructions > 0 => Ok(instructions),
        _ => bail!("callgrind counted nothing for {work} by {subject}: {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(rustc: &str, counts: &[(&str, u64)]) -> Base {
        let counts =
            counts.iter().map(|(work, count)| ((*work).to_owned(), BTreeMap::from([("qmp".to_owned(), *count)])));
        Base { rustc: rustc.into(), counts: counts.collect() }
    }

    #[test]
    fn what_grows_beyond_its_room_is_told() {
        let old = base("1", &[("a", 1000), ("b", 1000)]);
        let told = |rustc, a| compare(BASE, &old, &base(rustc, &[("a", a), ("b", 1000)]));
        assert_eq!(told("1", 1020), (vec![], vec![]));
        assert_eq!(told("1", 1021).0.len(), 1);
        assert_eq!(told("2", 1021).0.len(), 0);
        assert_eq!(told("2", 1101).0.len(), 1);
        assert_eq!(told("1", 900).1.len(), 1);
    }

    #[test]
    fn neither_new_nor_missing_work_passes() {
        let old = base("1", &[("a", 1000)]);
        assert_eq!(compare(BASE, &old, &base("1", &[("a", 1000), ("b", 1)])).0.len(), 1);
        assert_eq!(compare(BASE, &old, &base("1", &[])).0.len(), 1);
    }
}
