//! The first phase: every blob is read.

use crate::run::Run;
use crate::state::Phase;
use crate::verify::Verdict;
use larder_jobs::WorkError;
use larder_metadata::scrub::ScrubBlob;
use larder_metadata::{Error, Requirement};
use larder_model::Digest;

/// Rows read at once: each may hold its bytes.
const PAGE: u64 = 16;
/// How often a blob is looked at once more because somebody brought or named it meanwhile.
const TRIES: usize = 5;

impl Run<'_> {
    /// Reads all blobs behind the last one that was read.
    pub(crate) async fn all_blobs(&mut self) -> Result<(), WorkError> {
        if !self.is_in(Phase::Blobs) {
            return Ok(());
        }
        self.total = Some(self.metadata.count_blobs().await?);
        while !self.is_cancelled() {
            let after = &self.state.after;
            let page = self.metadata.blobs_to_scrub(after, PAGE).await?;
            if page.is_empty() {
                return self.end_phase(Phase::Orphans).await;
            }
            for blob in page {
                let digest = blob.digest;
                if !self.look(blob).await? {
                    return Ok(());
                }
                self.state.after = digest.to_string();
                self.state.done += 1;
                self.went_on().await?;
            }
        }
        Ok(())
    }

    /// Reads these blobs alone.
    pub(crate) async fn some_blobs(&mut self, digests: &[Digest]) -> Result<(), WorkError> {
        self.total = Some(digests.len() as u64);
        for digest in digests {
            if self.is_cancelled() {
                return Ok(());
            }
            if let Some(blob) = self.metadata.blob_to_scrub(digest).await? {
                self.look(blob).await?;
            }
            self.state.done += 1;
            self.went_on().await?;
        }
        Ok(())
    }

    /// Looks at a blob; whether it was: not if the run is to end.
    async fn look(&mut self, blob: ScrubBlob) -> Result<bool, WorkError> {
        let (digest, mut next) = (blob.digest, Some(blob));
        self.state.outcome.examined += 1;
        for _ in 0..TRIES {
            // Somebody deleted it meanwhile.
            let Some(blob) = next else { return Ok(true) };
            match self.verify(&blob).await? {
                Verdict::Cancelled => return Ok(false),
                Verdict::Unread(why) => {
                    self.state.outcome.unread += 1;
                    let reason = format!("the store did not give it: {why}");
                    self.tell("unread", &digest, Some(blob.size), reason)
                        .await?;
                    return Ok(true);
                }
                Verdict::Whole if !blob.damaged => return Ok(true),
                Verdict::Whole => {
                    self.release(&blob).await?;
                    return Ok(true);
                }
                Verdict::Damaged(damage) => {
                    if self.damaged(&blob, damage).await? {
                        return Ok(true);
                    }
                }
            }
            // It was brought or named since it was read, or its object was freed.
            next = self.metadata.blob_to_scrub(&digest).await?;
        }
        self.state.outcome.unread += 1;
        let reason = "it was named again and again while it was read".to_owned();
        self.tell("unread", &digest, None, reason).await?;
        Ok(true)
    }

    /// The bytes of a damaged blob are right where they are.
    async fn release(&mut self, blob: &ScrubBlob) -> Result<(), WorkError> {
        if !self.dry {
            let held = self.job.held();
            match self.metadata.release_blob(held, blob).await {
                // Somebody brought it.
                Err(Error::Unmet(Requirement::Blob)) => {}
                released => released?,
            }
        }
        self.state.outcome.healed += 1;
        self.found.add_damaged(true);
        let reason = "its bytes are right: what was wrong was not theirs".to_owned();
        self.tell("heal", &blob.digest, Some(blob.size), reason)
            .await
    }
}
