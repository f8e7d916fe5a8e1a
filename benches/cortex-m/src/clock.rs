//! Instructions, by the processor's own timer.

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;

use crate::work::Measured;

/// The board's processor has 25 MHz, and with `-icount shift=0` an instruction takes a nanosecond: so many of them make a tick.
const TICK: u32 = 40;
/// As many ticks as the timer can count.
const MOST: u32 = 0x00FF_FFFF;
/// What is counted first, to know that the clock is one of instructions.
const KNOWN: u32 = 1_000_000;

pub(crate) struct Clock(SYST);

impl Clock {
    /// # Panics
    /// If it does not count instructions.
    pub(crate) fn start(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(MOST);
        timer.enable_counter();
        let mut clock = Self(timer);
        // A loop of two instructions.
        let Measured { instructions, .. } = clock.measure(|| {
            cortex_m::asm::delay(KNOWN / 2);
            0
        });
        assert!(
            instructions.abs_diff(KNOWN) <= 2 * TICK,
            "{instructions} counted of {KNOWN}: is it run with -icount shift=0?"
        );
        clock
    }

    /// Does it once.
    ///
    /// # Panics
    /// If it takes more than 671 million instructions, which the timer cannot count.
    #[inline(never)]
    pub(crate) fn measure(&mut self, work: impl FnOnce() -> u64) -> Measured {
        self.0.clear_current();
        // It begins anew with its next tick.
        while SYST::get_current() == 0 {}
        // Reading takes the mark away.
        self.0.has_wrapped();
        let before = SYST::get_current();
        let outcome = work();
        let after = SYST::get_current();
        assert!(!self.0.has_wrapped(), "more than the timer can count");
        Measured { instructions: (before - after) * TICK, outcome }
    }
}
