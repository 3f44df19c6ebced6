//! How the server itself fares.

use crate::schema;
use larder_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the server itself fares.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SystemHealth {
    /// The server's version.
    pub version: String,
    /// For which processor and system it was built, and how: `x86_64 linux, release`.
    pub build: String,
    /// The present moment by its clock.
    #[schema(value_type = schema::Timestamp)]
    pub time: Timestamp,
    /// Whether the database can be reached and written.
    pub database: PartHealth,
    /// Whether the store of blobs can be reached.
    pub storage: PartHealth,
    /// The room on the disk where blobs are staged (and kept, if the store is a folder); `null`: it
    /// cannot be told.
    #[schema(required)]
    pub disk: Option<DiskSpace>,
}

/// How a part of the server fares.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PartHealth {
    /// Whether it does what it should.
    pub ok: bool,
    /// A sentence for a person; `null`: all is well.
    #[schema(required)]
    pub problem: Option<String>,
}

/// Who vouches for the server's certificate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Authority {
    /// The certificate (PEM) of the authority that the server is for itself, which clients must be
    /// told to trust (`/ca.crt` answers it too); `null`: there is none.
    #[schema(required)]
    pub certificate: Option<String>,
}

/// A setting of the server's configuration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConfigSetting {
    /// Its dotted path, as `server.listen`.
    pub key: String,
    /// Its value as TOML; a secret as `***`.
    pub value: String,
    /// What it would be if nobody had set it, likewise.
    pub default: String,
    /// Where it was set: a file with line and column, a variable, a flag; `null`: nowhere.
    #[schema(required)]
    pub set_by: Option<String>,
}

/// The room on a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct DiskSpace {
    /// Bytes that the server can still write.
    pub free_bytes: u64,
    /// All bytes.
    pub total_bytes: u64,
}
