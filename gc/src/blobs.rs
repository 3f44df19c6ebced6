//! The second step: digests that no file has. The first look condemns them, the second deletes their
//! rows.

use crate::context::{Acted, PAGE, Run, all};
use crate::outcome::KeptReason;
use futures_util::future::BoxFuture;
use larder_jobs::WorkError;
use larder_metadata::collection::{BlobPlan, DueBlob};

impl Run<'_> {
    /// Looks at digests that a file had. Those that are condemned here are looked at once more if
    /// this run does not wait.
    pub(crate) async fn digests(&mut self) -> Result<(), WorkError> {
        self.look().await?;
        if self.waits.second_look_at_once() && !self.dry {
            self.look().await?;
        }
        Ok(())
    }

    /// Looks at what is due now: what comes meanwhile is for the next look, else a run would have no
    /// end on a busy server.
    async fn look(&mut self) -> Result<(), WorkError> {
        let now = self.metadata.shared_now().await?;
        let until = self.waits.queued_until(now);
        let mut after: Option<DueBlob> = None;
        let mut done = 0;
        while !self.is_cancelled() {
            let page = self
                .metadata
                .queued_blobs(until, after.as_ref(), PAGE)
                .await?;
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            done += page.len() as u64;
            self.settle_digests(&page).await?;
            self.progress("blobs", done);
        }
        Ok(())
    }

    async fn settle_digests(&mut self, page: &[DueBlob]) -> Result<(), WorkError> {
        let (metadata, held, dry) = (self.metadata, self.job.held(), self.dry);
        let now = metadata.shared_now().await?;
        let mut acts: Vec<BoxFuture<'_, _>> = Vec::with_capacity(page.len());
        for blob in page {
            acts.push(Box::pin(async move {
                if dry {
                    return Ok(Acted::Done);
                }
                Acted::of(metadata.settle_blob(held, blob, now).await)
            }));
        }
        for (blob, acted) in page.iter().zip(all(&self.way, acts).await?) {
            self.outcome.examined += 1;
            match (acted, blob.plan()) {
                (Acted::Changed, _) => self.outcome.keep(KeptReason::Changed),
                (_, BlobPlan::Forget) => {}
                (_, BlobPlan::Held) => self.outcome.keep(KeptReason::Named),
                (_, BlobPlan::Condemn) => self.condemned(blob).await?,
                (_, BlobPlan::Delete(row)) => {
                    // Of an object the bytes are free once it is removed.
                    if dry || row.inline {
                        self.outcome.free(row.size);
                    }
                    let reason = "no file has it".to_owned();
                    self.tell_blob("delete", &blob.digest, row.size, reason)
                        .await?;
                }
            }
        }
        Ok(())
    }

    async fn condemned(&mut self, blob: &DueBlob) -> Result<(), WorkError> {
        let size = blob.row.map_or(0, |row| row.size);
        if self.dry && self.waits.second_look_at_once() {
            self.outcome.free(size);
            let reason = "no file has it".to_owned();
            return self.tell_blob("delete", &blob.digest, size, reason).await;
        }
        if self.waits.second_look_at_once() {
            return Ok(()); // the second look tells
        }
        self.outcome.condemned += 1;
        let reason = "no file has it; the next look deletes it".to_owned();
        self.tell_blob("condemn", &blob.digest, size, reason).await
    }
}
