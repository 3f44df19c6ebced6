//! The go command: modules of a mirror that a checksum database vouches for, and modules that are
//! published here.

mod bed;
mod offline;
mod pulls;
mod refused;
mod shared;
mod tagged;
mod trusted;
