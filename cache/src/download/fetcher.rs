//! An artifact whose URL and hash are known: fetched, checked, and stored.

use super::beginning::{Beginning, first_of};
use super::contents::{
    First, MAX_DECODED, Promise, contained, first, is_mismatch, mismatch, require_staged,
};
use super::downloads::Downloads;
use super::encoded::{decode, decoded};
use super::faults::{left_alone, too_large};
use super::labels::{content_type, is_doubtful, media_types_of};
use super::progress::{Download, HELD_BYTES};
use crate::config::CacheConfig;
use crate::intake::Intake;
use crate::limits::Budget;
use crate::problems::absent;
use crate::repo::Repo;
use crate::upstream::{FetchRequest, FetchResponse, UpstreamBody};
use bytes::Bytes;
use larder_content::{ContentStore, INLINE_BYTES, Prepared};
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::FileRecord;
use larder_metadata::{Error, Metadata, Requirement};
use larder_mirrors::{Artifact, Fetch};
use larder_model::{Algorithm, Checker, Digest, Integrity, Kind, Limit, Problem, System};
use larder_storage::Staging;
use std::sync::Arc;
use url::Url;

/// Fetches artifacts.
pub(crate) struct ArtifactFetcher {
    pub(super) metadata: Metadata,
    content: ContentStore,
    intake: Intake,
    budget: Budget,
    /// The largest artifact.
    max: Limit,
    /// So many bytes come in once nobody waits for them.
    unattended_bytes: u64,
    /// The largest artifact in bytes that is read as a document is.
    max_document: Limit,
    /// Downloads of what an index at hand names. Whoever asks for a member of a set waits for the
    /// set, so its members must not wait for whoever asks: these are apart from other downloads.
    pub(super) members: Downloads,
}

/// What is fetched, and for whom.
#[derive(Clone, Copy)]
struct Job<'a> {
    repo: &'a Repo,
    artifact: &'a Artifact,
    fetch: &'a Fetch,
    /// What its bytes must be, and those that are kept, where nothing is promised.
    integrity: &'a Integrity,
    stored: Option<Digest>,
    download: &'a Download,
}

impl Job<'_> {
    /// What was promised of it.
    fn promise(&self) -> Promise<'_> {
        Promise {
            integrity: self.integrity,
            path: &self.artifact.path,
            is_first: first(&self.fetch.integrity).is_some(),
        }
    }

    /// How its bytes may begin.
    fn beginning(&self) -> Beginning<'_> {
        Beginning {
            protocol: self.repo.protocol,
            artifact: self.artifact,
            is_promised: *self.integrity != Integrity::None,
        }
    }
}

impl ArtifactFetcher {
    /// Fetches artifacts as large as the config allows.
    pub(crate) fn new(
        metadata: Metadata,
        content: ContentStore,
        (intake, budget): (Intake, Budget),
        config: &CacheConfig,
    ) -> Self {
        Self {
            metadata,
            content,
            intake,
            budget,
            max: config.artifact,
            unattended_bytes: config.unattended_bytes,
            max_document: config.document,
            members: Downloads::default(),
        }
    }

    /// Fetches, checks and stores an artifact at one address. Of a mirror whose bytes are wrong, or break
    /// off, nothing is kept, and the next one is asked.
    pub(super) async fn fetch_at(
        &self,
        repo: &Repo,
        artifact: &Artifact,
        fetch: &Fetch,
        download: &Download,
    ) -> Result<Arc<FileRecord>, Problem> {
        let upstream = repo.upstream()?;
        let mut left = upstream.mirrors();
        let mut fresh = None;
        loop {
            left -= 1;
            let mut mirror = None;
            let download = fresh.as_deref().unwrap_or(download);
            let outcome = self.try_fetch(repo, artifact, fetch, (download, &mut mirror));
            let problem = match (outcome.await, mirror) {
                (Err(problem), Some(mirror)) if left > 0 => {
                    upstream.ask_last(&mirror);
                    problem
                }
                (outcome, _) => return outcome,
            };
            let (repo, path) = (&repo.record.name, &*artifact.path);
            tracing::info!(%problem, %repo, path, "a mirror has other content: the next is asked");
            // Who reads already has other bytes than those that come now.
            fresh = download.abort().or(fresh);
        }
    }

