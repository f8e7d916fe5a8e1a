//! What a program needs of its board: a UART with `embedded_io`'s traits, a clock, and an end.
//!
//! - `lm3s6965evb` (Cortex-M3): a PL011 whose receive interrupt fills a queue, so that no byte waits for the program.
//! - `virt` (RISC-V, 32 bits): an NS16550 that is asked whether there is something, and whose interrupt ends a sleep.
//!
//! Log lines go out by defmt over semihosting: the UART is free for the protocol.
#![no_std]

#[cfg(target_arch = "arm")]
mod lm3s6965evb;
#[cfg(target_arch = "riscv32")]
mod virt;

use core::panic::PanicInfo;

use defmt_semihosting as _;
#[cfg(target_arch = "arm")]
pub use lm3s6965evb::{MACHINE, Uart, entry, idle, now, uart};
#[cfg(target_arch = "riscv32")]
pub use virt::{MACHINE, Uart, entry, idle, now, uart};

/// Ends the program and with it QEMU, which exits with `code`.
pub fn exit(code: u8) -> ! {
    semihosting::process::exit(code.into())
}

/// Not reached from the engine; a program's own mistake would end here.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    defmt::error!("panic");
    exit(101)
}
