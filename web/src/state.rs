//! What acts work with.

use crate::engine::Engine;
use crate::openapi::Document;
use larder_access::{Gate, PolicySnapshot, RateLimiter};
use larder_jobs::Jobs;
use larder_metadata::Metadata;
use larder_metadata::groups::Group;
use larder_metadata::repos::RepoRecord;
use larder_metadata::users::User;
use larder_mirrors::{Protocol, VersionKind};
use larder_model::{Problem, ProtocolName, RepoPath, UserKind, UserName};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// How long the collector of this server waits, as its answers tell it.
#[derive(Clone, Copy, Debug)]
pub struct CollectorWaits {
    /// How long something is left alone once nothing names it.
    pub grace: Duration,
    /// How long a blob is left alone that a client was told of, where no manifest names it.
    pub told: Duration,
    /// How often the collector runs besides its schedule; `None`: it does not.
    pub every: Option<Duration>,
}

/// The parts of the API.
pub(crate) struct ApiState {
    pub(crate) metadata: Metadata,
    pub(crate) gate: Arc<Gate>,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) jobs: Jobs,
    pub(crate) collector_waits: CollectorWaits,
    /// Protocols and kinds of the repositories that can be made.
    pub(crate) creatable: Vec<(ProtocolName, &'static str)>,
    /// What is told of all calls.
    pub(crate) document: &'static LazyLock<Document>,
    /// Counts the requests of each caller.
    pub(crate) rate_limiter: RateLimiter,
}

impl ApiState {
    /// The repository at a path.
    pub(crate) fn repo(&self, path: &RepoPath) -> Result<Arc<RepoRecord>, Problem> {
        self.gate
            .policy()
            .repo(path.protocol, &path.name)
            .cloned()
            .ok_or_else(no_repo)
    }

    /// The user of a name.
    pub(crate) async fn user(&self, name: &UserName) -> Result<User, Problem> {
        let user = self.metadata.user(name.as_str()).await?;
        user.ok_or_else(no_user)
    }

    /// The person of a name.
    pub(crate) async fn person(&self, name: &UserName) -> Result<User, Problem> {
        let user = self.user(name).await?;
        Some(user)
            .filter(|user| user.kind == UserKind::Person)
            .ok_or_else(no_user)
    }

    /// The robot of a name.
    pub(crate) async fn robot(&self, name: &UserName) -> Result<User, Problem> {
        let user = self.metadata.user(name.as_str()).await?;
        user.filter(|user| user.kind == UserKind::Robot)
            .ok_or_else(no_robot)
    }

    /// The group of a name.
    pub(crate) async fn group(&self, name: &UserName) -> Result<Group, Problem> {
        let group = self.metadata.group(name.as_str()).await?;
        group.ok_or_else(no_group)
    }

    /// The names of the groups that a user is in, and of those that hold them.
    pub(crate) async fn groups_of(&self, user: &User) -> Result<Vec<String>, Problem> {
        let memberships = self.metadata.groups_of(user.id).await?;
        let mut groups: Vec<String> = memberships
            .into_iter()
            .map(|membership| membership.group.into())
            .collect();
        groups.sort_unstable();
        groups.dedup();
        Ok(groups)
    }
}

/// Where a repository is.
pub(crate) fn path_of(repo: &RepoRecord) -> RepoPath {
    RepoPath {
        protocol: repo.protocol,
        name: repo.name.clone(),
    }
}

/// The repositories after a path, in the order of their paths.
pub(crate) fn repos_after<'a>(policy: &'a PolicySnapshot, after: &str) -> Vec<&'a Arc<RepoRecord>> {
    let mut repos: Vec<_> = policy
        .repos()
        .map(|repo| (path_of(repo).to_string(), repo))
        .filter(|(path, _)| **path > *after)
        .collect();
    repos.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    repos.into_iter().map(|(_, repo)| repo).collect()
}

/// Whether versions of a protocol's packages are tags, which move.
pub(crate) fn versions_are_tags(protocol: ProtocolName) -> bool {
    let kind = larder_mirrors::of(protocol).map(Protocol::version_kind);
    kind == Some(VersionKind::Tag)
}

/// Whether a repository is there as soon as somebody pushes to it. A name with a dot is that of a
/// registry, whose mirror it will be.
pub(crate) fn is_made_by_pushes(path: &RepoPath) -> bool {
    path.protocol == ProtocolName::OCI && !path.name.as_str().contains('.')
}

pub(crate) fn no_repo() -> Problem {
    Problem::not_found("repository", "no such repository, or you may not see it")
}

pub(crate) fn no_package() -> Problem {
    Problem::not_found("package", "no such package here, or you may not see it")
}

pub(crate) fn no_group() -> Problem {
    Problem::not_found("group", "no such group, or you may not see it")
}

pub(crate) fn no_robot() -> Problem {
    Problem::not_found("robot", "no such robot, or you may not see it")
}

pub(crate) fn no_schedule() -> Problem {
    let detail = "no such schedule: this server does no jobs of this kind; GET /api/v1/schedules \
                  lists those it does";
    Problem::not_found("schedule", detail)
}

pub(crate) fn no_user() -> Problem {
    Problem::not_found("user", "no such user, or you may not see it")
}
