//! Disks that fail or are full: nothing is acknowledged that is not durable, reads go on, and
//! writes go on by themselves when the disk is well again.

#![expect(clippy::print_stdout, reason = "what a run was like")]

mod fiu;
mod full;
mod push;
mod sync;

use larder_tests::Start;

fn larder() -> Start {
    Start::of(env!("CARGO_BIN_EXE_larder"))
}
