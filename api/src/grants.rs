//! Grants: who may what, where.

use crate::schema;
use larder_model::{Pattern, Role, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A grant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: String,
    /// Who: `user:NAME`, `group:NAME`, `robot:NAME`, `authenticated` or `anonymous`.
    pub subject: String,
    /// Repositories, as protocol/name.
    #[schema(value_type = schema::RepoPattern)]
    pub repository: Pattern,
    /// Packages in them.
    #[schema(value_type = schema::Pattern)]
    pub package: Pattern,
    /// Refs that it lets change, of repositories with refs; absent: all.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Pattern>, nullable = false)]
    pub refs: Option<Pattern>,
    /// In which role.
    #[schema(value_type = schema::Role)]
    pub role: Role,
    /// When it was made.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// By whom, as `user:NAME`.
    pub created_by: String,
    /// From where it counts, of a grant to `anonymous`; absent: from everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::Network>)]
    pub networks: Vec<String>,
    /// Why it has no effect for now; only in the answer to the call that makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub warning: Option<String>,
}

/// A grant to make.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewGrant {
    /// Who: `user:NAME`, `group:NAME`, `robot:NAME`, `authenticated` or `anonymous`.
    #[schema(
        pattern = "^((user|group|robot):[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}|authenticated|anonymous)$"
    )]
    pub subject: String,
    /// Repositories, as protocol/name.
    #[schema(value_type = schema::RepoPattern)]
    pub repository: Pattern,
    /// Packages in them; without it, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Pattern>)]
    pub package: Option<Pattern>,
    /// Refs that it lets change, e.g. `refs/heads/*`, of repositories with refs, in the role writer
    /// or maintainer; without it, all. It reads the whole repository.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Pattern>)]
    pub refs: Option<Pattern>,
    /// In which role.
    #[schema(value_type = schema::Role)]
    pub role: Role,
    /// From where it counts, for `anonymous` alone: addresses, or networks such as `10.0.0.0/8`;
    /// without it, from everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::Network>>, min_items = 1, max_items = 100)]
    pub networks: Option<Vec<String>>,
}
