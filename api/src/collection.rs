//! Collection: how bytes become free that nothing names any more.

use crate::jobs::Job;
use crate::schema;
use larder_model::{RepoPath, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A run of the collector that is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct NewCollection {
    /// Whether it only tells what it would do; it does it, if this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// What replaces every wait in this run, as `0s` or `12h`: of what was queued, of the second
    /// look, of what clients were told, of unfinished uploads. Those of the server, if this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Span>)]
    pub grace: Option<String>,
}

/// How collection goes on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Collection {
    /// The newest run, whoever asked for it; `null`: there is none.
    #[schema(required)]
    pub last: Option<Job>,
    /// When the next begins by itself; `null`: none does.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub next_at: Option<Timestamp>,
    /// Bytes that nothing names any more: so many are free once all waits are over, if nobody names
    /// them until then.
    pub reclaimable_bytes: u64,
    /// Things that the collector is to look at.
    pub queue: u64,
}

/// A blob, and what keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Blob {
    /// Its digest.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// What the collector has found.
    pub state: BlobState,
    /// What names it, the first 1000.
    pub held_by: Vec<BlobHolder>,
    /// Whether there is more that names it.
    pub has_more_holders: bool,
    /// When the collector is to look at it next; `null`: it is not to.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub due_at: Option<Timestamp>,
}

/// What the collector has found of a blob.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlobState {
    /// Something named it when it was looked at last.
    Kept,
    /// Nothing named it: the next look deletes it, unless it is named by then.
    Condemned,
}

/// Something that names a blob.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct BlobHolder {
    /// The repository.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// The package, or the image; empty: the whole repository.
    pub package: String,
    /// What a person knows it by: a tag, a version, a path or a digest.
    pub reference: String,
    /// Why that keeps the blob: a sentence.
    pub why: String,
}
