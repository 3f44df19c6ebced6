//! Publishing to a hosted repository: what a request changes, the metadata of the package in its
//! body, and the documents that are composed of stored metadata. These are pure functions, too: the
//! engine moves the bytes.

use crate::resource::Document;
use larder_model::{BodyLimit, FileKind, Kind, Problem, Reply, Timestamp, Verb};
use std::fmt::Debug;
use std::sync::Arc;

pub use crate::publish_limits::PublishLimits;
pub use larder_model::{Body, StoredFile};

/// A request that changes a package.
#[derive(Clone, Debug)]
pub struct PublishRequest {
    /// The package in canonical form; empty if only the body has it.
    pub package: Box<str>,
    /// The right that it needs.
    pub verb: Verb,
    /// What it does.
    pub action: Arc<dyn Action>,
}

/// A change that a protocol makes.
pub trait Action: Send + Sync + Debug {
    /// Its name, for the log.
    fn name(&self) -> &'static str;

    /// The package in the body, in canonical form; empty if the action concerns the whole repository.
    /// Called if the request has no package and the action no address.
    fn package_in(&self, body: &mut dyn Body, limits: &PublishLimits) -> Result<Box<str>, Problem>;

    /// The address of the file to change, as in [`Step::AddAddress`]. Its package is the package of
    /// the request. Default: none.
    fn address(&self) -> Option<&str> {
        None
    }

    /// The limit on the body. Default: no body is read.
    fn max_body(&self, limits: &PublishLimits) -> BodyLimit {
        let _ = limits;
        BodyLimit::NOTHING
    }

    /// How many bytes of a body of so many are kept at least: what cannot fit into a quota is refused
    /// before it is sent. Default: none, for nobody can tell.
    fn least_kept(&self, body_bytes: u64, limits: &PublishLimits) -> u64 {
        let _ = (body_bytes, limits);
        0
    }

    /// How many bytes of memory reading a body takes, where that may be much: others wait meanwhile.
    /// Default: little.
    fn held_bytes(&self, body: &mut dyn Body, limits: &PublishLimits) -> Result<u64, Problem> {
        let _ = (body, limits);
        Ok(0)
    }

    /// The steps that make the change within `limits`, given the files of the package; empty if the
    /// change was made before. A problem of kind `Conflict` if other bytes are published there.
    fn steps(
        &self,
        body: &mut dyn Body,
        files: &[StoredFile],
        limits: &PublishLimits,
    ) -> Result<Vec<Step>, Problem>;

    /// The reply after the change.
    fn reply(&self) -> Reply;
}

/// A change of a published package through Larder's own API, for any protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Yanks a version: only clients that ask for exactly this version find it.
    Yank {
        /// The version.
        version: Box<str>,
        /// The reason; may be empty.
        reason: Box<str>,
    },
    /// Undoes a yank.
    Unyank {
        /// The version.
        version: Box<str>,
    },
    /// Deletes a version, which cannot be published again.
    Remove {
        /// The version; `None`: all versions.
        version: Option<Box<str>>,
    },
}

impl Change {
    /// Its name, for the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Yank { .. } => "yank",
            Self::Unyank { .. } => "unyank",
            Self::Remove { .. } => "remove",
        }
    }

    /// The right that it needs.
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Yank { .. } | Self::Unyank { .. } => Verb::Write,
            Self::Remove { .. } => Verb::Delete,
        }
    }
}

/// A file that comes by Larder's own API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileUpload {
    /// Its name.
    pub file: Box<str>,
    /// The suite that is to have it, where a protocol has such; `None`: the protocol's usual one.
    pub suite: Option<Box<str>>,
    /// The component of the suite, in the same way.
    pub component: Option<Box<str>>,
}

/// Where the bytes of a new file are.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// A part of the body: offset and length in bytes.
    Part(u64, u64),
    /// A part of the body in base64: offset and length in bytes.
    Base64(u64, u64),
    /// Those of the artifact of the package that is there at this path.
    Same(String),
    /// These bytes.
    Inline(Vec<u8>),
    /// What a function makes of a text and of the time of the change.
    Dated(fn(&str, Timestamp) -> Vec<u8>, String),
    /// Parts of the body and bytes between them, one behind the other.
    Joined(Vec<Piece>),
}

/// A piece of a new file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// A part of the body: offset and length in bytes.
    Part(u64, u64),
    /// These bytes.
    Inline(Vec<u8>),
}

/// Functions are compared by what they make of the same text.
impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        let at = Timestamp::default();
        match (self, other) {
            (Self::Part(start, length), Self::Part(other, its_length))
            | (Self::Base64(start, length), Self::Base64(other, its_length)) => {
                (start, length) == (other, its_length)
            }
            (Self::Same(path), Self::Same(other)) => path == other,
            (Self::Inline(bytes), Self::Inline(other)) => bytes == other,
            (Self::Joined(pieces), Self::Joined(other)) => pieces == other,
            (Self::Dated(make, text), Self::Dated(other, its_text)) => {
                make(text, at) == other(its_text, at)
            }
            _ => false,
        }
    }
}

