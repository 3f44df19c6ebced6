//! Who answers for a repository at an address, and who takes what is pushed there.

use super::{Git, key, no_repo, permission, place_of, record};
use crate::endpoint::Address;
use crate::large_files::Place;
use crate::repositories::Found;
use larder_access::Admission;
use larder_cache::NameOwners;
use larder_metadata::repos::RepoRecord;
use larder_model::{Kind, Permission, Problem, RepoKind, Verb};
use std::sync::Arc;

/// Who answers for a repository.
pub(super) struct Owner {
    pub(super) record: Arc<RepoRecord>,
    pub(super) found: Option<Found>,
}

impl Git {
    /// Who answers for a repository: its repo, or the member of a group that has it.
    pub(super) async fn owner(
        &self,
        admission: &Admission,
        address: &Address,
    ) -> Result<Owner, Problem> {
        let own = record(admission, &address.repo)?;
        self.mirroring.require_not_blocked(&own, &address.path)?;
        if own.kind != RepoKind::Group {
            let found = self.find(&own, &address.path).await?;
            return Ok(Owner { record: own, found });
        }
        let member = self.member(admission, &own, &address.path).await;
        member.map_err(|problem| match problem.kind {
            // What follows from rules alone says nothing of what is there. git shows its credentials to
            // whoever asks for them, and to nobody else.
            Kind::NotFound | Kind::Offline | Kind::Policy => {
                login_for(admission, &own, &address.path).unwrap_or(problem)
            }
            _ => problem,
        })
    }

    /// The member of a group that answers for a path. A name that a hosted member has is never looked for in
    /// a mirror, also where the caller may not see it.
    async fn member(
        &self,
        admission: &Admission,
        group: &Arc<RepoRecord>,
        path: &str,
    ) -> Result<Owner, Problem> {
        let owners = self.packages.owners(admission, group, path).await?;
        let (NameOwners::Hosted(all) | NameOwners::Mirrors(all)) = &owners;
        for record in all {
            let found = match self.find(record, path).await {
                // Without an upstream it has what is kept.
                Err(problem) if problem.kind == Kind::NotFound => None,
                found => found?,
            };
            if found.is_some() {
                let record = Arc::clone(record);
                return Ok(Owner { record, found });
            }
        }
        Err(match &owners {
            NameOwners::Hosted(_) => no_repo(),
            NameOwners::Mirrors(mirrors) => self.packages.nowhere(mirrors, path),
        })
    }

    /// The repo that a push to an address changes: itself, or a group's first hosted member.
    pub(super) fn pushed_to(
        &self,
        admission: &Admission,
        address: &Address,
    ) -> Result<Arc<RepoRecord>, Problem> {
        let own = record(admission, &address.repo)?;
        let to = self.packages.published_to(admission, &own);
        to.map_err(|problem| match problem.kind {
            Kind::Unsupported => {
                let detail = "nothing can be pushed here: it is a mirror; push to a hosted \
                    repository or a group with one";
                Problem::new(Kind::Denied, "repository", detail)
            }
            _ => problem,
        })
    }

    /// Where large files go, and what must be allowed for that.
    pub(super) fn large_goal(
        &self,
        admission: &Admission,
        address: &Address,
    ) -> Result<(Place, Permission), Problem> {
        let record = self.pushed_to(admission, address)?;
        let write = permission(&record.name, &address.path, Verb::Write);
        Ok((place_of(&record, address), write))
    }

    pub(super) async fn find(
        &self,
        record: &Arc<RepoRecord>,
        path: &str,
    ) -> Result<Option<Found>, Problem> {
        if record.kind == RepoKind::Mirror {
            return self.mirroring.find(record, path).await;
        }
        self.repositories.find(key(record, path)).await
    }
}

/// That a caller is to log in, if it has not and somebody else might see more of a group at a path.
fn login_for(admission: &Admission, group: &RepoRecord, path: &str) -> Option<Problem> {
    if admission.principal().user.is_some() {
        return None;
    }
    let members = group.members.iter().filter_map(|member| member.id);
    let mut members = members.filter_map(|id| admission.policy().repo_by_id(id));
    members.find_map(|member| {
        let read = permission(&member.name, path, Verb::Read);
        admission.require(&read).err()
    })
}
