//! Who the caller is, and who may what.

use crate::schema;
use crate::users::UserKind;
use larder_model::UserName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Caller {
    /// Its name; `null`: it showed no credentials.
    #[schema(required, value_type = Option<schema::UserName>)]
    pub name: Option<UserName>,
    /// Whether it showed no credentials.
    pub anonymous: bool,
    /// What it is, if it is someone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<UserKind>,
    /// Whether it may do everything.
    pub superuser: bool,
    /// Whether it showed a token that is limited to some repositories.
    pub limited: bool,
}

/// What someone may do or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Pull, search.
    Read,
    /// Push, publish.
    Write,
    /// Remove a version.
    Delete,
    /// Change the repository itself.
    Administer,
}

/// Whether someone may do something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// Whether it may.
    pub allowed: bool,
    /// The id of the grant by which; `null` where none is needed or none is there.
    #[schema(required, value_type = Option<schema::Id>)]
    pub grant: Option<String>,
    /// The groups by which the grant applies, as `group:dev`: the one that it is in, then the one
    /// that holds this. Empty where the grant is to itself or to everyone.
    pub through: Vec<String>,
}
