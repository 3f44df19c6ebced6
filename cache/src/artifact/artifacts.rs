//! Artifacts, from the store or from upstream.

use super::plans::Plans;
use super::unpacked::Unpacked;
use crate::document::Missing;
use crate::download::{
    ArtifactFetcher, Download, DownloadHead, Downloads, download_key, is_promised, wrong_bytes,
};
use crate::problems::absent;
use crate::repo::Repo;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Artifact, Fetch};
use larder_model::{Kind, Problem};
use std::sync::Arc;

/// An artifact that can be served.
pub(crate) enum ArtifactSource {
    /// From the store.
    Stored(Arc<FileRecord>),
    /// Just fetched, and at hand.
    Downloaded(Arc<FileRecord>),
    /// As it comes; its size, if it is known.
    Streaming(Arc<Download>, Option<u64>),
}

/// What is wanted of an artifact.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it, as it comes.
    All,
    /// A part of it, as it comes; nobody has the end of a part before all is kept.
    Part,
    /// That it is kept.
    Kept,
}

/// The artifacts of all repos.
pub(crate) struct Artifacts {
    metadata: Metadata,
    plans: Arc<Plans>,
    fetcher: Arc<ArtifactFetcher>,
    missing: Arc<Missing>,
    unpacked: Unpacked,
    downloads: Downloads,
}

impl Artifacts {
    /// Artifacts that are got as `plans` say.
    pub(crate) fn new(
        metadata: Metadata,
        plans: Arc<Plans>,
        fetcher: Arc<ArtifactFetcher>,
        missing: Arc<Missing>,
        unpacked: Unpacked,
    ) -> Self {
        Self {
            metadata,
            plans,
            fetcher,
            missing,
            unpacked,
            downloads: Downloads::default(),
        }
    }

    /// What fetches them.
    pub(crate) fn fetcher(&self) -> Arc<ArtifactFetcher> {
        Arc::clone(&self.fetcher)
    }

    /// An artifact, from the store or from upstream.
    pub(crate) async fn get(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        wanted: Wanted,
    ) -> Result<ArtifactSource, Problem> {
        self.get_by(repo, artifact, None, wanted).await
    }

    /// The same of an artifact of which it is known how it is got.
    pub(crate) async fn get_known(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        fetch: &Fetch,
        wanted: Wanted,
    ) -> Result<ArtifactSource, Problem> {
        self.get_by(repo, artifact, Some(fetch), wanted).await
    }

    /// Whether a kept artifact is served as it is, whatever else is known of it.
    pub(super) fn is_sound(&self, artifact: &Artifact, found: &FileRecord) -> bool {
        !found.damaged && !self.unpacked.may_be_one(artifact, found)
    }

    async fn get_by(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        known: Option<&Fetch>,
        wanted: Wanted,
    ) -> Result<ArtifactSource, Problem> {
        if let Some(found) = self.metadata.find(repo.artifact_key(artifact)).await? {
            if self.is_sound(artifact, &found) || repo.upstream().is_err() {
                return Ok(ArtifactSource::Stored(found));
            }
            // What is damaged comes anew, if it can, and so does what was unpacked.
            if !found.damaged {
                if !self.unpacked.is_one(artifact, &found).await? {
                    return Ok(ArtifactSource::Stored(found));
                }
                return self.packed_again(repo, artifact, found).await;
            }
        }
        if repo.is_hosted() {
            return Err(absent());
        }
        repo.upstream()?; // whoever is offline need not look for a way
        let download = self.download(repo, artifact, known)?;
        if wanted == Wanted::Kept {
            return Ok(ArtifactSource::Downloaded(download.kept().await?));
        }
        match download.head().await? {
            DownloadHead::Complete(_) if wanted == Wanted::Part => {
                Ok(ArtifactSource::Downloaded(download.kept().await?))
            }
            DownloadHead::Complete(found) => Ok(ArtifactSource::Downloaded(found)),
            DownloadHead::Stream(size) => Ok(ArtifactSource::Streaming(download, size)),
        }
    }

