//! What ends a sleep: the UART, by the interrupt controller, and the timer. No interrupt is taken: they stay disabled as a whole, where
//! `wfi` goes on all the same.
#![allow(unsafe_code, reason = "registers")]

use riscv::register::time;
use riscv::{asm, pac_enum};
use riscv_peripheral::{clint_codegen, plic_codegen};

use super::TICKS;

plic_codegen!(Plic, base 0x0C00_0000);
clint_codegen!(Clint, base 0x0200_0000, mtime_freq 10_000_000);

#[derive(Clone, Copy)]
#[pac_enum(unsafe ExternalInterruptNumber)]
enum Source {
    Uart = 10,
}

#[derive(Clone, Copy)]
#[pac_enum(unsafe PriorityNumber)]
enum Priority {
    Lowest = 1,
}

/// Has the UART end sleeps.
pub(super) fn enable() {
    let plic = Plic::new();
    // SAFETY: no critical section here relies on priorities or masks, and no interrupt is taken.
    unsafe {
        plic.priorities().set_priority(Source::Uart, Priority::Lowest);
        plic.ctx0().enables().enable(Source::Uart);
        plic.enable();
        Clint::new().mtimer().enable();
    }
}

/// Sleeps until a byte has come or a millisecond has gone.
pub fn sleep() {
    Clint::new().mtimer().mtimecmp0().write(time::read64() + TICKS);
    asm::wfi();
    // A byte that comes from now on ends the next sleep; those that came were told of.
    let claim = Plic::new().ctx0().claim();
    if let Some(source) = claim.claim::<Source>() {
        claim.complete(source);
    }
}
