//! The repositories behind an address: of a group its members, but of a name that a hosted one has
//! or had only that one.

use super::repositories::kind_of;
use crate::caller::Caller;
use crate::extract::path::PackagePath;
use crate::state::{ApiState, no_package};
use larder_api::RepoKind;
use larder_metadata::files::PackageKey;
use larder_metadata::listing::By;
use larder_metadata::repos::RepoRecord;
use larder_model::{Problem, ProtocolName, RepoSettings, Verb};
use std::sync::Arc;

pub(crate) fn is_hosted(repo: &RepoRecord) -> bool {
    kind_of(repo) == RepoKind::Hosted
}

pub(crate) fn key_of<'a>(repo: &RepoRecord, package: &'a str) -> PackageKey<'a> {
    PackageKey {
        repo: repo.id,
        package,
    }
}

/// What tells versions apart.
pub(crate) fn by(protocol: ProtocolName) -> By {
    if protocol == ProtocolName::OCI {
        By::Tag
    } else {
        By::Version
    }
}

/// The repos behind an address: itself, or a group's members in their order.
pub(crate) fn of_repo(
    state: &ApiState,
    repo: Arc<RepoRecord>,
) -> Result<Vec<Arc<RepoRecord>>, Problem> {
    if kind_of(&repo) != RepoKind::Group {
        return Ok(vec![repo]);
    }
    let members = RepoSettings::read(&repo.settings)
        .map_err(Problem::internal)?
        .members;
    let policy = state.gate.policy();
    Ok(members
        .iter()
        .filter_map(|name| policy.repo(repo.protocol, name).cloned())
        .collect())
}

/// The repos that a package is shown from, none of them forbidden; a problem if there is none.
pub(crate) async fn of_package(
    state: &ApiState,
    caller: &Caller,
    path: &PackagePath,
) -> Result<Vec<Arc<RepoRecord>>, Problem> {
    let mut sources = Vec::new();
    for source in of_repo(state, state.repo(&path.repo)?)? {
        let revision = state.metadata.revision(key_of(&source, &path.package));
        let (known, read) = (revision.await?.is_some(), path.within(&source, Verb::Read));
        if known && is_hosted(&source) {
            caller.require(read)?;
            return Ok(vec![source]);
        }
        if known && caller.may(&read) {
            sources.push(source);
        }
    }
    if sources.is_empty() {
        Err(no_package())
    } else {
        Ok(sources)
    }
}
