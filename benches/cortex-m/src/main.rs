//! The work of `benches` on a Cortex-M4 as QEMU has it, by one of those that are compared, with the instructions that it took: a line a
//! piece of work, by tabs: name, unit, how many units there are, instructions, and the number that came of it.
//!
//! Run by `qemu-system-arm -M mps2-an386 -icount shift=0`: there an instruction takes a nanosecond, and the clock ticks by instructions.
#![no_std]
#![no_main]

mod clock;
#[cfg(any(feature = "serde-json-core", feature = "picojson"))]
mod lines;
#[cfg(feature = "picojson")]
#[path = "picojson.rs"]
mod subject;
#[cfg(feature = "qmp")]
#[path = "qmp.rs"]
mod subject;
#[cfg(feature = "serde-json-core")]
#[path = "serde_json_core.rs"]
mod subject;
mod work;

use core::panic::PanicInfo;

use cortex_m::Peripherals;
use cortex_m_rt::entry;
use semihosting::{eprintln, print, process};
use static_cell::ConstStaticCell;

use clock::Clock;
use work::{Measured, WORK};

/// Room for the longest message there is, which is the schema in pretty mode.
static MEMORY: ConstStaticCell<[u8; 1 << 20]> = ConstStaticCell::new([0; 1 << 20]);

#[entry]
fn main() -> ! {
    let memory = MEMORY.take();
    let mut clock = Clock::start(Peripherals::take().expect("the first time").SYST);
    let Measured { instructions: nothing, .. } = clock.measure(|| 0);
    for work in WORK {
        let Some(Measured { instructions, outcome }) = subject::measure(work, memory, &mut clock) else { continue };
        let instructions = instructions - nothing;
        print!("{}\t{}\t{}\t{instructions}\t{outcome}\n", work.name, work.unit, work.amount);
    }
    process::exit(0)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    eprintln!("{info}");
    process::exit(101)
}
