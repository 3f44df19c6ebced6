//! Artifacts: what never changes. Fetched once, checked against what vouches for them, kept for
//! good.

use crate::Engine;
use crate::documents::{image_of, key_of};
use crate::download::{Download, DownloadHead};
use crate::problems::absent;
use crate::repo::Repo;
use crate::upstream::{FetchRequest, FetchResponse, UpstreamBody};
use bytes::Bytes;
use futures_util::FutureExt as _;
use larder_content::{Durable, INLINE_BYTES};
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::FileRecord;
use larder_mirrors::{Artifact, Document, Fetch, Plan, Table};
use larder_model::{Algorithm, Checker, Integrity, Kind, Problem, System};
use larder_storage::Staging;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Documents read on the way to one artifact.
const MAX_STEPS: usize = 8;

/// Bytes that are held back at least until all of them were found to be right.
const HELD_BYTES: usize = 4096;

/// An index of this age is not asked for again because something is not in it.
const JUST_NOW: Duration = Duration::from_secs(10);

/// An artifact that can be served.
pub(crate) enum ArtifactSource {
    /// From the store.
    Stored(Arc<FileRecord>),
    /// Just fetched, and at hand.
    Downloaded(Arc<FileRecord>),
    /// As it comes; its size, if it is known.
    Streaming(Arc<Download>, Option<u64>),
}

impl Engine {
    /// An artifact, from the store or from upstream. `whole`: only once it is kept, for those who
    /// want a part of it.
    pub(crate) async fn artifact(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        whole: bool,
    ) -> Result<ArtifactSource, Problem> {
        if let Some(found) = self.metadata.find(repo.artifact_key(artifact)).await? {
            return Ok(ArtifactSource::Stored(found));
        }
        if repo.is_hosted() {
            return Err(absent());
        }
        repo.upstream()?; // offline is told before the way is looked for
        let download = self.download(repo, artifact, None)?;
        if whole {
            return Ok(ArtifactSource::Downloaded(download.kept().await?));
        }
        match download.head().await? {
            DownloadHead::Complete(found) => Ok(ArtifactSource::Downloaded(found)),
            DownloadHead::Stream(size) => Ok(ArtifactSource::Streaming(download, size)),
        }
    }

    /// Has an artifact kept whose index is at hand.
    pub(crate) async fn keep_artifact(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        fetch: Fetch,
    ) -> Result<(), Problem> {
        if self.kept_as(repo, artifact, &fetch).await?.is_some() {
            return Ok(());
        }
        self.download(repo, artifact, Some(fetch))?
            .kept()
            .await
            .map(drop)
    }

    /// An artifact that is kept and was vouched for in the same way: a file of its name may have
    /// been of another state.
    async fn kept_as(
        &self,
        repo: &Repo,
        artifact: &Artifact,
        fetch: &Fetch,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let kept = self.metadata.find(repo.artifact_key(artifact)).await?;
        Ok(kept.filter(|found| *found.integrity == *fetch.integrity.text()))
    }

