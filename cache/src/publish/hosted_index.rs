//! Documents that tell of all packages of a hosted repo: composed once after every change, of one
//! state.

use super::index_store::IndexStore;
use super::packages::HostedPackages;
use crate::bodies::Bodies;
use crate::flights::Flights;
use crate::limits::Slots;
use crate::problems::absent;
use crate::repo::Repo;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_metadata::index::{AfterFile, IndexOf};
use larder_mirrors::Document;
use larder_mirrors::index::{Index, IndexBuilder, Signer};
use larder_model::Problem;
use std::sync::Arc;
use std::time::Duration;

/// How often a state is composed anew because a change was faster.
const TRIES: u32 = 16;
/// Files read at once.
const PAGE: u64 = 256;

/// The indexes of hosted repos.
pub(crate) struct HostedIndex {
    metadata: Metadata,
    store: Arc<IndexStore>,
    packages: Arc<HostedPackages>,
    bodies: Arc<Bodies>,
    large_documents: Slots,
    builds: Flights<()>,
}

impl HostedIndex {
    /// Indexes that are kept in `store`.
    pub(crate) fn new(
        metadata: Metadata,
        store: Arc<IndexStore>,
        packages: Arc<HostedPackages>,
        bodies: Arc<Bodies>,
        large_documents: Slots,
    ) -> Self {
        Self {
            metadata,
            store,
            packages,
            bodies,
            large_documents,
            builds: Flights::default(),
        }
    }

    /// A document that tells of all packages. What belongs to the head is that of the state whose
    /// head was last served: whoever read the head before a change finds its signature after it.
    pub(crate) async fn document(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<Arc<FileRecord>, Problem> {
        let head = index_of(repo)?.mark();
        let (key, head_key) = (repo.document_key(document), repo.document_key(&head));
        for _ in 0..TRIES {
            if let Some(found) = self.metadata.find(key).await? {
                return Ok(found);
            }
            // All of a state comes at once, so what is not there beside its head is not of it.
            if document.path != head.path && self.metadata.find(head_key).await?.is_some() {
                return self.metadata.find(key).await?.ok_or_else(absent);
            }
            // Whoever comes after a change does not wait for what is composed of the state before
            // it.
            let revision = self
                .metadata
                .index_revision(repo.record.id, &repo.prefix())
                .await?;
            let flight = (repo.record.id, revision.to_string().into());
            let (this, own) = (Arc::clone(self), Arc::clone(repo));
            let compose = || async move { this.compose(&own, revision).await };
            let composed = self.builds.join(flight, compose).await;
            if self.metadata.revision(repo.package_key("")).await? != Some(revision) {
                continue; // what was read while it changed need not even agree with itself
            }
            composed?;
        }
        Err(Problem::busy(
            "the repository changes too often to be listed",
            Duration::from_secs(1),
        ))
    }

    /// Composes and keeps the state of a revision; a problem if that is past.
    async fn compose(&self, repo: &Repo, revision: i64) -> Result<(), Problem> {
        let _slot = self.large_documents.acquire().await?;
        let (id, now) = (repo.record.id, self.metadata.now());
        let signer = self.store.signer(id, now).await?;
        let mut builder = index_of(repo)?.begin(self.metadata.address_count(id).await?, now)?;
        // Files of the repo itself are read; of packages their metadata is enough.
        for file in self.packages.files(repo, "").await? {
            let found = self.metadata.find(repo.address_key(&file.path)).await?;
            let bytes = self.bodies.read(&*found.ok_or_else(absent)?).await?;
            builder = aside(builder, move |builder| builder.add_extra(&file, &bytes)).await?;
        }
        let builder = self.add_packages(id, builder).await?;
        let end = move || builder.end(signer.as_ref().map(|signer| signer as &dyn Signer));
        let composed = tokio::task::spawn_blocking(end)
            .await
            .map_err(Problem::internal)??;
        let documents = self.store.prepare(composed).await?;
        self.store
            .keep(id, IndexOf::Revision(revision), documents)
            .await
    }

    /// Adds the files of all packages, page by page.
    async fn add_packages(
        &self,
        repo: i64,
        mut builder: Box<dyn IndexBuilder>,
    ) -> Result<Box<dyn IndexBuilder>, Problem> {
        let mut after = AfterFile::default();
        loop {
            let page = self.metadata.all_published(repo, &after, PAGE).await?;
            let Some((package, last)) = page.last() else {
                return Ok(builder);
            };
            after = AfterFile {
                package: package.clone(),
                kind: last.kind.word().into(),
                path: last.path.clone(),
            };
            let add = move |builder: &mut dyn IndexBuilder| {
                page.into_iter().try_for_each(|(_, row)| builder.add(&row))
            };
            builder = aside(builder, add).await?;
        }
    }
}

/// The documents of whole repos, in the protocol of a repo.
pub(crate) fn index_of(repo: &Repo) -> Result<&'static dyn Index, Problem> {
    repo.protocol
        .index()
        .ok_or_else(|| Problem::internal("no document here tells of all packages"))
}

/// Works on an index away from the connections.
async fn aside(
    mut builder: Box<dyn IndexBuilder>,
    work: impl FnOnce(&mut dyn IndexBuilder) -> Result<(), Problem> + Send + 'static,
) -> Result<Box<dyn IndexBuilder>, Problem> {
    let work = move || work(&mut *builder).map(|()| builder);
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Problem::internal)?
}
