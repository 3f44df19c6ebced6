//! Mirrors of sources to which documents of packages may lead.

use crate::repo::Repo;
use larder_mirrors::Lead;
use larder_model::{Algorithm, Digest, RepoKind};
use std::sync::Arc;

/// The mirrors to which the documents of a repo may lead.
#[derive(Clone, Default)]
pub(crate) struct Leads {
    /// The mirrors, the nearest first.
    pub(crate) list: Arc<[Lead]>,
    /// What tells these from others; empty: there are none.
    pub(crate) mark: Box<str>,
}

impl Leads {
    /// Those of a repo. A document is one for all, so it leads only where everyone may read.
    pub(crate) fn of(repo: &Repo) -> Self {
        let Some(protocol) = repo.protocol.sources() else {
            return Self::default();
        };
        let policy = repo.gate.policy();
        let mirrors = policy.repos().filter(|record| {
            record.protocol == protocol
                && record.kind == RepoKind::Mirror
                && policy.is_readable_by_everyone(record)
        });
        let leads = mirrors.filter_map(|record| {
            Some(Lead {
                upstream: record.settings.upstream.as_ref()?.url.clone(),
                path: format!("/{protocol}/{}", record.name),
            })
        });
        let mut list: Vec<Lead> = leads.collect();
        let nearer = |lead: &Lead| std::cmp::Reverse(lead.upstream.len());
        list.sort_by(|one, other| {
            let near = nearer(one).cmp(&nearer(other));
            near.then_with(|| one.path.cmp(&other.path))
        });
        if list.is_empty() {
            return Self::default();
        }
        let all = list
            .iter()
            .map(|lead| format!("{} {}\n", lead.upstream, lead.path));
        let digest = Digest::of(Algorithm::Sha256, all.collect::<String>().as_bytes());
        Self {
            list: list.into(),
            mark: format!("+{}", digest.hex()).into(),
        }
    }
}
