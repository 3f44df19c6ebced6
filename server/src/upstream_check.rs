//! The work of `upstream-check`: asks every mirror's upstream whether it is there and takes the
//! credentials.

use async_trait::async_trait;
use larder_access::Gate;
use larder_cache::Packages;
use larder_jobs::{Ended, Item, JobContext, Progress, Work, WorkError};
use larder_metadata::repos::RepoRecord;
use larder_model::RepoPath;
use larder_model::upstream::Checked;
use serde_json::{Value, json};
use std::sync::Arc;

/// Mirrors that the error names at most.
const NAMED: usize = 5;

/// What asks the upstreams.
pub(crate) struct UpstreamCheck {
    pub(crate) gate: Arc<Gate>,
    pub(crate) packages: Packages,
}

/// What came of the upstreams so far.
#[derive(Default)]
struct Counts {
    ok: u64,
    offline: u64,
    failed: Vec<RepoPath>,
}

impl Counts {
    fn result(&self) -> Value {
        json!({"ok": self.ok, "failed": self.failed.len(), "offline": self.offline})
    }

    /// An upstream that cannot be used is what somebody should look at, so the job failed too.
    fn end(&self) -> Result<Ended, WorkError> {
        if self.failed.is_empty() {
            return Ok(Ended::Done(self.result()));
        }
        let first = self.failed.iter().take(NAMED).map(ToString::to_string);
        let mut names = first.collect::<Vec<_>>().join(", ");
        if let Some(more) = self
            .failed
            .len()
            .checked_sub(NAMED)
            .filter(|more| *more > 0)
        {
            names += &format!(" and {more} more");
        }
        let detail = format!(
            "upstreams that cannot be used now: {names}; the items of this job say why, `larder \
             upstream check REPO` asks again"
        );
        Err(WorkError::failed("upstream_failed", detail))
    }
}

#[async_trait]
impl Work for UpstreamCheck {
    async fn run(&self, job: &JobContext) -> Result<Ended, WorkError> {
        // Upstreams that another server asked are asked again: it is about now.
        job.forget_items().await?;
        self.gate.refresh().await?;
        let policy = self.gate.policy();
        let mut mirrors: Vec<&Arc<RepoRecord>> = policy
            .repos()
            .filter(|repo| repo.settings.upstream.is_some())
            .collect();
        mirrors.sort_unstable_by_key(|repo| repo.full_name());
        let mut counts = Counts::default();
        let total = Some(mirrors.len() as u64);
        for (done, repo) in (0..).zip(&mirrors) {
            job.progress(progress(done, total));
            let checked = tokio::select! {
                checked = self.check(repo) => checked,
                () = job.cancelled() => return Ok(Ended::Cancelled(counts.result())),
            };
            job.item(&checked.item(repo, &mut counts)).await?;
        }
        job.progress(progress(mirrors.len() as u64, total));
        counts.end()
    }
}

fn progress(done: u64, total: Option<u64>) -> Progress {
    Progress {
        phase: "check".to_owned(),
        done,
        total,
        unit: "upstreams".to_owned(),
        bytes: 0,
    }
}

/// What came of one upstream.
enum Outcome {
    Offline,
    Asked(Checked),
}

impl UpstreamCheck {
    async fn check(&self, repo: &Arc<RepoRecord>) -> Outcome {
        if repo.settings.offline || self.gate.policy().is_offline() {
            return Outcome::Offline;
        }
        let checked = self.packages.check_upstream(repo).await;
        Outcome::Asked(checked.unwrap_or_else(|problem| Checked {
            problem: Some(problem.detail.into_owned()),
            ..Checked::default()
        }))
    }
}

impl Outcome {
    /// Counts it, and tells of it.
    fn item(self, repo: &RepoRecord, counts: &mut Counts) -> Item {
        let path = RepoPath {
            protocol: repo.protocol,
            name: repo.name.clone(),
        };
        let (action, reason) = match self {
            Self::Offline => {
                counts.offline += 1;
                ("skipped", "it is offline and was not asked".to_owned())
            }
            Self::Asked(checked) if checked.ok => {
                counts.ok += 1;
                ("ok", format!("it answered within {} ms", checked.took_ms))
            }
            Self::Asked(checked) => {
                counts.failed.push(path.clone());
                let said = [checked.problem, checked.advice].into_iter().flatten();
                ("failed", said.collect::<Vec<_>>().join("; "))
            }
        };
        Item {
            action: action.to_owned(),
            repository: Some(path),
            reason,
            ..Item::default()
        }
    }
}
