//! Scrubs: what is kept is read and compared with its digests; and the blobs that are damaged.

use crate::collection::BlobHolder;
use crate::jobs::Job;
use crate::schema;
use larder_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A scrub that is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct NewScrub {
    /// Whether it only tells what is damaged, and changes nothing; it acts, if this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// The digests of the only blobs to look at, 1000 at most; all that is kept, if this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<Vec<String>>,
}

/// How scrubs go on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ScrubStatus {
    /// The newest run, whoever asked for it; `null`: there is none.
    #[schema(required)]
    pub last: Option<Job>,
    /// When the next begins by itself; `null`: none does.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub next_at: Option<Timestamp>,
    /// Blobs that are damaged now.
    pub quarantined: u64,
}

/// A damaged blob, and what names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct QuarantinedBlob {
    /// Its digest.
    pub digest: String,
    /// The size in bytes that it should have.
    pub size: u64,
    /// Since when it is known to be damaged.
    #[schema(value_type = schema::Timestamp)]
    pub since: Timestamp,
    /// What is wrong with it.
    pub damage: BlobDamage,
    /// What names it, the first 100: whoever reads one of these is told of the damage.
    pub held_by: Vec<BlobHolder>,
    /// Whether there is more that names it.
    pub has_more_holders: bool,
}

/// What is wrong with the bytes of a blob.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlobDamage {
    /// They are as many as they should be, and others.
    Changed,
    /// They are more or fewer.
    Size,
    /// They are not in the store.
    Missing,
    /// The disk cannot read them.
    Unreadable,
    /// An administrator gave them up.
    Deleted,
}
