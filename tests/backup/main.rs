//! Backups of a server that serves, restored elsewhere: all of it is there and in one state, from
//! either pair of back ends to the other; what is damaged is refused before anything is written.
//!
//! `LARDER_TEST_BACKUPS`: how many are made under load; with `LARDER_TEST_LONG=1`, as a release is
//! tested, 20.

#![expect(clippy::print_stdout, reason = "what a run was like")]

mod bed;
mod contents;
mod load;

mod damaged;
mod kept;
mod moments;
mod upgrade;
