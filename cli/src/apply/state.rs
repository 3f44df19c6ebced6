//! What there is, as the API tells it.

use larder_api::{Caller, Grant, Group, Repository, Retention, Robot, Schedule, Settings};
use larder_model::{RepoPath, UserName};
use std::collections::BTreeSet;

/// A group, and who is in it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct GroupState {
    pub(crate) group: Group,
    pub(crate) members: BTreeSet<String>,
}

/// What a repository lets go by rules.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct RetentionState {
    pub(crate) repository: RepoPath,
    pub(crate) policy: Retention,
}

/// What there is, as far as the caller may see it and the file speaks of it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct State {
    /// Who asks. A superuser sees all, so that what is not here is not there.
    pub(crate) caller: Caller,
    pub(crate) settings: Option<Settings>,
    pub(crate) repositories: Vec<Repository>,
    /// Those of them in which there is something, as far as that was asked.
    pub(crate) filled: BTreeSet<RepoPath>,
    pub(crate) groups: Vec<GroupState>,
    pub(crate) robots: Vec<Robot>,
    pub(crate) grants: Vec<Grant>,
    /// Of all kinds of jobs that the server does.
    pub(crate) schedules: Vec<Schedule>,
    /// Of repositories of which that was asked.
    pub(crate) retentions: Vec<RetentionState>,
    pub(crate) users: BTreeSet<UserName>,
    /// How many quotas repositories share, which no file has.
    pub(crate) shared_quotas: usize,
}

/// The path of a repository.
pub(crate) fn path_of(repository: &Repository) -> RepoPath {
    RepoPath {
        protocol: repository.protocol,
        name: repository.name.clone(),
    }
}
