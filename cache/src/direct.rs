//! Files of mirrors whose doors are their own: a door finds out where one is, and what it must be.

use crate::download::{ArtifactFetcher, Download, DownloadHead, Downloads, wrong_bytes};
use crate::repo::Repo;
use http::header::RANGE;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use larder_door::{Answer, BlobAnswer, Lasts, Streaming};
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Artifact, Fetch};
use larder_model::{Digest, Integrity, Problem};
use std::sync::Arc;

/// The media type of bytes of which none is known.
const UNKNOWN: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Where a file is, and what it must be.
#[derive(Clone)]
pub struct FileLead {
    /// Absolute, or relative to the upstream's address.
    pub url: String,
    /// What must be sent with the request; what is sensitive is shown to nobody else.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Their number, as far as it is known.
    pub size: Option<u64>,
}

/// What fetches them.
pub(crate) struct DirectFiles {
    metadata: Metadata,
    fetcher: Arc<ArtifactFetcher>,
    downloads: Downloads,
}

impl From<FileLead> for Fetch {
    fn from(lead: FileLead) -> Self {
        Self {
            headers: lead.headers,
            ..Self::new(lead.url, Integrity::Digest(lead.digest)).with_size(lead.size)
        }
    }
}

impl DirectFiles {
    pub(crate) fn new(metadata: Metadata, fetcher: Arc<ArtifactFetcher>) -> Arc<Self> {
        Arc::new(Self {
            metadata,
            fetcher,
            downloads: Downloads::default(),
        })
    }

    /// Answers with a file that is not kept yet, as it comes. `known`: where it was a while ago; `find`
    /// finds out where it is, where nothing is known or that leads nowhere.
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        (repo, artifact): (&Arc<Repo>, &Artifact),
        request: &Parts,
        (known, find): (Option<FileLead>, impl FnOnce() -> F),
    ) -> Result<Answer, Problem>
    where
        F: Future<Output = Result<FileLead, Problem>> + Send + 'static,
    {
        repo.upstream()?;
        let start = |download: Arc<Download>| {
            let (this, finding) = (Arc::clone(self), find());
            let (repo, artifact) = (Arc::clone(repo), artifact.clone());
            async move {
                let goal = (&repo, &artifact);
                this.bring(goal, (known, finding), &download).await
            }
        };
        let download = self.downloads.join(repo, artifact, start);
        let found = match download.head().await? {
            DownloadHead::Stream(size) => return Ok(streaming(download, size)),
            // Nobody has the end of a part before all is kept.
            DownloadHead::Complete(_) if request.headers.contains_key(RANGE) => {
                download.kept().await?
            }
            DownloadHead::Complete(found) => found,
        };
        Ok(Answer::Blob(BlobAnswer {
            found,
            content_type: UNKNOWN,
            headers: HeaderMap::new(),
            lasts: Lasts::Forever,
            private: false,
            overlay: None,
            changed: None,
        }))
    }

    async fn bring(
        &self,
        (repo, artifact): (&Arc<Repo>, &Artifact),
        (known, finding): (
            Option<FileLead>,
            impl Future<Output = Result<FileLead, Problem>>,
        ),
        download: &Download,
    ) -> Result<Arc<FileRecord>, Problem> {
        // Another download may have ended since the asker looked.
        let stored = self.metadata.find(repo.artifact_key(artifact)).await?;
        if let Some(found) = stored.filter(|found| !found.damaged) {
            return Ok(found);
        }
        let mut fresh = None;
        if let Some(known) = known {
            let fetch = known.into();
            let fetched = self.fetcher.fetch(repo, artifact, &fetch, download).await;
            let Err(problem) = fetched else {
                return fetched;
            };
            tracing::debug!(problem = problem.with_causes(), "a file is looked for anew");
            // Who reads already has other bytes than those that come now.
            fresh = download.abort();
        }
        let (download, fetch) = (fresh.as_deref().unwrap_or(download), finding.await?.into());
        let fetched = self.fetcher.fetch(repo, artifact, &fetch, download).await;
        fetched.map_err(wrong_bytes)
    }
}

fn streaming(download: Arc<Download>, size: Option<u64>) -> Answer {
    let open = move |range| Arc::clone(&download).stream(range, None::<fn()>);
    Answer::Streaming(Streaming {
        size,
        content_type: UNKNOWN,
        headers: HeaderMap::new(),
        lasts: Lasts::Forever,
        private: false,
        open: Box::new(open),
    })
}

impl std::fmt::Debug for FileLead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Addresses that are signed are as secret as the headers.
        f.debug_struct("FileLead")
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}
