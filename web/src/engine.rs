//! What the API asks of the engine that moves packages, which it never sees: the server introduces
//! them.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use larder_access::Admission;
use larder_door::Incoming;
use larder_metadata::copies::{Copied, VersionCopy};
use larder_metadata::files::FileKey;
use larder_metadata::repos::RepoRecord;
use larder_metadata::retention::StoredPreview;
use larder_mirrors::describing::{Marks, Told};
use larder_mirrors::publishing::{Change, FileUpload};
use larder_model::upstream::{Checked, Health, Refreshed};
use larder_model::{Author, Digest, Problem, RepoPath, RetentionPolicy, Timestamp, UserName};
use std::sync::Arc;

/// A file on its way out.
pub struct Download {
    /// Its bytes.
    pub size: u64,
    /// The bytes themselves; an error breaks them off.
    pub bytes: BoxStream<'static, Result<Bytes, Problem>>,
}

/// A backup that the server keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptBackup {
    /// Its name; the order of names is that of their times.
    pub name: String,
    /// When the database was as the backup tells it, to the second.
    pub created_at: Timestamp,
    /// Its bytes.
    pub size: u64,
}

/// What a retention policy would do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RetentionPreview {
    /// Its id.
    pub id: String,
    /// Versions, those that go first; not all where there are very many.
    pub items: Vec<RetentionItem>,
    /// Whether there are more.
    pub more: bool,
    /// How many stay.
    pub keep: u64,
    /// How many go.
    pub delete: u64,
    /// The bytes that only those have that go.
    pub bytes: u64,
}

/// A version, and what would become of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RetentionItem {
    /// The package.
    pub package: Box<str>,
    /// The version; `None`: a manifest without a tag.
    pub version: Option<Box<str>>,
    /// Of an image, the manifest.
    pub digest: Option<Digest>,
    /// Whether it goes.
    pub goes: bool,
    /// Why: a sentence.
    pub reason: String,
    /// The rule that says so, from 0.
    pub rule: Option<u64>,
    /// The bytes of all its files.
    pub bytes: u64,
}

/// A setting of the server's configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerSetting {
    /// Its dotted path.
    pub key: &'static str,
    /// Its value as TOML, without a secret.
    pub value: String,
    /// What it would be if nobody had set it.
    pub default: String,
    /// Where it was set: a place in a file, a variable, a flag; `None`: nowhere.
    pub set_by: Option<String>,
}

/// A tag of sources, of which a version is to be made.
#[derive(Clone, Copy, Debug)]
pub struct TagToPublish<'a> {
    /// The repository that has the sources.
    pub repository: &'a RepoPath,
    /// The path below it.
    pub path: &'a str,
    /// The tag, without what all tags begin with.
    pub tag: &'a str,
    /// The package that is meant, in any spelling; `None`: the sources tell it.
    pub package: Option<&'a str>,
    /// This server's address, as the caller sees it.
    pub site: &'a str,
}

/// What was made of a tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishedTag {
    /// The repository that has it.
    pub repository: RepoPath,
    /// The package.
    pub package: Box<str>,
    /// The version.
    pub version: String,
    /// The commit.
    pub commit: String,
}

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

    /// Publishes a file in a hosted repo or in a group's first hosted member, as a client of the
    /// protocol would. Demands the caller's right to it. What was done: a sentence.
    async fn publish(
        &self,
        admission: &Admission,
        repo: &Arc<RepoRecord>,
        upload: &FileUpload,
        body: Incoming,
    ) -> Result<Bytes, Problem>;

    /// Asks the upstream of a mirror now, and tells what came of it.
    async fn check_upstream(&self, repo: &Arc<RepoRecord>) -> Result<Checked, Problem>;

    /// Asks the upstream of a mirror now for what tells of a package, or for a tag, and waits.
    async fn refresh(
        &self,
        repo: &Arc<RepoRecord>,
        package: &str,
        version: Option<&str>,
    ) -> Result<Vec<Refreshed>, Problem>;

    /// What is told of a version, from what is kept alone; `None`: nothing of it is kept. Whether the
    /// caller may read it was seen before.
    async fn about(
        &self,
        repo: &Arc<RepoRecord>,
        package: &str,
        version: &str,
    ) -> Result<Option<Told>, Problem>;

    /// What the list of a package's versions tells of them, from what is kept alone. Whether the
    /// caller may read it was seen before.
    async fn marks(&self, repo: &Arc<RepoRecord>, package: &str) -> Result<Arc<Marks>, Problem>;

    /// Copies a version to a hosted repository of the same protocol, all of it or nothing. Demands
    /// the caller's rights: to read it, and to publish it there.
    async fn copy(&self, admission: &Admission, copy: &VersionCopy<'_>) -> Result<Copied, Problem>;

    /// Publishes what comes of the sources under a tag, in a hosted repo or in a group's first hosted
    /// member. Demands the caller's rights: to read the sources, and to publish the package.
    async fn publish_tag(
        &self,
        admission: &Admission,
        repo: &Arc<RepoRecord>,
        tag: &TagToPublish<'_>,
    ) -> Result<PublishedTag, Problem>;

    /// What a retention policy would do to a hosted repository now; it is kept for a day, under its id.
    async fn preview_retention(
        &self,
        repo: &Arc<RepoRecord>,
        policy: &RetentionPolicy,
    ) -> Result<RetentionPreview, Problem>;

    /// Whether what a preview told is by now other by more than a tenth.
    async fn is_preview_past(
        &self,
        repo: &Arc<RepoRecord>,
        preview: &StoredPreview,
    ) -> Result<bool, Problem>;

    /// The bytes of a file that is kept, whole. Fails if its package is blocked there. Whether the
    /// caller may read it, and that it is not too large, was seen before.
    async fn read(&self, repo: &Arc<RepoRecord>, file: FileKey<'_>) -> Result<Bytes, Problem>;

    /// How the upstream of a mirror has answered lately; `None`: it was not asked.
    fn health(&self, repo: &RepoRecord) -> Option<Health>;

    /// Deletes what tells the password that a first start gave a user: it holds no more.
    fn forget_first_password(&self, user: &UserName);

    /// Begins a backup, with the blobs or without.
    async fn backup(&self, with_blobs: bool, by: &dyn Author) -> Result<Download, Problem>;

    /// The backups that the server keeps, the oldest first.
    async fn backups(&self) -> Result<Vec<KeptBackup>, Problem>;

    /// A backup that the server keeps; `None`: there is none of that name.
    async fn open_backup(&self, name: &str) -> Result<Option<Download>, Problem>;

    /// Deletes a backup that the server keeps; whether there was one of that name.
    async fn delete_backup(&self, name: &str) -> Result<bool, Problem>;

    /// Whether the store of blobs can be reached.
    async fn reach_storage(&self) -> Result<(), Problem>;

    /// Bytes that are free, and all bytes, on the disk where blobs are staged; `None`: it cannot be
    /// told.
    fn disk_space(&self) -> Option<(u64, u64)>;

    /// The certificate (PEM) of the authority that this server is for itself; `None`: it is none.
    fn authority(&self) -> Option<String>;

    /// Whether the configuration has nothing fetched from any upstream.
    fn is_offline(&self) -> bool;

    /// The configuration in force.
    fn settings(&self) -> Vec<ServerSetting>;
}
