//! Time, which the caller brings: the core has no clock.

use core::time::Duration;

/// A moment of the caller's clock, in milliseconds from whatever beginning the caller chose. Must not run backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// The beginning of the caller's clock.
    pub const ZERO: Self = Self(0);
    /// No deadline: later than all else.
    pub const NEVER: Self = Self(u64::MAX);

    /// `milliseconds` behind the beginning.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the beginning.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This moment and `duration` more, whole milliseconds, at most [`NEVER`](Self::NEVER).
    #[must_use]
    pub const fn after(self, duration: Duration) -> Self {
        let milliseconds = duration.as_secs().saturating_mul(1000).saturating_add(duration.subsec_millis() as u64);
        Self(self.0.saturating_add(milliseconds))
    }

    /// How long it is until `later`; zero if that is past.
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_millis(later.0.saturating_sub(self.0))
    }
}
