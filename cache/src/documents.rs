//! Documents: what changes. Fresh for a time, then asked for again; served as kept when the
//! upstream cannot be asked.

use crate::Engine;
use crate::flights::FlightResult;
use crate::limits::SMALL_DOCUMENT;
use crate::problems::absent;
use crate::repo::{Repo, kind_of};
use crate::upstream::{FetchRequest, FetchResponse};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use larder_metadata::blobs::NewBlob;
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::FileRecord;
use larder_mirrors::{Document, Set, Source};
use larder_model::{Algorithm, Digest, FileKind, Kind, Problem, System, Timestamp};
use larder_storage::ObjectKey;
use std::sync::Arc;
use std::time::Duration;

/// How often a set is begun again when the upstream changed under it.
const SET_TRIES: u32 = 3;
/// How an answer came about (RFC 9211).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CacheStatus {
    /// Kept and fresh.
    Hit,
    /// Kept; the upstream said that it is still right.
    Revalidated,
    /// Fetched.
    Miss,
    /// Kept and old; the upstream could not be asked, or is being asked.
    Stale,
    /// Kept; nothing is asked.
    Offline,
}

/// A document that can be served.
#[derive(Clone, Debug)]
pub(crate) struct CachedDocument {
    pub(crate) found: Arc<FileRecord>,
    pub(crate) how: CacheStatus,
    /// How long ago the upstream vouched for it.
    pub(crate) age: Duration,
}

