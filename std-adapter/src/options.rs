//! How a monitor is connected and how much it keeps.

use core::hash::{BuildHasher, Hasher};
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::time::SystemTime;

use qmp_core::client::{Config, Storage};

/// How to connect a [`Monitor`](crate::Monitor), and how much it keeps. The defaults are right for QEMU.
///
/// ```no_run
/// use std::time::Duration;
///
/// let monitor = qmp_std::Options::new().deadline(Duration::from_secs(2)).oob(true).unix("/run/vm/qmp.sock")?;
/// # Ok::<(), qmp_std::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing before `connect`, `unix`, `tcp`, `over`, …"]
pub struct Options {
    pub(crate) deadline: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: bool,
    pub(crate) events: usize,
    pub(crate) notices: usize,
    rx_limit: usize,
    tx_limit: usize,
    slots: usize,
    oob: bool,
    seed: Option<u32>,
}

impl Options {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            deadline: Some(Duration::from_secs(10)),
            timeout: None,
            retry: false,
            events: 1024,
            notices: 64,
            rx_limit: QEMU_LIMIT,
            tx_limit: QEMU_LIMIT,
            slots: 32,
            oob: false,
            seed: None,
        }
    }

    /// The longest that connecting may take, from `connect()` through greeting and negotiation: 10 seconds. `None` is as long as it
    /// takes: for a monitor that another client will leave some time.
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// Whether to try again, up to the [deadline](Self::deadline), what may succeed a little later, for a virtual machine that is just
    /// starting: no. There is no such socket yet, nobody listens, no greeting comes. What stays as it is (no permission, not a QMP
    /// server) ends it at once. Between attempts it sleeps, 10 ms at first and half a second at most.
    ///
    /// When time is up, [`Error::GaveUp`](crate::Error::GaveUp) has the last attempt's error.
    pub fn retry(mut self, retry: bool) -> Self {
        self.retry = retry;
        self
    }

    /// The longest that each command may take; see [`Monitor::set_timeout`](crate::Monitor::set_timeout). None, as QEMU can be busy
    /// for minutes.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// The longest message that is received, in bytes: 64 MiB, which is QEMU's own limit. The buffer starts with 4 KiB and grows as
    /// needed. Longer messages are passed over and reported.
    pub fn rx_limit(mut self, bytes: usize) -> Self {
        self.rx_limit = bytes;
        self
    }

    /// The longest command that is sent, in bytes: 64 MiB, the most that QEMU reads.
    pub fn tx_limit(mut self, bytes: usize) -> Self {
        self.tx_limit = bytes;
        self
    }

    /// The most events that are kept until they are asked for: 1024. When one more comes the oldest is dropped, and counted.
    pub fn events(mut self, most: usize) -> Self {
        self.events = most;
        self
    }

    /// The most notices that are kept until they are asked for: 64. When one more comes the oldest is dropped, and counted.
    pub fn notices(mut self, most: usize) -> Self {
        self.notices = most;
        self
    }

    /// The most commands in flight, in-band and out-of-band ones together: 32, of which 8 can be in-band.
    pub fn in_flight(mut self, most: usize) -> Self {
        self.slots = most;
        self
    }

    /// Whether to enable out-of-band execution where the server offers it: no.
    pub fn oob(mut self, oob: bool) -> Self {
        self.oob = oob;
        self
    }

    /// Where command ids begin: at random, so that replies to a client that was there before are recognised. Only tests want others.
    pub fn seed(mut self, seed: u32) -> Self {
        self.seed = Some(seed);
        self
    }

    pub(crate) fn storage(&self) -> Storage<'static> {
        Storage::growing(self.rx_limit.max(LEAST), self.tx_limit.max(LEAST), self.slots.max(1))
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::DEFAULT;
        config.oob = self.oob;
        config.seed = self.seed.unwrap_or_else(|| random() as u32);
        config
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// MAX_TOKEN_SIZE of QEMU's parser.
const QEMU_LIMIT: usize = 64 << 20;
/// A greeting and the negotiation fit.
const LEAST: usize = 512;

/// Differs from process to process and from call to call: the hasher's keys are the system's random numbers.
pub(crate) fn random() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    if let Ok(time) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        hasher.write_u128(time.as_nanos());
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_counts_from_elsewhere() {
        // The lower 24 bits count. That all of five are the same happens once in 2^96.
        let seeds: Vec<_> = (0..5).map(|_| Options::new().config().seed & 0x00FF_FFFF).collect();
        assert!(seeds.iter().any(|seed| *seed != seeds[0]), "{seeds:?}");
        assert_eq!(Options::new().seed(7).config().seed, 7);
    }
}
