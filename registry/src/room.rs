//! Room in a repository's quotas for what is about to be uploaded.

use crate::Registry;
use larder_door::Incoming;
use larder_metadata::quotas::{Announcement, ComingBytes};
use larder_metadata::repos::RepoRecord;
use larder_model::{BodyLimit, Digest, Problem};

impl Registry {
    /// Refuses bytes that are announced and cannot fit into a quota of the repository, before they are
    /// sent; else holds room for them. From now on the body has no more than is left of what a blob may
    /// have. `upload`: the session's id, and how many bytes of it are here.
    pub(crate) async fn announce(
        &self,
        repo: &RepoRecord,
        (upload, received): (&str, u64),
        digest: Option<Digest>,
        body: &mut Incoming,
    ) -> Result<Option<Announcement>, Problem> {
        let told = self.limits.blob;
        body.limit(BodyLimit {
            max_bytes: told.bytes.saturating_sub(received),
            told,
        });
        let announced = body.announced().filter(|bytes| *bytes > 0);
        let Some(bytes) = announced.filter(|_| repo.is_limited) else {
            return Ok(None);
        };
        let coming = ComingBytes {
            repo: repo.id,
            digest,
            bytes: bytes.saturating_add(received),
            upload,
        };
        Ok(self.metadata.announce(coming).await?)
    }
}
