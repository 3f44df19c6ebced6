//! Archives that an earlier version of this server unpacked on their way, because their upstream
//! labels packed files as encoded: kept without a checksum, so nothing found them.

use crate::bodies::Bodies;
use crate::upstream::is_packed;
use larder_metadata::files::FileRecord;
use larder_mirrors::Artifact;
use larder_model::{Digest, Problem};
use quick_cache::sync::Cache as Memory;
use std::sync::Arc;

/// The mark of a tar archive, and where it is in the first header (POSIX ustar).
const MARK: &[u8] = b"ustar";
const MARK_AT: u64 = 257;
const MARK_END: u64 = MARK_AT + MARK.len() as u64;
/// Archives that are known to be at their upstreams as they are kept.
const MAX_KNOWN: usize = 10_000;

/// Finds such archives by what they begin with.
pub(crate) struct Unpacked {
    bodies: Arc<Bodies>,
    known: Memory<Digest, ()>,
}

impl Unpacked {
    pub(crate) fn new(bodies: Arc<Bodies>) -> Self {
        Self {
            bodies,
            known: Memory::new(MAX_KNOWN),
        }
    }

    /// Whether a kept artifact has the name of a packed archive, nothing was promised of it, and nobody
    /// looked at it yet.
    pub(crate) fn may_be_one(&self, artifact: &Artifact, found: &FileRecord) -> bool {
        found.integrity.is_empty()
            && is_packed(&artifact.path)
            && found.size >= MARK_END
            && !self.known.contains_key(&found.digest)
    }

    /// Whether such an artifact is a plain archive.
    pub(crate) async fn is_one(
        &self,
        artifact: &Artifact,
        found: &FileRecord,
    ) -> Result<bool, Problem> {
        if !self.may_be_one(artifact, found) {
            return Ok(false);
        }
        let mark = self.bodies.read_part(found, MARK_AT..MARK_END).await?;
        if *mark != *MARK {
            self.known.insert(found.digest, ());
        }
        Ok(*mark == *MARK)
    }

    /// The upstream has it as it is.
    pub(crate) fn is_right(&self, found: &FileRecord) {
        self.known.insert(found.digest, ());
    }
}
