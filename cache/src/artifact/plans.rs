//! How an artifact is got: the documents and lists that its protocol asks for are read until it
//! has the artifact's URL and hash.

use super::leads::ListLeads;
use crate::bodies::Bodies;
use crate::document::Documents;
use crate::limits::Slots;
use crate::log::LogReader;
use crate::problems::absent;
use crate::repo::Repo;
use crate::tables::Tables;
use bytes::Bytes;
use larder_metadata::Metadata;
use larder_mirrors::{Artifact, Document, Fetch, Plan, Table};
use larder_model::{Kind, Problem};
use std::sync::Arc;
use std::time::Duration;

/// Documents read on the way to one artifact.
const MAX_STEPS: usize = 8;

/// An index of this age is not asked for again because something is not in it.
const JUST_NOW: Duration = Duration::from_secs(10);

/// Makes plans.
pub(crate) struct Plans {
    pub(super) metadata: Metadata,
    pub(super) documents: Arc<Documents>,
    bodies: Arc<Bodies>,
    pub(super) tables: Arc<Tables>,
    logs: Arc<LogReader>,
    leads: Arc<ListLeads>,
    /// Plans hold the documents that they read.
    planning: Slots,
}

impl Plans {
    /// Plans of documents and lists.
    pub(crate) fn new(
        metadata: Metadata,
        documents: Arc<Documents>,
        bodies: Arc<Bodies>,
        (tables, logs): (Arc<Tables>, Arc<LogReader>),
        leads: Arc<ListLeads>,
        planning: Slots,
    ) -> Self {
        Self {
            metadata,
            documents,
            bodies,
            tables,
            logs,
            leads,
            planning,
        }
    }

    /// How an artifact is got. `anew`: after asking the upstream for its indexes once more.
    pub(crate) async fn plan(
        &self,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        anew: bool,
    ) -> Result<Fetch, Problem> {
        let step = |known: &[_], tables: &[_]| repo.protocol.plan(artifact, known, tables);
        match self.follow(repo, (MAX_STEPS, anew), step).await {
            Err(problem) if problem.kind == Kind::NotFound => {
                if let Some(fetch) = self.plan_beside(repo, artifact, anew).await? {
                    return Ok(fetch);
                }
                let listed = Box::pin(self.plan_listed(repo, artifact, anew)).await?;
                listed.ok_or(problem)
            }
            outcome => outcome,
        }
    }

    /// How an artifact is got that a list names whose repository is beside it; `None` if none does.
    async fn plan_beside(
        &self,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        anew: bool,
    ) -> Result<Option<Fetch>, Problem> {
        let Some(index) = repo.protocol.index() else {
            return Ok(None);
        };
        let roots = self.leads.above(repo).await?;
        if roots.is_empty() || index.root(&artifact.path).is_some() {
            return Ok(None);
        }
        let step = |known: &[_], tables: &[_]| index.plan_beside(&roots, artifact, known, tables);
        // Each root takes a document and a list.
        let max_steps = 2 * roots.len() + 1;
        match self.follow(repo, (max_steps, anew), step).await {
            Err(problem) if problem.kind == Kind::NotFound => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    /// What a protocol finds in documents and lists: they are read until `step` asks for no more.
    /// At most so many; with `true`, after asking the upstream for them once more.
    pub(crate) async fn follow<F>(
        &self,
        repo: &Arc<Repo>,
        (max_steps, anew): (usize, bool),
        step: impl Fn(&[Option<Bytes>], &[Arc<dyn Table>]) -> Result<Plan<F>, Problem>,
    ) -> Result<F, Problem> {
        let (mut known, mut tables, mut next) = (Vec::new(), Vec::new(), None);
        // What comes of a plan is asked for at the upstream's mirrors.
        self.documents.know_mirrors(repo, None).await?;
        while known.len() + tables.len() < max_steps {
            // Who waits for an upstream takes no slot from those who need not.
            if let Some(found) = next.take() {
                known.push(self.bodies.read_if_any(found).await?);
            }
            let slot = self.planning.acquire().await?;
            let step = step(&known, &tables)?;
            drop(slot);
            match step {
                Plan::Fetch(fetch) => return Ok(fetch),
                Plan::Consult(list, fetch) => {
                    tables.push(self.tables.fetch(repo, &list, fetch).await?);
                }
                Plan::Kept(lists) => tables.push(self.kept_lists(repo, lists).await?),
                Plan::Record(wanted) => {
                    let record = self.logs.record(repo, &wanted).await?;
                    known.push(record);
                }
                Plan::Outline(document) => {
                    if anew {
                        self.ask_again(repo, &document).await?;
                    }
                    let found = self.documents.find(repo, &document).await?;
                    let found = found.ok_or_else(absent)?;
                    tables.push(self.tables.outline(repo, &document, found).await?);
                }
                Plan::Read(document) => {
                    if anew {
                        self.ask_again(repo, &document).await?;
                    }
                    next = Some(self.documents.find(repo, &document).await?);
                }
            }
        }
        Err(Problem::internal("a plan without an end"))
    }

    /// Asks for an index once more, unless that was done just now.
    pub(super) async fn ask_again(
        &self,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<(), Problem> {
        let Some(kept) = self.documents.at_hand(repo, document).await? else {
            return Ok(());
        };
        if self.metadata.now().since(kept.checked_at) > JUST_NOW {
            self.documents.refresh(repo, document, Some(&kept)).await?;
        }
        Ok(())
    }
}
