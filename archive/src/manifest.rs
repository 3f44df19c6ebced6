//! What is inside: the first part.

use crate::Fault;
use larder_model::Timestamp;
use serde::{Deserialize, Serialize};

/// The format that this program writes, and the newest that it reads.
pub const FORMAT: u64 = 1;

/// The first part of a backup.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format of the file.
    pub format: u64,
    /// The version of the program that wrote it.
    pub larder: String,
    /// The version of the database's schema.
    pub schema: i64,
    /// When the database was as it is told here.
    pub created_at: Timestamp,
    /// The address at which the server calls itself, if it has one.
    pub server: Option<String>,
    /// Whether the blobs that are objects of the store are in the file; else it refers to them.
    pub blobs_included: bool,
    /// The names of the key files.
    pub keys: Vec<String>,
    /// The tables, in an order in which each refers only to tables before it.
    pub tables: Vec<Table>,
    /// The objects of the store that the rows name.
    pub objects: Objects,
}

/// A table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, as they stand in each row.
    pub columns: Vec<Column>,
    /// How many rows it has.
    pub rows: u64,
    /// In how many parts they are.
    pub parts: u32,
}

/// A column.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// Whole numbers of 64 bits.
    Int,
    /// Text.
    Text,
    /// Bytes, as base64.
    Bytes,
}

/// Objects of the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objects {
    /// How many.
    pub count: u64,
    /// Their bytes together.
    pub bytes: u64,
}

/// The part of every manifest that all formats share.
#[derive(Deserialize)]
struct Versioned {
    format: u64,
}

impl Manifest {
    /// Reads the first part. What is newer is told apart from what is no manifest.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let Versioned { format } = serde_json::from_slice(bytes).map_err(|_| Fault::Foreign)?;
        if format > FORMAT {
            let known = FORMAT;
            return Err(Fault::TooNew {
                found: format,
                known,
            });
        }
        let wrong = |error| Fault::damaged(format!("manifest.json cannot be understood: {error}"));
        serde_json::from_slice(bytes).map_err(wrong)
    }
}
