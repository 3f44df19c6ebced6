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
    /// In which role.
    #[schema(value_type = schema::Role)]
    pub role: Role,
    /// When it was made.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// By whom, as `user:NAME`.
    pub created_by: String,
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
    /// In which role.
    #[schema(value_type = schema::Role)]
    pub role: Role,
}
