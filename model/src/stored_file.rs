//! A file as its row has it.

use crate::{Digest, FileKind, Timestamp};

/// A file of a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredFile {
    /// What it is.
    pub kind: FileKind,
    /// Its path among the files of its kind.
    pub path: Box<str>,
    /// The version it belongs to; empty if none.
    pub version: Box<str>,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// Media type.
    pub content_type: Box<str>,
    /// What its protocol noted of it, as JSON; empty if nothing.
    pub metadata: Box<str>,
    /// When it was published, or came.
    pub created_at: Timestamp,
    /// By whom, as `user:alice`.
    pub created_by: Box<str>,
    /// When it was read last, as far as that was noted; zero if never.
    pub used_at: Timestamp,
}
