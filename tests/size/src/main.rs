//! Bare-metal programs whose sizes are compared, made to be linked, not to be run. A feature chooses the program.
#![no_std]
#![no_main]

#[cfg(feature = "client")]
mod firmware;
#[cfg(feature = "program")]
mod programs;
#[cfg(feature = "ram")]
mod ram;
#[cfg(any(feature = "decode", feature = "encode"))]
mod records;
#[cfg(feature = "ram")]
#[allow(dead_code, reason = "each program has one of the two")]
mod smallest;
#[cfg(feature = "types")]
mod types;

use core::hint::black_box;
use core::panic::PanicInfo;

/// Where the linker starts to look for what is reachable.
#[allow(unsafe_code, reason = "a symbol by name is the linker's way in")]
#[unsafe(no_mangle)]
extern "C" fn entry() -> ! {
    let mut memory = [0; 64];
    run(black_box(&mut memory));
    loop {
        core::hint::spin_loop();
    }
}

fn run(memory: &mut [u8]) {
    #[cfg(feature = "decode")]
    records::decoding::run(memory);
    #[cfg(feature = "encode")]
    records::encoding::run(memory);
    #[cfg(feature = "client")]
    firmware::session(memory);
    #[cfg(feature = "program")]
    programs::run(memory);
    #[cfg(feature = "ram")]
    ram::run(memory);
    #[cfg(feature = "types")]
    types::show();
    black_box(memory);
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
