//! The repositories behind an address: of a group its members, but of a name that hosted ones have
//! or had only those, and of a name that the caller may not have none.

use super::repositories::kind_of;
use crate::caller::Caller;
use crate::extract::path::PackagePath;
use crate::state::{ApiState, no_package};
use larder_api::RepoKind;
use larder_metadata::files::PackageKey;
use larder_metadata::listing::VersionBy;
use larder_metadata::repos::{Member, RepoRecord};
use larder_mirrors::{Protocol, VersionKind};
use larder_model::{Problem, ProtocolName, Verb};
use std::collections::HashSet;
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
pub(crate) fn by(protocol: ProtocolName) -> VersionBy {
    match larder_mirrors::of(protocol).map(Protocol::version_kind) {
        Some(VersionKind::Tag) => VersionBy::Tag,
        _ => VersionBy::Version,
    }
}

/// The repos behind an address: itself, or a group's members in their order. A member that was
/// deleted refuses all.
pub(crate) fn of_repo(
    state: &ApiState,
    repo: &Arc<RepoRecord>,
) -> Result<Vec<Arc<RepoRecord>>, Problem> {
    if kind_of(repo) != RepoKind::Group {
        return Ok(vec![Arc::clone(repo)]);
    }
    let policy = state.gate.policy();
    let record = |member: &Member| {
        let id = member.id.ok_or_else(no_package)?;
        policy.repo_by_id(id).cloned().ok_or_else(no_package)
    };
    repo.members.iter().map(record).collect()
}

/// Names that no mirror of a group gives, since deleted repositories had them.
pub(crate) async fn reserved_in(
    state: &ApiState,
    repo: &RepoRecord,
) -> Result<HashSet<Box<str>>, Problem> {
    let is_group = kind_of(repo) == RepoKind::Group;
    if !is_group || !state.gate.policy().has_reservations(repo.protocol) {
        return Ok(HashSet::new());
    }
    Ok(state.metadata.reserved_packages(repo.protocol).await?)
}

/// Those of the repos behind an address that a package is shown from: hosted ones if any has it or
/// had it, else the mirrors before the first that the caller may not read.
pub(crate) fn holders(
    caller: &Caller,
    path: &PackagePath,
    sources: &[(Arc<RepoRecord>, bool)],
    is_reserved: bool,
) -> Vec<Arc<RepoRecord>> {
    let may = |repo: &RepoRecord| caller.may(&path.within(repo, Verb::Read));
    let (hosted, mirrors): (Vec<_>, Vec<_>) =
        sources.iter().partition(|(source, _)| is_hosted(source));
    let known = |(source, known): &(Arc<RepoRecord>, bool)| known.then(|| Arc::clone(source));
    let owners: Vec<_> = hosted.into_iter().filter_map(known).collect();
    if !owners.is_empty() || is_reserved {
        let all = owners.iter().all(|owner| may(owner));
        return if all { owners } else { Vec::new() };
    }
    let mirrors = mirrors.into_iter().take_while(|(source, _)| may(source));
    mirrors.filter_map(known).collect()
}

/// The repos that a package is shown from; a problem if there is none.
pub(crate) async fn of_package(
    state: &ApiState,
    caller: &Caller,
    path: &PackagePath,
) -> Result<Vec<Arc<RepoRecord>>, Problem> {
    of_package_where(state, caller, path, |_| false).await
}

/// The repos that a package is read from: also mirrors that do not know it yet, since their upstream
/// may.
pub(crate) async fn of_package_upstream(
    state: &ApiState,
    caller: &Caller,
    path: &PackagePath,
) -> Result<Vec<Arc<RepoRecord>>, Problem> {
    let is_mirror = |source: &RepoRecord| kind_of(source) == RepoKind::Mirror;
    of_package_where(state, caller, path, is_mirror).await
}

/// Whether no mirror of a group gives a name: a deleted repository had it, or one above it, or one above
/// it is published.
async fn is_taken(
    state: &ApiState,
    path: &PackagePath,
    sources: &[(Arc<RepoRecord>, bool)],
) -> Result<bool, Problem> {
    let protocol = path.repo.protocol;
    let names = larder_mirrors::of(protocol).map(Protocol::names);
    let above = names.map_or_else(Vec::new, |names| names.above(&path.package));
    let hosted = sources.iter().filter(|(source, _)| is_hosted(source));
    for (source, _) in hosted {
        for name in &above {
            if state.metadata.owns_name(key_of(source, name)).await? {
                return Ok(true);
            }
        }
    }
    if state.gate.policy().has_reservations(protocol) {
        for name in above.into_iter().chain([&*path.package]) {
            if state.metadata.is_reserved(protocol, name).await? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The same; some count as if they knew the package.
async fn of_package_where(
    state: &ApiState,
    caller: &Caller,
    path: &PackagePath,
    counts: impl Fn(&RepoRecord) -> bool,
) -> Result<Vec<Arc<RepoRecord>>, Problem> {
    let repo = state.repo(&path.repo)?;
    let mut sources = Vec::new();
    for source in of_repo(state, &repo)? {
        let key = key_of(&source, &path.package);
        let known = counts(&source) || state.metadata.revision(key).await?.is_some();
        sources.push((source, known));
    }
    let is_taken = kind_of(&repo) == RepoKind::Group && is_taken(state, path, &sources).await?;
    let holders = holders(caller, path, &sources, is_taken);
    if holders.is_empty() {
        Err(no_package())
    } else {
        Ok(holders)
    }
}
