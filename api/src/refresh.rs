//! What came of asking an upstream for a package.

use crate::schema;
use larder_model::{RepoPath, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An empty object: there is nothing to say but that the upstream is to be asked.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct RefreshRequest {}

/// A package whose upstream was asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Refresh {
    /// The mirror.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// The package's name in canonical form.
    pub package: String,
    /// The tag that was asked for; null: all of the package.
    pub version: Option<String>,
    /// Whether any of the documents is another one now.
    pub changed: bool,
    /// The documents that were asked for.
    pub documents: Vec<RefreshedDocument>,
}

/// A document that an upstream was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RefreshedDocument {
    /// Its path in the package; of an image's tag, the tag.
    pub path: String,
    /// What came of it.
    pub outcome: RefreshOutcome,
    /// The digest of what the upstream has; null: it is gone.
    pub digest: Option<String>,
    /// The digest of what was kept before; null: nothing was.
    pub previous_digest: Option<String>,
    /// When the upstream answered.
    #[schema(value_type = schema::Timestamp)]
    pub checked_at: Timestamp,
}

/// What came of asking for a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefreshOutcome {
    /// It was not kept, and is now.
    New,
    /// It is another one than what was kept.
    Changed,
    /// It is what was kept.
    Unchanged,
    /// The upstream has it no more.
    Gone,
}
