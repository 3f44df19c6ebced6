//! Who answers for a name, and who takes what is published, for the doors that serve repos themselves.

use crate::Packages;
use crate::group::{Owners, nowhere};
use crate::problems::absent;
use crate::repo::Repo;
use larder_access::Admission;
use larder_metadata::repos::RepoRecord;
use larder_model::Problem;
use std::sync::Arc;

/// Who answers for a name in a group, one after the other: never some of both kinds, for what is published
/// here is not taken from elsewhere.
#[derive(Debug)]
pub enum NameOwners {
    /// Hosted members that have the name, or had it.
    Hosted(Vec<Arc<RepoRecord>>),
    /// Mirrors, before the first that the caller may not read.
    Mirrors(Vec<Arc<RepoRecord>>),
}

impl Packages {
    /// Who answers for a name in a group. Fails if that is nobody whom the caller may read.
    pub async fn owners(
        &self,
        admission: &Admission,
        group: &Arc<RepoRecord>,
        name: &str,
    ) -> Result<NameOwners, Problem> {
        let group = self.repo(group)?;
        let records = |repos: Vec<Arc<Repo>>| {
            let repos = repos.into_iter();
            repos.map(|repo| Arc::clone(&repo.record)).collect()
        };
        match self.0.groups.owners(admission, &group, name).await? {
            Owners::Hosted(repos) => Ok(NameOwners::Hosted(records(repos))),
            Owners::Mirrors(repos) => Ok(NameOwners::Mirrors(records(repos))),
            Owners::Nobody(problem) => Err(problem),
        }
    }

    /// The answer for a name that no member of a group has, of which these are the mirrors: the same as for
    /// one that the caller may not see.
    pub fn nowhere(&self, mirrors: &[Arc<RepoRecord>], name: &str) -> Problem {
        let repos = mirrors.iter().map(|mirror| self.repo(mirror));
        match repos.collect::<Result<Vec<_>, _>>() {
            Ok(repos) => nowhere(&repos, name),
            Err(problem) => problem,
        }
    }

    /// The repo that takes what is published at a repo's address: itself, or a group's first hosted member.
    pub fn published_to(
        &self,
        admission: &Admission,
        own: &Arc<RepoRecord>,
    ) -> Result<Arc<RepoRecord>, Problem> {
        let to = self.0.groups.published_to(admission, &self.repo(own)?)?;
        Ok(Arc::clone(&to.record))
    }

    fn repo(&self, record: &Arc<RepoRecord>) -> Result<Arc<Repo>, Problem> {
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(absent)?;
        self.0.repos.of(record, protocol)
    }
}
