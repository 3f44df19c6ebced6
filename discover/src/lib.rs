//! What this machine's package managers use as upstream: from their variables, their files and,
//! where nothing is set, from themselves.
//!
//! Knows: where each package manager keeps its settings and how it writes them, how to ask it for
//! its default. Must never know: any host by name, the server, its database, how things are shown.
//!
//! Each protocol has a module of pure functions over texts, and one that looks; [`Machine`] alone
//! reads files and runs programs. Whatever goes wrong means that nothing was found.

mod machine;
mod found;
mod ini;

mod cargo;
mod go;
mod composer;
mod npm;
mod pypi;
mod rpm;

mod all;

pub use all::{discover, discover_places, setting};
pub use found::{Certificates, ChecksumDatabase, DiscoveredUpstream, Pem, Place, Secret};
pub use machine::Machine;
