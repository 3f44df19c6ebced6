#![no_main]
#[path = "../cases/pkt_line.rs"]
mod case;

libfuzzer_sys::fuzz_target!(|input: (u16, &str, &[u8])| case::run(input));
