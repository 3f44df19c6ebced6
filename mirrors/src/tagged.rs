//! Versions that are made of the sources under a tag of a repository of source code. These are pure
//! functions, too: whoever keeps the repository reads it.

use crate::publishing::PublishRequest;
use bytes::Bytes;
use larder_model::{Problem, Timestamp};

/// What is read of the files under a tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WantedFiles {
    /// The folder that is packed with all that is in it, as a working copy would have it; empty: all.
    pub folder: String,
    /// Files that are read besides, byte for byte as they are committed.
    pub files: Vec<String>,
}

/// Where sources are from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// What keeps them: `git`.
    pub system: &'static str,
    /// The address of the repository.
    pub url: String,
    /// The ref.
    pub reference: String,
    /// The commit.
    pub commit: String,
    /// When it was committed.
    pub committed_at: Timestamp,
}

/// What a tag stands for.
#[derive(Clone, Debug)]
pub struct Tagged {
    /// The tag, without what all tags begin with.
    pub tag: String,
    /// The package that was asked for, in canonical form; `None`: the sources tell it.
    pub package: Option<String>,
    /// The files that were wanted, in their order; `None` for one that is not there.
    pub files: Vec<Option<Bytes>>,
    /// Where it is from.
    pub origin: Origin,
}

/// A version that is to be published.
#[derive(Debug)]
pub struct TaggedVersion {
    /// The version.
    pub version: String,
    /// The request that publishes it; it has a package. Its body is the zip file of the folder, and `tail`.
    pub request: PublishRequest,
    /// What comes behind the zip file.
    pub tail: Bytes,
}

/// Publishing of tags, for protocols whose versions are made of sources.
pub trait FromTag: Send + Sync {
    /// What is read of a tag. Fails if no version comes of it.
    fn wanted(&self, tag: &str) -> Result<WantedFiles, Problem>;

    /// The version of a tag.
    fn version(&self, tagged: Tagged) -> Result<TaggedVersion, Problem>;
}