impl Engine {
    /// A document, as fresh as it can be had.
    pub(crate) async fn document(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<CachedDocument, Problem> {
        if repo.is_hosted() {
            return self.composed(repo, document).await;
        }
        let sets = repo.protocol.sets();
        if let Some(head) = sets.and_then(|sets| sets.head_of(document)) {
            let held = Box::pin(self.document(repo, &head)).await?;
            let found = self
                .metadata
                .find(repo.document_key(document))
                .await?
                .ok_or_else(absent)?;
            return Ok(CachedDocument { found, ..held });
        }
        let Some(found) = self.at_hand(repo, document).await? else {
            repo.upstream()?; // offline says more than a memory of nothing
            self.require_known(repo, document)?;
            let found = self.refresh(repo, document, None).await?;
            return Ok(CachedDocument {
                found,
                how: CacheStatus::Miss,
                age: Duration::ZERO,
            });
        };
        let age = self.metadata.now().since(found.checked_at);
        let held = |how| CachedDocument {
            found: Arc::clone(&found),
            how,
            age,
        };
        if age < repo.fresh {
            return Ok(held(CacheStatus::Hit));
        }
        if repo.is_offline() {
            return Ok(held(CacheStatus::Offline));
        }
        let refresh = self.refresh(repo, document, Some(&found));
        if age < repo.fresh * 2 {
            refresh.now_or_never(); // it goes on by itself
            return Ok(held(CacheStatus::Stale));
        }
        self.require_known(repo, document)?;
        match tokio::time::timeout(self.config.revalidate_timeout, refresh).await {
            Ok(Ok(now)) => {
                let how = if now.digest == found.digest {
                    CacheStatus::Revalidated
                } else {
                    CacheStatus::Miss
                };
                Ok(CachedDocument {
                    found: now,
                    how,
                    age: Duration::ZERO,
                })
            }
            Ok(Err(problem)) if problem.kind == Kind::NotFound => Err(problem),
            Ok(Err(problem)) => {
                tracing::debug!(%problem, repo = %repo.record.name, path = &*document.path, "a kept document is served");
                Ok(held(CacheStatus::Stale))
            }
            Err(_) => Ok(held(CacheStatus::Stale)),
        }
    }

    /// A document that is kept, or that has come and is being kept.
    pub(crate) async fn at_hand(
        &self,
        repo: &Repo,
        document: &Document,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let kept = || self.metadata.find(repo.document_key(document));
        if let Some(found) = kept().await? {
            return Ok(Some(found));
        }
        let key = (repo.record.id, key_of(&document.package, &document.path));
        let Some(landed) = self.documents.landed(&key) else {
            return Ok(None);
        };
        if self.metadata.now().since(landed.brought.checked_at) < repo.fresh {
            return Ok(Some(landed.brought));
        }
        landed.ended().await; // what it brought is asked for again like any other
        Ok(kept().await?)
    }

    /// Fails if it is known that there is no such thing.
    fn require_known(&self, repo: &Repo, document: &Document) -> Result<(), Problem> {
        let key = (repo.record.id, key_of(&document.package, &document.path));
        if self.is_known_missing(&key, &document.package) {
            Err(absent())
        } else {
            Ok(())
        }
    }

    /// Asks the upstream, once for all who wait.
    pub(crate) async fn refresh(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        kept: Option<&Arc<FileRecord>>,
    ) -> Result<Arc<FileRecord>, Problem> {
        let key = (repo.record.id, key_of(&document.package, &document.path));
        let start = || {
            let (engine, repo, document) = (Arc::clone(self), Arc::clone(repo), document.clone());
            let (kept, key) = (kept.cloned(), key.clone());
            async move {
                // Another flight may have landed since the asker looked.
                let now = engine.metadata.find(repo.document_key(&document)).await?;
                if let Some(now) = now
                    && kept
                        .as_ref()
                        .is_none_or(|kept| now.checked_at > kept.checked_at)
                {
                    return Ok(now.into());
                }
                let fetched = engine.fetch_document(&repo, &document, kept).await;
                match &fetched {
                    Err(problem) if problem.kind == Kind::NotFound => engine.remember_missing(key),
                    Err(problem) => {
                        let (problem, repo) = (problem.with_causes(), &repo.record.name);
                        tracing::info!(problem, %repo, path = &*document.path, "a document could not be had");
                    }
                    Ok(_) => {}
                }
                fetched
            }
        };
        self.documents.join(key.clone(), start).await
    }

    async fn fetch_document(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        kept: Option<Arc<FileRecord>>,
    ) -> Result<FlightResult<Arc<FileRecord>>, Problem> {
        let mut tries = SET_TRIES;
        loop {
            let outcome = self.try_document(repo, document, kept.as_ref()).await;
            tries -= 1;
            match outcome {
                Err(Unsettled::Changed(problem)) if tries > 0 => {
                    tracing::info!(%problem, path = &*document.path, "the upstream changed meanwhile: once more");
                }
                outcome => return outcome.map_err(Unsettled::into_problem),
            }
        }
    }

    async fn try_document(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        kept: Option<&Arc<FileRecord>>,
    ) -> Result<FlightResult<Arc<FileRecord>>, Unsettled> {
        let upstream = repo.upstream()?;
        let (url, accept) = self.source(repo, document).await?;
        let have = kept
            .map(|found| (&*found.etag, &*found.modified))
            .filter(|(etag, date)| !(etag.is_empty() && date.is_empty()));
        let image = image_of(repo, &document.package);
        let wanted = FetchRequest {
            accept,
            have,
            compressed: true,
            patient: kept.is_none(),
            image,
            ..FetchRequest::new(&url)
        };
        let digests = repo.protocol.digests();
        if let (Some(found), Some(digests)) = (kept, digests) {
            let head = FetchRequest {
                have: None,
                head: true,
                ..wanted
            };
            if let FetchResponse::Body(head) = upstream.get(&head).await?
                && head.header(&digests.header()) == Some(found.digest.to_string().as_str())
            {
                return Ok(self.still_right(repo, document, found).await?.into());
            }
        }
        let arrived = match (upstream.get(&wanted).await?, kept) {
            (FetchResponse::Same, Some(found)) => {
                return Ok(self.still_right(repo, document, found).await?.into());
            }
            (FetchResponse::Same | FetchResponse::Missing, kept) => {
                if kept.is_some() {
                    let key = repo.document_key(document);
                    self.metadata.name_is_gone(key).await?;
                }
                return Err(absent().into());
            }
            (FetchResponse::Body(arrived), _) => arrived,
        };
        let said = Validators {
            etag: arrived.etag.clone(),
            modified: arrived.modified.clone(),
            content_type: arrived.content_type.clone(),
            at: self.metadata.now(),
        };
        let told = digests.and_then(|digests| arrived.header(&digests.header())?.parse().ok());
        let slots = upstream.large_documents();
        let (body, permit) = arrived
            .collect(self.config.document_bytes, SMALL_DOCUMENT, || {
                slots.acquire()
            })
            .await?;
        let body = Bytes::from(body);
        require_told(repo, document, told, &body)?;
        repo.protocol.check(document, &body)?;
        self.changed.insert(
            (repo.record.id, document.package.clone()),
            self.metadata.now(),
        );
        let sets = repo.protocol.sets();
        let set = sets.map(|sets| sets.set(document, &body)).transpose()?;
        let set = set.unwrap_or_default();
        let digest = Digest::of(Algorithm::Sha256, &body);
        let alone = set == Set::default() && alias_of(repo, document, &digest).is_none();
        if kept.is_none() && alone {
            let found = Arc::new(said.of(digest, body.clone()));
            let (engine, repo, document) = (Arc::clone(self), Arc::clone(repo), document.clone());
            let keep = async move {
                let kept = engine
                    .keep_documents(&repo, &document, body, said, Vec::new())
                    .await;
                drop(permit);
                if let Err(problem) = kept {
                    let (problem, repo) = (problem.with_causes(), &repo.record.name);
                    tracing::warn!(problem, %repo, path = &*document.path, "a document was not kept");
                }
            };
            return Ok(FlightResult::and(found, keep));
        }
        let companions = self.bring_set(repo, document, &body, set).await?;
        Ok(self
            .keep_documents(repo, document, body, said, companions)
            .await?
            .into())
    }

    /// The upstream says that what we have is right.
    async fn still_right(
        &self,
        repo: &Repo,
        document: &Document,
        found: &Arc<FileRecord>,
    ) -> Result<Arc<FileRecord>, Problem> {
        let key = repo.document_key(document);
        self.metadata.mark_checked(key, &found.digest).await?;
        let now = self.metadata.find(key).await?;
        now.ok_or_else(absent)
    }

    /// Where a document is, after reading the documents that tell.
    async fn source(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<(String, &'static str), Problem> {
        let mut known = Vec::new();
        loop {
            match repo.protocol.source(document, &known)? {
                Source::At { url, accept } => return Ok((url, accept)),
                Source::Read(other) => known.push(self.read(repo, &other).await?),
            }
        }
    }

    /// The bytes of a document, for another to be found; `None` if it is not there.
    pub(crate) async fn read(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<Option<Bytes>, Problem> {
        self.bytes_of(self.known(repo, document).await?).await
    }

    /// A document that tells of others; `None` if it is not there.
    pub(crate) fn known<'a>(
        self: &'a Arc<Self>,
        repo: &'a Arc<Repo>,
        document: &'a Document,
    ) -> BoxFuture<'a, Result<Option<Arc<FileRecord>>, Problem>> {
        async move {
            match self.document(repo, document).await {
                Ok(held) => Ok(Some(held.found)),
                Err(problem) if problem.kind == Kind::NotFound => Ok(None),
                Err(problem) => Err(problem),
            }
        }
        .boxed()
    }

    /// All bytes of a document that may not be there.
    pub(crate) async fn bytes_of(
        &self,
        found: Option<Arc<FileRecord>>,
    ) -> Result<Option<Bytes>, Problem> {
        match found {
            Some(found) => self.bytes(&found).await.map(Some),
            None => Ok(None),
        }
    }

    /// All bytes of a document.
    pub(crate) async fn bytes(&self, found: &FileRecord) -> Result<Bytes, Problem> {
        if let Some(body) = &found.body {
            return Ok(body.clone());
        }
        let key = ObjectKey {
            digest: found.digest,
            generation: found.generation,
        };
        Ok(self
            .blobs
            .open(&key, 0..found.size)
            .await?
            .collect(self.config.document_bytes)
            .await?)
    }

    /// Brings everything that belongs together with a document, or says that the upstream changed
    /// meanwhile.
    async fn bring_set(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        body: &Bytes,
        set: Set,
    ) -> Result<Vec<(Document, Option<Bytes>)>, Unsettled> {
        if set == Set::default() {
            return Ok(Vec::new());
        }
        let mut companions = Vec::new();
        for companion in set.companions {
            let bytes = self.fetch_plain(repo, &companion).await?;
            if let Some(bytes) = &bytes {
                repo.protocol.check(&companion, bytes)?;
            }
            companions.push((companion, bytes));
        }
        for (artifact, fetch) in set.members {
            self.keep_artifact(repo, &artifact, fetch)
                .await
                .map_err(|problem| match problem.kind {
                    Kind::NotFound | Kind::Upstream => {
                        Unsettled::Changed(Problem::new(Kind::Upstream, "document", problem.detail))
                    }
                    _ => Unsettled::Failed(problem),
                })?;
        }
        // The companions were fetched after the document: they belong to it if it is still the
        // same.
        if companions.iter().any(|(_, bytes)| bytes.is_some())
            && self.fetch_plain(repo, document).await?.as_ref() != Some(body)
        {
            return Err(Unsettled::Changed(Problem::new(
                Kind::Upstream,
                "document",
                "the upstream's metadata changed while it was fetched",
            )));
        }
        Ok(companions)
    }

    /// The bytes of a document as they are upstream now.
    async fn fetch_plain(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<Option<Bytes>, Problem> {
        let (url, accept) = self.source(repo, document).await?;
        let image = image_of(repo, &document.package);
        let wanted = FetchRequest {
            accept,
            compressed: true,
            image,
            ..FetchRequest::new(&url)
        };
        let FetchResponse::Body(arrived) = repo.upstream()?.get(&wanted).await? else {
            return Ok(None);
        };
        let (body, _) = arrived
            .collect(SMALL_DOCUMENT, SMALL_DOCUMENT, || async {})
            .await?;
        Ok(Some(body.into()))
    }

    async fn keep_documents(
        &self,
        repo: &Repo,
        document: &Document,
        body: Bytes,
        said: Validators,
        companions: Vec<(Document, Option<Bytes>)>,
    ) -> Result<Arc<FileRecord>, Problem> {
        let mut durable = vec![self.content.prepare(&body).await?];
        let mut paths = Vec::new();
        let mut gone = Vec::new();
        for (companion, bytes) in &companions {
            match bytes {
                Some(bytes) => {
                    durable.push(self.content.prepare(bytes).await?);
                    paths.push(&*companion.path);
                }
                None => gone.push(&*companion.path),
            }
        }
        let key = repo.document_key(document);
        let alias = alias_of(repo, document, &durable[0].digest());
        let full_name = repo.full_name(&document.package);
        let write = async |blobs: Vec<NewBlob>| {
            let plain = |kind, path, blob| NewFile::new(kind, path, blob, &said.content_type);
            let mut blobs = blobs.into_iter();
            let mut files = Vec::new();
            if let Some(blob) = blobs.next() {
                if let Some(alias) = &alias {
                    let (kind, path) = kind_of(repo.record.protocol, alias, FileKind::Artifact);
                    files.push(plain(kind, path, blob.clone()));
                }
                files.push(NewFile {
                    etag: &said.etag,
                    modified: &said.modified,
                    ..plain(key.kind, key.path, blob)
                });
            }
            let companions = paths.iter().zip(blobs);
            files.extend(companions.map(|(path, blob)| plain(FileKind::Document, path, blob)));
            let new = NewFiles {
                package: key.package,
                full_name: full_name.as_deref(),
                by: System::Upstream,
                at: said.at,
                files,
                gone,
            };
            self.metadata.keep_files(new).await
        };
        self.content.keep_all(&durable, write).await?;
        let found = self.metadata.find(key).await?;
        found.ok_or_else(|| Problem::internal("a document that was just kept is gone"))
    }
}

/// A document that is kept under its digest too is what the upstream says its digest is, if it says
/// so.
fn require_told(
    repo: &Repo,
    document: &Document,
    told: Option<Digest>,
    body: &Bytes,
) -> Result<(), Problem> {
    let Some(told) = told else { return Ok(()) };
    let digest = Digest::of(told.algorithm(), body);
    if digest == told || alias_of(repo, document, &digest).is_none() {
        return Ok(());
    }
    Err(Problem::new(
        Kind::Upstream,
        "document",
        "the upstream's bytes are not those whose digest it tells",
    ))
}

/// Why a document was not had.
enum Unsettled {
    /// The upstream changed while it was asked for what belongs together.
    Changed(Problem),
    /// Anything else.
    Failed(Problem),
}

impl<E: Into<Problem>> From<E> for Unsettled {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Unsettled {
    fn into_problem(self) -> Problem {
        match self {
            Self::Changed(problem) | Self::Failed(problem) => problem,
        }
    }
}

/// What the upstream says of a document.
struct Validators {
    etag: String,
    modified: String,
    content_type: String,
    /// When it said so.
    at: Timestamp,
}

impl Validators {
    /// The document as it is at hand before it is kept.
    fn of(&self, digest: Digest, body: Bytes) -> FileRecord {
        let (etag, modified) = (self.etag.as_str().into(), self.modified.as_str().into());
        let mut found = FileRecord::transient(&self.content_type, digest, body.len() as u64);
        found.body = Some(body);
        found.etag = etag;
        found.modified = modified;
        found.checked_at = self.at;
        found
    }
}

/// The image that a token would be for.
pub(crate) fn image_of<'a>(repo: &Repo, package: &'a str) -> &'a str {
    repo.protocol.token_scope(package).unwrap_or_default()
}

/// The path of the artifact that has the same bytes as a document.
fn alias_of(repo: &Repo, document: &Document, digest: &Digest) -> Option<Box<str>> {
    repo.protocol.digests()?.alias(document, digest)
}

/// Names a file of a repo.
pub(crate) fn key_of(package: &str, path: &str) -> Box<str> {
    format!("{package}\0{path}").into()
}
