//! Quotas: how much repositories may have, and what they have.

use crate::patch::Patch;
use crate::schema;
use larder_model::{Pattern, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much is allowed at most; what is absent has no limit.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct QuotaLimits {
    /// Bytes of what is published, each digest of a repository once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    pub bytes: Option<u64>,
    /// Versions of packages, of images tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    pub versions: Option<u64>,
}

/// How much a repository may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Quota {
    /// Bytes of what is published; `null`: no limit.
    #[schema(required)]
    pub bytes: Option<u64>,
    /// Versions of packages, of images tags; `null`: no limit.
    #[schema(required)]
    pub versions: Option<u64>,
    /// Where one repository is shown: whether four fifths of it are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub warning: Option<bool>,
}

/// What a repository has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RepositoryUsage {
    /// Bytes of what is published, or fetched and kept: each digest once. What is in the trash does
    /// not count, and neither does what the server makes of the rest.
    pub bytes: u64,
    /// Of these, the bytes that no other repository has; `null`: that is for superusers, for it tells
    /// of what others have.
    #[schema(required)]
    pub unique_bytes: Option<u64>,
    /// Versions of packages, of images tags.
    pub versions: u64,
}

/// A quota that repositories share.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SharedQuota {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: String,
    /// Whose it is: that of all hosted repositories whose protocol and name it fits, those that come
    /// later too.
    #[schema(value_type = schema::Pattern)]
    pub repositories: Pattern,
    /// Bytes that they may have together, the sum over all; `null`: no limit.
    #[schema(required)]
    pub bytes: Option<u64>,
    /// Versions that they may have together; `null`: no limit.
    #[schema(required)]
    pub versions: Option<u64>,
    /// What they have together.
    pub usage: SharedUsage,
    /// Whether four fifths of it are used.
    pub warning: bool,
    /// When it was made.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// What repositories have that share a quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SharedUsage {
    /// Bytes, the sum over all.
    pub bytes: u64,
    /// Versions of packages, of images tags.
    pub versions: u64,
}

/// A quota that repositories are to share.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewSharedQuota {
    /// Whose it is, e.g. `oci/team-*`.
    #[schema(value_type = schema::Pattern)]
    pub repositories: Pattern,
    /// Bytes that they may have together; absent: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    pub bytes: Option<u64>,
    /// Versions that they may have together; absent: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    pub versions: Option<u64>,
}

/// What is changed of a quota; what is absent stays.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct QuotaChange {
    /// Bytes of what is published; `null`: no limit.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schema(value_type = Option<u64>, maximum = 9_007_199_254_740_991_u64)]
    pub bytes: Patch<u64>,
    /// Versions of packages, of images tags; `null`: no limit.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schema(value_type = Option<u64>, maximum = 9_007_199_254_740_991_u64)]
    pub versions: Patch<u64>,
}

impl QuotaChange {
    /// The limits after they were `before`.
    pub fn apply(self, before: larder_model::QuotaLimits) -> larder_model::QuotaLimits {
        larder_model::QuotaLimits {
            bytes: self.bytes.apply(before.bytes),
            versions: self.versions.apply(before.versions),
        }
    }
}

impl From<QuotaLimits> for QuotaChange {
    fn from(limits: QuotaLimits) -> Self {
        Self {
            bytes: limits.bytes.map_or(Patch::Remove, Patch::Set),
            versions: limits.versions.map_or(Patch::Remove, Patch::Set),
        }
    }
}

impl From<QuotaLimits> for larder_model::QuotaLimits {
    fn from(limits: QuotaLimits) -> Self {
        Self {
            bytes: limits.bytes,
            versions: limits.versions,
        }
    }
}
