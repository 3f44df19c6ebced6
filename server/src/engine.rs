//! Introduces the API to the engine: the two crates never see one another.

use crate::first_start;
use crate::retention::told;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use larder_access::Admission;
use larder_backup::{Backups, Contents};
use larder_cache::Packages;
use larder_config::Setting;
use larder_door::Incoming;
use larder_gc::retention::Previews;
use larder_git::Git;
use larder_metadata::Metadata;
use larder_metadata::copies::{Copied, VersionCopy};
use larder_metadata::files::FileKey;
use larder_metadata::repos::RepoRecord;
use larder_metadata::retention::StoredPreview;
use larder_mirrors::describing::{Marks, Told};
use larder_mirrors::publishing::{Change, FileUpload};
use larder_mirrors::tagged::{Origin, Tagged};
use larder_model::upstream::{Checked, Health, Refreshed};
use larder_model::{Author, Problem, RetentionPolicy, UserName};
use larder_storage::BlobStore;
use larder_web::{
    Download, KeptBackup, PublishedTag, RetentionPreview, ServerSetting, TagToPublish,
};
use std::path::PathBuf;
use std::sync::Arc;

/// The engine and its store, as the API knows them.
pub(crate) struct Engine {
    pub(crate) packages: Packages,
    /// Repositories of sources.
    pub(crate) sources: Arc<Git>,
    pub(crate) blobs: BlobStore,
    pub(crate) backups: Backups,
    pub(crate) metadata: Metadata,
    pub(crate) previews: Previews,
    /// The data folder.
    pub(crate) data: PathBuf,
    /// Whether the configuration has nothing fetched.
    pub(crate) offline: bool,
    /// The certificate (PEM) of our own authority, if there is one.
    pub(crate) authority: Option<Bytes>,
    /// The configuration in force.
    pub(crate) settings: Vec<Setting>,
}

#[async_trait]
impl larder_web::Engine for Engine {
    async fn change(
        &self,
        admission: &Admission,
        repo: &Arc<RepoRecord>,
        package: &str,
        change: &Change,
    ) -> Result<(), Problem> {
        self.packages.change(admission, repo, package, change).await
    }

    async fn publish(
        &self,
        admission: &Admission,
        repo: &Arc<RepoRecord>,
        upload: &FileUpload,
        mut body: Incoming,
    ) -> Result<Bytes, Problem> {
        let done = self.packages.upload(admission, repo, upload, &mut body);
        Ok(done.await?.body)
    }

    async fn check_upstream(&self, repo: &Arc<RepoRecord>) -> Result<Checked, Problem> {
        self.packages.check_upstream(repo).await
    }

    async fn refresh(
        &self,
        repo: &Arc<RepoRecord>,
        package: &str,
        version: Option<&str>,
    ) -> Result<Vec<Refreshed>, Problem> {
        // Repositories of sources are no documents: their door asks for them.
        if repo.protocol.0 == larder_git::endpoint::PROTOCOL {
            return self.sources.refresh(repo, package, version).await;
        }
        self.packages.refresh(repo, package, version).await
    }

    async fn about(
        &self,
        repo: &Arc<RepoRecord>,
        package: &str,
        version: &str,
    ) -> Result<Option<Told>, Problem> {
        self.packages.about(repo, package, version).await
    }

    async fn marks(&self, repo: &Arc<RepoRecord>, package: &str) -> Result<Arc<Marks>, Problem> {
        self.packages.marks(repo, package).await
    }

    async fn copy(&self, admission: &Admission, copy: &VersionCopy<'_>) -> Result<Copied, Problem> {
        self.packages.copy(admission, copy).await
    }

