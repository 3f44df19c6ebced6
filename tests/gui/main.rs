//! The pages of the web GUI on the built binary, as a browser without scripts has them.

mod access;
mod contents;
mod described;
mod operate;
mod refused;
mod roles;
mod setup;
