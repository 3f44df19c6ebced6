//! The package engine: all its parts, and what the API asks of it.

use crate::absences::Absences;
use crate::accounts::AccountRequests;
use crate::artifact::{Artifacts, ListLeads, Plans, Unpacked};
use crate::bodies::Bodies;
use crate::config::CacheConfig;
use crate::copy::{Copier, GraphReader, UpstreamReader};
use crate::counters::Counters;
use crate::describe::Describer;
use crate::direct::DirectFiles;
use crate::document::{Documents, Missing, Representations};
use crate::download::ArtifactFetcher;
use crate::fetchers::Fetchers;
use crate::group::{GroupResponder, Groups, MergedParts, MergedResponder, SharedPackages};
use crate::heal::Healer;
use crate::intake::Intake;
use crate::limits::{Budget, INCOMING_BYTES, OUTGOING_BYTES, Room, Slots};
use crate::lists::Lists;
use crate::log::LogReader;
use crate::media_types::KeptMediaTypes;
use crate::problems::absent;
use crate::publish::{
    HostedDocuments, HostedIndex, HostedPackages, IndexStore, Publisher, RuledChange, publishing_of,
};
use crate::queries::Queries;
use crate::refresh::Refresher;
use crate::repos::Repos;
use crate::responder::Responder;
use crate::search::Searches;
use crate::tables::Tables;
use crate::views::Views;
use bytes::Bytes;
use larder_access::{Admission, Gate};
use larder_content::ContentStore;
use larder_metadata::Metadata;
use larder_metadata::copies::{Copied, VersionCopy};
use larder_metadata::files::FileKey;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::describing::{Marks, Told};
use larder_mirrors::publishing::{Change, PublishLimits};
use larder_model::upstream::{Checked, Health, Refreshed};
use larder_model::{Kind, Problem};
use larder_storage::BlobStore;
use std::sync::Arc;
use std::time::Duration;

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
    pub(crate) bodies: Arc<Bodies>,
    refresher: Refresher,
    describer: Describer,
    pub(crate) healer: Healer,
    copier: Copier,
    pub(crate) repos: Arc<Repos>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) responder: Arc<Responder>,
    pub(crate) lists: Arc<Lists>,
    pub(crate) views: Views,
    pub(crate) group_responder: GroupResponder,
    pub(crate) merged_responder: MergedResponder,
    pub(crate) publisher: Publisher,
    pub(crate) accounts: AccountRequests,
    pub(crate) searches: Arc<Searches>,
    pub(crate) queries: Queries,
    pub(crate) revalidate_timeout: Duration,
    pub(crate) files: Arc<DirectFiles>,
}

/// What all parts stand on.
struct Base {
    metadata: Metadata,
    content: ContentStore,
    gate: Arc<Gate>,
    bodies: Arc<Bodies>,
    packages: Arc<HostedPackages>,
    indexes: Arc<IndexStore>,
    large_documents: Slots,
    budget: Budget,
    intake: Intake,
}

impl Base {
    fn new(metadata: Metadata, blobs: BlobStore, gate: Arc<Gate>, config: &CacheConfig) -> Self {
        let content = ContentStore::new(metadata.clone(), blobs);
        let budget = Budget::default();
        let (room, outgoing) = (Room::new(INCOMING_BYTES), Room::new(OUTGOING_BYTES));
        let memory = (budget.clone(), outgoing.clone());
        let max_bytes = usize::try_from(config.document.bytes).unwrap_or(usize::MAX);
        let bodies = Bodies::new(content.clone(), max_bytes, memory);
        Self {
            bodies: Arc::new(bodies),
            packages: Arc::new(HostedPackages::new(metadata.clone())),
            indexes: Arc::new(IndexStore::new(
                metadata.clone(),
                content.clone(),
                Arc::clone(&gate),
            )),
            large_documents: Slots::new(LARGE_DOCUMENTS),
            budget,
            intake: Intake::new(content.clone(), room, outgoing),
            metadata,
            content,
            gate,
        }
    }

