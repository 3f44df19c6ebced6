//! What the operator decided: `larder.toml`, the environment and the flags, read once into checked
//! structs.
//!
//! Knows: every setting, its default, its unit, its bounds, and which settings contradict each
//! other. Must never know: what a setting is for. It opens no socket, no database and no bucket,
//! and no other crate reads the environment or knows this one; the server turns the structs into
//! plain arguments.
//!
//! To add a setting, add its documented line to a table in `sections`: the key, its environment
//! variable, the check for unknown keys, the effective configuration and `example.toml` follow from
//! that line.

mod fault;
mod secret;
mod url;
mod written;

mod kind;

mod address;
mod schema;
mod units;
mod words;

mod sections;

mod checks;

mod effective;
mod environment;
mod file;
mod load;

#[cfg(test)]
mod example;

pub use address::listen_address;
pub use effective::{Setting, told};
pub use environment::first_password;
pub use fault::{ConfigError, Fault, Place};
pub use load::Sources;
pub use secret::Secret;
pub use sections::{
    Audit, Auth, Backup, Cache, Config, Database, Gc, Limits, Log, Server, Storage, Telemetry,
};
pub use url::Url;
pub use words::{LogFormat, LogLevel, StorageKind, Tls};
