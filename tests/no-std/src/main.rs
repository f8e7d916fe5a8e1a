//! A bare-metal program around core and vocabulary, made to be linked, not to be run.
//!
//! It has no std and no allocator, and its panic handler calls a function that exists nowhere. So it links only if the compiler
//! proved that no panic can be reached from [`exercise`](exercise::exercise), whatever the bytes are. `cargo xtask panic`
//! builds it, prints its size, and lets one panic in to see the link fail; `cargo xtask stack` measures the functions of [`api`].
#![no_std]
#![no_main]

mod api;
#[cfg(feature = "delivery")]
mod delivery;
mod exercise;
mod vocabulary;

use core::hint::black_box;
use core::panic::PanicInfo;

/// Where the linker starts to look for what is reachable.
#[allow(unsafe_code, reason = "a symbol by name is the linker's way in")]
#[unsafe(no_mangle)]
extern "C" fn entry() -> ! {
    // Bytes and lengths that the compiler cannot know: what holds for these holds for all.
    let mut memory = [0; 1024];
    let mut received = [0; 64];
    exercise::exercise(black_box(&mut memory), black_box(&mut received));
    if cfg!(feature = "reachable-panic") {
        black_box(memory[black_box(usize::MAX)]);
    }
    if cfg!(feature = "recursion") {
        black_box(descend(black_box(3)));
    }
    loop {
        core::hint::spin_loop();
    }
}

/// What `cargo xtask stack` must find.
#[inline(never)]
fn descend(levels: u32) -> u32 {
    let here = black_box([levels; 4]);
    match levels {
        0 => 0,
        more => descend(more.wrapping_sub(1)).wrapping_add(black_box(here)[0]),
    }
}

#[panic_handler]
#[allow(unsafe_code, reason = "the call that cannot be linked is the proof")]
fn panic(info: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn panic_is_reachable() -> !;
    }
    while cfg!(feature = "tolerate-panics") {
        black_box(info);
    }
    // SAFETY: no program that holds this call can be linked, so it never runs.
    unsafe { panic_is_reachable() }
}
