//! Users.

use crate::schema;
use larder_model::{Timestamp, UserName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a user is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UserKind {
    /// Someone.
    Person,
    /// A machine's account.
    Robot,
}

/// A user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Its name.
    #[schema(value_type = schema::UserName)]
    pub name: UserName,
    /// What it is.
    pub kind: UserKind,
    /// Whether it may do everything.
    pub superuser: bool,
    /// Whether it may do nothing for now.
    pub disabled: bool,
    /// When it was made.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// The groups that it is in, and those that hold them; only where one user is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub groups: Option<Vec<String>>,
}

/// A user to make.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct NewUser {
    /// Its name.
    #[schema(value_type = schema::UserName)]
    pub name: UserName,
    /// Its password: 8 to 256 characters, none of them a control character, not its name, not like
    /// a token.
    #[schema(
        min_length = 8,
        max_length = 256,
        write_only,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub password: String,
    /// Whether it may do everything; without it, it may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superuser: Option<bool>,
    /// Whether it may do nothing for now; without it, it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// What is changed of a user; what is absent stays.
#[derive(Default, Serialize, Deserialize, ToSchema)]
pub struct UserChange {
    /// Another password, with the same rules as for a new user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 8,
        max_length = 256,
        write_only,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub password: Option<String>,
    /// The present password, which whoever changes its own must send too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(write_only)]
    pub current_password: Option<String>,
    /// Whether it may do everything; superusers alone change this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superuser: Option<bool>,
    /// Whether it may do nothing; superusers alone change this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}
