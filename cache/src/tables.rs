//! What large lists and documents tell of artifacts, read once for every state of them.

use crate::bodies::Bodies;
use crate::download::ArtifactFetcher;
use crate::flights::Flights;
use crate::limits::Budget;
use crate::problems::absent;
use crate::repo::Repo;
use bytes::Bytes;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Artifact, Document, Fetch, Table};
use larder_model::{Digest, Problem, ProtocolName};
use moka::sync::Cache as Memory;
use std::sync::Arc;

/// Memory for tables, in bytes.
const TABLE_BYTES: u64 = 32 << 20;

/// Larger ones are read away from the connections, once for all who wait.
const READ_HERE: u64 = 64 * 1024;

/// Which protocol read which bytes, and where they stand: names within are told from there, so a suite
/// under two names has a table for each.
#[derive(Clone, PartialEq, Eq, Hash)]
struct TableKey {
    protocol: ProtocolName,
    package: Box<str>,
    path: Box<str>,
    digest: Digest,
}

/// Tables in memory.
pub(crate) struct Tables {
    metadata: Metadata,
    bodies: Arc<Bodies>,
    fetcher: Arc<ArtifactFetcher>,
    in_memory: Memory<TableKey, Arc<dyn Table>>,
    flights: Flights<Arc<dyn Table>>,
    budget: Budget,
}

impl Tables {
    /// None yet.
    pub(crate) fn new(
        metadata: Metadata,
        bodies: Arc<Bodies>,
        fetcher: Arc<ArtifactFetcher>,
        budget: Budget,
    ) -> Self {
        let weigh = |key: &TableKey, table: &Arc<dyn Table>| {
            let names = key.package.len() + key.path.len();
            let bytes = size_of::<TableKey>() + names + table.weight();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self {
            metadata,
            bodies,
            fetcher,
            in_memory: Memory::builder()
                .weigher(weigh)
                .max_capacity(TABLE_BYTES)
                .build(),
            flights: Flights::default(),
            budget,
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

    /// A list that is kept, or on its way.
    pub(crate) async fn coming(
        &self,
        repo: &Repo,
        list: &Artifact,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let running = self.fetcher.members().running(repo, list);
        let found = self.metadata.find(repo.artifact_key(list)).await?;
        match running {
            Some(running) if found.is_none() => Ok(running.kept().await.ok()),
            _ => Ok(found),
        }
    }

    /// A list that is kept.
    pub(crate) async fn read(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        list: &Artifact,
        found: Arc<FileRecord>,
    ) -> Result<Arc<dyn Table>, Problem> {
        let tables = repo.protocol.tables();
        let tables = tables.ok_or_else(|| Problem::internal("a list without a reader"))?;
        let of = list.clone();
        let read = move |body: &Bytes| tables.read(&of, body);
        self.table(repo, (&list.package, &list.path), found, read)
            .await
    }

    /// What a document tells of artifacts and of its parts.
    pub(crate) async fn outline(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        found: Arc<FileRecord>,
    ) -> Result<Arc<dyn Table>, Problem> {
        let outlines = repo.protocol.outlines();
        let outlines = outlines.ok_or_else(|| Problem::internal("a document without a reader"))?;
        let of = document.clone();
        let read = move |body: &Bytes| outlines.outline(&of, body);
        self.table(repo, (&document.package, &document.path), found, read)
            .await
    }

    async fn table(
        self: &Arc<Self>,
        repo: &Repo,
        (package, path): (&str, &str),
        found: Arc<FileRecord>,
        read: impl FnOnce(&Bytes) -> Result<Arc<dyn Table>, Problem> + Send + 'static,
    ) -> Result<Arc<dyn Table>, Problem> {
        let key = TableKey {
            protocol: repo.protocol.name(),
            package: package.into(),
            path: path.into(),
            digest: found.digest,
        };
        if let Some(table) = self.in_memory.get(&key) {
            return Ok(table);
        }
        if found.size <= READ_HERE {
            let table = read(&self.bodies.read(&found).await?)?;
            self.in_memory.insert(key, Arc::clone(&table));
            return Ok(table);
        }
        let flight = (
            repo.record.id,
            format!("{package}\0{path}\0{}", found.digest).into(),
        );
        let start = || {
            let this = Arc::clone(self);
            async move {
                let _share = this.budget.share_for_work(found.size).await?;
                let body = this.bodies.read(&found).await?;
                let table = tokio::task::spawn_blocking(move || read(&body))
                    .await
                    .map_err(Problem::internal)??;
                this.in_memory.insert(key, Arc::clone(&table));
                Ok(table)
            }
        };
        self.flights.join(flight, start).await
    }
}
