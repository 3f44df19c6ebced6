//! How upstreams fare: what they said lately, and what they say when they are asked now.

use crate::Packages;
use larder_metadata::repos::RepoRecord;
use larder_model::Problem;
use larder_model::upstream::{Checked, Health};
use std::sync::Arc;

impl Packages {
    /// Asks the upstream of a mirror now, as its protocol would, with its credentials. Offline, and
    /// without an upstream, nobody is asked.
    pub async fn check_upstream(&self, record: &Arc<RepoRecord>) -> Result<Checked, Problem> {
        let unknown = || {
            Problem::not_found(
                "repository",
                "no repository of this protocol has an upstream",
            )
        };
        let repo = self.0.repos.of(
            record,
            larder_mirrors::of(record.protocol).ok_or_else(unknown)?,
        )?;
        if let Ok(upstream) = repo.upstream() {
            let tokens = repo.protocol.token_scope("").is_some();
            return upstream.check(tokens).await;
        }
        let (problem, advice) = repo.unasked();
        Ok(Checked {
            problem: Some(problem),
            advice: Some(advice),
            ..Checked::default()
        })
    }

    /// How the upstream of a mirror has answered lately; `None`: it was not asked since the server
    /// began or the mirror was changed.
    pub fn health(&self, record: &RepoRecord) -> Option<Health> {
        self.0.repos.health(record)
    }
}
