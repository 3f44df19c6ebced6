//! Before bytes are looked at: what is left of documents that went on. Other forms of them and what
//! past states of indexes named can be made or fetched again; their bytes are free in the same run.

use crate::context::{Acted, PAGE, Run, all};
use crate::outcome::KeptReason;
use futures_util::future::BoxFuture;
use larder_jobs::{Item, WorkError};
use larder_metadata::collection::DueBlob;
use larder_metadata::leftovers::Leftover;
use larder_model::{INDEX_GRACE, RepoPath, duration};
use std::time::Duration;

/// How long another form of a document stays that nobody asks for.
const FORMS: Duration = Duration::from_hours(30 * 24);
/// States forgotten in one batch.
const PAST_PAGE: u64 = 1000;

impl Run<'_> {
    /// Lets go of what is left of documents. All of it keeps its own time, whatever the run's grace
    /// is, but for forms of states that are gone: they go with those.
    pub(crate) async fn leftovers(&mut self) -> Result<(), WorkError> {
        self.forms_of_past().await?;
        self.idle_forms().await?;
        self.retired().await?;
        self.past().await
    }

    /// Forms of states that no document has any more.
    async fn forms_of_past(&mut self) -> Result<(), WorkError> {
        let now = self.metadata.shared_now().await?;
        let until = self.waits.queued_until(now);
        let mut after: Option<DueBlob> = None;
        while !self.is_cancelled() {
            let page = self.metadata.queued_blobs(until, after.as_ref(), PAGE);
            let page = page.await?;
            let Some(last) = page.last() else { break };
            let forms = self.metadata.forms_of_past(until, after.as_ref(), PAGE);
            let forms = forms.await?;
            after = Some(last.clone());
            let reason = "the state of the document that it was made from is gone";
            self.let_go(&forms, reason).await?;
            self.way.give().await;
        }
        Ok(())
    }

    async fn idle_forms(&mut self) -> Result<(), WorkError> {
        let until = self.metadata.now().before(FORMS);
        let reason = format!("nobody has asked for it for {}", duration::text(FORMS));
        let mut after: Option<Leftover> = None;
        while !self.is_cancelled() {
            let page = self
                .metadata
                .idle_forms(until, after.as_ref(), PAGE)
                .await?;
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            self.let_go(&page, &reason).await?;
        }
        Ok(())
    }

    async fn retired(&mut self) -> Result<(), WorkError> {
        let until = self.metadata.now().before(INDEX_GRACE);
        let grace = duration::text(INDEX_GRACE);
        let reason = format!("the state of the index that named it is past for {grace}");
        let mut after: Option<Leftover> = None;
        while !self.is_cancelled() {
            let page = self.metadata.retired_files(until, after.as_ref(), PAGE);
            let page = page.await?;
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            self.let_go(&page, &reason).await?;
        }
        Ok(())
    }

    async fn let_go(&mut self, page: &[Leftover], reason: &str) -> Result<(), WorkError> {
        let (metadata, held, dry) = (self.metadata, self.job.held(), self.dry);
        let mut acts: Vec<BoxFuture<'_, _>> = Vec::with_capacity(page.len());
        for leftover in page {
            acts.push(Box::pin(async move {
                if dry {
                    return Ok(Acted::Done);
                }
                Acted::of(metadata.drop_leftover(held, leftover).await)
            }));
        }
        for (leftover, acted) in page.iter().zip(all(&self.way, acts).await?) {
            // A form may be left over for two reasons; a dry run leaves it where it is.
            if dry && !self.told_leftovers.insert(key_of(leftover)) {
                continue;
            }
            self.outcome.examined += 1;
            if acted == Acted::Changed {
                self.outcome.keep(KeptReason::Changed);
                continue;
            }
            self.outcome.leftovers += 1;
            self.tell_leftover(leftover, reason).await?;
        }
        self.progress("leftovers", self.outcome.leftovers);
        Ok(())
    }

    async fn tell_leftover(&mut self, leftover: &Leftover, reason: &str) -> Result<(), WorkError> {
        let mut named = leftover.path.to_string();
        if !leftover.version.is_empty() {
            named = leftover.version.to_string();
        }
        self.tell(Item {
            action: "drop".to_owned(),
            repository: self.repository(leftover.repo),
            package: Some(leftover.package.to_string()),
            version: Some(named),
            digest: Some(leftover.digest.to_string()),
            bytes: Some(leftover.size),
            reason: reason.to_owned(),
        })
        .await?;
        if !self.dry {
            return Ok(());
        }
        // In a dry run no row goes: the blob is told of with the last of its rows that would.
        let gone = self.told_holders.entry(leftover.digest).or_default();
        *gone += 1;
        let gone = *gone;
        if self.metadata.count_holders(&leftover.digest).await? == gone {
            self.outcome.free(leftover.size);
            let reason = "no file has it".to_owned();
            self.tell_blob("delete", &leftover.digest, leftover.size, reason)
                .await?;
        }
        Ok(())
    }

    /// Past states of upstreams' names.
    async fn past(&mut self) -> Result<(), WorkError> {
        let until = self.metadata.now().before(self.history);
        let kept = duration::text(self.history);
        for (repo, count) in self.metadata.count_past(until).await? {
            self.outcome.past += count;
            self.tell(Item {
                action: "forget".to_owned(),
                repository: self.repository(repo),
                reason: format!(
                    "{count} past states of what its upstream names ended more than {kept} ago"
                ),
                ..Item::default()
            })
            .await?;
        }
        while !self.dry && !self.is_cancelled() {
            let page = self.metadata.past_names(until, PAST_PAGE).await?;
            if page.is_empty() {
                break;
            }
            self.metadata.forget_past(self.job.held(), page).await?;
        }
        Ok(())
    }

    /// The repository's name; `None`: it is gone by now.
    pub(crate) fn repository(&self, id: i64) -> Option<RepoPath> {
        let repo = self.repos.iter().find(|repo| repo.id == id)?;
        Some(RepoPath {
            protocol: repo.protocol,
            name: repo.name.clone(),
        })
    }
}

fn key_of(leftover: &Leftover) -> (i64, Box<str>, Box<str>) {
    let path = format!("{}/{}", leftover.kind.word(), leftover.path);
    (leftover.repo, leftover.package.clone(), path.into())
}
