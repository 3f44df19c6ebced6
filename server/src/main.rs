//! The `larder` program: the server, and the commands that are clients of its API.
//!
//! Knows: all crates, how they are wired, listeners, signals, the environment.
//! Must never know: what a request means. It hands each to the door whose path it is.

mod door_label;
mod tally;
mod gauges;
mod process;
mod ended;
mod observe;

mod at_rest;
mod first_mirrors;
mod first_start;
mod metrics;
mod system;
mod tls;
mod writable;
mod unheard;
mod beginning;

mod backup;
mod before_upgrade;
mod stores;
mod retention;
mod scrub;
mod engine;
mod upstream_check;
mod unfinished_uploads;
mod limits;
mod kept_files;
mod house;

mod housekeeping;
mod pace;
mod service;
mod socket;

mod connection_slots;
mod connection;
mod listen;
mod health;
mod look;
mod reset_password;
mod rotate_key;
mod restore;

mod arguments;

use std::process::ExitCode;

/// Measured against the system's: less memory kept after large uploads, and no page faults on the
/// small answers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    arguments::run()
}
