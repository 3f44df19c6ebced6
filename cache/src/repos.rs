//! The repos of this server, made of their records.

use crate::blocks::Blocks;
use crate::config::CacheConfig;
use crate::counters::Counters;
use crate::repo::Repo;
use crate::upstream::{Upstream, UpstreamParts};
use larder_access::Gate;
use larder_metadata::Metadata;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::{Log, Protocol};
use larder_model::upstream::Health;
use larder_model::{Clock, Problem, RepoSettings, UpstreamSettings};
use quick_cache::sync::Cache as Memory;
use std::sync::Arc;
use std::time::Duration;

/// Repos in memory.
const MAX_REPOS: usize = 10_000;

/// All repos that were asked for.
pub(crate) struct Repos {
    metadata: Metadata,
    gate: Arc<Gate>,
    config: CacheConfig,
    counters: Arc<Counters>,
    by_id: Memory<i64, Arc<Repo>>,
}

impl Repos {
    /// None yet.
    pub(crate) fn new(
        metadata: Metadata,
        gate: Arc<Gate>,
        config: CacheConfig,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            metadata,
            gate,
            config,
            counters,
            by_id: Memory::new(MAX_REPOS),
        }
    }

    /// The repo of a record, made anew whenever the record changes.
    pub(crate) fn of(
        &self,
        record: &Arc<RepoRecord>,
        protocol: &'static dyn Protocol,
    ) -> Result<Arc<Repo>, Problem> {
        if let Some(repo) = self.by_id.get(&record.id)
            && (Arc::ptr_eq(&repo.record, record) || repo.record == *record)
        {
            return Ok(repo);
        }
        let settings = &record.settings;
        let offline = settings.offline || self.config.offline;
        let upstream = match &settings.upstream {
            None => None,
            Some(upstream) => Some(self.upstream(record, protocol, upstream, offline)?),
        };
        let repo = Arc::new(Repo {
            record: Arc::clone(record),
            protocol,
            fresh: settings
                .fresh_seconds
                .map_or(self.config.fresh, Duration::from_secs),
            blocks: Blocks::new(protocol, settings.blocked.clone())?,
            offline,
            gate: Arc::clone(&self.gate),
            upstream,
            log: log_of(protocol, settings)?,
        });
        self.by_id.insert(record.id, Arc::clone(&repo));
        Ok(repo)
    }

    /// How the upstream of a mirror has answered lately; `None`: it was not asked since the server
    /// began or the mirror was changed.
    pub(crate) fn health(&self, record: &RepoRecord) -> Option<Health> {
        let repo = self.by_id.get(&record.id)?;
        (*repo.record == *record).then(|| repo.health()).flatten()
    }

    fn upstream(
        &self,
        record: &RepoRecord,
        protocol: &'static dyn Protocol,
        settings: &UpstreamSettings,
        offline: bool,
    ) -> Result<Arc<Upstream>, Problem> {
        let (gate, metadata) = (Arc::clone(&self.gate), self.metadata.clone());
        Upstream::new(UpstreamParts {
            name: record.full_name(),
            settings,
            credentials: self.gate.open_credentials(settings)?,
            protocol,
            config: &self.config.upstream,
            counters: &self.counters,
            clock: Clock::new(move || metadata.now()),
            may_ask: Box::new(move || !offline && !gate.policy().is_offline()),
        })
    }
}

/// The log that vouches for what an upstream sends, if one is set.
fn log_of(
    protocol: &'static dyn Protocol,
    settings: &RepoSettings,
) -> Result<Option<Arc<dyn Log>>, Problem> {
    let upstream = settings.upstream.as_ref();
    let wanted = upstream.and_then(|upstream| upstream.checksum_log.as_ref());
    let logs = protocol.logs();
    wanted
        .zip(logs)
        .map(|(wanted, logs)| logs.open(wanted))
        .transpose()
}
