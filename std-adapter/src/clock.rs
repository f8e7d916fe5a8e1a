//! The clock that the core is told.

use core::time::Duration;

use qmp_core::time::Instant;

/// Counts from its making. The core's time is whole milliseconds of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(std::time::Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn now(self) -> Instant {
        Instant::ZERO.after(self.0.elapsed())
    }

    /// The end of `timeout` from now on, not earlier: parts of milliseconds count as whole ones. `None` never ends; zero ends now.
    pub(crate) fn deadline(self, timeout: Option<Duration>) -> Instant {
        match timeout {
            None => Instant::NEVER,
            Some(Duration::ZERO) => self.now(),
            Some(timeout) => Instant::ZERO
                .after(self.0.elapsed().saturating_add(timeout).saturating_add(Duration::from_nanos(999_999))),
        }
    }

    /// How long it is until `deadline`. `None`: it never comes.
    pub(crate) fn until(self, deadline: Instant) -> Option<Duration> {
        (deadline < Instant::NEVER)
            .then(|| Duration::from_millis(deadline.as_millis()).saturating_sub(self.0.elapsed()))
    }

    pub(crate) fn is_past(self, deadline: Instant) -> bool {
        self.until(deadline).is_some_and(|left| left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_never_come_early() {
        let clock = Clock::start();
        assert_eq!(clock.deadline(None), Instant::NEVER);
        assert_eq!(clock.until(Instant::NEVER), None);
        assert!(!clock.is_past(Instant::NEVER));
        assert!(clock.is_past(clock.deadline(Some(Duration::ZERO))));
        let timeout = Duration::from_micros(1_500_001);
        let before = clock.0.elapsed();
        let deadline = Duration::from_millis(clock.deadline(Some(timeout)).as_millis());
        assert!(deadline >= before + timeout);
        assert!(clock.deadline(Some(Duration::MAX)).as_millis() > u64::MAX / 2);
    }
}