    async fn publish_tag(
        &self,
        admission: &Admission,
        repo: &Arc<RepoRecord>,
        tag: &TagToPublish<'_>,
    ) -> Result<PublishedTag, Problem> {
        let from = tag.repository;
        let sources = larder_git::endpoint::PROTOCOL;
        if from.protocol.0 != sources {
            let detail = format!("{from} has no tags of sources: name a repository of {sources}");
            return Err(Problem::invalid("repository", detail));
        }
        let wanted = self.packages.wanted_of_tag(repo, tag.tag)?;
        let tree = self
            .sources
            .tree(admission, (&from.name, tag.path), (tag.tag, &wanted))
            .await?;
        let commit = tree.commit.to_string();
        let tagged = Tagged {
            tag: tag.tag.to_owned(),
            package: tag.package.map(str::to_owned),
            files: tree.files,
            origin: Origin {
                system: sources,
                url: format!("{}{}", tag.site, tree.path),
                reference: tree.reference,
                commit: commit.clone(),
                committed_at: tree.committed_at,
            },
        };
        let published = self
            .packages
            .publish_tag(admission, repo, tagged, tree.archive)
            .await?;
        Ok(PublishedTag {
            repository: published.repository,
            package: published.package,
            version: published.version,
            commit,
        })
    }

    async fn preview_retention(
        &self,
        repo: &Arc<RepoRecord>,
        policy: &RetentionPolicy,
    ) -> Result<RetentionPreview, Problem> {
        let preview = self.previews.preview(repo, policy).await?;
        let stored = preview.stored(policy.clone());
        let id = self.metadata.add_preview(repo.id, &stored).await?;
        Ok(told(id, preview))
    }

    async fn is_preview_past(
        &self,
        repo: &Arc<RepoRecord>,
        preview: &StoredPreview,
    ) -> Result<bool, Problem> {
        let now = self.previews.preview(repo, &preview.policy).await?;
        Ok(now.differs_from(preview))
    }

    async fn read(&self, repo: &Arc<RepoRecord>, file: FileKey<'_>) -> Result<Bytes, Problem> {
        self.packages.read_kept(repo, file).await
    }

    fn health(&self, repo: &RepoRecord) -> Option<Health> {
        self.packages.health(repo)
    }

    fn forget_first_password(&self, user: &UserName) {
        if let Err(error) = first_start::forget_password(&self.data, user) {
            tracing::warn!(%error, "the password of the first start holds no more; delete its file");
        }
    }

    async fn backup(&self, with_blobs: bool, by: &dyn Author) -> Result<Download, Problem> {
        let contents = Contents::with_keys(with_blobs);
        let export = self.backups.export(contents, by).await?;
        let size = export.size;
        let bytes = export.into_stream().boxed();
        Ok(Download { size, bytes })
    }

    async fn backups(&self) -> Result<Vec<KeptBackup>, Problem> {
        let kept = self.backups.kept().await?.into_iter();
        let shown = kept.map(|kept| KeptBackup {
            name: kept.name.to_string(),
            created_at: kept.name.created_at(),
            size: kept.size,
        });
        Ok(shown.collect())
    }

    async fn open_backup(&self, name: &str) -> Result<Option<Download>, Problem> {
        let Some(kept) = self.backups.find(name).await? else {
            return Ok(None);
        };
        Ok(Some(Download {
            size: kept.size,
            bytes: self.backups.open(kept).await?,
        }))
    }

    async fn delete_backup(&self, name: &str) -> Result<bool, Problem> {
        match name.parse() {
            Ok(name) => self.backups.delete(name).await,
            Err(_) => Ok(false),
        }
    }

    async fn reach_storage(&self) -> Result<(), Problem> {
        self.blobs.ping().await.map_err(Problem::from)
    }

    fn disk_space(&self) -> Option<(u64, u64)> {
        self.blobs.disk_space().ok()
    }

    fn authority(&self) -> Option<String> {
        let pem = self.authority.as_ref()?;
        Some(String::from_utf8_lossy(pem).into_owned())
    }

    fn is_offline(&self) -> bool {
        self.offline
    }

    fn settings(&self) -> Vec<ServerSetting> {
        let told = self.settings.iter().map(|setting| ServerSetting {
            key: setting.key,
            value: setting.value.clone(),
            default: setting.default.clone(),
            set_by: setting.set_by.as_ref().map(ToString::to_string),
        });
        told.collect()
    }
}
