//! Introduces scrubs to the protocols: the crates never see one another.

use async_trait::async_trait;
use larder_cache::Packages;
use larder_metadata::scrub::MirrorFile;
use larder_model::Problem;
use larder_registry::manifest;
use larder_scrub::{Manifests, Named, Upstreams};

/// The upstreams of the package engine, as scrubs know them.
pub(crate) struct Mirrored(pub(crate) Packages);

#[async_trait]
impl Upstreams for Mirrored {
    async fn fetch_again(&self, file: &MirrorFile) -> Result<(), Problem> {
        self.0.fetch_again(file).await
    }
}

/// The manifests of pushed images, read as when they were pushed.
pub(crate) struct PushedManifests;

impl Manifests for PushedManifests {
    fn named(&self, bytes: &[u8], content_type: &str) -> Result<Named, Problem> {
        let manifest = manifest::parse(bytes, Some(content_type))?;
        let mut parts = manifest.blobs;
        parts.extend(manifest.manifests);
        Ok(Named {
            parts,
            subject: manifest.subject,
        })
    }
}
