//! How the upstreams of mirrors fare.

use crate::schema;
use crate::statistics::Quantiles;
use larder_model::{RepoPath, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How an upstream has answered lately.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamState {
    /// It is not asked: the mirror, or the whole server, is offline.
    Offline,
    /// It is not asked for a while, because it failed.
    Paused,
    /// It failed the last time.
    Failing,
    /// It answered the last time.
    Answering,
    /// It was not asked since the server began or the mirror was changed.
    Unasked,
}

/// A mirror's upstream, and how it fares.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct UpstreamStatus {
    /// The mirror.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// The upstream's address.
    pub url: String,
    /// When the certificate that is shown to it ends; `null`: none is.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub client_certificate_expires_at: Option<Timestamp>,
    /// How it has answered lately.
    pub state: UpstreamState,
    /// Failures in a row.
    pub failures: u32,
    /// Until then it is not asked; `null`: it may be.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub paused_until: Option<Timestamp>,
    /// The last failure, whatever came after it; `null`: none.
    #[schema(required)]
    pub last_error: Option<LastError>,
    /// When it answered last as it should; `null`: not since the server began or the mirror was
    /// changed.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub last_answer_at: Option<Timestamp>,
    /// How soon its answers began, since the server began.
    pub answer_duration_seconds: Quantiles,
    /// Other origins that its indexes name and that are not asked for a while.
    pub paused_origins: Vec<PausedOrigin>,
    /// What is odd about documents that it sent, such as that one has expired; absent: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// An origin that is not asked for a while.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PausedOrigin {
    /// Scheme, host and port.
    pub origin: String,
    /// Until then.
    #[schema(value_type = schema::Timestamp)]
    pub paused_until: Timestamp,
    /// The failure before the pause.
    pub reason: String,
}

/// A failure of an upstream.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LastError {
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// A sentence for a person.
    pub reason: String,
}

/// An empty object: there is nothing to say but that the upstream is to be asked.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct UpstreamCheckRequest {}

/// What came of asking an upstream just now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct UpstreamCheck {
    /// The mirror.
    #[schema(value_type = schema::RepoPath)]
    pub repository: RepoPath,
    /// The upstream's address; `null`: it has none.
    #[schema(required)]
    pub url: Option<String>,
    /// Whether it can be mirrored: it is there, and lets us in.
    pub ok: bool,
    /// Whether any answer came.
    pub reachable: bool,
    /// The status of the answer; `null`: none came.
    #[schema(required)]
    pub status: Option<u16>,
    /// How long all of it took, in milliseconds.
    pub took_ms: u64,
    /// Whether the connection was to be encrypted.
    pub tls: bool,
    /// Whether it took our credentials; `null`: it has been given none.
    #[schema(required)]
    pub authenticated: Option<bool>,
    /// When the certificate that is shown to it ends; `null`: none is.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub client_certificate_expires_at: Option<Timestamp>,
    /// What is wrong; `null`: nothing.
    #[schema(required)]
    pub problem: Option<String>,
    /// What to do next; `null`: nothing.
    #[schema(required)]
    pub advice: Option<String>,
    /// Other origins that its indexes name and that are not asked for a while.
    pub paused_origins: Vec<PausedOrigin>,
}
