//! What takes longer than a test should: `cargo xtask soak`.
//!
//! `soak line MESSAGES SEED` exchanges so many messages over a bad line; `soak hostile BYTES MANY` does what hostile peers do, with lines
//! so long and all else so often; `soak qemu COMMANDS` has each QEMU of `QMP_TEST_QEMUS` execute so many commands.

use std::env;
use std::time::Instant;

use peak_alloc::PeakAlloc;
use qmp_tests::hostile::CASES;
use qmp_tests::process::memory;
use qmp_tests::soak;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|it| it.parse::<u64>().ok()).expect("a number");
    match arguments.first().map(String::as_str) {
        Some("line") => line(number(1), number(2)),
        Some("hostile") => hostile(number(1), number(2)),
        Some("qemu") => soak::qemu::run(number(1)),
        _ => panic!("line MESSAGES SEED, hostile BYTES MANY or qemu COMMANDS"),
    }
}

fn line(messages: u64, seed: u64) {
    println!("{messages} messages, seed {seed}\n");
    println!("| messages | allocated B | peak B | resident KiB | messages/s |\n|---:|---:|---:|---:|---:|");
    let began = Instant::now();
    let mut allocated = Vec::with_capacity(10);
    let tally = soak::run(messages, seed, |tally| {
        allocated.push((MEMORY.current_usage(), MEMORY.peak_usage()));
        let (current, peak) = allocated[allocated.len() - 1];
        let rate = tally.messages as f64 / began.elapsed().as_secs_f64();
        println!("| {} | {current} | {peak} | {} | {rate:.0} |", tally.messages, memory() >> 10);
        MEMORY.reset_peak_usage();
    });
    println!("\n{tally}");
    // Lines are shown through a buffer that was made for the first one. From then on nothing is allocated, even for a while.
    let (first, _) = allocated[0];
    assert!(allocated[1..].iter().all(|(current, _)| *current <= first), "memory grows");
}

fn hostile(line: u64, many: u64) {
    println!("| to | what | bytes | reported | ns a byte | the session afterwards |\n|---|---|---:|---:|---:|---|");
    for case in CASES {
        let outcome = case.run(line, many, |work| {
            let before = MEMORY.current_usage();
            MEMORY.reset_peak_usage();
            work();
            assert_eq!((MEMORY.current_usage(), MEMORY.peak_usage()), (before, before), "{case}: memory was allocated");
        });
        let nanoseconds = outcome.took.as_secs_f64() * 1e9 / outcome.bytes as f64;
        let (to, name, then) = (case.to, case.name, case.then);
        println!("| {to:?} | {name} | {} | {} | {nanoseconds:.2} | {then} |", outcome.bytes, outcome.messages);
    }
}
