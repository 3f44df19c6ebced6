//! The members of a group, and those who answer for a name.

use crate::problems::absent;
use crate::repo::Repo;
use larder_model::Problem;
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
