//! What a client must be told so that it uses a repository.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Lines for one place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConnectPart {
    /// The file; `null`: they are commands for a shell.
    #[schema(required)]
    pub file: Option<String>,
    /// What is to stand there; `$TOKEN` stands for a token.
    pub lines: Vec<String>,
    /// What a person should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub note: Option<String>,
}
