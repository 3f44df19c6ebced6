//! Where the lists of mirrors lead their clients: to other hosts, or above their own repository.

use crate::bodies::Bodies;
use crate::repo::Repo;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::Artifact;
use larder_mirrors::index::{Index, Leads};
use larder_model::{Digest, FileKind, Problem};
use quick_cache::Equivalent;
use quick_cache::sync::Cache as Memory;
use std::sync::Arc;

/// Heads of which it is known.
const MAX_KNOWN: usize = 10_000;
/// Kept documents of a mirror that are looked at.
const MAX_DOCUMENTS: u64 = 1000;
/// Roots at which one package is looked for.
const MAX_ROOTS: usize = 32;

/// Where lists lead, as it was read from them.
pub(crate) struct ListLeads {
    metadata: Metadata,
    bodies: Arc<Bodies>,
    /// By the digest of the head that names a list.
    by_head: Memory<Digest, Leads>,
    /// By repository and root: those of the head that was looked at last.
    by_root: Memory<(i64, Box<str>), Leads>,
}

/// A root of a repository; with a text of its own it is a pair.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place<'a> {
    repo: i64,
    root: &'a str,
}

impl<'a> Place<'a> {
    fn of(repo: &Repo, root: &'a str) -> Self {
        let repo = repo.record.id;
        Self { repo, root }
    }
}

impl Equivalent<(i64, Box<str>)> for Place<'_> {
    fn equivalent(&self, (repo, root): &(i64, Box<str>)) -> bool {
        self.repo == *repo && *self.root == **root
    }
}

impl ListLeads {
    /// Nothing is known yet.
    pub(crate) fn new(metadata: Metadata, bodies: Arc<Bodies>) -> Self {
        Self {
            metadata,
            bodies,
            by_head: Memory::new(MAX_KNOWN),
            by_root: Memory::new(MAX_KNOWN),
        }
    }

    /// Where the list leads that a head at a root names. One that is not kept leads nowhere.
    pub(crate) async fn of(
        &self,
        repo: &Repo,
        root: &str,
        head: &FileRecord,
    ) -> Result<Leads, Problem> {
        let Some(index) = repo.protocol.index() else {
            return Ok(Leads::default());
        };
        let leads = match self.by_head.get(&head.digest) {
            Some(leads) => leads,
            None => match self.read(repo, index, (root, head)).await? {
                Some(leads) => {
                    self.by_head.insert(head.digest, leads);
                    leads
                }
                None => return Ok(Leads::default()),
            },
        };
        let place = Place::of(repo, root);
        if self.by_root.get(&place) != Some(leads) {
            self.by_root.insert((place.repo, root.into()), leads);
        }
        Ok(leads)
    }

    async fn read(
        &self,
        repo: &Repo,
        index: &'static dyn Index,
        (root, head): (&str, &FileRecord),
    ) -> Result<Option<Leads>, Problem> {
        let Some(list) = index.list(&self.bodies.read(head).await?)? else {
            return Ok(None);
        };
        let list = Artifact {
            path: format!("{root}{}", list.path).into(),
            ..list
        };
        let found = self.metadata.find(repo.artifact_key(&list)).await?;
        let Some(found) = found.filter(|found| !found.damaged) else {
            return Ok(None);
        };
        let (body, share) = self.bodies.read_in_turn(&found).await?;
        let read = move || {
            let leads = index.leads(&body);
            drop(body);
            drop(share);
            leads
        };
        let leads = tokio::task::spawn_blocking(read).await;
        leads.map(Some).map_err(Problem::internal)
    }

    /// Where the list at a root leads; of the head that is kept, if none was looked at yet.
    pub(crate) async fn at(&self, repo: &Repo, root: &str) -> Result<Leads, Problem> {
        let place = Place::of(repo, root);
        if let Some(leads) = self.by_root.get(&place) {
            return Ok(leads);
        }
        let Some(index) = repo.protocol.index() else {
            return Ok(Leads::default());
        };
        let head = self
            .metadata
            .find(repo.document_key(&index.head(root)))
            .await?;
        match head {
            Some(head) => self.of(repo, root, &head).await,
            None => Ok(Leads::default()),
        }
    }

    /// The roots whose kept lists have packages above them.
    pub(crate) async fn above(&self, repo: &Repo) -> Result<Vec<Box<str>>, Problem> {
        let Some(index) = repo.protocol.index().filter(|_| repo.has_upstream()) else {
            return Ok(Vec::new());
        };
        let key = repo.package_key("");
        let kept = self
            .metadata
            .list(key, FileKind::Document, "", MAX_DOCUMENTS)
            .await?;
        let mut roots = Vec::new();
        for file in kept {
            let root = index.root(&file.path).filter(|root| !root.is_empty());
            let root = root.filter(|root| *index.head(root).path == *file.path);
            if let Some(root) = root
                && roots.len() < MAX_ROOTS
                && self.at(repo, root).await?.above
            {
                roots.push(root.into());
            }
        }
        Ok(roots)
    }
}
