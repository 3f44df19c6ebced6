//! What was published by the API.

use crate::schema;
use larder_model::RepoPath;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file that was published.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Publication {
    /// Where it was sent.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// Its name.
    pub file: String,
    /// What became of it: a sentence.
    pub outcome: String,
}
