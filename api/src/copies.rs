//! Copies of versions in other repositories.

use crate::schema;
use larder_model::RepoPath;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// To where a version is copied.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewCopy {
    /// The place.
    pub to: CopyTarget,
}

/// The place of a copy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct CopyTarget {
    /// A hosted repository of the same protocol.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// The package or image there; without it, the same.
    pub package: Option<String>,
    /// The version or tag there; without it, the same.
    pub version: Option<String>,
}

/// A copy that was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Copy {
    /// Where it is.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// Its package or image there.
    pub package: String,
    /// Its version or tag there.
    pub version: String,
    /// Of an image, the digest of its manifest; null: it is a version of a package.
    pub digest: Option<String>,
    /// How many files: of an image, manifests and blobs, those about it included.
    pub files: u64,
    /// All of them together, in bytes; none of them was moved.
    pub bytes: u64,
}
