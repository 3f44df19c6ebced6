#![no_main]
#[path = "../cases/publish.rs"]
mod case;

libfuzzer_sys::fuzz_target!(|input: &[u8]| case::run(input));
