//! The media types of kept files whose own bytes tell them. What was kept with another one, as its
//! upstream had it, is put right when it is read.

use crate::bodies::Bodies;
use crate::repo::Repo;
use larder_metadata::Metadata;
use larder_metadata::files::{FileKey, FileRecord};
use larder_model::{Digest, Problem};
use quick_cache::sync::Cache as Memory;
use std::sync::Arc;

/// Files whose type was read from their bytes, by their digests.
const MAX_KNOWN: usize = 10_000;

/// Where the bytes do not tell all, a mirror goes by what its own upstream said: what is known of one
/// kept type says nothing of another.
struct Known {
    kept: Arc<str>,
    right: Arc<str>,
}

/// Reads the media types of kept files.
pub(crate) struct KeptMediaTypes {
    metadata: Metadata,
    bodies: Arc<Bodies>,
    known: Memory<Digest, Arc<Known>>,
}

impl KeptMediaTypes {
    /// Those of the files of a server.
    pub(crate) fn new(metadata: Metadata, bodies: Arc<Bodies>) -> Self {
        Self {
            metadata,
            bodies,
            known: Memory::new(MAX_KNOWN),
        }
    }

    /// The media type of a file by its own bytes, if it is another than the one that is kept.
    pub(crate) async fn other_than_kept(
        &self,
        repo: &Repo,
        key: FileKey<'_>,
        found: &FileRecord,
    ) -> Result<Option<Arc<str>>, Problem> {
        let media_types = repo.protocol.media_types();
        let Some(media_types) = media_types.filter(|types| types.are_told_by(key.kind)) else {
            return Ok(None);
        };
        if let Some(body) = &found.body
            && media_types.is_told_at_once(body, &found.content_type)
        {
            return Ok(None);
        }
        let known = self.known.get(&found.digest);
        let known = known.filter(|known| *known.kept == *found.content_type);
        let right = if let Some(known) = known {
            Arc::clone(&known.right)
        } else {
            let (body, _share) = self.bodies.read_in_turn(found).await?;
            let right: Arc<str> = media_types.of(&body, &found.content_type).into();
            let known = Known {
                kept: (*found.content_type).into(),
                right: Arc::clone(&right),
            };
            self.known.insert(found.digest, Arc::new(known));
            right
        };
        if *right == *found.content_type {
            return Ok(None);
        }
        // The answer is right whether this is written or not: whoever reads it next tries again.
        let written = self.metadata.set_content_type(key, &found.digest, &right);
        if let Err(error) = written.await {
            let path = key.path;
            tracing::warn!(%error, path, "a media type was not put right");
        }
        Ok(Some(right))
    }
}
