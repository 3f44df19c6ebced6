//! The work of `retention`: removes what rules let go.

use super::look::{Decided, Look, look_at};
use super::seam::{PackageVersions, Removed, VersionRemoval};
use crate::retain::{Budget, IN_USE, ImageRemoval};
use async_trait::async_trait;
use larder_jobs::{Ended, Item, JobContext, Progress, Work, WorkError};
use larder_metadata::files::PackageKey;
use larder_metadata::jobs::{JobFilter, NewJob};
use larder_metadata::repos::RepoRecord;
use larder_metadata::retention::RuledOut;
use larder_metadata::{Error, Metadata, Requirement};
use larder_model::{Author, JobKind, JobState, RepoKind, RepoPath, RetentionPolicy, System};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Packages read at once.
const PAGE: u64 = 1000;
/// Removals of an image in one commit.
const AT_ONCE: usize = 100;
/// How often a package is decided on anew in one run because it changed: then the next run sees to it.
const TRIES: u32 = 16;

/// The parameter of a job that is about the budget of all mirrors alone.
pub const BUDGET: &str = "budget";

/// Removes what rules let go: of the repository that a job is about by its policy of that moment, or
/// of all whose policy is enabled.
pub struct Retention {
    metadata: Metadata,
    versions: Arc<dyn PackageVersions>,
    /// Bytes that all mirrors may keep together; 0: no limit.
    mirrors_keep: u64,
    /// What was used within this time stays, whatever mirrors may keep.
    in_use: Duration,
    evicted: Arc<EvictedCount>,
}

/// How many things of mirrors were let go since the server began, for its metrics.
#[derive(Debug, Default)]
pub struct EvictedCount(AtomicU64);

impl EvictedCount {
    /// How many.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }
}

/// Whoever asked for the job.
#[derive(Debug)]
struct AskedBy(Box<str>);

impl Author for AskedBy {
    fn label(&self) -> &str {
        &self.0
    }
}

/// What came of a run.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Counts {
    /// Versions that were decided on.
    pub(super) examined: u64,
    /// Those that went.
    pub(super) deleted: u64,
    /// Those that stay.
    pub(super) kept: u64,
    /// Bytes that only those had that went.
    pub(super) bytes: u64,
    /// Documents of mirrors that went.
    pub(super) documents: u64,
    /// Packages that changed too often to be decided on, and what of mirrors was used meanwhile.
    pub(super) skipped: u64,
}

pub(super) struct Run<'a> {
    pub(super) metadata: &'a Metadata,
    pub(super) versions: &'a dyn PackageVersions,
    pub(super) job: &'a JobContext,
    by: AskedBy,
    pub(super) counts: Counts,
    pub(super) evicted: &'a EvictedCount,
}

impl Retention {
    /// Over the database of a server.
    pub fn new(metadata: Metadata, versions: Arc<dyn PackageVersions>) -> Self {
        Self {
            metadata,
            versions,
            mirrors_keep: 0,
            in_use: IN_USE,
            evicted: Arc::default(),
        }
    }

    /// The same where all mirrors together may keep so many bytes; 0: no limit.
    #[must_use]
    pub fn with_mirrors_keep(self, bytes: u64) -> Self {
        Self {
            mirrors_keep: bytes,
            ..self
        }
    }

