//! The program of target `exchange`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qmp_fuzz::exchange::run(bytes));
