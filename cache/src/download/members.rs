//! Artifacts that an index at hand names: stored before anyone asks for them by themselves.

use super::downloads::Downloads;
use super::faults::wrong_bytes;
use super::fetcher::{ArtifactFetcher, is_promised};
use super::progress::Download;
use crate::repo::Repo;
use futures_util::future::join_all;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Artifact, Fetch, Member};
use larder_model::Problem;
use std::sync::Arc;

impl ArtifactFetcher {
    /// The downloads of what sets name.
    pub(crate) const fn members(&self) -> &Downloads {
        &self.members
    }

    /// A stored artifact of which the same was promised.
    async fn stored_as(
        &self,
        repo: &Repo,
        artifact: &Artifact,
        fetch: &Fetch,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let stored = self.metadata.find(repo.artifact_key(artifact)).await?;
        Ok(stored.filter(|found| is_promised(found, fetch)))
    }

    /// Has an artifact stored whose index is at hand.
    pub(crate) async fn ensure(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        fetch: Fetch,
    ) -> Result<(), Problem> {
        if self.stored_as(repo, artifact, &fetch).await?.is_some() {
            return Ok(());
        }
        let start = |download: Arc<Download>| {
            let (this, repo, artifact) = (Arc::clone(self), Arc::clone(repo), artifact.clone());
            async move {
                // Another download may have ended since the asker looked.
                if let Some(found) = this.stored_as(&repo, &artifact, &fetch).await? {
                    return Ok(found);
                }
                let fetched = this.fetch(&repo, &artifact, &fetch, &download).await;
                fetched.map_err(wrong_bytes)
            }
        };
        let download = self.members.join(repo, artifact, start);
        download.kept().await.map(drop)
    }

    /// Has members of a set stored, all at once. Returns those that could not be had, in their order.
    pub(crate) async fn ensure_all<'m>(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        members: &'m [Member],
    ) -> Vec<(&'m Member, Problem)> {
        let all = members
            .iter()
            .map(|member| self.ensure(repo, &member.artifact, member.fetch.clone()));
        let ended = members.iter().zip(join_all(all).await);
        ended
            .filter_map(|(member, ended)| Some((member, ended.err()?)))
            .collect()
    }
}
