//! `heap`: what each piece of work takes of the heap when it is done for the first time, a line each: work, subject, allocations, and
//! the most bytes at one time. The input is not counted, nor what ours is given: a buffer as long as the longest message.
//!
//! Then how many of the mistakes each subject refuses where it is asked to validate: the word `refuses`, subject, and of how many.

use qmp_benches::subject;
use qmp_benches::work::{MISTAKES, Work};

#[global_allocator]
static HEAP: dhat::Alloc = dhat::Alloc;

fn main() {
    for work in Work::ALL {
        for subject in subject::all() {
            let Some(mut task) = (subject.prepare)(work) else { continue };
            let profiler = dhat::Profiler::builder().testing().build();
            let done = task();
            let used = dhat::HeapStats::get();
            drop(profiler);
            if done != u64::MAX {
                println!("{}\t{}\t{}\t{}", work.name(), subject.name, used.total_blocks, used.max_bytes);
            }
        }
    }
    for subject in subject::all() {
        let refused = MISTAKES.iter().filter(|text| !(subject.accepts)(text)).count();
        println!("refuses\t{}\t{refused}\t{}", subject.name, MISTAKES.len());
    }
}
