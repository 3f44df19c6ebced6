//! The audit trail.

use crate::schema;
use larder_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What was done, asked for or refused.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its id; a later entry has a larger one.
    #[schema(value_type = schema::Id)]
    pub id: String,
    /// When it was, or the first of the like.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// Who: `user:alice`, `robot:ci`, `anonymous`, or the server itself.
    pub actor: String,
    /// What was done, as `grant.create`.
    pub action: String,
    /// To what, as `oci/team`, `npm/local/left-pad`, `user:alice` or `settings`.
    pub object: String,
    /// `ok`, `refused` or `failed`.
    pub result: String,
    /// From which address; `null`: by the server itself.
    #[schema(required)]
    pub address: Option<String>,
    /// The id of the request, as the log and the header `X-Request-Id` tell it; `null`: there was
    /// none.
    #[schema(required)]
    pub request_id: Option<String>,
    /// For how many of the like within a minute it stands.
    pub count: u64,
    /// What else is told of it. Never a secret.
    #[schema(value_type = Object)]
    pub details: Value,
}

/// The first thing that is wrong with the audit trail.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditFault {
    /// The place in the chain.
    pub seq: i64,
    /// The id of the entry that stands there; `null`: there is none.
    #[schema(required, value_type = Option<schema::Id>)]
    pub id: Option<String>,
    /// What is wrong, for people.
    pub detail: String,
}

/// Whether anything of the audit trail was changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditReport {
    /// Whether all of it is in order.
    pub ok: bool,
    /// Entries that are in order, from the oldest that is kept.
    pub entries: u64,
    /// The hash of the newest entry, as `sha256:…`: who keeps it elsewhere can tell later that
    /// nothing before it was changed.
    pub head: String,
    /// What is wrong, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fault: Option<AuditFault>,
}
