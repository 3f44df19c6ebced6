//! What the API asks of the engine that moves packages, which it never sees: the server introduces
//! them.

use async_trait::async_trait;
use bytes::Bytes;
use larder_access::Admission;
use larder_metadata::copies::{Copied, VersionCopy};
use larder_metadata::files::FileKey;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::publishing::Change;
use larder_model::upstream::{Checked, Health, Refreshed};
use larder_model::{Problem, UserName};
use std::sync::Arc;

/// The engine of mirrors and published packages and its store, for the API.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Makes a change of a published package, in whatever spelling, in a hosted repo or in a
    /// group's first hosted member. Demands the caller's right to it.
    async fn change(
        &self,
        admission: &Admission,
        repo: &Arc<RepoRecord>,
        package: &str,
        change: &Change,
    ) -> Result<(), Problem>;

    /// Asks the upstream of a mirror now, and tells what came of it.
    async fn check_upstream(&self, repo: &Arc<RepoRecord>) -> Result<Checked, Problem>;

    /// Asks the upstream of a mirror now for what tells of a package, or for a tag, and waits.
    async fn refresh(
        &self,
        repo: &Arc<RepoRecord>,
        package: &str,
        version: Option<&str>,
    ) -> Result<Vec<Refreshed>, Problem>;

    /// Copies a version to a hosted repository of the same protocol, all of it or nothing. Demands
    /// the caller's rights: to read it, and to publish it there.
    async fn copy(&self, admission: &Admission, copy: &VersionCopy<'_>) -> Result<Copied, Problem>;

    /// The bytes of a file that is kept, whole. Fails if its package is blocked there. Whether the
    /// caller may read it, and that it is not too large, was seen before.
    async fn read(&self, repo: &Arc<RepoRecord>, file: FileKey<'_>) -> Result<Bytes, Problem>;

    /// How the upstream of a mirror has answered lately; `None`: it was not asked.
    fn health(&self, repo: &RepoRecord) -> Option<Health>;

    /// Deletes what tells the password that a first start gave a user: it holds no more.
    fn forget_first_password(&self, user: &UserName);

    /// Whether the store of blobs can be reached.
    async fn reach_storage(&self) -> Result<(), Problem>;

    /// Bytes that are free, and all bytes, on the disk where blobs are staged; `None`: it cannot be
    /// told.
    fn disk_space(&self) -> Option<(u64, u64)>;
}
