//! The commands that are clients of the REST API, the profile that `larder login` saves, and
//! `larder discover`.
//!
//! Knows: the command line, the API's calls, how answers look on a terminal. Must never know: any
//! other room but the model and discover, where the server keeps anything, the environment beyond
//! what clap reads for a flag.
//!
//! Every command is a function from its arguments to an outcome, shown in one place.

mod client;
mod command;
mod connect;
mod discover;
mod escape;
mod expiry;
mod failure;
mod grant;
mod login;
mod outcome;
mod password;
mod profile;
mod repo;
mod run;
mod server;
mod session;
mod span;
mod table;
mod terminal;
mod token;
mod upstream;
mod user;

#[cfg(test)]
mod tests;

pub use command::{Command, Global};
pub use larder_discover::Machine;
pub use run::{Env, run};
