//! Which members a group has, and who owns a name in it.

use super::members::{Members, Owners};
use crate::permissions::read_of;
use crate::problems::absent;
use crate::publish::{HostedPackages, NAMES};
use crate::repo::Repo;
use crate::repos::Repos;
use larder_access::{Admission, Gate};
use larder_metadata::Metadata;
use larder_model::{Kind, Problem};
use std::collections::HashSet;
use std::sync::Arc;

/// Of so many names each is asked for by itself; for more of them all that are taken are read once.
const ASKED_ONE_BY_ONE: usize = 2000;

/// The groups of this server.
pub(crate) struct Groups {
    metadata: Metadata,
    gate: Arc<Gate>,
    repos: Arc<Repos>,
    packages: Arc<HostedPackages>,
}

impl Groups {
    /// Groups of these repos.
    pub(crate) const fn new(
        metadata: Metadata,
        gate: Arc<Gate>,
        repos: Arc<Repos>,
        packages: Arc<HostedPackages>,
    ) -> Self {
        Self {
            metadata,
            gate,
            repos,
            packages,
        }
    }

    /// The members of a group, for a caller who asks for something of `package`.
    pub(crate) fn members(
        &self,
        admission: &Admission,
        group: &Repo,
        package: &str,
    ) -> Result<Members, Problem> {
        let (mut hosted, mut mirrors, mut is_refused) = (Vec::new(), Vec::new(), false);
        for member in &group.record.members {
            let record = member.id.and_then(|id| admission.policy().repo_by_id(id));
            let record = record.ok_or_else(|| lacks_member(group))?;
            let member = self.repos.of(record, group.protocol)?;
            if member.is_hosted() {
                hosted.push(member);
                continue;
            }
            is_refused |= !admission.may(&read_of(&member, package));
            if !is_refused {
                mirrors.push(member);
            }
        }
        Ok(Members { hosted, mirrors })
    }

    /// What is published at an address, and the mirrors that the caller may read there.
    pub(crate) fn parts(&self, admission: &Admission, own: &Arc<Repo>) -> Result<Members, Problem> {
        let mut members = if own.is_group() {
            self.members(admission, own, "")?
        } else {
            let own = vec![Arc::clone(own)];
            let (hosted, mirrors) = own.into_iter().partition(|own| own.is_hosted());
            Members { hosted, mirrors }
        };
        members.mirrors.retain(|mirror| mirror.has_upstream());
        Ok(members)
    }

    /// The repo that takes what is published at an address: itself, or a group's first hosted
    /// member.
    pub(crate) fn published_to(
        &self,
        admission: &Admission,
        own: &Arc<Repo>,
    ) -> Result<Arc<Repo>, Problem> {
        if own.is_hosted() {
            return Ok(Arc::clone(own));
        }
        let mut hosted = self.members(admission, own, "")?.hosted.into_iter();
        hosted.next().ok_or_else(|| {
            let detail = "nothing can be published here: it is a mirror; publish to a hosted \
                          repository or a group with one";
            Problem::new(Kind::Unsupported, "repository", detail)
        })
    }

    /// Who answers for a name of a group.
    pub(crate) async fn owners(
        &self,
        admission: &Admission,
        group: &Repo,
        package: &str,
    ) -> Result<Owners, Problem> {
        let members = self.members(admission, group, package)?;
        let claimed = group.protocol.names().claimed(package);
        let mut owners = Vec::new();
        for member in &members.hosted {
            if !self.packages.owns(member, &claimed).await? {
                continue;
            }
            if !admission.may(&read_of(member, &claimed)) {
                return Ok(Owners::Nobody(members.nowhere(package)));
            }
            owners.push(Arc::clone(member));
        }
        if !owners.is_empty() {
            return Ok(Owners::Hosted(owners));
        }
        if self.is_reserved(group, &claimed).await? {
            return Ok(Owners::Nobody(members.nowhere(package)));
        }
        if let Some((member, above)) = self.above(group, &members.hosted, package).await? {
            // Clients ask for each longer name first, and go on only where there is none: who may read
            // what is above is told so, whatever the mirrors would say.
            let may_read = member.is_some_and(|it| admission.may(&read_of(&it, &above)));
            let problem = if may_read {
                absent()
            } else {
                members.nowhere(package)
            };
            return Ok(Owners::Nobody(problem));
        }
        Ok(Owners::Mirrors(members.mirrors))
    }