    /// An archive that was unpacked on its way, as its upstream has it; as it is kept, if that cannot
    /// be asked now.
    async fn packed_again(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        kept: Arc<FileRecord>,
    ) -> Result<ArtifactSource, Problem> {
        let fetched = match self.download(repo, artifact, None) {
            Ok(download) => download.kept().await,
            Err(problem) => Err(problem),
        };
        let path = &*artifact.path;
        match fetched {
            Ok(found) => {
                tracing::info!(repo = %repo.record.name, path, "an archive that was unpacked was fetched again");
                self.unpacked.is_right(&found);
                Ok(ArtifactSource::Downloaded(found))
            }
            Err(problem) => {
                let problem = problem.with_causes();
                tracing::warn!(
                    problem,
                    path,
                    "an archive that was unpacked cannot be fetched again"
                );
                Ok(ArtifactSource::Stored(kept))
            }
        }
    }

    /// The one download of an artifact, unless it is known not to be there.
    fn download(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        fetch: Option<&Fetch>,
    ) -> Result<Arc<Download>, Problem> {
        // Of what a set names there is one download, whoever needs it: a reader, or what it tells.
        let downloads = match fetch {
            Some(_) => self.fetcher.members(),
            None => &self.downloads,
        };
        if let Some(running) = downloads.running(repo, artifact) {
            return Ok(running);
        }
        let key = download_key(repo, artifact);
        if self.missing.contains(&key, &artifact.package) {
            return Err(absent());
        }
        let start = |download: Arc<Download>| {
            let (this, repo, artifact) = (Arc::clone(self), Arc::clone(repo), artifact.clone());
            let fetch = fetch.cloned();
            async move {
                let outcome = this.bring(&repo, &artifact, fetch, &download).await;
                if let Ok(found) = &outcome {
                    this.metadata.note_use(repo.artifact_key(&artifact), found);
                }
                let is_absent = |problem: &Problem| problem.kind == Kind::NotFound;
                if outcome.as_ref().is_err_and(is_absent) {
                    this.missing.remember(key, this.metadata.now());
                }
                outcome
            }
        };
        Ok(downloads.join(repo, artifact, start))
    }

    /// Finds out how an artifact is got, and gets it.
    async fn bring(
        &self,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        known: Option<Fetch>,
        download: &Download,
    ) -> Result<Arc<FileRecord>, Problem> {
        let is_known = known.is_some();
        let planned = match known {
            Some(fetch) => Ok(fetch),
            None => self.plans.plan(repo, artifact, false).await,
        };
        // It may have come with the index, or by a download that ended since the asker looked.
        let stored = self.metadata.find(repo.artifact_key(artifact)).await?;
        let mut stored = stored.filter(|found| !found.damaged);
        if let Some(found) = &stored
            && self.unpacked.is_one(artifact, found).await?
        {
            stored = None;
        }
        let outcome = match &planned {
            Ok(fetch) => match stored.filter(|found| is_promised(found, fetch)) {
                Some(found) => return Ok(found),
                None => self.fetcher.fetch(repo, artifact, fetch, download).await,
            },
            Err(problem) => match stored {
                Some(found) => return Ok(found),
                None => Err(problem.again()),
            },
        };
        match outcome {
            Err(problem) if is_known => Err(wrong_bytes(problem)),
            // The index may be older than the artifact.
            Err(problem)
                if problem.kind == Kind::DigestMismatch || problem.kind == Kind::NotFound =>
            {
                let newer = match self.plans.plan(repo, artifact, true).await {
                    // By then it is only remembered: the first answer tells why.
                    Err(newer) if planned.is_err() && newer.kind == Kind::NotFound => {
                        return Err(wrong_bytes(problem));
                    }
                    newer => newer.map_err(wrong_bytes)?,
                };
                if planned.is_ok_and(|fetch| fetch == newer) {
                    return Err(wrong_bytes(problem));
                }
                let fresh = download.abort();
                let download = fresh.as_deref().unwrap_or(download);
                self.fetcher
                    .fetch(repo, artifact, &newer, download)
                    .await
                    .map_err(wrong_bytes)
            }
            outcome => outcome,
        }
    }
}
