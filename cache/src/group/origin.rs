//! Where a package that is asked of a merged group comes from: from where the group's own list has
//! it.

use super::merged_index::MergedIndex;
use super::merged_state::{GroupRequest, MergedStates};
use crate::artifact::ListLeads;
use crate::bodies::Bodies;
use crate::permissions::{read_all, read_of};
use crate::problems::absent;
use crate::publish::index_of;
use crate::repo::{Repo, tails};
use crate::tables::Tables;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Artifact, Integrity};
use larder_model::{Kind, Problem};
use std::sync::Arc;

/// The member that a package comes from, and the artifact there.
pub(super) struct Origin {
    pub(super) member: Arc<Repo>,
    pub(super) artifact: Artifact,
}

/// Finds the origins of packages.
pub(super) struct Origins {
    metadata: Metadata,
    bodies: Arc<Bodies>,
    tables: Arc<Tables>,
    leads: Arc<ListLeads>,
    states: Arc<MergedStates>,
    index: Arc<MergedIndex>,
}

impl Origins {
    pub(super) const fn new(
        metadata: Metadata,
        bodies: Arc<Bodies>,
        tables: Arc<Tables>,
        leads: Arc<ListLeads>,
        states: Arc<MergedStates>,
        index: Arc<MergedIndex>,
    ) -> Self {
        Self {
            metadata,
            bodies,
            tables,
            leads,
            states,
            index,
        }
    }

    /// Where a package that is asked of a group comes from: from where the group's own list has it.
    pub(super) async fn find(
        &self,
        request: GroupRequest<'_>,
        artifact: &Artifact,
    ) -> Result<Origin, Problem> {
        let path = &*artifact.path;
        let mut failed = None;
        for root in index_of(request.group)?.roots(path) {
            match self.listed_at(request, root, artifact).await {
                Ok(Some(origin)) => return Ok(origin),
                Ok(None) => {}
                Err(problem) => failed = failed.or(Some(problem)),
            }
        }
        // Packages may be beside the repository whose list names them.
        for member in &request.members.mirrors {
            for root in self.leads.above(member).await? {
                match self.listed_at(request, &root, artifact).await {
                    Ok(Some(origin)) => return Ok(origin),
                    Ok(None) => {}
                    Err(problem) => failed = failed.or(Some(problem)),
                }
            }
        }
        // Who may read no whole list has its packages all the same, at whichever root they are
        // listed.
        for below in tails(path) {
            for member in &request.members.hosted {
                let found = self.metadata.find(member.address_key(below)).await?;
                let Some(found) = found.filter(|found| !found.owner.is_empty()) else {
                    continue;
                };
                let may_list = || request.admission.may(&read_all(member));
                if may_list() || request.admission.may(&read_of(member, &found.owner)) {
                    return Ok(Origin::new(member, artifact, below));
                }
            }
        }
        Err(failed.unwrap_or_else(absent))
    }

    /// The member that a group's own list, at a root, has a package from.
    async fn listed_at(
        &self,
        request: GroupRequest<'_>,
        root: &str,
        artifact: &Artifact,
    ) -> Result<Option<Origin>, Problem> {
        let group = request.group;
        let index = index_of(group)?;
        // No list is made at a root that no member has.
        let head = index.head(root);
        let mut known = root.is_empty();
        for member in &request.members.mirrors {
            known |= self
                .metadata
                .find(member.document_key(&head))
                .await?
                .is_some();
        }
        if !known {
            return Ok(None);
        }
        // What the group's own list has for it.
        let state = match self.states.get(request, root).await {
            Err(problem) if problem.kind == Kind::NotFound => return Ok(None),
            state => Arc::new(state?),
        };
        let merged = self.index.document(group, &state, &head.path).await?;
        let Some(list) = index.list(&self.bodies.read(&merged).await?)? else {
            return Ok(None);
        };
        let found = self
            .index
            .document(group, &state, &format!("{root}{}", list.path))
            .await?;
        let below = artifact.path.strip_prefix(root).unwrap_or(&artifact.path);
        let table = self.tables.read(group, &list, found).await?;
        let Some(fetch) = table.find(root, &artifact.path) else {
            return Ok(None);
        };
        // The first member whose own list has the same.
        for (member, head) in &state.heads {
            if self
                .integrity_in(member, head, (root, &artifact.path))
                .await?
                == Some(fetch.integrity.clone())
            {
                let path = if member.is_hosted() {
                    below
                } else {
                    &artifact.path
                };
                return Ok(Some(Origin::new(member, artifact, path)));
            }
        }
        Ok(None)
    }

    /// What a member promises of a package at a path, in the repository at a root.
    async fn integrity_in(
        &self,
        member: &Arc<Repo>,
        head: &FileRecord,
        (root, path): (&str, &str),
    ) -> Result<Option<Integrity>, Problem> {
        if member.is_hosted() {
            let below = path.strip_prefix(root).unwrap_or(path);
            let found = self.metadata.find(member.address_key(below)).await?;
            return Ok(found.map(|found| Integrity::Digest(found.digest)));
        }
        let Some(list) = index_of(member)?.list(&self.bodies.read(head).await?)? else {
            return Ok(None);
        };
        let list = Artifact {
            path: format!("{root}{}", list.path).into(),
            ..list
        };
        let Some(found) = self.metadata.find(member.artifact_key(&list)).await? else {
            return Ok(None);
        };
        let table = self.tables.read(member, &list, found).await?;
        Ok(table.find(root, path).map(|fetch| fetch.integrity))
    }
}

impl Origin {
    /// A package at an address of the member's own.
    fn new(member: &Arc<Repo>, artifact: &Artifact, path: &str) -> Self {
        Self {
            member: Arc::clone(member),
            artifact: Artifact {
                path: path.into(),
                ..artifact.clone()
            },
        }
    }
}
