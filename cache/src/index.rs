//! Documents that tell of all packages of a hosted repo: composed once after every change, of one
//! state, signed with the repo's key if it has one, and kept together.

use crate::Engine;
use crate::documents::{CacheStatus, CachedDocument};
use crate::hosted::kept;
use crate::problems::absent;
use crate::repo::Repo;
use bytes::Bytes;
use larder_content::Durable;
use larder_keys::SigningKey;
use larder_metadata::blobs::NewBlob;
use larder_metadata::index::{AfterFile, IndexDocument, IndexOf};
use larder_mirrors::Document;
use larder_mirrors::index::{self as mirror_index, Index, IndexBuilder, Signer};
use larder_model::{CacheLifetime, FileKind, Problem, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// How often a state is composed anew because a change was faster.
const TRIES: u32 = 16;
/// Files read at once.
const PAGE: u64 = 256;
/// How long clients that began with a state may go on with it: dnf takes what it has for as long
/// without asking.
const GRACE: Duration = Duration::from_hours(48);

/// A repo's key at a moment.
pub(crate) struct RepoSigner {
    key: SigningKey,
    now: Timestamp,
}

impl Signer for RepoSigner {
    fn sign(&self, bytes: &[u8]) -> Result<String, Problem> {
        self.key.sign(bytes, self.now)
    }

    fn public_key(&self) -> &str {
        self.key.public_key()
    }
}

impl Engine {
    /// A document that tells of all packages. What belongs to the head is that of the state that
    /// was last told of: whoever read the head before a change finds its signature after it.
    pub(crate) async fn index_document(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<CachedDocument, Problem> {
        let key = repo.document_key(document);
        for _ in 0..TRIES {
            if let Some(found) = self.metadata.find(key).await? {
                return Ok(CachedDocument {
                    found,
                    how: CacheStatus::Hit,
                    age: Duration::ZERO,
                });
            }
            let head = index_of(repo)?.head("");
            if document.path != head.path
                && self
                    .metadata
                    .find(repo.document_key(&head))
                    .await?
                    .is_some()
            {
                // All of a state comes at once, so what is not there now is not of it.
                let found = self.metadata.find(key).await?.ok_or_else(absent)?;
                return Ok(CachedDocument {
                    found,
                    how: CacheStatus::Hit,
                    age: Duration::ZERO,
                });
            }
            let revision = self
                .metadata
                .index_revision(repo.record.id, &repo.prefix())
                .await?;
            // Whoever comes after a change does not wait for what is composed of the state before
            // it.
            let key = (repo.record.id, revision.to_string().into());
            let (engine, own) = (Arc::clone(self), Arc::clone(repo));
            let compose = || async move { engine.compose_index(&own, revision).await };
            let composed = self.index_builds.join(key, compose).await;
            if self.metadata.revision(repo.place("")).await? != Some(revision) {
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
    async fn compose_index(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        revision: i64,
    ) -> Result<(), Problem> {
        let _room = self.large_documents.acquire().await?;
        let (id, now) = (repo.record.id, self.metadata.now());
        let signer = self.repo_signer(id, now).await?;
        let mut state = index_of(repo)?.begin(self.metadata.address_count(id).await?, now)?;
        for file in self.files(repo, "").await? {
            let found = self
                .metadata
                .find(repo.address_key(&file.path))
                .await?
                .ok_or_else(absent)?;
            let bytes: Bytes = self.bytes(&found).await?;
            state = aside(state, move |state| state.add_extra(&file, &bytes)).await?;
        }
        let mut after = AfterFile::default();
        loop {
            let page = self.metadata.all_published(id, &after, PAGE).await?;
            let Some((package, last)) = page.last() else {
                break;
            };
            after = AfterFile {
                package: package.clone(),
                kind: last.kind.word().into(),
                path: last.path.clone(),
            };
            let add = move |state: &mut dyn IndexBuilder| {
                page.into_iter()
                    .try_for_each(|(_, row)| state.add(&kept(row)))
            };
            state = aside(state, add).await?;
        }
        let end = move || state.end(signer.as_ref().map(|signer| signer as &dyn Signer));
        let composed = tokio::task::spawn_blocking(end)
            .await
            .map_err(Problem::internal)??;
        let documents = self.prepared(composed).await?;
        self.keep_index(id, IndexOf::Revision(revision), documents)
            .await
    }

    /// Documents with their bytes durable.
    pub(crate) async fn prepared(
        &self,
        composed: Vec<mirror_index::IndexDocument>,
    ) -> Result<Vec<PreparedDocument>, Problem> {
        let mut prepared = Vec::with_capacity(composed.len());
        for document in composed {
            prepared.push(PreparedDocument {
                kind: kind_of_part(document.lifetime),
                path: document.path,
                content_type: document.content_type,
                durable: self.content.prepare(&document.bytes.into()).await?,
                lifetime: document.lifetime,
            });
        }
        Ok(prepared)
    }

    /// Keeps the documents of a state.
    pub(crate) async fn keep_index(
        &self,
        repo: i64,
        of: IndexOf<'_>,
        documents: Vec<PreparedDocument>,
    ) -> Result<(), Problem> {
        let durable: Vec<Durable> = documents
            .iter()
            .map(|document| document.durable.clone())
            .collect();
        let write = async |blobs: Vec<NewBlob>| {
            let row = |(document, blob): (PreparedDocument, NewBlob)| IndexDocument {
                kind: document.kind,
                path: document.path,
                blob,
                content_type: document.content_type,
                lifetime: document.lifetime,
            };
            let documents = documents.into_iter().zip(blobs).map(row).collect();
            self.metadata.keep_index(repo, of, documents, GRACE).await
        };
        Ok(self.content.keep_all(&durable, write).await?)
    }

    /// The repo's key, as its row has it now: what is signed with another is not kept.
    pub(crate) async fn repo_signer(
        &self,
        repo: i64,
        now: Timestamp,
    ) -> Result<Option<RepoSigner>, Problem> {
        let row = self
            .metadata
            .repos()
            .await?
            .into_iter()
            .find(|row| row.id == repo)
            .ok_or_else(absent)?;
        let Some(key) = &row.settings.signing_key else {
            return Ok(None);
        };
        Ok(Some(RepoSigner {
            key: self.gate.open_signing_key(&key.sealed, &row.full_name())?,
            now,
        }))
    }
}

/// A document of an index, with its bytes durable.
pub(crate) struct PreparedDocument {
    kind: FileKind,
    pub(crate) path: String,
    content_type: &'static str,
    durable: Durable,
    pub(crate) lifetime: CacheLifetime,
}

/// What stays whatever becomes of the index is asked for like any other artifact.
const fn kind_of_part(lifetime: CacheLifetime) -> FileKind {
    match lifetime {
        CacheLifetime::UntilChange | CacheLifetime::UntilNext => FileKind::Document,
        CacheLifetime::Longer => FileKind::Artifact,
    }
}

/// What a repo's protocol tells of whole repos.
pub(crate) fn index_of(repo: &Repo) -> Result<&'static dyn Index, Problem> {
    repo.protocol
        .index()
        .ok_or_else(|| Problem::internal("no document here tells of all packages"))
}

/// Works on a state away from the connections.
async fn aside(
    mut state: Box<dyn IndexBuilder>,
    work: impl FnOnce(&mut dyn IndexBuilder) -> Result<(), Problem> + Send + 'static,
) -> Result<Box<dyn IndexBuilder>, Problem> {
    let work = move || work(&mut *state).map(|()| state);
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Problem::internal)?
}
