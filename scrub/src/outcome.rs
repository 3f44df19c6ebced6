//! What a run found and did.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// What a run found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// Blobs that were looked at.
    pub examined: u64,
    /// Their bytes, as far as they were read.
    pub bytes: u64,
    /// Damaged blobs that are right again, or were made here and are made anew.
    pub healed: u64,
    /// Damaged blobs that stay so: reads are answered with an error.
    pub quarantined: u64,
    /// Of all damaged blobs, those whose bytes were not in the store.
    pub missing: u64,
    /// Blobs that could not be read this time, without being damaged as far as is known.
    pub unread: u64,
    /// Objects that no row names, older than the grace.
    pub orphans: u64,
    /// Of them, those that the collector removes.
    pub orphans_removed: u64,
    /// What the rows say beside what is true.
    pub mark: Mark,
}

/// Where the rows that keep bytes differ from what the manifests name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    /// Images whose manifests were read.
    pub images: u64,
    /// Manifests that were read.
    pub manifests: u64,
    /// Blobs that no file and nothing in the trash has, and that the collector does not look at.
    pub unreachable: u64,
    /// Their bytes.
    pub unreachable_bytes: u64,
    /// Blobs of images that none of their manifests names, and that the collector does not look at.
    pub unnamed: u64,
    /// What a manifest names without a row that says so: the collector might free it.
    pub unbound: u64,
    /// Rows that say that a manifest names what it does not name.
    pub bound: u64,
    /// What a manifest names and its image does not have: of a sparse image.
    pub absent: u64,
}

impl Outcome {
    /// As the result of a job.
    pub fn json(&self) -> Json {
        json!(self)
    }
}
