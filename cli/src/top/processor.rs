//! How busy a processor's thread is, as the system that QEMU runs on tells it.

use core::num::NonZeroU64;
use std::fs;

/// How many milliseconds a thread of a process has run. `None` if it is not on this system, or the system does not tell.
pub(super) fn milliseconds(process: u32, thread: i64) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/task/{thread}/stat")).ok()?;
    ticks(&stat)?.checked_mul(1000)?.checked_div(NonZeroU64::new(rustix::param::clock_ticks_per_second())?.get())
}

/// User and system time. The second field, a name, is in parentheses and may have more of them.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    times.next()?.ok()?.checked_add(times.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn behind_any_name() {
        let stat = "17 (CPU 0/KVM) (x)) S 1 2 3 4 5 6 7 8 9 10 40 2 0 0 20 0 3";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("17 (a) S 1"), None);
        assert_eq!(ticks(""), None);
    }
}
