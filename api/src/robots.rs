//! Robots: accounts of machines, for each of which a person answers.

use crate::schema;
use larder_model::{Timestamp, UserName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A robot. What it may do, its own grants say (`robot:NAME`), not those of its owner.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Robot {
    /// Its name.
    #[schema(value_type = schema::UserName)]
    pub name: UserName,
    /// What it is for.
    pub description: String,
    /// Who answers for it, as `user:NAME`; `null`: its owner is gone. A robot whose owner is gone or
    /// disabled may do nothing.
    #[schema(required)]
    pub owner: Option<String>,
    /// Whether it may do nothing for now.
    pub disabled: bool,
    /// When it was made.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// The groups that it is in, and those that hold them; only where one robot is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub groups: Option<Vec<String>>,
}

/// A robot to make.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewRobot {
    /// Its name. Users and robots share one set of names.
    #[schema(value_type = schema::UserName)]
    pub name: UserName,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    /// Who answers for it; without it, the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Subject>)]
    pub owner: Option<String>,
}

/// What is changed of a robot; what is absent stays.
#[derive(Default, Debug, Serialize, Deserialize, ToSchema)]
pub struct RobotChange {
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    /// Who answers for it from now on; superusers alone change this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Subject>)]
    pub owner: Option<String>,
    /// Whether it may do nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}
