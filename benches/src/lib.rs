//! Work that is measured: the same for ours and for others, over traffic that was recorded from real QEMUs.
//!
//! [`work`] says what is done, `ours` and `rivals` do it, and the programs beside this library measure it: `count` for callgrind,
//! `time` by the clock, `heap` by what is allocated, `grow` as the work grows. `cargo xtask bench` runs them.

pub mod fixtures;
mod ours;
#[cfg(feature = "rivals")]
mod rivals;
pub mod subject;
mod types;
pub mod work;

/// Runs `work`, on which callgrind has its eye alone: `count` tells it this function's name.
#[inline(never)]
pub fn measured(work: &mut dyn FnMut() -> u64) -> u64 {
    work()
}
