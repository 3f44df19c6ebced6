#![no_main]
#[path = "../cases/log.rs"]
mod case;

libfuzzer_sys::fuzz_target!(|input: (&str, Vec<&[u8]>)| case::run(input));
