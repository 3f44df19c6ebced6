//! The seams to the protocols: what can be had once more, and what a manifest names.

use async_trait::async_trait;
use larder_metadata::scrub::MirrorFile;
use larder_model::{Digest, Problem};

/// The upstreams of mirrors.
#[async_trait]
pub trait Upstreams: Send + Sync {
    /// Fetches a file anew whose bytes are damaged here, checks it as ever, and keeps it. Fails if it
    /// cannot be had.
    async fn fetch_again(&self, file: &MirrorFile) -> Result<(), Problem>;
}

/// What a manifest names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its parts: blobs and manifests.
    pub parts: Vec<Digest>,
    /// What it is about.
    pub subject: Option<Digest>,
}

/// How manifests are read.
pub trait Manifests: Send + Sync {
    /// What the bytes of a manifest name. Fails if they are none.
    fn named(&self, bytes: &[u8], content_type: &str) -> Result<Named, Problem>;
}
