//! What a job tells of itself while it runs.

use larder_model::RepoPath;
use serde::{Deserialize, Serialize};

/// Items that are kept of one job. Later ones are left out: the result counts them.
pub const MAX_ITEMS: u64 = 100_000;

/// How far a job is.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// What it does now: a word of its kind.
    pub phase: String,
    /// So many things are done.
    pub done: u64,
    /// Of so many; `None`: nobody knows yet.
    pub total: Option<u64>,
    /// What is counted, as `blobs`.
    pub unit: String,
    /// So many bytes were handled.
    pub bytes: u64,
}

/// What a job did to one thing, or would do.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// What was done: a word of its kind, as `delete`.
    pub action: String,
    /// The repository of the thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepoPath>,
    /// The package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The version, or the tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Why: a sentence.
    pub reason: String,
}
