//! Before all: what is in the trash past its time. Its bytes are then nobody's.

use crate::context::{PAGE, Run};
use larder_jobs::{Item, WorkError};
use larder_metadata::trash::TrashEntry;
use larder_metadata::{Error, Requirement};

impl Run<'_> {
    /// Lets go what is past its time. The trash keeps its own time, whatever the run's grace is.
    pub(crate) async fn expired(&mut self) -> Result<(), WorkError> {
        let now = self.metadata.shared_now().await?;
        let mut after: Option<TrashEntry> = None;
        let mut done = 0;
        while !self.is_cancelled() {
            let page = self
                .metadata
                .expired_trash(now, after.as_ref(), PAGE)
                .await?;
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            done += page.len() as u64;
            for entry in &page {
                self.outcome.examined += 1;
                if self.dry {
                    for (digest, bytes) in self.metadata.freed_with(entry, now).await? {
                        self.tell_unheld(&digest, bytes, "no file has it").await?;
                    }
                } else {
                    match self.metadata.expire_trash(self.job.held(), entry).await {
                        // Somebody restored it, or deleted it.
                        Err(Error::Unmet(Requirement::Trash)) => continue,
                        outcome => outcome?,
                    }
                }
                self.outcome.expired += 1;
                self.tell(Item {
                    action: "expire".to_owned(),
                    repository: self.repository(entry.repo),
                    package: Some(entry.package.to_string()),
                    version: Some(entry.version.to_string()).filter(|it| !it.is_empty()),
                    digest: entry.digest.map(|digest| digest.to_string()),
                    bytes: Some(entry.bytes),
                    reason: format!("its time in the trash was over at {}", entry.expires_at),
                })
                .await?;
            }
            self.progress("trash", done);
        }
        Ok(())
    }
}