    /// The same where what all mirrors keep counts as used for `grace` only, if that is shorter than
    /// usual.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self {
            in_use: IN_USE.min(grace),
            ..self
        }
    }

    /// How many things of mirrors it has let go.
    pub fn evicted(&self) -> Arc<EvictedCount> {
        Arc::clone(&self.evicted)
    }

    /// The mirrors, each with its policy where that is followed.
    async fn mirrors(&self) -> Result<Vec<(RepoRecord, Option<RetentionPolicy>)>, WorkError> {
        let policies = self.metadata.retentions().await?;
        let mut repos = self.metadata.repos().await?;
        repos.retain(|repo| repo.kind == RepoKind::Mirror);
        let with_policy = |repo: RepoRecord| {
            let found = policies.iter().find(|(id, _)| *id == repo.id);
            let followed = found.filter(|(_, policy)| policy.enabled);
            let policy = followed.map(|(_, policy)| policy.clone());
            (repo, policy)
        };
        Ok(repos.into_iter().map(with_policy).collect())
    }

    /// Lets go what is over the budget of all mirrors, and has the collector free the bytes soon.
    async fn keep_within(&self, run: &mut Run<'_>) -> Result<(), WorkError> {
        let budget = Budget {
            name: "cache.size",
            bytes: self.mirrors_keep,
            // So that it is not over it again at once.
            leaves: self.mirrors_keep / 10 * 9,
            in_use: self.in_use,
        };
        if !run.all_mirrors(&self.mirrors().await?, budget).await? {
            return Ok(());
        }
        let schedule = self.metadata.schedule(JobKind::Gc).await?;
        let queued = JobFilter {
            kind: Some(JobKind::Gc),
            state: Some(JobState::Queued),
        };
        let waits = self.metadata.jobs(queued, None, 1).await?;
        if schedule.is_some_and(|it| it.enabled) && waits.is_empty() {
            let collect = NewJob::of(JobKind::Gc);
            self.metadata
                .queue_job(collect, &System::Housekeeping)
                .await?;
        }
        Ok(())
    }

    /// The repositories of a job with their policies. One that is gone has nothing to let go.
    async fn repos(
        &self,
        job: &JobContext,
    ) -> Result<Vec<(RepoRecord, RetentionPolicy)>, WorkError> {
        let mut repos = self.metadata.repos().await?;
        repos.retain(|repo| repo.kind != RepoKind::Group);
        if let Some(path) = &job.job().repository {
            let given = job.job().parameters.get("policy").cloned();
            let wrong = |_| WorkError::failed("bad_parameters", "the job has no policy");
            let policy: RetentionPolicy =
                serde_json::from_value(given.unwrap_or_default()).map_err(wrong)?;
            repos.retain(|repo| path_of(repo) == *path);
            return Ok(repos
                .into_iter()
                .map(|repo| (repo, policy.clone()))
                .collect());
        }
        let policies = self.metadata.retentions().await?;
        let with_policy = |repo: RepoRecord| {
            let (_, policy) = policies.iter().find(|(id, _)| *id == repo.id)?;
            policy.enabled.then(|| (repo, policy.clone()))
        };
        Ok(repos.into_iter().filter_map(with_policy).collect())
    }
}

pub(super) fn path_of(repo: &RepoRecord) -> RepoPath {
    RepoPath {
        protocol: repo.protocol,
        name: repo.name.clone(),
    }
}

#[async_trait]
impl Work for Retention {
    async fn run(&self, job: &JobContext) -> Result<Ended, WorkError> {
        // What was read a moment ago counts.
        self.metadata.write_uses().await?;
        let mut run = Run {
            metadata: &self.metadata,
            versions: &*self.versions,
            job,
            by: AskedBy(job.job().created_by.clone()),
            counts: Counts::default(),
            evicted: &self.evicted,
        };
        // Between the runs of the schedule only the budget of all mirrors is looked at.
        if job.job().parameters.get(BUDGET).is_none() {
            for (repo, policy) in self.repos(job).await? {
                match repo.kind {
                    RepoKind::Mirror => run.mirror(&repo, &policy).await?,
                    _ => run.repo(&repo, &policy).await?,
                }
            }
        }
        if self.mirrors_keep > 0 && job.job().repository.is_none() && !job.is_cancelled() {
            self.keep_within(&mut run).await?;
        }
        let result = json!(run.counts);
        Ok(if job.is_cancelled() {
            Ended::Cancelled(result)
        } else {
            Ended::Done(result)
        })
    }
}

