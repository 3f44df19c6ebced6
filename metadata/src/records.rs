//! What is read of a file.

use crate::use_marks::{DownloadMark, UseMark};
use crate::{Error, Row};
use bytes::Bytes;
use larder_model::{Digest, Timestamp};

/// A file and the blob behind it.
#[derive(Clone, Debug)]
pub struct FileRecord {
    /// Digest of the bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// Generation of the object in the store.
    pub generation: i64,
    /// Media type, exactly as it was given.
    pub content_type: Box<str>,
    /// The bytes, where they are small enough to live here.
    pub body: Option<Bytes>,
    /// The upstream's entity tag; empty if there is none.
    pub etag: Box<str>,
    /// The upstream's `Last-Modified`, as it came; empty if there is none.
    pub modified: Box<str>,
    /// When it came to be these bytes; zero: it is in no row.
    pub created_at: Timestamp,
    /// When the upstream last confirmed it.
    pub checked_at: Timestamp,
    /// What an index promised of the bytes; empty if nothing.
    pub integrity: Box<str>,
    /// What a representation was made from; empty for all other files.
    pub derived_from: Box<str>,
    /// The package of a file that has an address in the whole repo; empty for all other files.
    pub owner: Box<str>,
    /// Its bytes are not those of the digest, or not there: nobody reads them.
    pub damaged: bool,
    /// When it was read last, as far as that was noted.
    pub(crate) used: UseMark,
    /// How often it was downloaded since that was written down.
    pub(crate) downloads: DownloadMark,
}

impl FileRecord {
    /// Bytes that are at hand and in no row.
    pub fn transient(content_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            digest,
            size,
            generation: 0,
            content_type: content_type.into(),
            body: None,
            etag: "".into(),
            modified: "".into(),
            created_at: Timestamp(0),
            checked_at: Timestamp(0),
            integrity: "".into(),
            derived_from: "".into(),
            owner: "".into(),
            damaged: false,
            used: UseMark::default(),
            downloads: DownloadMark::default(),
        }
    }

    pub(crate) fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            digest: row.parsed(0)?,
            size: row.count(1)?,
            generation: row.int(2)?,
            content_type: row.text(3)?,
            body: row.optional_bytes(4)?,
            etag: row.text(5)?,
            modified: row.text(6)?,
            checked_at: Timestamp(row.int(7)?),
            integrity: row.text(8)?,
            derived_from: row.text(9)?,
            owner: row.text(10)?,
            used: UseMark::new(Timestamp(row.int(11)?)),
            damaged: matches!(&*row.text(12)?, "damaged" | "lost"),
            created_at: Timestamp(row.int(13)?),
            downloads: DownloadMark::default(),
        })
    }
}

/// A file in a list.
#[derive(Clone, Debug)]
pub struct FileEntry {
    /// Path among the files of its kind.
    pub path: Box<str>,
    /// Digest of the bytes.
    pub digest: Digest,
    /// When it was put there.
    pub created_at: Timestamp,
}
