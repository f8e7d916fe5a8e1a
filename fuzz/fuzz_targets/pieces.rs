//! The program of target `pieces`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qmp_fuzz::pieces::run(bytes));
