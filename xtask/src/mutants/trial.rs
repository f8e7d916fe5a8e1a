//! The tests, with one change after the other.

use alloc::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::Fate;
use super::change::Change;
use super::switched::{NUMBER, Switched};
use crate::tool::tool;

/// What most changes need not wait for: these take half of the time, and see little that others do not.
const SLOW: [&str; 6] =
    ["hostile", "exhaustive", "a_timestamp_is_taken", "damaged_json", "whatever_is_json", "too_small_a_buffer"];
/// Seconds of work until the tests are said not to end, the quick ones and all; they take two and seven.
const SECONDS: [u32; 2] = [4, 40];
/// KiB. A change may have a test ask for memory without end.
const MEMORY: u32 = 3 << 20;

/// What becomes of those that were built.
pub(crate) fn all(switched: &Switched, changes: &[Change]) -> Result<BTreeMap<usize, Fate>> {
    if fate(switched, 0)? != Fate::Survived {
        bail!("the tests fail without a change");
    }
    let start = Instant::now();
    let waiting = Mutex::new(changes.iter().filter(|change| switched.numbers.contains(&change.number)));
    let fates = Mutex::new(BTreeMap::new());
    let worker = || -> Result<()> {
        loop {
            let Some(change) = waiting.lock().expect("nobody panics here").next() else { return Ok(()) };
            let fate = fate(switched, change.number)?;
            let mut fates = fates.lock().expect("nor here");
            fates.insert(change.number, fate);
            if fate != Fate::TestFailed || fates.len().is_multiple_of(100) {
                let seconds = start.elapsed().as_secs();
                println!(
                    "{} of {} in {seconds} s; {}: {}",
                    fates.len(),
                    switched.numbers.len(),
                    fate.words(),
                    change.name
                );
            }
        }
    };
    thread::scope(|scope| {
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
    })?;
    Ok(fates.into_inner().expect("all have ended"))
}

fn fate(switched: &Switched, number: usize) -> Result<Fate> {
    for (quick, seconds) in [true, false].into_iter().zip(SECONDS) {
        let fate = judged(tests(switched, number, quick, seconds).status().context("cannot start the tests")?);
        if fate != Fate::Survived {
            return Ok(fate);
        }
    }
    Ok(Fate::Survived)
}

fn tests(switched: &Switched, number: usize, quick: bool, seconds: u32) -> Command {
    // Of work, for how long it takes depends on what else the machine does.
    // No file is written: proptest would keep what failed, and try that first with all changes that follow.
    let limited = format!("ulimit -t {seconds}; ulimit -v {MEMORY}; ulimit -f 0; exec \"$0\" \"$@\"");
    let mut tests = tool("sh", ["-c", &limited]);
    tests.arg(&switched.tests).args(["--quiet", "--test-threads=2"]);
    tests.current_dir(&switched.package).stdout(Stdio::null()).stderr(Stdio::null());
    // The smallest input that shows it is not needed.
    tests.env(NUMBER, number.to_string()).env("PROPTEST_MAX_SHRINK_ITERS", "0");
    if quick {
        tests.args(SLOW.iter().flat_map(|name| ["--skip", name])).env("PROPTEST_CASES", "24");
    }
    tests
}

fn judged(status: ExitStatus) -> Fate {
    const SIGKILL: i32 = 9;
    const SIGXCPU: i32 = 24;
    match status.signal() {
        Some(SIGKILL | SIGXCPU) => Fate::DidNotEnd,
        _ if status.success() => Fate::Survived,
        _ => Fate::TestFailed,
    }
}
