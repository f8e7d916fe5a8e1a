//! The program of target `projection`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qmp_fuzz::projection::run(bytes));