    /// The same from one place. `mirror`: the one that answered, if it was one.
    async fn try_fetch(
        &self,
        repo: &Repo,
        artifact: &Artifact,
        fetch: &Fetch,
        (download, mirror): (&Download, &mut Option<Url>),
    ) -> Result<Arc<FileRecord>, Problem> {
        let wanted = FetchRequest {
            accept: fetch.accept,
            more: &fetch.headers,
            image: repo.image_of(&artifact.package),
            ..FetchRequest::new(&fetch.url)
        };
        let FetchResponse::Body(body) = repo.upstream()?.get(&wanted).await? else {
            return Err(absent());
        };
        mirror.clone_from(&body.mirror);
        let (integrity, stored) = self.integrity(repo, artifact, fetch).await?;
        // Where there is a hash it decides, and a wrong size is one of no weight.
        let promised = fetch.size.filter(|_| integrity == Integrity::None);
        if let (Some(promised), Some(announced)) = (promised, body.size)
            && promised != announced
        {
            let detail =
                format!("the upstream sends {announced} bytes where its index promises {promised}");
            return Err(Problem::new(Kind::DigestMismatch, "artifact", detail));
        }
        let size = body.size.or(promised);
        if let Some(size) = size.filter(|size| *size > self.max.bytes) {
            return Err(too_large(self.max, Some(size)));
        }
        let job = Job {
            repo,
            artifact,
            fetch,
            integrity: &integrity,
            stored,
            download,
        };
        if media_types_of(job.repo, job.artifact).is_some()
            || body.size.is_some_and(|size| size <= INLINE_BYTES)
        {
            return self.take_whole(&job, *body).await;
        }
        self.take_large(&job, *body, size).await
    }

    /// What the bytes must be. Where nothing is promised the first bytes stay: also when they are
    /// damaged here, or were let go, no others take their place. With those that are kept.
    async fn integrity(
        &self,
        repo: &Repo,
        artifact: &Artifact,
        fetch: &Fetch,
    ) -> Result<(Integrity, Option<Digest>), Problem> {
        let Some(first) = first(&fetch.integrity) else {
            return Ok((fetch.integrity.clone(), None));
        };
        let key = repo.artifact_key(artifact);
        let stored = self.metadata.find(key).await?;
        let digest = stored.as_ref().map(|found| found.digest);
        if let Some(damaged) = stored.filter(|found| found.damaged) {
            return Ok((first.again(&damaged), digest));
        }
        let before = match first {
            First::Bytes => self.metadata.first_bytes(key).await?,
            First::Contents(_) => None,
        };
        let integrity = before.map_or_else(|| fetch.integrity.clone(), Integrity::Digest);
        Ok((integrity, digest))
    }

    /// Takes in what fits in a row, or tells by all of its bytes what it is: nobody reads it before
    /// all of it is right.
    async fn take_whole(
        &self,
        job: &Job<'_>,
        body: UpstreamBody,
    ) -> Result<Arc<FileRecord>, Problem> {
        let (media_types, content_type) = (
            media_types_of(job.repo, job.artifact),
            content_type(job.repo, job.artifact, &body),
        );
        let limit = media_types.map_or(Limit::fixed(INLINE_BYTES), |_| self.max_document);
        let (upstream, is_labelled) = (job.repo.upstream()?, body.is_labelled);
        let promised = job.promise();
        let mut body = body.collect(limit, &self.intake).await?;
        if job.integrity.contents().is_some() {
            let (body, recorded) = contained(body.small().await?, promised, is_labelled).await?;
            let prepared = self.content.prepare(&body).await?;
            return self.keep(job, (&content_type, &recorded), prepared).await;
        }
        let integrity = job.integrity.clone();
        let read = move |body: &Bytes| {
            let agrees = |body: &[u8]| {
                let mut checker = Checker::new(&integrity);
                checker.update(body);
                checker.agrees()
            };
            // The hash decides whether what is labelled so was encoded on its way.
            let decoded = if agrees(body) {
                None
            } else {
                let decoded = is_labelled.then(|| decoded(body, MAX_DECODED)).flatten();
                Some(Bytes::from(decoded.filter(|body| agrees(body))?))
            };
            let right = decoded.as_ref().unwrap_or(body);
            let own_type = media_types.map(|media_types| media_types.of(right, &content_type));
            let first = first_of(right);
            Some((decoded, own_type.unwrap_or(content_type), first))
        };
        let read = body.look((&self.budget, 1), read).await?;
        let (decoded, content_type, first) = read.ok_or_else(|| mismatch(promised))?;
        job.beginning().require(&first)?;
        if let Some(decoded) = decoded {
            body = self.intake.take_in(upstream.room(), decoded).await?;
        }
        let prepared = body.prepare(&self.content).await?;
        self.keep(job, (&content_type, ""), prepared).await
    }

