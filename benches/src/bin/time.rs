//! `time`: how long each piece of work takes each subject, a line each: work, subject, nanoseconds a unit, and the median of the ratios
//! to serde_json, with the quarters beside it.
//!
//! In each round every subject does the work once, each round beginning with another: what else the machine does meets them all alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

use qmp_benches::subject::{self, Task};
use qmp_benches::work::Work;

/// Rounds of each piece of work.
const ROUNDS: usize = 101;
/// How long a subject's turn is to take at least, so that the clock is nothing beside it.
const TURN: Duration = Duration::from_micros(500);
/// Of whom the others are told as multiples.
const REFERENCE: &str = "serde_json";

fn main() {
    for work in Work::ALL {
        let amount = work.input().amount as f64;
        let mut subjects: Vec<(&str, Task, u32)> = Vec::new();
        for subject in subject::all() {
            let Some(mut task) = (subject.prepare)(work) else { continue };
            if task() == u64::MAX {
                continue;
            }
            let took = run(&mut task, 3) / 3;
            let times = u32::try_from(TURN.as_nanos() / took.as_nanos().max(1)).unwrap_or(u32::MAX).max(1);
            subjects.push((subject.name, task, times));
        }
        let mut rounds = Vec::with_capacity(ROUNDS);
        for round in 0..ROUNDS {
            let mut took = vec![0.0; subjects.len()];
            for turn in 0..subjects.len() {
                let index = (round + turn) % subjects.len();
                let (_, task, times) = &mut subjects[index];
                took[index] = run(task, *times).as_secs_f64() / f64::from(*times);
            }
            rounds.push(took);
        }
        let reference = subjects.iter().position(|(name, ..)| *name == REFERENCE).expect("it does everything");
        for (index, (name, ..)) in subjects.iter().enumerate() {
            let mut times = rounds.iter().map(|took| took[index] * 1e9 / amount).collect::<Vec<_>>();
            let mut ratios = rounds.iter().map(|took| took[index] / took[reference]).collect::<Vec<_>>();
            let [quarter, ratio, last] = [0.25, 0.5, 0.75].map(|part| at(&mut ratios, part));
            println!("{}\t{name}\t{:.4}\t{ratio:.3}\t{quarter:.3}\t{last:.3}", work.name(), at(&mut times, 0.5));
        }
    }
}

fn run(task: &mut Task, times: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        black_box(task());
    }
    start.elapsed()
}

/// The value with this part of all below it.
fn at(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}
