//! Tokens: secrets that act for a user, with no more than its rights.

use crate::schema;
use larder_model::{Pattern, Role, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a token was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// By a call of this API.
    Access,
    /// By the login of a client.
    Offline,
}

/// Where a token may act, and in which role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenGrant {
    /// Repositories, as protocol/name.
    #[schema(value_type = schema::RepoPattern)]
    pub repository: Pattern,
    /// Packages in them; without it, all.
    #[serde(default = "all")]
    #[schema(value_type = schema::Pattern)]
    pub package: Pattern,
    /// Refs that it lets change, of repositories with refs; absent: all.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Pattern>, nullable = false)]
    pub refs: Option<Pattern>,
    /// In which role at most.
    #[schema(value_type = schema::Role)]
    pub role: Role,
}

/// The pattern that stands for everything.
fn all() -> Pattern {
    Pattern::all()
}

/// A token.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: String,
    /// What its maker calls it.
    pub name: String,
    /// For whom it acts: `user:NAME` or `robot:NAME`.
    pub owner: String,
    /// How it was made.
    pub kind: TokenKind,
    /// What it is limited to; `null`: it may all that its owner may.
    #[schema(required)]
    pub grants: Option<Vec<TokenGrant>>,
    /// When it was made.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// When it ends; `null`: never.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to the minute or so; `null`: never.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub last_used_at: Option<Timestamp>,
    /// From which address; `null`: it was never used.
    #[schema(required)]
    pub last_used_from: Option<String>,
    /// The secret, shown once: in the answer to the call that makes the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub secret: Option<String>,
}

/// A token to make.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// What it is for: `access` (if nothing is said), or `offline` for a client that logs in, which
    /// ends when its owner's password is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TokenKind>,
    /// What its maker calls it: a line of 1 to 128 characters.
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"
    )]
    pub name: String,
    /// When it ends; without it, never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub expires_at: Option<Timestamp>,
    /// What it is limited to; without it, it may all that its owner may.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 100)]
    pub grants: Option<Vec<TokenGrant>>,
}