    /// Documents of hosted repos.
    fn hosted_documents(&self) -> HostedDocuments {
        let index = HostedIndex::new(
            self.metadata.clone(),
            Arc::clone(&self.indexes),
            Arc::clone(&self.packages),
            Arc::clone(&self.bodies),
            self.large_documents.clone(),
        );
        HostedDocuments::new(
            self.metadata.clone(),
            self.content.clone(),
            Arc::clone(&self.packages),
            (Arc::new(index), self.budget.clone()),
        )
    }

    /// Documents and artifacts, of which the later parts need the earlier ones.
    fn fetchers(&self, config: &CacheConfig) -> Fetchers {
        let planning = Slots::new(PLANS);
        let missing = Arc::new(Missing::new(config.missing));
        let fetcher = Arc::new(ArtifactFetcher::new(
            self.metadata.clone(),
            self.content.clone(),
            (self.intake.clone(), self.budget.clone()),
            config,
        ));
        let documents = Arc::new(Documents::new(
            self.metadata.clone(),
            self.content.clone(),
            self.hosted_documents(),
            Arc::clone(&self.bodies),
            Arc::clone(&fetcher),
            Arc::clone(&missing),
            (config, self.intake.clone(), self.budget.clone()),
        ));
        let tables = Arc::new(Tables::new(
            self.metadata.clone(),
            Arc::clone(&self.bodies),
            Arc::clone(&fetcher),
            self.budget.clone(),
        ));
        let logs = Arc::new(LogReader::new(
            self.metadata.clone(),
            self.content.clone(),
            Arc::clone(&self.bodies),
            (Arc::clone(&missing), self.intake.clone()),
        ));
        let leads = ListLeads::new(self.metadata.clone(), Arc::clone(&self.bodies));
        let leads = Arc::new(leads);
        let plans = Arc::new(Plans::new(
            self.metadata.clone(),
            Arc::clone(&documents),
            Arc::clone(&self.bodies),
            (Arc::clone(&tables), Arc::clone(&logs)),
            Arc::clone(&leads),
            planning,
        ));
        let artifacts = Artifacts::new(
            self.metadata.clone(),
            Arc::clone(&plans),
            fetcher,
            missing,
            Unpacked::new(Arc::clone(&self.bodies)),
        );
        Fetchers {
            documents,
            tables,
            logs,
            leads,
            plans,
            artifacts: Arc::new(artifacts),
        }
    }

    /// Answers from one repo.
    fn responder(&self, fetchers: &Fetchers) -> Responder {
        let representations = Representations::new(
            self.metadata.clone(),
            self.content.clone(),
            Arc::clone(&self.bodies),
            Arc::clone(&fetchers.tables),
            (self.intake.clone(), self.budget.clone()),
        );
        let absences = Absences::new(
            self.metadata.clone(),
            self.content.clone(),
            Arc::clone(&self.bodies),
        );
        Responder::new(
            self.metadata.clone(),
            Arc::clone(&self.gate),
            Arc::clone(&fetchers.documents),
            Arc::new(representations),
            (
                Arc::clone(&fetchers.artifacts),
                fetchers.members(&self.metadata),
            ),
            (Arc::clone(&fetchers.logs), absences),
            KeptMediaTypes::new(self.metadata.clone(), Arc::clone(&self.bodies)),
        )
    }

    /// Lists of images, in parts.
    fn lists(&self, fetchers: &Fetchers) -> Lists {
        Lists::new(
            self.metadata.clone(),
            Arc::clone(&fetchers.documents),
            Arc::clone(&self.bodies),
            self.intake.clone(),
        )
    }

