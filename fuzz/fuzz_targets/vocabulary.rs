//! The program of target `vocabulary`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qmp_fuzz::vocabulary::run(bytes));
