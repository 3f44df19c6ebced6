//! Versions that are made of the sources under a tag.

use crate::schema;
use larder_model::RepoPath;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A version that is to be made of sources.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewTagVersion {
    /// The sources.
    pub from: TagSource,
    /// The package, where the sources do not tell it; where they do, it must be this one.
    pub package: Option<String>,
}

/// A tag of a repository of sources.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct TagSource {
    /// The repository of this server that has them, as `git/local`.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// The path below it: `team/tool`.
    pub package: String,
    /// The tag: `v1.2.3`.
    pub tag: String,
}

/// A version that was made of sources.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct TagVersion {
    /// Where it is: of a group, in its first hosted member.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// Its package.
    pub package: String,
    /// The version.
    pub version: String,
    /// The commit that it was made of.
    pub commit: String,
}
