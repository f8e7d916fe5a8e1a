//! The program of target `scanner`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qmp_fuzz::scanner::run(bytes));
