//! The REST API under `/api/v1/`: repositories, users, tokens, grants, and who may what; and the
//! page at which people log their clients in.
//!
//! Knows: the calls and their JSON, who may make which, how a problem is said (RFC 9457).
//! Must never know: SQL, where bytes lie, the dialects of clients, how a response is sent.
//!
//! Every call goes the same way: the one table in [`paths`] parses it, `require` judges what can be
//! judged without the body, then one function does it.

mod asking;
mod checks;
mod connect;
mod door;
pub mod endpoint;
mod engine;
mod fields;
mod grants;
mod listing;
mod packages;
mod page;
pub mod paths;
mod query;
mod refuse;
mod reply;
mod repositories;
mod require;
mod scope;
mod settings;
mod sign_in;
mod tokens;
mod upstreams;
mod users;

#[cfg(test)]
mod tests;

pub use door::{Api, ApiLimits};
pub use engine::Engine;
pub use page::Page;
pub use sign_in::SignIn;
