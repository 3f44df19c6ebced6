//! The package engine: all its parts, and what the API asks of it.

use crate::accounts::AccountRequests;
use crate::artifact::{Artifacts, Plans, Tables};
use crate::bodies::Bodies;
use crate::config::CacheConfig;
use crate::counters::Counters;
use crate::document::{Documents, Missing, Representations};
use crate::download::ArtifactFetcher;
use crate::group::{GroupResponder, Groups, MergedParts, MergedResponder, SharedPackages};
use crate::limits::Slots;
use crate::publish::{Composer, HostedIndex, HostedPackages, IndexStore, Publisher, publishing_of};
use crate::queries::Queries;
use crate::repos::Repos;
use crate::responder::Responder;
use crate::search::Searches;
use larder_access::{Admission, Gate};
use larder_content::ContentStore;
use larder_metadata::Metadata;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::publishing::Change;
use larder_model::upstream::{Checked, Health};
use larder_model::{Kind, Problem};
use larder_storage::BlobStore;
use std::sync::Arc;

/// Larger documents in memory at once.
const LARGE_DOCUMENTS: usize = 2;
/// Plans made at once.
const PLANS: usize = 4;

/// Repos of files, at `/<protocol>/<repo>/`.
#[derive(Clone)]
pub struct Packages(pub(crate) Arc<Parts>);

/// What requests are answered by.
pub(crate) struct Parts {
    pub(crate) metadata: Metadata,
    pub(crate) gate: Arc<Gate>,
    counters: Arc<Counters>,
    pub(crate) repos: Arc<Repos>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) responder: Arc<Responder>,
    pub(crate) group_responder: GroupResponder,
    pub(crate) merged_responder: MergedResponder,
    pub(crate) publisher: Publisher,
    pub(crate) accounts: AccountRequests,
    pub(crate) searches: Arc<Searches>,
    pub(crate) queries: Queries,
}

impl Packages {
    /// An engine over the database, the store and the gate of a server.
    pub fn new(metadata: Metadata, blobs: BlobStore, gate: Arc<Gate>, config: CacheConfig) -> Self {
        let content = ContentStore::new(metadata.clone(), blobs.clone());
        let large_documents = Slots::new(LARGE_DOCUMENTS);
        let planning = Slots::new(PLANS);
        let counters = Arc::<Counters>::default();
        let bodies = Arc::new(Bodies::new(blobs, config.document_bytes));
        let packages = Arc::new(HostedPackages::new(metadata.clone()));

        // What is published here.
        let publisher = Publisher::new(metadata.clone(), content.clone(), Arc::clone(&packages));
        let store = Arc::new(IndexStore::new(
            metadata.clone(),
            content.clone(),
            Arc::clone(&gate),
        ));
        let index = Arc::new(HostedIndex::new(
            metadata.clone(),
            Arc::clone(&store),
            Arc::clone(&packages),
            Arc::clone(&bodies),
            large_documents.clone(),
        ));
        let composer = Composer::new(
            metadata.clone(),
            content.clone(),
            Arc::clone(&packages),
            index,
        );

        // What upstreams have.
        let missing = Arc::new(Missing::new(config.missing));
        let fetcher = Arc::new(ArtifactFetcher::new(
            metadata.clone(),
            content.clone(),
            config.artifact_bytes,
        ));
        let documents = Arc::new(Documents::new(
            metadata.clone(),
            content.clone(),
            composer,
            Arc::clone(&bodies),
            Arc::clone(&fetcher),
            Arc::clone(&missing),
            &config,
        ));
        let tables = Arc::new(Tables::new(
            metadata.clone(),
            Arc::clone(&bodies),
            Arc::clone(&fetcher),
            planning.clone(),
        ));
        let plans = Plans::new(
            metadata.clone(),
            Arc::clone(&documents),
            Arc::clone(&bodies),
            Arc::clone(&tables),
            planning,
        );
        let artifacts = Arc::new(Artifacts::new(metadata.clone(), plans, fetcher, missing));

        // How both are served: from a repo, and from a group.
        let representations = Arc::new(Representations::new(
            metadata.clone(),
            content,
            Arc::clone(&bodies),
            large_documents.clone(),
        ));
        let responder = Arc::new(Responder::new(
            metadata.clone(),
            Arc::clone(&gate),
            Arc::clone(&documents),
            representations,
            artifacts,
        ));
        let max_bytes = config.document_bytes;
        let repos = Arc::new(Repos::new(
            metadata.clone(),
            Arc::clone(&gate),
            config,
            Arc::clone(&counters),
        ));
        let groups = Arc::new(Groups::new(
            metadata.clone(),
            Arc::clone(&gate),
            Arc::clone(&repos),
            Arc::clone(&packages),
        ));
        let group_responder = GroupResponder::new(
            Arc::clone(&gate),
            Arc::clone(&groups),
            SharedPackages::new(Arc::clone(&packages)),
            Arc::clone(&responder),
        );
        let merged_responder = MergedResponder::new(MergedParts {
            metadata: metadata.clone(),
            gate: Arc::clone(&gate),
            groups: Arc::clone(&groups),
            documents: Arc::clone(&documents),
            packages: Arc::clone(&packages),
            store,
            bodies,
            tables,
            responder: Arc::clone(&responder),
            large_documents,
        });
        let searches = Arc::new(Searches::new(
            Arc::clone(&groups),
            packages,
            documents,
            max_bytes,
        ));
        Self(Arc::new(Parts {
            accounts: AccountRequests::new(metadata.clone(), Arc::clone(&gate)),
            queries: Queries::new(Arc::clone(&groups)),
            metadata,
            gate,
            counters,
            repos,
            groups,
            responder,
            group_responder,
            merged_responder,
            publisher,
            searches,
        }))
    }

    /// What is counted while it runs.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.0.counters)
    }

    /// Makes a change that was asked for by name, in any spelling, in a hosted repo or in a group's
    /// first hosted member. The caller's right to it is required here.
    pub async fn change(
        &self,
        admission: &Admission,
        record: &Arc<RepoRecord>,
        package: &str,
        change: &Change,
    ) -> Result<(), Problem> {
        let unknown = || {
            Problem::new(
                Kind::Unsupported,
                "package",
                "packages of this protocol are not changed so",
            )
        };
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(unknown)?;
        let own = self.0.repos.of(record, protocol)?;
        let hosted = self.0.groups.published_to(admission, &own)?;
        let package = hosted.protocol.names().canonical(package);
        let request = publishing_of(&hosted)?.change(&package, change.clone())?;
        let publisher = &self.0.publisher;
        publisher.publish(&hosted, admission, &request, None).await
    }

    /// Asks the upstream of a mirror now, as its protocol would, with its credentials. Offline, and
    /// without an upstream, nobody is asked.
    pub async fn check_upstream(&self, record: &Arc<RepoRecord>) -> Result<Checked, Problem> {
        let unknown = || {
            Problem::not_found(
                "repository",
                "no repository of this protocol has an upstream",
            )
        };
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(unknown)?;
        let repo = self.0.repos.of(record, protocol)?;
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
