//! Asks the upstream of a mirror for a repository now, for who looks after the mirror.

use super::Git;
use crate::endpoint::path_of;
use crate::repositories::Found;
use crate::state::DOCUMENT;
use larder_metadata::repos::RepoRecord;
use larder_model::Problem;
use larder_model::upstream::Refreshed;
use std::sync::Arc;

impl Git {
    /// Asks the upstream of a mirror for the refs of a repository, and for all objects that they need, and
    /// waits. A problem of kind `NotFound` if neither the upstream nor this server has it.
    pub async fn refresh(
        &self,
        record: &Arc<RepoRecord>,
        path: &str,
        version: Option<&str>,
    ) -> Result<Vec<Refreshed>, Problem> {
        if version.is_some() {
            let detail = "a repository is asked for with all its refs: leave `version` out";
            return Err(Problem::invalid("version", detail));
        }
        // Whose right was looked at is this name, and no other spelling of it.
        if *path_of(path)? != *path {
            return Err(super::no_repo());
        }
        let (before, now) = self.mirroring.renew(record, path).await?;
        if before.is_none() && now.is_none() {
            return Err(super::no_repo());
        }
        // Packs that were put together meanwhile are no change of the upstream's.
        let is_same = match (&before, &now) {
            (Some(before), Some(now)) => before.kept.state.refs == now.kept.state.refs,
            _ => false,
        };
        let digest = |found: &Option<Found>| found.as_ref().map(|found| found.kept.digest);
        let before = digest(&before);
        Ok(vec![Refreshed {
            path: DOCUMENT.into(),
            before,
            now: if is_same { before } else { digest(&now) },
            checked_at: self.mirroring.now(),
        }])
    }
}
