//! The program of target `reader`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| qmp_fuzz::reader::run(bytes));
