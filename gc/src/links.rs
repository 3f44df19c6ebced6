//! The first step: rows of blobs in hosted images that no manifest names.

use crate::context::{Acted, PAGE, Run, all};
use crate::outcome::KeptReason;
use futures_util::future::BoxFuture;
use larder_jobs::{Item, WorkError};
use larder_metadata::collection::{BlobHolder, DueLink, LinkPlan, LinkQueue};
use larder_model::Timestamp;

/// Files of a digest that a dry run looks at: of a blob that more have it says nothing.
const HOLDERS: u64 = 100;

impl Run<'_> {
    /// Looks at uploads that ended and at rows that a manifest stopped naming.
    pub(crate) async fn links(&mut self) -> Result<(), WorkError> {
        self.walk("uploads", &LinkQueue::Uploads("".into())).await?;
        self.walk("links", &LinkQueue::Links).await
    }

    async fn walk(&mut self, phase: &str, queue: &LinkQueue) -> Result<(), WorkError> {
        let now = self.metadata.shared_now().await?;
        let told_until = self.waits.told_until(now);
        let until = self.waits.queued_until(now).min(told_until);
        let mut after: Option<DueLink> = None;
        let mut done = 0;
        while !self.is_cancelled() {
            let page = match queue {
                LinkQueue::Uploads(_) => {
                    let page = self.metadata.ended_uploads(until, after.as_ref(), PAGE);
                    page.await?
                }
                LinkQueue::Links => {
                    let page = self.metadata.queued_links(until, after.as_ref(), PAGE);
                    page.await?
                }
            };
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            done += page.len() as u64;
            self.settle_links(&page, told_until).await?;
            self.progress(phase, done);
        }
        Ok(())
    }

    async fn settle_links(
        &mut self,
        page: &[DueLink],
        told_until: Timestamp,
    ) -> Result<(), WorkError> {
        let (metadata, held, dry) = (self.metadata, self.job.held(), self.dry);
        let mut acts: Vec<BoxFuture<'_, _>> = Vec::with_capacity(page.len());
        for link in page {
            acts.push(Box::pin(async move {
                if dry {
                    return Ok(Acted::Done);
                }
                Acted::of(metadata.settle_link(held, link, told_until).await)
            }));
        }
        for (link, acted) in page.iter().zip(all(&self.way, acts).await?) {
            self.outcome.examined += 1;
            match (acted, link.plan(told_until)) {
                (Acted::Changed, _) => self.outcome.keep(KeptReason::Changed),
                (_, LinkPlan::Forget) => {}
                (_, LinkPlan::Named) => self.outcome.keep(KeptReason::InManifest),
                (_, LinkPlan::Wait(_)) => self.outcome.keep(KeptReason::Waiting),
                (_, LinkPlan::Drop) => self.unlinked(link, told_until).await?,
            }
        }
        Ok(())
    }

    async fn unlinked(&mut self, link: &DueLink, told_until: Timestamp) -> Result<(), WorkError> {
        let Some(digest) = link.digest else {
            return Ok(());
        };
        let told = (link.repo, link.package.clone(), digest);
        if self.dry && !self.told_links.insert(told) {
            return Ok(());
        }
        self.outcome.unlinked += 1;
        if !self.dry {
            return Ok(());
        }
        // In a dry run no row goes. The blob is told of with the last of its rows that would.
        let holders = self.metadata.holders_of(&digest, HOLDERS + 1).await?;
        let now = self.metadata.shared_now().await?;
        let would_go = |it: &BlobHolder| match it.trash {
            Some(_) => it.told_at <= now,
            None => it.is_link && it.named_by.is_none() && it.told_at <= told_until,
        };
        let is_last = holders
            .iter()
            .rfind(|it| it.trash.is_none())
            .is_some_and(|it| it.repo == link.repo && it.package == link.package);
        if holders.len() as u64 > HOLDERS || !is_last || !holders.iter().all(would_go) {
            return Ok(());
        }
        let Some(blob) = self.metadata.explain_blob(&digest, 0).await? else {
            return Ok(());
        };
        let reason = "no manifest of an image names it";
        self.tell_unheld(&digest, blob.size, reason).await
    }

    /// Tells of a dry run that a digest, which nothing holds, would go, at this look or at the next.
    pub(crate) async fn tell_unheld(
        &mut self,
        digest: &larder_model::Digest,
        bytes: u64,
        reason: &str,
    ) -> Result<(), WorkError> {
        if self.waits.second_look_at_once() {
            self.outcome.free(bytes);
            return self
                .tell_blob("delete", digest, bytes, reason.to_owned())
                .await;
        }
        self.outcome.condemned += 1;
        let reason = format!("{reason}; the next look deletes it");
        self.tell_blob("condemn", digest, bytes, reason).await
    }

    pub(crate) async fn tell_blob(
        &self,
        action: &str,
        digest: &larder_model::Digest,
        bytes: u64,
        reason: String,
    ) -> Result<(), WorkError> {
        self.tell(Item {
            action: action.to_owned(),
            digest: Some(digest.to_string()),
            bytes: Some(bytes),
            reason,
            ..Item::default()
        })
        .await
    }
}
