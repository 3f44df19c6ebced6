//! Large lists of artifacts, read once for every state of them.

use crate::bodies::Bodies;
use crate::download::ArtifactFetcher;
use crate::flights::Flights;
use crate::limits::Slots;
use crate::problems::absent;
use crate::repo::Repo;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Artifact, Fetch, Table};
use larder_model::{Digest, Problem};
use moka::sync::Cache as Memory;
use std::sync::Arc;

/// Memory for lists, in bytes.
const TABLE_BYTES: u64 = 32 << 20;

/// Lists in memory.
pub(crate) struct Tables {
    metadata: Metadata,
    bodies: Arc<Bodies>,
    fetcher: Arc<ArtifactFetcher>,
    /// By the digest of what they were read from.
    in_memory: Memory<Digest, Arc<dyn Table>>,
    flights: Flights<Arc<dyn Table>>,
    /// Shared with those who make plans, who hold documents in memory too.
    planning: Slots,
}

impl Tables {
    /// None yet.
    pub(crate) fn new(
        metadata: Metadata,
        bodies: Arc<Bodies>,
        fetcher: Arc<ArtifactFetcher>,
        planning: Slots,
    ) -> Self {
        let weigh =
            |_: &Digest, table: &Arc<dyn Table>| u32::try_from(table.weight()).unwrap_or(u32::MAX);
        Self {
            metadata,
            bodies,
            fetcher,
            in_memory: Memory::builder()
                .weigher(weigh)
                .max_capacity(TABLE_BYTES)
                .build(),
            flights: Flights::default(),
            planning,
        }
    }

    /// A list, which is fetched if it is not kept.
    pub(crate) async fn fetch(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        list: &Artifact,
        fetch: Fetch,
    ) -> Result<Arc<dyn Table>, Problem> {
        self.fetcher.ensure(repo, list, fetch).await?;
        let found = self.metadata.find(repo.artifact_key(list)).await?;
        self.read(repo, list, found.ok_or_else(absent)?).await
    }

    /// A list that is kept.
    pub(crate) async fn read(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        list: &Artifact,
        found: Arc<FileRecord>,
    ) -> Result<Arc<dyn Table>, Problem> {
        if let Some(table) = self.in_memory.get(&found.digest) {
            return Ok(table);
        }
        let key = (repo.record.id, found.digest.to_string().into());
        let start = || {
            let (this, repo, list) = (Arc::clone(self), Arc::clone(repo), list.clone());
            async move {
                let _slot = this.planning.acquire().await?;
                let body = this.bodies.read(&found).await?;
                let tables = repo.protocol.tables();
                let tables = tables.ok_or_else(|| Problem::internal("a list without a reader"))?;
                let read = move || tables.read(&list, &body);
                let table = tokio::task::spawn_blocking(read)
                    .await
                    .map_err(Problem::internal)??;
                this.in_memory.insert(found.digest, Arc::clone(&table));
                Ok(table)
            }
        };
        self.flights.join(key, start).await
    }
}
