//! Requests that a rule refused.

use crate::schema;
use larder_model::{RuleKind, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A request that a rule refused, and for how many of the like it stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeniedRequest {
    /// Its id, which the client was told: 32 hexadecimal digits. Of several, that of the newest.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub id: String,
    /// When the first of the like of its minute was refused.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// When the last one was.
    #[schema(value_type = schema::Timestamp)]
    pub last_at: Timestamp,
    /// How many there were: of the like of its minute, or of the whole group.
    pub count: u64,
    /// Of how many users and robots. Whoever showed no credentials counts as one.
    pub actors: u64,
    /// Which kind of rule refused: `block`, `quota`, `immutable`, or `right` where the caller lacks it.
    #[schema(value_type = String, pattern = "^(block|quota|immutable|right)$")]
    pub rule: RuleKind,
    /// The sentence that the client was told.
    pub detail: String,
    /// The HTTP status with which it was told.
    pub status: u16,
    /// Whose rule it is, as `npm/upstream`; `null`: that is for whoever may read it.
    #[schema(required)]
    pub repository: Option<String>,
    /// The package or image; `null`: the request named none, or as above.
    #[schema(required)]
    pub package: Option<String>,
    /// The version, tag or digest; `null`: the request named none, or as above.
    #[schema(required)]
    pub version: Option<String>,
    /// What was to be done: `read`, `write`, `delete` or `administer`; `null`: as above.
    #[schema(required)]
    pub verb: Option<String>,
    /// Who: `user:alice`, `robot:ci`, `anonymous`; `null`: as above.
    #[schema(required)]
    pub actor: Option<String>,
    /// From which address; `null`: that is for whoever administers the repository, or was refused.
    #[schema(required)]
    pub address: Option<String>,
}
