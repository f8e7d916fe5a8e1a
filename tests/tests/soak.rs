//! A small part of what `cargo xtask soak` does at length: a bad line for a hundred thousand messages, in memory that does not grow.

use peak_alloc::PeakAlloc;
use qmp_tests::soak;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[test]
fn each_command_ends_once_and_memory_does_not_grow() {
    let mut allocated = Vec::with_capacity(10);
    let tally = soak::run(100_000, 1, |_| {
        allocated.push((MEMORY.current_usage(), MEMORY.peak_usage()));
        MEMORY.reset_peak_usage();
    });
    println!("{tally}");
    // From the first tenth on, not a byte was allocated, even for a while.
    let (first, _) = allocated[0];
    assert!(allocated[1..].iter().all(|at| *at == (first, first)), "{allocated:?}");
    // Everything that can happen did.
    let soak::Tally { in_elements, too_long, timed_out, lost, late, forgotten, strays, malformed, refused, .. } = tally;
    let counts = [in_elements, too_long, timed_out, lost, late, forgotten, strays, malformed, refused];
    assert!(counts.iter().all(|count| *count > 20), "{tally}");
}
