//! Mirrors of sources to which documents of packages may lead.

use crate::repo::Repo;
use arc_swap::ArcSwapOption;
use larder_access::PolicySnapshot;
use larder_mirrors::Lead;
use larder_model::{Algorithm, Digest, ProtocolName, RepoKind};
use std::sync::{Arc, Weak};

/// The mirrors to which the documents of a repo may lead.
#[derive(Default)]
pub(crate) struct Leads {
    /// The mirrors, the nearest first.
    pub(crate) list: Arc<[Lead]>,
    /// What tells these from others; empty: there are none.
    pub(crate) mark: Box<str>,
}

/// Those that were read last. They change only with the policy, and each request for a document asks.
#[derive(Default)]
pub(crate) struct KnownLeads {
    none: Arc<Leads>,
    latest: ArcSwapOption<Read>,
}

/// What was read of a policy. It does not keep the policy, but its place in memory, so that no other
/// one is taken for it.
struct Read {
    policy: Weak<PolicySnapshot>,
    sources: ProtocolName,
    leads: Arc<Leads>,
}

impl KnownLeads {
    /// Those of a repo. A document is one for all, so it leads only where everyone may read.
    pub(crate) fn of(&self, repo: &Repo) -> Arc<Leads> {
        let Some(sources) = repo.protocol.sources() else {
            return Arc::clone(&self.none);
        };
        self.in_policy(&repo.gate.policy(), sources)
    }

    fn in_policy(&self, policy: &Arc<PolicySnapshot>, sources: ProtocolName) -> Arc<Leads> {
        if let Some(read) = &*self.latest.load()
            && std::ptr::eq(read.policy.as_ptr(), Arc::as_ptr(policy))
            && read.sources == sources
        {
            return Arc::clone(&read.leads);
        }
        let leads = Arc::new(Leads::read(policy, sources));
        self.latest.store(Some(Arc::new(Read {
            policy: Arc::downgrade(policy),
            sources,
            leads: Arc::clone(&leads),
        })));
        leads
    }
}

impl Leads {
    fn read(policy: &PolicySnapshot, sources: ProtocolName) -> Self {
        let mirrors = policy.repos().filter(|record| {
            record.protocol == sources
                && record.kind == RepoKind::Mirror
                && policy.is_readable_by_everyone(record)
        });
        let leads = mirrors.filter_map(|record| {
            Some(Lead {
                upstream: record.settings.upstream.as_ref()?.url.clone(),
                path: format!("/{sources}/{}", record.name),
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