    /// Copies versions and images.
    fn copier(&self, fetchers: &Fetchers, limits: PublishLimits) -> Copier {
        Copier {
            metadata: self.metadata.clone(),
            content: self.content.clone(),
            packages: Arc::clone(&self.packages),
            graphs: GraphReader {
                metadata: self.metadata.clone(),
                bodies: Arc::clone(&self.bodies),
                documents: Arc::clone(&fetchers.documents),
                artifacts: Arc::clone(&fetchers.artifacts),
            },
            upstream: UpstreamReader {
                metadata: self.metadata.clone(),
                bodies: Arc::clone(&self.bodies),
                plans: Arc::clone(&fetchers.plans),
                artifacts: Arc::clone(&fetchers.artifacts),
                limits,
            },
        }
    }

    /// Answers from groups whose protocol tells of whole repos.
    fn merged_responder(
        &self,
        groups: &Arc<Groups>,
        fetchers: &Fetchers,
        responder: &Arc<Responder>,
    ) -> MergedResponder {
        MergedResponder::new(MergedParts {
            metadata: self.metadata.clone(),
            gate: Arc::clone(&self.gate),
            groups: Arc::clone(groups),
            documents: Arc::clone(&fetchers.documents),
            packages: Arc::clone(&self.packages),
            store: Arc::clone(&self.indexes),
            bodies: Arc::clone(&self.bodies),
            tables: Arc::clone(&fetchers.tables),
            leads: Arc::clone(&fetchers.leads),
            responder: Arc::clone(responder),
            members: fetchers.members(&self.metadata),
        })
    }
}

