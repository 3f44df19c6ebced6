//! Published names that are gone and stay taken.

use crate::schema;
use larder_model::{RepoPath, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A name that a deleted version, package or repository left reserved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Reservation {
    /// Its id.
    pub id: String,
    /// The repository that it was published in; it may be deleted.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// The package.
    pub package: String,
    /// The version, or what else of the package it is; `null`: the whole package.
    #[schema(required)]
    pub version: Option<String>,
    /// Since when.
    #[schema(value_type = schema::Timestamp)]
    pub reserved_at: Timestamp,
    /// Who deleted it, or published it.
    pub reserved_by: String,
}
