//! The members of a group, and those who answer for a name.

use crate::problems::absent;
use crate::repo::Repo;
use larder_model::{Kind, Problem};
use std::sync::Arc;

/// The members of a group, for a caller.
pub(crate) struct Members {
    /// All hosted ones, in their order, whether the caller may read them or not.
    pub(crate) hosted: Vec<Arc<Repo>>,
    /// The mirrors, in their order, before the first that the caller may not read.
    pub(crate) mirrors: Vec<Arc<Repo>>,
}

/// Who answers for a name.
pub(crate) enum Owners {
    /// Hosted members that have the name or had it.
    Hosted(Vec<Arc<Repo>>),
    /// No hosted member: the mirrors, one after the other.
    Mirrors(Vec<Arc<Repo>>),
    /// Nobody, and why.
    Nobody(Problem),
}

impl Members {
    /// Hosted ones first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Repo>> {
        self.hosted.iter().chain(&self.mirrors)
    }

    /// The answer for a name that no member has. It follows from the group and from rules for names
    /// alone, not from what is published.
    pub(crate) fn nowhere(&self, package: &str) -> Problem {
        nowhere(&self.mirrors, package)
    }
}

/// The answer for a name that neither a group nor these mirrors of it have.
pub(crate) fn nowhere(mirrors: &[Arc<Repo>], package: &str) -> Problem {
    for mirror in mirrors.iter().filter(|mirror| mirror.has_upstream()) {
        if let Err(problem) = mirror.require_not_blocked(package) {
            return problem;
        }
        if let Err(problem) = mirror.upstream() {
            return problem;
        }
    }
    match mirrors.iter().find(|mirror| !mirror.has_upstream()) {
        // What is published here can be used and added to all the same.
        Some(mirror) => {
            let detail = format!("no such package here, and {}", mirror.lacks_upstream());
            Problem::not_found("name", detail)
        }
        None => absent(),
    }
}

/// Whether a problem of a member is that it does not have something: the next one is asked. Static
/// files in buckets, and some registries, say so by 400, 401 or 403. Where we show credentials these
/// may mean that they are wrong, and what is kept of a member is served before it is refused.
pub(super) fn is_lacking(member: &Repo, problem: &Problem) -> bool {
    let is_refused = || {
        let upstream = member.upstream.as_ref();
        upstream.is_some_and(|upstream| !upstream.has_credentials())
            && matches!(problem.upstream_status, Some(400 | 401 | 403))
    };
    problem.kind == Kind::NotFound || is_refused()
}
