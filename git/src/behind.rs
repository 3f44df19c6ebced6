//! Work that a request begins and nobody waits for.

use futures_util::FutureExt as _;
use larder_cache::Joined;
use larder_metadata::files::PackageKey;
use larder_model::Problem;
use moka::sync::Cache as Memory;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// So long nothing is begun for a repository after it failed.
const REST: Duration = Duration::from_hours(1);
/// Repositories in memory for which something failed.
const MAX_FAILED: u64 = 10_000;

/// Work of one kind: for each repository once at a time, and for one repository at a time, since it takes a
/// processor and the disk from those who wait. Cheap to share.
#[derive(Clone)]
pub struct Behind(Arc<Inner>);

struct Inner {
    /// What the work is called.
    what: &'static str,
    under_way: Joined<()>,
    turn: Semaphore,
    failed: Memory<(i64, Box<str>), ()>,
}

impl Behind {
    /// Work of this name.
    pub fn new(what: &'static str) -> Self {
        let failed = Memory::builder()
            .max_capacity(MAX_FAILED)
            .time_to_live(REST);
        Self(Arc::new(Inner {
            what,
            under_way: Joined::default(),
            turn: Semaphore::new(1),
            failed: failed.build(),
        }))
    }

    /// Begins the work for a repository, unless it is under way or failed lately.
    pub fn begin<F>(&self, package: PackageKey<'_>, work: impl FnOnce() -> F)
    where
        F: Future<Output = Result<(), Problem>> + Send + 'static,
    {
        let own = (package.repo, Box::<str>::from(package.package));
        if self.0.failed.contains_key(&own) {
            return;
        }
        let this = Arc::clone(&self.0);
        let start = || {
            let work = work();
            async move {
                let _turn = this.turn.acquire().await.map_err(Problem::internal)?;
                let done = work.await;
                if let Err(problem) = &done {
                    let (problem, path) = (problem.with_causes(), &*own.1);
                    tracing::warn!(
                        problem,
                        path,
                        "{} failed; it is tried again later",
                        this.what
                    );
                    this.failed.insert(own, ());
                }
                done
            }
        };
        let key = (package.repo, package.package, self.0.what);
        self.0.under_way.join(key, start).now_or_never(); // it goes on by itself
    }
}

impl std::fmt::Debug for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Behind").field(&self.0.what).finish()
    }
}

#[cfg(test)]
mod tests;
