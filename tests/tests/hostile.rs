//! Peers that mean harm: memory is what was lent, each byte costs the same, and where the session stands is told.

use peak_alloc::PeakAlloc;
use qmp_core::client::{Client, Config, Message, Slot, Storage};
use qmp_core::frame::Oversized;
use qmp_tests::hostile::CASES;

/// Counts what is allocated in this process, which has one test only, then.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The length of a line, and how often other things are repeated. `cargo xtask soak --hostile` goes further.
const LINE: u64 = 8 << 20;
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
    every_depth();
}

/// As deep as QEMU's own limit allows, the message itself being one level; deeper ones are told.
fn every_depth() {
    let (mut rx, mut tx, mut slots) = (vec![0; 4096], vec![0; 256], [Slot::FREE; 1]);
    let mut client =
        Client::new(Storage::new(rx.as_mut_slice(), tx.as_mut_slice(), slots.as_mut_slice()), Config::DEFAULT);
    for depth in 1..=1100 {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = format!("{{\"return\":{}0{}}}\n", open.repeat(depth), close.repeat(depth));
            let mut rest = text.as_bytes();
            let mut said = 0;
            while !rest.is_empty() {
                let taken = client.feed(rest).expect("the stream goes on");
                rest = &rest[taken..];
                while let Some(incoming) = client.poll().expect("a session") {
                    said += 1;
                    match incoming.message {
                        Message::Foreign { .. } => assert!(depth < 1024 && text.len() <= 4097, "{depth}"),
                        Message::Oversize { message, .. } if message.cause == Oversized::TooDeep(1024) => {
                            assert!(depth >= 1024, "{depth}");
                        }
                        Message::Oversize { .. } => assert!(text.len() > 4096, "{depth}"),
                        other => panic!("{depth}: {other:?}"),
                    }
                }
            }
            assert_eq!(said, 1, "{depth}");
        }
    }
}
