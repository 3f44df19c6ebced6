//! What all calls of the registry work with.

use crate::sessions::Sessions;
use crate::tag_lists::TagLists;
use larder_access::Gate;
use larder_content::ContentStore;
use larder_keys::seal::Seal;
use larder_metadata::Metadata;
use larder_model::Limit;
use larder_storage::BlobStore;
use std::sync::Arc;
use std::time::Duration;

/// What the registry takes at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A manifest.
    pub manifest: Limit,
    /// A blob.
    pub blob: Limit,
    /// How long an upload may lie idle before it is forgotten.
    pub upload_idle: Duration,
    /// How long a client that was told that a blob is here may rely on it.
    pub lease: Duration,
}

/// Hosted OCI repositories.
pub struct Registry {
    pub(crate) metadata: Metadata,
    pub(crate) blobs: BlobStore,
    pub(crate) content: ContentStore,
    pub(crate) gate: Arc<Gate>,
    pub(crate) limits: Limits,
    pub(crate) sessions: Sessions,
    pub(crate) seal: Seal,
    pub(crate) tag_lists: TagLists,
}

impl Registry {
    /// A registry over these parts.
    pub fn new(metadata: Metadata, blobs: BlobStore, gate: Arc<Gate>, limits: Limits) -> Self {
        let seal = gate.seal("oci upload");
        Self {
            content: ContentStore::new(metadata.clone(), blobs.clone()),
            metadata,
            blobs,
            gate,
            limits,
            sessions: Sessions::default(),
            seal,
            tag_lists: TagLists::default(),
        }
    }
}
