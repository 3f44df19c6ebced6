//! What a client must be told so that it uses a repository.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A client that can be told to use a repository.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConnectClient {
    /// Its name.
    pub name: String,
    /// The protocol that it speaks.
    pub protocol: String,
    /// Whether it only publishes.
    pub publishes_only: bool,
    /// A command that makes it ask for something: in it `$HOST`, `$REPO`, `$KEY`, `$PACKAGE` and `$VERSION`
    /// stand for the host of the server, the repository's name, the name that its lines have for that, and
    /// something that is in it;
    /// `null`: its lines end with one, or there is none.
    #[schema(required)]
    pub check: Option<String>,
}

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
