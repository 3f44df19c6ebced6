//! What a run does to mirrors.

use super::mirror::{Evicted, Mirrors, Verdict};
use super::run::{Run, path_of};
use crate::retain::{Action, Budget, Decision, UnitKind, freed_by};
use futures_util::{StreamExt as _, stream};
use larder_jobs::{Item, Progress, WorkError};
use larder_metadata::repos::RepoRecord;
use larder_model::RetentionPolicy;
use std::collections::HashSet;
use std::pin::pin;

/// Packages handled at once: SQLite joins what they write into one commit.
const AT_ONCE: usize = 16;

impl<'a> Run<'a> {
    const fn mirrors(&self) -> Mirrors<'a> {
        Mirrors {
            metadata: self.metadata,
            versions: self.versions,
        }
    }

    /// Lets go what the policy of a mirror says.
    pub(super) async fn mirror(
        &mut self,
        repo: &RepoRecord,
        policy: &RetentionPolicy,
    ) -> Result<(), WorkError> {
        let verdict = self.mirrors().decide(repo, policy).await?;
        let kept = verdict.count(Action::Keep);
        self.counts.examined += kept + verdict.count(Action::Delete);
        self.counts.kept += kept;
        let mirror = [(repo.clone(), Some(policy.clone()))];
        self.evict(&mirror, &verdict).await.map(drop)
    }

    /// Lets go of all mirrors together what is over their budget. Whether anything went.
    pub(super) async fn all_mirrors(
        &mut self,
        mirrors: &[(RepoRecord, Option<RetentionPolicy>)],
        budget: Budget,
    ) -> Result<bool, WorkError> {
        if self.metadata.mirrored_bytes().await? <= budget.bytes {
            return Ok(false);
        }
        let verdict = self.mirrors().decide_together(mirrors, budget).await?;
        let all = self.evict(mirrors, &verdict).await?;
        let over = self.metadata.mirrored_bytes().await?;
        if all && over > budget.bytes {
            tracing::warn!(
                bytes = over,
                budget = budget.bytes,
                "mirrors keep more than cache.size: the rest is protected, in use, or could not \
                 come again"
            );
        }
        Ok(verdict.decisions.iter().any(Decision::deletes))
    }

    /// Evicts what goes. Whether that was all of it.
    async fn evict(
        &mut self,
        mirrors: &[(RepoRecord, Option<RetentionPolicy>)],
        verdict: &Verdict,
    ) -> Result<bool, WorkError> {
        // What was read while all of it was decided on counts.
        self.metadata.write_uses().await?;
        let (this, job) = (self.mirrors(), self.job);
        let acts = verdict.going().into_iter().map(|numbers| async move {
            let units = &verdict.units;
            let package = &units.packages[units.all[numbers[0]].package];
            let (repo, policy) = &mirrors[package.mirror];
            let going: Vec<_> = numbers.iter().map(|it| (*it, &units.all[*it])).collect();
            let what = (&*package.name, &*going);
            let evicted = this.evict(repo, policy.as_ref(), what, job.held()).await?;
            Ok::<_, WorkError>((repo, evicted))
        });
        let mut acts = pin!(stream::iter(acts).buffered(AT_ONCE));
        let (mut gone, mut changed) = (HashSet::new(), 0);
        while let Some(act) = acts.next().await {
            let (repo, evicted) = act?;
            changed += evicted.changed;
            gone.extend(evicted.gone.iter().map(|it| it.unit));
            self.tell_evicted(repo, verdict, &evicted).await?;
            if job.is_cancelled() {
                break;
            }
        }
        self.counts.skipped += changed;
        self.counts.bytes += freed_by(&verdict.units.all, |number| gone.contains(&number));
        self.evicted.add(gone.len() as u64);
        Ok(changed == 0 && !job.is_cancelled())
    }

    async fn tell_evicted(
        &mut self,
        repo: &RepoRecord,
        verdict: &Verdict,
        evicted: &Evicted,
    ) -> Result<(), WorkError> {
        for gone in &evicted.gone {
            let unit = &verdict.units.all[gone.unit];
            match unit.kind {
                UnitKind::Version => self.counts.deleted += 1,
                UnitKind::Index | UnitKind::Documents => self.counts.documents += 1,
            }
            let item = Item {
                action: "evict".to_owned(),
                repository: Some(path_of(repo)),
                package: Some(verdict.units.shown[gone.unit].to_string()),
                version: unit.name.as_deref().map(str::to_owned),
                digest: unit.digest.map(|digest| digest.to_string()),
                bytes: Some(gone.bytes),
                reason: verdict.decisions[gone.unit].reason.clone(),
            };
            self.job.item(&item).await?;
        }
        self.job.progress(Progress {
            phase: path_of(repo).to_string(),
            done: self.counts.deleted,
            total: None,
            unit: "versions".to_owned(),
            bytes: self.counts.bytes,
        });
        Ok(())
    }
}
