//! Groups: sets of users, robots and other groups.

use crate::schema;
use larder_model::{Timestamp, UserName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// Its name.
    #[schema(value_type = schema::UserName)]
    pub name: UserName,
    /// What it is for.
    pub description: String,
    /// When it was made.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
}

/// A group to make.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewGroup {
    /// Its name.
    #[schema(value_type = schema::UserName)]
    pub name: UserName,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub description: Option<String>,
}

/// What is changed of a group; what is absent stays.
#[derive(Default, Debug, Serialize, Deserialize, ToSchema)]
pub struct GroupChange {
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub description: Option<String>,
}

/// A member of a group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct GroupMember {
    /// Who: `user:NAME`, `robot:NAME` or `group:NAME`.
    pub member: String,
    /// Since when.
    #[schema(value_type = schema::Timestamp)]
    pub added_at: Timestamp,
}
