//! The protocols of files, as pure functions: what a request asks for, where it is upstream, its
//! integrity, how it is rendered for the client, and what a published package holds.
//!
//! Knows: each protocol's addresses, documents, checksums and dialects.
//! Must never know: IO, async, SQL, the clock, the database, whether something is stored, who asks.
//!
//! Every protocol asks for two kinds of thing: a [`Document`] that changes and an [`Artifact`] that
//! never does. One engine (`cache`) moves the bytes of all of them.

mod text;
mod json;
mod xml;
pub mod request;
pub mod resource;
pub mod names;
pub mod account;
pub mod query;
pub mod publishing;
pub mod search;
pub mod index;
mod archive;
pub mod connect;
pub mod protocol;

pub mod cargo;
pub mod npm;
pub mod oci;
pub mod pypi;
pub mod rpm;

pub mod clients;

#[cfg(test)]
mod testing;

pub use account::Accounts;
pub use index::Index;
pub use larder_model::Integrity;
pub use names::Names;
pub use protocol::{Call, Protocol, VersionKind};
pub use publishing::Publishing;
pub use query::UpstreamQuery;
pub use request::{Lens, RepoAddress, RepoRequest, RepoUrl};
pub use resource::{
    Artifact, Document, Fetch, Plan, ReadRequest, RenderRequest, Representation, Set, Source, Table,
};
pub use search::Search;

use larder_model::ProtocolName;

/// All protocols that have addresses of the form `/<protocol>/<repo>/`: the only list. Images have
/// their own, below `/v2/`.
pub fn all() -> [&'static dyn Protocol; 4] {
    [&cargo::Cargo, &npm::Npm, &pypi::Pypi, &rpm::Rpm]
}

/// The protocol of this name, images included; `None` if there is none of it here.
pub fn of(name: ProtocolName) -> Option<&'static dyn Protocol> {
    if name == ProtocolName::OCI {
        return Some(&oci::Oci);
    }
    all().into_iter().find(|protocol| protocol.name() == name)
}