    /// Whether a name is published in one of these repos, or was, or is reserved in `own`.
    pub(crate) async fn is_taken(
        &self,
        own: &Repo,
        hosted: &[Arc<Repo>],
        name: &str,
    ) -> Result<bool, Problem> {
        let name = own.protocol.names().claimed(name);
        for repo in hosted {
            if self.packages.owns(repo, &name).await? {
                return Ok(true);
            }
        }
        Ok(own.is_group() && self.is_reserved(own, &name).await?
            || self.above(own, hosted, &name).await?.is_some())
    }

    /// Which of these names are taken ([`Self::is_taken`]).
    pub(crate) async fn taken_of(
        &self,
        own: &Repo,
        hosted: &[Arc<Repo>],
        names: Vec<Box<str>>,
    ) -> Result<HashSet<Box<str>>, Problem> {
        let mut taken = HashSet::new();
        if names.len() <= ASKED_ONE_BY_ONE {
            for name in names {
                if self.is_taken(own, hosted, &name).await? {
                    taken.insert(name);
                }
            }
            return Ok(taken);
        }
        let mut owned = HashSet::new();
        if own.is_group() {
            owned = self.reserved_names(own).await?;
        }
        for repo in hosted {
            self.packages.add_names(repo, &mut owned).await?;
        }
        if owned.is_empty() {
            return Ok(taken);
        }
        let rules = own.protocol.names();
        for (number, name) in names.into_iter().enumerate() {
            let is_owned = |name: &str| owned.contains(name);
            let claimed = rules.claimed(&name);
            if is_owned(&claimed) || rules.above(&claimed).into_iter().any(is_owned) {
                taken.insert(name);
            }
            if number % NAMES == NAMES - 1 {
                tokio::task::yield_now().await;
            }
        }
        Ok(taken)
    }

    /// What is above a name and published in one of these repos, or was, or is reserved in `own` (`None`
    /// as the repo): then the name is its publisher's, and no upstream is told of it.
    async fn above(
        &self,
        own: &Repo,
        hosted: &[Arc<Repo>],
        package: &str,
    ) -> Result<Option<(Option<Arc<Repo>>, Box<str>)>, Problem> {
        for above in own.protocol.names().above(package) {
            for member in hosted {
                if self.packages.owns(member, above).await? {
                    return Ok(Some((Some(Arc::clone(member)), above.into())));
                }
            }
            if own.is_group() && self.is_reserved(own, above).await? {
                return Ok(Some((None, above.into())));
            }
        }
        Ok(None)
    }

    /// Whether a deleted repo left a name reserved.
    async fn is_reserved(&self, repo: &Repo, package: &str) -> Result<bool, Problem> {
        let protocol = repo.record.protocol;
        if package.is_empty() || !self.gate.policy().has_reservations(protocol) {
            return Ok(false);
        }
        Ok(self.metadata.is_reserved(protocol, package).await?)
    }

    /// All names that deleted repos left reserved.
    pub(super) async fn reserved_names(&self, group: &Repo) -> Result<HashSet<Box<str>>, Problem> {
        let protocol = group.record.protocol;
        if !self.gate.policy().has_reservations(protocol) {
            return Ok(HashSet::new());
        }
        Ok(self.metadata.reserved_packages(protocol).await?)
    }
}

/// Nothing is served from a group whose member was deleted: what it had would come from elsewhere.
fn lacks_member(group: &Repo) -> Problem {
    let name = group.record.full_name();
    let detail = format!(
        "a member of the group {name} was deleted, so nothing is served from it until its members \
         are set anew: larder repo set {name} --member NAME …"
    );
    Problem::not_found("repository", detail)
}
