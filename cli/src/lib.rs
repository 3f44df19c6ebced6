//! The commands that are clients of the REST API, the profile that `larder login` saves, and
//! `larder discover`.
//!
//! Knows: the command line, the API's calls, how answers look on a terminal. Must never know: any
//! other crate but the model, the API's types and discover, where the server keeps anything, the
//! environment beyond what clap reads for a flag.
//!
//! Every command is a function from its arguments and a context to an outcome, shown in one
//! place. A noun is a file: its arguments for clap, its tables, and its function; it is
//! named in `command` and `run`, and nowhere else.

mod escape;
mod events;
mod exit;
mod format;
mod private_file;
mod progress;
mod span;
mod limit;

mod completion;
mod edit;
mod expiry;
mod failure;
mod global;
mod table;

mod arguments;
mod outcome;
mod client_file;
mod connected;
mod pieces;
mod place;
mod profile;
mod retry;
mod server;
mod terminal;

mod client;
mod password;
mod session;

mod context;
mod interrupt;

mod download;
mod ready;

mod apply;
mod audit;
mod can;
mod denied;
mod connect_write;
mod connect_undo;
mod connect;
mod discover;
mod doctor;
mod grant;
mod group;
mod job;
mod gc;
mod backup;
mod login;
mod login_context;
mod package;
mod quota;
mod repo;
mod retention;
mod robot;
mod schedule;
mod scrub;
mod stats;
mod search;
mod sessions;
mod settings;
mod token;
mod trash;
mod upstream;
mod user;

mod command;
mod run;
mod console;

#[cfg(test)]
mod tests;

pub use command::Command;
pub use console::{Told, tell};
pub use context::Env;
pub use exit::Exit;
pub use global::Global;
pub use interrupt::exit_on_interrupt;
pub use larder_discover::Machine;
pub use ready::ready;
pub use run::{misused, run, wants_json};