    /// Takes in a file, which others read meanwhile: unless there is a reason to doubt that it is what
    /// was promised before all of it came.
    async fn take_large(
        &self,
        job: &Job<'_>,
        mut body: UpstreamBody,
        size: Option<u64>,
    ) -> Result<Arc<FileRecord>, Problem> {
        let content_type = content_type(job.repo, job.artifact, &body);
        // Nobody waits for another's artifact: what comes beside many takes less memory instead.
        let slot = job.repo.upstream()?.wide_fills().acquire_free();
        let readers = (!is_doubtful(job.repo, job.artifact, (job.fetch, job.integrity), &body))
            .then_some(job.download);
        // What is none at all is not begun.
        let mut first = job.beginning().piece(&mut body).await?;
        let take = async |mut staging: Staging| {
            staging.expect(job.integrity);
            if slot.is_none() {
                staging.narrow();
                job.download.narrow();
            }
            if let Some(readers) = readers {
                readers.begin(size, staging.file());
            }
            let last = self
                .pass(job, (&mut first, &mut body), size, &mut staging, readers)
                .await?;
            let (digest, agrees) = staging.verify(job.integrity).await?;
            let promised = job.promise();
            let recorded = match require_staged(&staging, agrees, promised, &self.budget).await {
                Err(problem) if is_mismatch(&problem) && body.is_labelled => {
                    // Who reads already has other bytes than those that come now.
                    let fresh = job.download.abort();
                    let download = fresh.as_deref().unwrap_or(job.download);
                    let job = Job { download, ..*job };
                    return self.take_encoded(&job, &content_type, &staging).await;
                }
                recorded => recorded?,
            };
            match readers {
                Some(readers) => readers.release(last, staging.written()),
                None => job.download.begin(Some(staging.offset()), staging.file()),
            }
            self.keep_staged(job, (&content_type, &recorded), (staging, digest))
                .await
        };
        self.content.with_staging(Algorithm::Sha256, take).await
    }

    /// Takes in what staged bytes decode to, if that is what was promised.
    async fn take_encoded(
        &self,
        job: &Job<'_>,
        content_type: &str,
        packed: &Staging,
    ) -> Result<Arc<FileRecord>, Problem> {
        let take = async |mut staging: Staging| {
            staging.expect(job.integrity);
            let promised = job.promise();
            if !decode(packed, &mut staging, self.max.bytes).await? {
                return Err(mismatch(promised));
            }
            let (digest, agrees) = staging.verify(job.integrity).await?;
            let recorded = require_staged(&staging, agrees, promised, &self.budget).await?;
            job.download.begin(Some(staging.offset()), staging.file());
            self.keep_staged(job, (content_type, &recorded), (staging, digest))
                .await
        };
        self.content.with_staging(Algorithm::Sha256, take).await
    }

    /// Keeps staged bytes that are right.
    async fn keep_staged(
        &self,
        job: &Job<'_>,
        (content_type, recorded): (&str, &str),
        (staging, digest): (Staging, Digest),
    ) -> Result<Arc<FileRecord>, Problem> {
        let found = FileRecord::transient(content_type, digest, staging.offset());
        job.download.complete(Arc::new(found));
        let prepared = self.content.prepare_staged(staging).await?;
        self.keep(job, (content_type, recorded), prepared).await
    }

