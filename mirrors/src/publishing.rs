//! Publishing to a hosted repository: what a request changes, what the package in its body holds, and
//! the documents that are made of what is stored. As pure as the reading side: the engine moves the
//! bytes.

use crate::resource::Document;
use larder_model::{Digest, Problem, Reply, Timestamp, Verb};
use std::fmt::Debug;
use std::io::{Read, Seek};
use std::sync::Arc;

/// A body that can be read again, and in parts.
pub trait Body: Read + Seek + Send {}

impl<T: Read + Seek + Send> Body for T {}

/// A request that changes a package.
#[derive(Clone, Debug)]
pub struct PublishRequest {
    /// The package in canonical form; empty where only the body says so.
    pub package: Box<str>,
    /// The right that it needs.
    pub verb: Verb,
    /// Its body has at most so many bytes; 0: none is read.
    pub max_bytes: u64,
    /// What it does.
    pub action: Arc<dyn Action>,
}

/// What a request does, in a protocol's own way.
pub trait Action: Send + Sync + Debug {
    /// Its name, for the log.
    fn name(&self) -> &'static str;

    /// The package that the body is of, in canonical form; empty where the action is on the whole
    /// repository. Called where the request does not say so, and its file has no address.
    fn package_in(&self, body: &mut dyn Body) -> Result<Box<str>, Problem>;

    /// The address of the file that it is about, as [`Step::AddAddress`] added it: the file's package
    /// is the request's. Default: none.
    fn address(&self) -> Option<&str> {
        None
    }

    /// The steps that carry it out, given the files of the package. A problem of kind `Conflict` if
    /// something else is published there already. No steps: it is done already.
    fn steps(&self, body: &mut dyn Body, files: &[StoredFile]) -> Result<Vec<Step>, Problem>;

    /// The reply once it was carried out.
    fn reply(&self) -> Reply;
}

/// A change of a published package that the API asks for, in no protocol's own words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Only clients that ask for exactly this version find it.
    Yank {
        /// Which one.
        version: Box<str>,
        /// Why; may be empty.
        reason: Box<str>,
    },
    /// Takes a yank back.
    Unyank {
        /// Which one.
        version: Box<str>,
    },
    /// Deletes a version. Its name stays reserved.
    Remove {
        /// Which one; `None`: all of them.
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

/// A file as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredFile {
    /// Its key among the files of the package.
    pub path: Box<str>,
    /// The version it belongs to; empty if none.
    pub version: Box<str>,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// Its metadata, as [`Step::Add`] had it.
    pub metadata: Box<str>,
    /// When it was published.
    pub created_at: Timestamp,
    /// By whom, as `user:alice`.
    pub created_by: Box<str>,
}

/// Where the bytes of a new file are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Bytes {
    /// A part of the body: where it begins, and how many bytes it has.
    Part(u64, u64),
    /// A part of the body, in base64.
    Base64(u64, u64),
    /// These, made of what came.
    Inline(Vec<u8>),
}

/// One step of a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Adds a file that must not be there yet.
    Add {
        /// Its key among the files of the package.
        path: String,
        /// The version it belongs to; empty if none.
        version: String,
        /// Media type.
        content_type: &'static str,
        /// Its metadata, of which documents are composed. `{sha256}` stands for the digest of its
        /// bytes in hex.
        metadata: String,
        /// Its bytes.
        bytes: Bytes,
    },
    /// Points a name that may move to a file that is there or comes with the same change.
    Point {
        /// The name's key among the files of the package.
        path: String,
        /// The version of the file.
        version: String,
        /// The key of the file.
        at: String,
    },
    /// Replaces the metadata of a file that is there.
    SetMetadata {
        /// Its key.
        path: String,
        /// Its metadata from now on.
        metadata: String,
    },
    /// Removes a file.
    Remove {
        /// Its key.
        path: String,
    },
    /// Adds an address in the whole repository for a file that is there or comes with the same
    /// change: for protocols whose addresses do not name the package. The address must be free.
    AddAddress {
        /// The address, below the repository's own.
        path: String,
        /// The file's key among those of the package.
        at: String,
    },
    /// Removes such an address.
    RemoveAddress {
        /// The address.
        path: String,
    },
}

/// Publishing, in a protocol that has hosted repositories.
pub trait Publishing: Send + Sync {
    /// The request that makes a change of a package, which is in canonical form; fails if changes of
    /// this kind are not made in this protocol.
    fn change(&self, package: &str, change: Change) -> Result<PublishRequest, Problem>;

    /// Why the version of a file with this metadata is yanked, which may be empty; `None`: it is
    /// not. Default: no version ever is.
    fn yank_reason(&self, metadata: &str) -> Option<String> {
        let _ = metadata;
        None
    }

    /// A document of a package, as an upstream would send it; `None` if nothing of it is there.
    fn compose(
        &self,
        document: &Document,
        files: &[StoredFile],
    ) -> Result<Option<Vec<u8>>, Problem>;

    /// What is known of a package beside its documents (`ReadRequest::Details`). Default: nothing.
    fn details(&self, package: &str, files: &[StoredFile]) -> Result<Reply, Problem> {
        let _ = files;
        Err(Problem::not_found(
            "path",
            format!("nothing more is known of {package}"),
        ))
    }
}

#[cfg(test)]
mod tests;
