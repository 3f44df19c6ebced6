//! What may be published at most.

use larder_model::Limit;

/// What may be published at most, for every protocol alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PublishLimits {
    /// One file of a package.
    pub file: Limit,
    /// What such a file may unpack to.
    pub unpacked: Limit,
    /// What describes one version: a manifest, a description with its README.
    pub metadata: Limit,
    /// A document that describes a whole package or repository.
    pub document: Limit,
}

/// Those of a server whose settings say nothing else.
impl Default for PublishLimits {
    fn default() -> Self {
        Self {
            file: Limit::set(8 << 30, "server.limits.package_size"),
            unpacked: Limit::set(32 << 30, "server.limits.package_unpacked_size"),
            metadata: Limit::set(8 << 20, "server.limits.package_metadata_size"),
            document: Limit::set(64 << 20, "server.limits.package_document_size"),
        }
    }
}
