//! Backups that the server keeps.

use crate::schema;
use larder_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A backup that the server keeps in its store.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Backup {
    /// Its name. The order of names is that of their times.
    pub name: String,
    /// When the database was as the backup tells it, to the second.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// Its bytes.
    pub size_bytes: u64,
}

/// An empty object: there is nothing to say but that a backup is to be made.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct BackupRun {}
