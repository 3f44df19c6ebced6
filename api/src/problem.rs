//! What went wrong (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A problem, as `application/problem+json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the code tells problems apart.
    #[serde(default)]
    #[schema(required)]
    pub r#type: String,
    /// The words of the status.
    #[serde(default)]
    #[schema(required)]
    pub title: String,
    /// The status of the answer.
    #[serde(default)]
    #[schema(required, minimum = 400, maximum = 599)]
    pub status: u16,
    /// A sentence for a person. It may change, and never holds a secret.
    pub detail: String,
    /// The word by which a program knows the problem. It never changes.
    #[schema(pattern = "^[a-z_]+$")]
    pub code: String,
    /// The id of what the problem is about, where it is not in the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}
