//! The protocols of package repositories, as pure functions: they parse requests, build the URLs of
//! upstreams, read hashes from indexes, render documents for clients, and read published packages.
//!
//! Knows: each protocol's paths, documents, checksums and error responses.
//! Must never know: IO, async, SQL, the clock, the database, what is stored, who the caller is.
//!
//! Every protocol has two kinds of resource: a [`Document`] changes, an [`Artifact`] never does. One
//! engine (`cache`) fetches, stores and serves the bytes of all protocols.

mod text;
mod link;
mod json;
mod xml;
mod publish_limits;
pub mod source_path;
pub mod lead;
pub mod rendering;
pub mod request;
pub mod resource;
pub mod logs;
pub mod names;
pub mod account;
pub mod query;
pub mod publishing;
pub mod tagged;
pub mod copying;
pub mod describing;
pub mod search;
pub mod index;
mod archive;
mod unpack;
mod releases;
pub mod connect;
pub mod protocol;

pub mod cargo;
pub mod deb;
pub mod go;
pub mod git;
pub mod composer;
pub mod npm;
pub mod oci;
pub mod pypi;
pub mod rpm;

pub mod clients;

#[cfg(test)]
mod testing;

pub use account::Accounts;
pub use copying::Copying;
pub use describing::Describing;
pub use index::Index;
pub use larder_model::Integrity;
pub use lead::Lead;
pub use link::next_link;
pub use logs::{Log, Logs};
pub use names::{FileName, Names};
pub use protocol::{Call, MediaTypes, Pages, Protocol, VersionKind};
pub use publishing::Publishing;
pub use query::UpstreamQuery;
pub use rendering::Rendering;
pub use request::{Lens, RepoAddress, RepoRequest, RepoUrl};
pub use resource::{
    Artifact, Document, Fetch, LogRequest, Member, MirrorList, Named, Part, Plan, PromisedBody,
    PromisedDocument, ReadRequest, RenderRequest, Representation, Set, Source, Table,
};
pub use search::Search;
pub use tagged::FromTag;

use larder_model::ProtocolName;

/// All protocols whose paths have the form `/<protocol>/<repo>/`: the only list. The paths of images
/// begin with `/v2/`.
pub fn all() -> [&'static dyn Protocol; 7] {
    [
        &cargo::Cargo,
        &deb::Deb,
        &go::Go,
        &npm::Npm,
        &pypi::Pypi,
        &rpm::Rpm,
        &composer::Composer,
    ]
}

/// Protocols that doors of their own serve: images, and git repositories.
pub fn with_own_doors() -> [&'static dyn Protocol; 2] {
    [&oci::Oci, &git::Git]
}

/// All protocols, whatever door serves them.
pub fn every() -> impl Iterator<Item = &'static dyn Protocol> {
    with_own_doors().into_iter().chain(all())
}

/// The protocol of this name; `None` if this server does not support it.
pub fn of(name: ProtocolName) -> Option<&'static dyn Protocol> {
    every().find(|protocol| protocol.name() == name)
}