impl Run<'_> {
    async fn repo(&mut self, repo: &RepoRecord, policy: &RetentionPolicy) -> Result<(), WorkError> {
        let mut after: Box<str> = "".into();
        while !self.job.is_cancelled() {
            let page = self.metadata.packages_of(repo.id, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.name.clone();
            for package in page.iter().filter(|package| package.live) {
                if self.job.is_cancelled() {
                    break;
                }
                self.package(repo, &package.name, policy).await?;
                self.job.progress(Progress {
                    phase: path_of(repo).to_string(),
                    done: self.counts.examined,
                    total: None,
                    unit: "versions".to_owned(),
                    bytes: self.counts.bytes,
                });
            }
        }
        Ok(())
    }

    /// Decides on a package until what was decided is done.
    async fn package(
        &mut self,
        repo: &RepoRecord,
        package: &str,
        policy: &RetentionPolicy,
    ) -> Result<(), WorkError> {
        let mut is_first = true;
        for _ in 0..TRIES {
            let now = self.metadata.now();
            let looked = look_at(self.metadata, self.versions, repo, package, policy, now);
            let Some(look) = looked.await? else {
                return Ok(());
            };
            if std::mem::take(&mut is_first) {
                self.counts.examined += look.items.len() as u64;
            }
            let removed = if self.versions.are_tags(repo.protocol) {
                self.remove_from_image(repo, package, &look).await?
            } else {
                self.remove_versions(repo, package, &look).await?
            };
            if removed == Removed::Done {
                let kept = look
                    .items
                    .iter()
                    .filter(|item| !item.decision.deletes())
                    .count();
                self.counts.kept += kept as u64;
                self.counts.bytes += look.bytes;
                return Ok(());
            }
        }
        let repository = path_of(repo);
        tracing::warn!(%repository, package, "a package changes too often for retention");
        self.counts.skipped += 1;
        Ok(())
    }

    /// Removes what goes of an image, some of it in each commit.
    async fn remove_from_image(
        &mut self,
        repo: &RepoRecord,
        package: &str,
        look: &Look,
    ) -> Result<Removed, WorkError> {
        let key = PackageKey {
            repo: repo.id,
            package,
        };
        // Each change is the next revision.
        for (revision, removals) in (look.revision..).zip(look.removals.chunks(AT_ONCE)) {
            if self.job.is_cancelled() {
                break;
            }
            let ruled_out: Vec<RuledOut<'_>> = removals.iter().map(ruled_out).collect();
            let by = (self.job.held(), &self.by as &dyn Author);
            let removed = self
                .metadata
                .remove_from_image(key, revision, &ruled_out, by)
                .await;
            match removed {
                // It changed, or its settings did: all is decided once more.
                Err(
                    Error::Unmet(Requirement::Revision | Requirement::Tag | Requirement::Manifest)
                    | Error::Immutable(_),
                ) => return Ok(Removed::Changed),
                outcome => outcome?,
            }
            for removal in removals {
                self.tell_image(repo, package, look, removal).await?;
            }
        }
        Ok(Removed::Done)
    }

    async fn tell_image(
        &mut self,
        repo: &RepoRecord,
        package: &str,
        look: &Look,
        removal: &ImageRemoval,
    ) -> Result<(), WorkError> {
        let attached = removal.attached.iter().map(|tag| Some(&**tag));
        for version in std::iter::once(removal.tag.as_deref()).chain(attached) {
            let is_it = |item: &&Decided| {
                item.version.as_deref() == version
                    && (version.is_some() || item.digest == Some(removal.digest))
            };
            let Some(item) = look.items.iter().find(is_it) else {
                continue;
            };
            self.tell(repo, package, item).await?;
        }
        Ok(())
    }

    async fn tell(
        &mut self,
        repo: &RepoRecord,
        package: &str,
        item: &Decided,
    ) -> Result<(), WorkError> {
        self.counts.deleted += 1;
        let item = Item {
            action: "delete".to_owned(),
            repository: Some(path_of(repo)),
            package: Some(package.to_owned()),
            version: item.version.as_deref().map(str::to_owned),
            digest: item.digest.map(|digest| digest.to_string()),
            bytes: Some(item.bytes),
            reason: item.decision.reason.clone(),
        };
        self.job.item(&item).await
    }

    /// Removes the versions that go of a package, one after the other.
    async fn remove_versions(
        &mut self,
        repo: &RepoRecord,
        package: &str,
        look: &Look,
    ) -> Result<Removed, WorkError> {
        let goes = look.items.iter().filter(|item| item.decision.deletes());
        // Each change is the next revision.
        for (revision, item) in (look.revision..).zip(goes) {
            if self.job.is_cancelled() {
                break;
            }
            let removal = VersionRemoval {
                package,
                version: item.version.as_deref().unwrap_or_default(),
                revision,
                reason: &item.decision.reason,
                held: self.job.held(),
                by: &self.by,
            };
            if self.versions.remove(repo, removal).await? == Removed::Changed {
                return Ok(Removed::Changed);
            }
            self.tell(repo, package, item).await?;
        }
        Ok(Removed::Done)
    }
}

fn ruled_out(removal: &ImageRemoval) -> RuledOut<'_> {
    RuledOut {
        tag: removal.tag.as_deref(),
        digest: removal.digest,
        attached: &removal.attached,
        manifests: &removal.manifests,
        reason: &removal.decision.reason,
    }
}