impl Eq for Bytes {}

/// One step of a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Adds a file. Fails if its path is in use.
    Add {
        /// What it is: an artifact, or a tombstone.
        kind: FileKind,
        /// Its path among the files of its kind.
        path: String,
        /// The version it belongs to; empty if none.
        version: String,
        /// Media type.
        content_type: &'static str,
        /// Its metadata, from which documents are composed. `{sha256}` in it is replaced by the
        /// digest of the bytes in hex.
        metadata: String,
        /// Its bytes.
        bytes: Bytes,
    },
    /// Points a tag to an artifact that exists or is added by the same change.
    SetTag {
        /// The tag.
        tag: String,
        /// The version of the artifact.
        version: String,
        /// The path of the artifact.
        at: String,
    },
    /// Replaces the metadata of an artifact.
    SetMetadata {
        /// Its path.
        path: String,
        /// The new metadata.
        metadata: String,
    },
    /// Removes a file.
    Remove {
        /// What it is.
        kind: FileKind,
        /// Its path among the files of its kind.
        path: String,
    },
    /// Adds an address of an artifact that exists or is added by the same change. Protocols whose paths do
    /// not contain the package need it. The address must be unused in the whole repository.
    AddAddress {
        /// The address, below the repository's own.
        path: String,
        /// The path of the artifact.
        at: String,
    },
    /// Removes an address.
    RemoveAddress {
        /// The address.
        path: String,
    },
}

impl Step {
    /// The same for a change at a time: what tells it has it.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        if let Self::Add { bytes, .. } = &mut self
            && let Bytes::Dated(make, text) = bytes
        {
            *bytes = Bytes::Inline(make(text, now));
        }
        self
    }

    /// Marks a name as deleted, so that it stays reserved.
    pub(crate) fn tombstone(path: impl Into<String>, content_type: &'static str) -> Self {
        Self::Add {
            kind: FileKind::Tombstone,
            path: path.into(),
            version: String::new(),
            content_type,
            metadata: String::new(),
            bytes: Bytes::Inline(Vec::new()),
        }
    }

    /// Removes an artifact.
    pub(crate) fn remove(path: impl Into<String>) -> Self {
        Self::Remove {
            kind: FileKind::Artifact,
            path: path.into(),
        }
    }
}

/// Publishing, for protocols that have hosted repositories.
pub trait Publishing: Send + Sync {
    /// The request that makes a change of a package, whose name is in canonical form. Fails if the
    /// protocol does not support the change.
    fn change(&self, package: &str, change: Change) -> Result<PublishRequest, Problem>;

    /// The request that publishes a file which comes by Larder's own API. Default: files come by the
    /// protocol's own clients alone.
    fn upload(&self, upload: &FileUpload) -> Result<PublishRequest, Problem> {
        let detail = format!(
            "files of this protocol, as {:.100}, are published by its own clients: `larder connect` \
             prints their configuration",
            upload.file
        );
        Err(Problem::new(Kind::Unsupported, "repository", detail))
    }

    /// The reason, which may be empty, why the version of a file with this metadata is yanked; `None`:
    /// it is not yanked. Default: versions cannot be yanked.
    fn yank_reason(&self, metadata: &str) -> Option<String> {
        let _ = metadata;
        None
    }

    /// What is the same for all spellings of a version, of which only one can be published. Default:
    /// the text, for it has one spelling.
    fn version_key(&self, version: &str) -> String {
        version.to_owned()
    }

    /// The key of the version of which a tombstone of a package at this path is. Default: tombstones stand
    /// at versions.
    fn deleted_key(&self, package: &str, path: &str) -> String {
        let _ = package;
        self.version_key(path)
    }

    /// Whether two texts are the same version.
    fn is_same_version(&self, one: &str, other: &str) -> bool {
        one == other || self.version_key(one) == self.version_key(other)
    }

    /// Whether the tombstone at a path is that of a version of a package. Default: if its path is the
    /// same version.
    fn is_tombstone_of(&self, package: &str, version: &str, path: &str) -> bool {
        let _ = package;
        self.is_same_version(version, path)
    }

    /// Composes a document of a package, as an upstream would send it; `None` if no files are left
    /// for it.
    fn compose(
        &self,
        document: &Document,
        files: &[StoredFile],
    ) -> Result<Option<Vec<u8>>, Problem>;

    /// Answers a `ReadRequest::Details`. Default: there are no details.
    fn details(&self, package: &str, files: &[StoredFile]) -> Result<Reply, Problem> {
        let _ = files;
        Err(Problem::not_found(
            "path",
            format!("there are no details of {package}"),
        ))
    }
}

#[cfg(test)]
mod tests;
