//! What a run did, or would do.

use serde::Serialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Why something in a queue stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptReason {
    /// A file has the digest.
    Named,
    /// A manifest of the image names the blob.
    InManifest,
    /// A client may still name it, or the second look is not due.
    Waiting,
    /// It changed while it was looked at; the next run looks again.
    Changed,
    /// A backup may still read the object; a later run removes it.
    Held,
}

/// What a run did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Entries of the queues that were looked at.
    pub examined: u64,
    /// Blobs whose bytes went.
    pub deleted: u64,
    /// Their bytes, and the staged ones of uploads that were given up.
    pub bytes_freed: u64,
    /// What stays, by why.
    pub kept: BTreeMap<KeptReason, u64>,
    /// Rows of blobs in images that went: nothing named them.
    pub unlinked: u64,
    /// Blobs that the next look deletes, unless they are named by then.
    pub condemned: u64,
    /// Entries of the trash whose time was over.
    pub expired: u64,
    /// Other forms of documents, and files that past states of indexes named, that went.
    pub leftovers: u64,
    /// Past states of upstreams' names that were forgotten.
    pub past: u64,
    /// Unfinished uploads that were given up, with what had come of them.
    pub uploads: u64,
}

impl Outcome {
    pub(crate) fn keep(&mut self, reason: KeptReason) {
        *self.kept.entry(reason).or_default() += 1;
    }

    /// How many objects were held when they were looked at last: a run looks twice.
    pub(crate) fn hold(&mut self, objects: u64) {
        self.kept.remove(&KeptReason::Held);
        if objects > 0 {
            self.kept.insert(KeptReason::Held, objects);
        }
    }

    pub(crate) const fn free(&mut self, bytes: u64) {
        self.deleted += 1;
        self.bytes_freed += bytes;
    }

    /// As the result of a job.
    pub fn json(&self) -> Json {
        json!(self)
    }
}
