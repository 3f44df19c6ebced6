//! An artifact that has several addresses.

use super::fetcher::ArtifactFetcher;
use super::progress::Download;
use crate::repo::Repo;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Artifact, Fetch};
use larder_model::{Kind, Problem};
use std::borrow::Cow;
use std::sync::Arc;

impl ArtifactFetcher {
    /// Fetches, checks and stores an artifact, whose bytes go to the readers of `download` too. Where one
    /// address lacks it, or has something else, the next of its addresses is asked.
    pub(crate) async fn fetch(
        &self,
        repo: &Repo,
        artifact: &Artifact,
        fetch: &Fetch,
        download: &Download,
    ) -> Result<Arc<FileRecord>, Problem> {
        let mut fetch = Cow::Borrowed(fetch);
        let mut fresh = None;
        loop {
            let download = fresh.as_deref().unwrap_or(download);
            let outcome = self.fetch_at(repo, artifact, &fetch, download).await;
            let is_elsewhere =
                |problem: &Problem| matches!(problem.kind, Kind::NotFound | Kind::DigestMismatch);
            if fetch.others.is_empty() || !outcome.as_ref().is_err_and(is_elsewhere) {
                return outcome;
            }
            let next = fetch.to_mut();
            next.url = next.others.remove(0);
            fresh = download.abort().or(fresh);
        }
    }
}
