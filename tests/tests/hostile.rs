//! Peers that mean harm: memory is what was lent, each byte costs the same, and where the session stands is told.

use peak_alloc::PeakAlloc;
use qmp_tests::hostile::CASES;

/// Counts what is allocated in this process, which has one test only, then.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The length of a line, and how often other things are repeated. `cargo xtask soak --hostile` goes further.
const LINE: u64 = 16 << 20;
const MANY: u64 = 100_000;

/// Does it, and makes sure that not a byte is allocated meanwhile.
fn without_allocating(work: &mut dyn FnMut()) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    work();
    assert_eq!((MEMORY.current_usage(), MEMORY.peak_usage()), (before, before));
}

#[test]
fn whatever_is_sent_memory_is_bounded_and_the_session_goes_on() {
    for case in CASES {
        let outcome = case.run(LINE, MANY, without_allocating);
        println!("{case}: {} bytes, {} messages, {:.1?}", outcome.bytes, outcome.messages, outcome.took);
    }
}
