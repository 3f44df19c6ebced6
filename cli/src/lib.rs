//! The commands that are clients of the REST API, the profile that `larder login` saves, and
//! `larder discover`.
//!
//! Knows: the command line, the API's calls, how answers look on a terminal. Must never know: any
//! other crate but the model, the API's types and discover, where the server keeps anything, the
//! environment beyond what clap reads for a flag.
//!
//! Every command is a function from its arguments to an outcome, shown in one place.

mod escape;
mod span;

mod expiry;
mod failure;
mod table;

mod arguments;
mod outcome;
mod profile;
mod server;
mod terminal;

mod client;
mod command;

mod password;
mod session;

mod audit;
mod connect;
mod discover;
mod grant;
mod repo;
mod token;
mod upstream;
mod user;

mod login;

mod run;

#[cfg(test)]
mod tests;

pub use command::{Command, Global};
pub use larder_discover::Machine;
pub use run::{Env, run};
