//! Copies of upstreams' versions to hosted repositories: the files that a version has at an
//! upstream, and the steps that publish each of them as a client would. These are pure functions,
//! too: the engine fetches the files and moves no bytes.

use crate::publishing::{Body, PublishLimits, Step, StoredFile};
use crate::resource::{Artifact, Plan, Table};
use bytes::Bytes;
use larder_model::{Digest, Integrity, Problem};
use std::sync::Arc;

/// A version that is looked for at an upstream.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamVersion<'a> {
    /// The package in canonical form.
    pub package: &'a str,
    /// The version.
    pub version: &'a str,
    /// The paths of the documents that are kept where the one of this package would be: they tell
    /// what the upstream calls it, or where it has it.
    pub documents: &'a [Box<str>],
}

/// A file of a version at an upstream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VersionFile {
    /// Where it is kept.
    pub artifact: Artifact,
    /// The hash that the index has for it.
    pub integrity: Integrity,
    /// What else the index says of it, for [`Copying::steps`] alone.
    pub statement: String,
}

/// A file that is copied. Its bytes are the body.
#[derive(Clone, Copy, Debug)]
pub struct FileCopy<'a> {
    /// The package in canonical form.
    pub package: &'a str,
    /// The version, as it was looked for.
    pub version: &'a str,
    /// The file.
    pub file: &'a VersionFile,
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What may be published.
    pub limits: &'a PublishLimits,
}

/// Copies of upstreams' versions.
pub trait Copying: Send + Sync {
    /// The files of a version, or what to read first. `known`: the documents that earlier calls
    /// asked for, `None` for one that does not exist; `tables`: the lists that they asked for.
    /// Without files if there is no such version. Files that cannot be published are left out.
    fn files(
        &self,
        wanted: &UpstreamVersion<'_>,
        known: &[Option<Bytes>],
        tables: &[Arc<dyn Table>],
    ) -> Result<Plan<Vec<VersionFile>>, Problem>;

    /// The steps that publish a file as it is, given the files that its package has where it is
    /// copied to. What holds for publishing holds. The file itself is the body's one part, from its
    /// first byte to its last.
    fn steps(
        &self,
        copy: &FileCopy<'_>,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem>;
}