    /// Passes all bytes on to the disk and to the readers, if there may be any yet, but for the last
    /// ones, which are given back. Readers know `size`: with so many bytes they have what they take
    /// for all, so more than that is never passed on.
    async fn pass(
        &self,
        job: &Job<'_>,
        (first, body): (&mut Option<Bytes>, &mut UpstreamBody),
        size: Option<u64>,
        staging: &mut Staging,
        readers: Option<&Download>,
    ) -> Result<Bytes, Problem> {
        let mut last = Bytes::new();
        let mut left_at = None;
        while let Some(bytes) = match first.take() {
            Some(first) => Some(first),
            None => body.next().await?,
        } {
            staging.append(bytes.clone()).await?;
            // An upstream without an end must not go on for ever once nobody is there.
            if job.download.is_awaited() {
                left_at = None;
            } else if staging.offset() - *left_at.get_or_insert(staging.offset())
                > self.unattended_bytes
            {
                return Err(left_alone(self.unattended_bytes));
            }
            if size.is_some_and(|size| staging.offset() > size) {
                return Err(mismatch(job.promise()));
            }
            if staging.offset() > self.max.bytes {
                return Err(too_large(self.max, None));
            }
            let Some(readers) = readers else { continue };
            let before = std::mem::replace(&mut last, bytes);
            if !before.is_empty() {
                readers.release(before, staging.written());
            }
            // Where more must come, none of these are the last.
            let more = size.is_some_and(|size| staging.offset() < size);
            let held = if more { 0 } else { last.len().min(HELD_BYTES) };
            let ready = last.split_to(last.len() - held);
            if !ready.is_empty() {
                readers.release(ready, staging.written());
            }
        }
        // Where no hash tells, a body that ends before its promised size was cut.
        if size.is_some_and(|size| staging.offset() < size) {
            return Err(mismatch(job.promise()));
        }
        Ok(last)
    }

    /// Gives an artifact its name. `recorded`: what it was found to be.
    async fn keep(
        &self,
        job: &Job<'_>,
        (content_type, recorded): (&str, &str),
        prepared: Prepared,
    ) -> Result<Arc<FileRecord>, Problem> {
        let at = self.metadata.now();
        let at_hand = prepared.bytes().map(|body| {
            let mut found = FileRecord::transient(content_type, prepared.digest(), prepared.size());
            (found.body, found.created_at) = (Some(body.clone()), at);
            Arc::new(found)
        });
        if let Some(found) = &at_hand {
            job.download.complete(Arc::clone(found));
        }
        let (repo, artifact) = (job.repo, job.artifact);
        let key = repo.artifact_key(artifact);
        let full_name = repo.full_name(key.package.package);
        // Where nothing was promised, what its contents are is a promise from now on.
        let integrity = match &job.fetch.integrity {
            Integrity::Contents(_) => recorded.to_owned(),
            promised => promised.text(),
        };
        let write = async |blob| {
            let file = NewFile {
                version: repo.version_of(artifact, job.fetch),
                integrity: &integrity,
                instead_of: job.stored,
                // Noted later it could be lost with a server that stops between the two.
                is_used: true,
                ..NewFile::new(key.kind, key.path, blob, content_type)
            };
            let new = NewFiles {
                package: key.package,
                full_name: full_name.as_deref(),
                by: System::Upstream,
                at,
                files: vec![file],
                gone: Vec::new(),
                named: Vec::new(),
                retired: Vec::new(),
            };
            self.metadata.keep_files(new).await
        };
        match (self.content.keep(prepared, write).await, at_hand) {
            (Ok(()), Some(found)) => return Ok(found),
            // Another server was first, and nothing tells which bytes are right: its are, from now on.
            (Ok(()), None) | (Err(Error::Unmet(Requirement::File)), _) => {}
            (Err(error), _) => return Err(error.into()),
        }
        let found = self.metadata.find(key).await?;
        found.ok_or_else(|| Problem::internal("an artifact that was just kept is gone"))
    }
}

/// Whether an index promises the bytes of this file: a file of the name may have been of another
/// state, or be damaged.
pub(crate) fn is_promised(stored: &FileRecord, fetch: &Fetch) -> bool {
    !stored.damaged && fetch.integrity.is_recorded_as(&stored.integrity)
}
