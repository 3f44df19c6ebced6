//! Sessions: browsers in which a person has signed in.

use crate::schema;
use larder_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A session.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: String,
    /// Who signed in: `user:NAME`.
    pub owner: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// When it was used last, to the minute or so.
    #[schema(value_type = schema::Timestamp)]
    pub last_used_at: Timestamp,
    /// When it ends if it is not used until then.
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
    /// From which address it was used last.
    pub address: String,
    /// What the browser called itself at the sign-in.
    pub user_agent: String,
    /// Whether the caller asks in this session.
    pub current: bool,
    /// What a change in this session must come with, in the header `X-CSRF-Token`; only of the
    /// session that the caller asks in, or has just begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub csrf_token: Option<String>,
}

/// Who signs in.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct NewSession {
    /// The user's name.
    pub name: String,
    /// Its password.
    #[schema(write_only)]
    pub password: String,
}