    /// The one fill of an artifact; it goes on when its clients leave.
    fn download(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        fetch: Option<Fetch>,
    ) -> Result<Arc<Download>, Problem> {
        // Whoever asks for a member of a set waits for the set: its members must not wait for
        // whoever asks.
        let path = if fetch.is_some() {
            format!("{}\0member", artifact.path)
        } else {
            artifact.path.to_string()
        };
        let key = (repo.record.id, key_of(&artifact.package, &path));
        let mut downloads = self
            .downloads
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(download) = downloads.get(&key) {
            return Ok(Arc::clone(download));
        }
        // What an index promises now may be there now.
        if fetch.is_none() && self.is_known_missing(&key, &artifact.package) {
            return Err(absent());
        }
        let download = Download::new();
        downloads.insert(key.clone(), Arc::clone(&download));
        drop(downloads);
        let (engine, repo, artifact, own) = (
            Arc::clone(self),
            Arc::clone(repo),
            artifact.clone(),
            Arc::clone(&download),
        );
        tokio::spawn(async move {
            let bring =
                AssertUnwindSafe(engine.bring(&repo, &artifact, fetch, &own)).catch_unwind();
            let outcome = bring
                .await
                .unwrap_or_else(|_| Err(Problem::internal("a fill crashed")));
            if let Err(problem) = &outcome {
                if problem.kind == Kind::NotFound {
                    engine.remember_missing(key.clone());
                }
                let problem = problem.with_causes();
                tracing::info!(problem, repo = %repo.record.name, path = &*artifact.path, "an artifact was not kept");
            }
            engine
                .downloads
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&key);
            own.end(outcome);
        });
        Ok(download)
    }

    async fn bring(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        fetch: Option<Fetch>,
        download: &Arc<Download>,
    ) -> Result<Arc<FileRecord>, Problem> {
        // Another fill may have ended since the asker looked.
        if let Some(found) = self.metadata.find(repo.artifact_key(artifact)).await?
            && fetch
                .as_ref()
                .is_none_or(|fetch| *found.integrity == *fetch.integrity.text())
        {
            return Ok(found);
        }
        if let Some(fetch) = fetch {
            return self
                .take(repo, artifact, &fetch, download)
                .await
                .map_err(wrong_bytes);
        }
        let planned = self.plan(repo, artifact, false).await;
        let outcome = match &planned {
            Ok(fetch) => match self.kept_as(repo, artifact, fetch).await? {
                Some(found) => return Ok(found), // it came with the index
                None => self.take(repo, artifact, fetch, download).await,
            },
            Err(problem) => Err(problem.again()),
        };
        match outcome {
            // The index may be older than the artifact.
            Err(problem)
                if problem.kind == Kind::DigestMismatch || problem.kind == Kind::NotFound =>
            {
                let newer = self.plan(repo, artifact, true).await.map_err(wrong_bytes)?;
                if planned.is_ok_and(|fetch| fetch == newer) {
                    return Err(wrong_bytes(problem));
                }
                let fresh = download.abort();
                self.take(repo, artifact, &newer, fresh.as_ref().unwrap_or(download))
                    .await
                    .map_err(wrong_bytes)
            }
            outcome => outcome,
        }
    }

    /// How an artifact is got. `anew`: after asking the upstream for its indexes once more.
    async fn plan(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        anew: bool,
    ) -> Result<Fetch, Problem> {
        let (mut known, mut tables, mut next) = (Vec::new(), Vec::new(), None);
        while known.len() + tables.len() < MAX_STEPS {
            // Who waits for an upstream takes no place from those who need not.
            let place = self.planning.acquire().await?;
            if let Some(found) = next.take() {
                known.push(self.bytes_of(found).await?);
            }
            let step = repo.protocol.plan(artifact, &known, &tables)?;
            drop(place);
            match step {
                Plan::Fetch(fetch) => return Ok(fetch),
                Plan::Consult(list, fetch) => tables.push(self.table(repo, &list, fetch).await?),
                Plan::Read(document) => {
                    if anew {
                        self.ask_again(repo, &document).await?;
                    }
                    next = Some(self.known(repo, &document).await?);
                }
            }
        }
        Err(Problem::internal("a plan without an end"))
    }

    /// A list of artifacts, read once for every state of it.
    async fn table(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        list: &Artifact,
        fetch: Fetch,
    ) -> Result<Arc<dyn Table>, Problem> {
        self.keep_artifact(repo, list, fetch).await?;
        let found = self
            .metadata
            .find(repo.artifact_key(list))
            .await?
            .ok_or_else(absent)?;
        self.read_table(repo, list, found).await
    }

    /// A list of artifacts that is kept.
    pub(crate) async fn read_table(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        list: &Artifact,
        found: Arc<FileRecord>,
    ) -> Result<Arc<dyn Table>, Problem> {
        if let Some(table) = self.tables.get(&found.digest) {
            return Ok(table);
        }
        let key = (repo.record.id, key_of("tables", &found.digest.to_string()));
        let start = || {
            let (engine, repo, list) = (Arc::clone(self), Arc::clone(repo), list.clone());
            async move {
                let _place = engine.planning.acquire().await?;
                let body = engine.bytes(&found).await?;
                let tables = repo.protocol.tables();
                let tables = tables.ok_or_else(|| Problem::internal("a list without a reader"))?;
                let read = move || tables.read(&list, &body);
                let table = tokio::task::spawn_blocking(read)
                    .await
                    .map_err(Problem::internal)??;
                engine.tables.insert(found.digest, Arc::clone(&table));
                Ok(table)
            }
        };
        self.readings.join(key, start).await
    }

    /// Asks for an index once more, unless that was done just now.
    async fn ask_again(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<(), Problem> {
        let Some(kept) = self.at_hand(repo, document).await? else {
            return Ok(());
        };
        if self.metadata.now().since(kept.checked_at) > JUST_NOW {
            self.refresh(repo, document, Some(&kept)).await?;
        }
        Ok(())
    }

    async fn take(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        fetch: &Fetch,
        download: &Arc<Download>,
    ) -> Result<Arc<FileRecord>, Problem> {
        let image = image_of(repo, &artifact.package);
        let wanted = FetchRequest {
            accept: fetch.accept,
            image,
            ..FetchRequest::new(&fetch.url)
        };
        let FetchResponse::Body(body) = repo.upstream()?.get(&wanted).await? else {
            return Err(absent());
        };
        if let (Some(promised), Some(announced)) = (fetch.size, body.size)
            && promised != announced
        {
            let detail =
                format!("the upstream sends {announced} bytes where its index promises {promised}");
            return Err(Problem::new(Kind::DigestMismatch, "artifact", detail));
        }
        if body
            .size
            .or(fetch.size)
            .is_some_and(|size| size > self.config.artifact_bytes)
        {
            return Err(too_large());
        }
        if body.size.is_some_and(|size| size <= INLINE_BYTES) {
            return self
                .take_small(repo, artifact, fetch, download, *body)
                .await;
        }
        self.take_large(repo, artifact, fetch, download, *body)
            .await
    }

    async fn take_small(
        &self,
        repo: &Repo,
        artifact: &Artifact,
        fetch: &Fetch,
        download: &Download,
        body: UpstreamBody,
    ) -> Result<Arc<FileRecord>, Problem> {
        let limit = usize::try_from(INLINE_BYTES).unwrap_or(usize::MAX);
        let content_type = content_type(repo, artifact, &body);
        let (body, _) = body.collect(limit, limit, || async {}).await?;
        let mut checker = Checker::new(&fetch.integrity);
        checker.update(&body);
        if !checker.agrees() {
            return Err(mismatch());
        }
        let body = Bytes::from(body);
        let durable = self.content.prepare(&body).await?;
        let told = (&fetch.integrity, &*content_type);
        self.keep(repo, artifact, told, durable, download).await
    }

    async fn take_large(
        &self,
        repo: &Repo,
        artifact: &Artifact,
        fetch: &Fetch,
        download: &Download,
        mut body: UpstreamBody,
    ) -> Result<Arc<FileRecord>, Problem> {
        let content_type = content_type(repo, artifact, &body);
        let _slot = repo.upstream()?.large_fills().acquire().await?;
        let bring = async |mut staging: Staging| {
            staging.expect(&fetch.integrity);
            let size = body.size.or(fetch.size);
            download.begin(size, staging.file());
            let last = self.pass(&mut body, size, &mut staging, download).await?;
            let (digest, agrees) = staging.verify(&fetch.integrity).await?;
            if !agrees {
                return Err(mismatch());
            }
            download.release(last);
            let found = FileRecord::transient(&content_type, digest, staging.offset());
            download.complete(Arc::new(found));
            let durable = self.content.prepare_staged(staging).await?;
            let told = (&fetch.integrity, &*content_type);
            self.keep(repo, artifact, told, durable, download).await
        };
        self.content.with_staging(Algorithm::Sha256, bring).await
    }

    /// Passes all bytes on to the disk and to the readers but for the last ones, which are given
    /// back. Readers were told `size`: with so many bytes they have what they take for all, so more
    /// than that is never passed on.
    async fn pass(
        &self,
        body: &mut UpstreamBody,
        size: Option<u64>,
        staging: &mut Staging,
        download: &Download,
    ) -> Result<Bytes, Problem> {
        let mut last = Bytes::new();
        while let Some(bytes) = body.next().await? {
            staging.append(bytes.clone()).await?;
            if size.is_some_and(|size| staging.offset() > size) {
                return Err(mismatch());
            }
            if staging.offset() > self.config.artifact_bytes {
                return Err(too_large());
            }
            let before = std::mem::replace(&mut last, bytes);
            if !before.is_empty() {
                download.release(before);
            }
            // Where more must come, none of these are the last.
            let more = size.is_some_and(|size| staging.offset() < size);
            let held = if more { 0 } else { last.len().min(HELD_BYTES) };
            let ready = last.split_to(last.len() - held);
            if !ready.is_empty() {
                download.release(ready);
            }
        }
        Ok(last)
    }

    async fn keep(
        &self,
        repo: &Repo,
        artifact: &Artifact,
        (integrity, content_type): (&Integrity, &str),
        durable: Durable,
        download: &Download,
    ) -> Result<Arc<FileRecord>, Problem> {
        if let Some(body) = durable.bytes() {
            let mut found = FileRecord::transient(content_type, durable.digest(), durable.size());
            found.body = Some(body.clone());
            download.complete(Arc::new(found));
        }
        let key = repo.artifact_key(artifact);
        let (full_name, integrity) = (repo.full_name(&artifact.package), integrity.text());
        let write = async |blob| {
            let file = NewFile {
                version: artifact.version.as_deref().unwrap_or_default(),
                integrity: &integrity,
                ..NewFile::new(key.kind, key.path, blob, content_type)
            };
            let new = NewFiles {
                package: key.package,
                full_name: full_name.as_deref(),
                by: System::Upstream,
                at: self.metadata.now(),
                files: vec![file],
                gone: Vec::new(),
            };
            self.metadata.keep_files(new).await
        };
        self.content.keep(durable, write).await?;
        let found = self.metadata.find(key).await?;
        found.ok_or_else(|| Problem::internal("an artifact that was just kept is gone"))
    }
}

/// What the protocol says an artifact is, else what the upstream says.
fn content_type(repo: &Repo, artifact: &Artifact, body: &UpstreamBody) -> String {
    match repo.protocol.content_type(artifact) {
        "" => body.content_type.clone(),
        known => known.to_owned(),
    }
}

fn too_large() -> Problem {
    Problem::new(
        Kind::Upstream,
        "artifact",
        "it is larger than this server takes (limits.blob_size)",
    )
}

fn mismatch() -> Problem {
    Problem::new(
        Kind::DigestMismatch,
        "artifact",
        "the upstream's bytes are not those that its index promises",
    )
}

/// A mismatch is the upstream's fault, not the client's.
fn wrong_bytes(problem: Problem) -> Problem {
    match problem.kind {
        Kind::DigestMismatch => Problem {
            kind: Kind::Upstream,
            ..problem
        },
        _ => problem,
    }
}