impl Packages {
    /// An engine over the database, the store and the gate of a server.
    pub fn new(metadata: Metadata, blobs: BlobStore, gate: Arc<Gate>, config: CacheConfig) -> Self {
        let base = Base::new(metadata, blobs, gate, &config);
        let publish = config.publish;
        let fetchers = base.fetchers(&config);
        let responder = Arc::new(base.responder(&fetchers));
        let lists = Arc::new(base.lists(&fetchers));
        let views = fetchers.views(&base.metadata, &responder);
        let counters = Arc::<Counters>::default();
        let revalidate_timeout = config.revalidate_timeout;
        let repos = Arc::new(Repos::new(
            base.metadata.clone(),
            Arc::clone(&base.gate),
            config,
            Arc::clone(&counters),
        ));
        let groups = Arc::new(Groups::new(
            base.metadata.clone(),
            Arc::clone(&base.gate),
            Arc::clone(&repos),
            Arc::clone(&base.packages),
        ));
        let copier = base.copier(&fetchers, publish);
        let healer = Healer {
            documents: Arc::clone(&fetchers.documents),
            artifacts: Arc::clone(&fetchers.artifacts),
        };
        let refresher = Refresher::new(base.metadata.clone(), Arc::clone(&fetchers.documents));
        let describer = Describer::new(
            base.metadata.clone(),
            Arc::clone(&base.bodies),
            Arc::clone(&fetchers.documents),
        );
        Self(Arc::new(Parts {
            group_responder: GroupResponder::new(
                Arc::clone(&base.gate),
                Arc::clone(&groups),
                SharedPackages::new(Arc::clone(&base.packages), base.budget.clone()),
                Arc::clone(&fetchers.documents),
                Arc::clone(&responder),
            ),
            merged_responder: base.merged_responder(&groups, &fetchers, &responder),
            publisher: Publisher::new(
                base.metadata.clone(),
                base.content,
                Arc::clone(&base.packages),
                publish,
                base.budget.clone(),
            ),
            accounts: AccountRequests::new(base.metadata.clone(), Arc::clone(&base.gate)),
            searches: Arc::new(Searches::new(
                Arc::clone(&groups),
                base.packages,
                Arc::clone(&fetchers.documents),
                (base.intake.clone(), base.budget),
            )),
            queries: Queries::new(Arc::clone(&groups), fetchers.documents, base.intake),
            files: DirectFiles::new(base.metadata.clone(), fetchers.artifacts.fetcher()),
            metadata: base.metadata,
            gate: base.gate,
            counters,
            bodies: base.bodies,
            refresher,
            describer,
            healer,
            copier,
            repos,
            groups,
            responder,
            lists,
            views,
            revalidate_timeout,
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

    /// Removes a version of a hosted repository's package because of a rule; whether that was done:
    /// not if the package has changed since that was decided, or the version stays.
    pub async fn remove_by_rule(
        &self,
        record: &RepoRecord,
        package: &str,
        version: &str,
        rule: &RuledChange<'_>,
    ) -> Result<bool, Problem> {
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(absent)?;
        let repo = self.0.repos.of(&Arc::new(record.clone()), protocol)?;
        let publisher = &self.0.publisher;
        publisher
            .remove_by_rule(&repo, package, version, rule)
            .await
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
            return upstream.check().await;
        }
        let (problem, advice) = repo.unasked();
        Ok(Checked {
            problem: Some(problem),
            advice: Some(advice),
            ..Checked::default()
        })
    }

    /// The bytes of a file that is kept. Fails if its package is blocked, or the file is not there.
    pub async fn read_kept(
        &self,
        record: &Arc<RepoRecord>,
        file: FileKey<'_>,
    ) -> Result<Bytes, Problem> {
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(absent)?;
        let repo = self.0.repos.of(record, protocol)?;
        repo.require_not_blocked(file.package.package)?;
        let found = self.0.metadata.find(file).await?;
        self.0.bodies.read(&*found.ok_or_else(absent)?).await
    }

    /// Asks the upstream of a mirror now for what tells of a package, or for a tag of an image, and
    /// waits. The package may be in any spelling.
    pub async fn refresh(
        &self,
        record: &Arc<RepoRecord>,
        package: &str,
        version: Option<&str>,
    ) -> Result<Vec<Refreshed>, Problem> {
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(absent)?;
        let repo = self.0.repos.of(record, protocol)?;
        self.0.refresher.refresh(&repo, package, version).await
    }

    /// What is told of a version: from what is kept alone; `None` if neither a document nor a file
    /// of it is.
    pub async fn about(
        &self,
        record: &Arc<RepoRecord>,
        package: &str,
        version: &str,
    ) -> Result<Option<Told>, Problem> {
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(absent)?;
        let repo = self.0.repos.of(record, protocol)?;
        self.0.describer.about(&repo, package, version).await
    }

    /// What the list of a package's versions tells of them: from what is kept alone.
    pub async fn marks(
        &self,
        record: &Arc<RepoRecord>,
        package: &str,
    ) -> Result<Arc<Marks>, Problem> {
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(absent)?;
        let repo = self.0.repos.of(record, protocol)?;
        self.0.describer.marks(&repo, package).await
    }

    /// Copies a version to a hosted repository of the same protocol, no bytes moved. The caller's
    /// rights on both sides are required here.
    pub async fn copy(
        &self,
        admission: &Admission,
        copy: &VersionCopy<'_>,
    ) -> Result<Copied, Problem> {
        if copy.from.protocol != copy.to.protocol {
            let detail = "a version is copied to a repository of its own protocol";
            return Err(Problem::invalid("repository", detail));
        }
        let protocol = larder_mirrors::of(copy.from.protocol).ok_or_else(absent)?;
        // What a group blocks does not leave through it.
        let asked = self.0.repos.of(copy.asked, protocol)?;
        asked.require_not_blocked(copy.package)?;
        let from = self.0.repos.of(copy.from, protocol)?;
        let to = self.0.repos.of(copy.to, protocol)?;
        self.0.copier.copy(admission, copy, [&from, &to]).await
    }

    /// How the upstream of a mirror has answered lately; `None`: it was not asked since the server
    /// began or the mirror was changed.
    pub fn health(&self, record: &RepoRecord) -> Option<Health> {
        self.0.repos.health(record)
    }
}
