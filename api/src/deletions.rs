//! Many packages or versions deleted in one call.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is to be deleted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewDeletions {
    /// Each thing once, at least one and at most 1000.
    pub items: Vec<Deletion>,
}

/// A package, or one version of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Deletion {
    /// The package, in any spelling.
    pub package: String,
    /// The version; of an image the tag, or the digest of a manifest. Without it, all of the package.
    pub version: Option<String>,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Deletions {
    /// Each thing, in the order of the request.
    pub items: Vec<DeletionOutcome>,
    /// How many are gone.
    pub deleted: u64,
    /// How many are not.
    pub failed: u64,
}

/// What came of one of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeletionOutcome {
    /// The package, as it was asked for.
    pub package: String,
    /// The version, as it was asked for.
    pub version: Option<String>,
    /// The status that deleting it alone would have had: 204 if it is gone.
    #[schema(minimum = 204, maximum = 599)]
    pub status: u16,
    /// The code of the problem; null: it is gone.
    pub code: Option<String>,
    /// A sentence for a person; null: it is gone.
    pub detail: Option<String>,
}
