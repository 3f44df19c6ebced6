//! One download for all who ask for the same artifact; it goes on when they leave.

use super::progress::Download;
use crate::flights::{Key, file_key};
use crate::repo::Repo;
use futures_util::FutureExt as _;
use larder_metadata::files::FileRecord;
use larder_mirrors::Artifact;
use larder_model::{Problem, RepoName};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The downloads under way.
#[derive(Default)]
pub(crate) struct Downloads(Arc<Mutex<HashMap<Key, Arc<Download>>>>);

impl Downloads {
    /// The download of an artifact, if one is under way.
    pub(crate) fn running(&self, repo: &Repo, artifact: &Artifact) -> Option<Arc<Download>> {
        lock(&self.0).get(&download_key(repo, artifact)).cloned()
    }

    /// The download of an artifact, which `start` begins if none is under way.
    pub(crate) fn join<F>(
        &self,
        repo: &Repo,
        artifact: &Artifact,
        start: impl FnOnce(Arc<Download>) -> F,
    ) -> Arc<Download>
    where
        F: Future<Output = Result<Arc<FileRecord>, Problem>> + Send + 'static,
    {
        let key = download_key(repo, artifact);
        let mut running = lock(&self.0);
        if let Some(download) = running.get(&key) {
            return Arc::clone(download);
        }
        let download = Download::new();
        running.insert(key.clone(), Arc::clone(&download));
        drop(running);
        let work = AssertUnwindSafe(start(Arc::clone(&download))).catch_unwind();
        let (running, own) = (Arc::clone(&self.0), Arc::clone(&download));
        let (repo, path) = (repo.record.name.clone(), artifact.path.clone());
        tokio::spawn(async move {
            let crashed = |_| Err(Problem::internal("a download crashed"));
            let outcome = work.await.unwrap_or_else(crashed);
            if let Err(problem) = &outcome {
                log(problem, &repo, &path);
            }
            lock(&running).remove(&key);
            own.end(outcome);
        });
        download
    }
}

/// Names the download of an artifact: by where it is kept, whoever asks for it and whatever they know of it.
pub(crate) fn download_key(repo: &Repo, artifact: &Artifact) -> Key {
    file_key(
        repo.record.id,
        repo.kept_in(artifact),
        artifact.kind,
        &artifact.path,
    )
}

fn lock(
    running: &Mutex<HashMap<Key, Arc<Download>>>,
) -> MutexGuard<'_, HashMap<Key, Arc<Download>>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

fn log(problem: &Problem, repo: &RepoName, path: &str) {
    let problem = problem.with_causes();
    tracing::info!(problem, %repo, path, "an artifact was not kept");
}
