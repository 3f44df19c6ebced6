//! Packages of a repository.

use super::sources::{self, is_hosted};
use super::versions::remove;
use crate::answer::NoContent;
use crate::caller::Caller;
use crate::extract::head::KnownQuery;
use crate::extract::page::Page;
use crate::extract::path::{PackageParams, PackagePath, RepoParams, canonical_name};
use crate::extract::rights::{Identified, PackageDeleter, RepoReader};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, path_of};
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::listing::Package;
use larder_metadata::repos::RepoRecord;
use larder_model::{Problem, RepoPath, Verb};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Names looked at for one answer: whoever sees little pages through what it does not see.
const MAX_NAMES: usize = if cfg!(test) { 100 } else { 20_000 };
/// The list that closed cursors of all repositories' packages are of: some pages go through several
/// repositories together.
pub const PACKAGES_CURSOR: &str = "packages";
/// Names looked through in one go where terms are sought.
const NAMES: usize = 1000;

/// Names of packages, each with the sources that know it.
type Names = BTreeMap<Box<str>, Vec<(usize, Package)>>;

/// Lists packages by name.
///
/// Of a group, all that its members have; a name that is published in a hosted member comes from
/// there alone.
#[utoipa::path(
    get,
    path = "/repositories/{protocol}/{name}/packages",
    tag = "packages",
    operation_id = "list_packages",
    params(RepoParams, ("q" = Option<String>, Query, description = "What the names hold."), Page),
    responses((status = 200, description = "A page of packages.", body = api::List<api::Package>)),
    extensions(("x-right" = json!(Right::RepositoryRead))),
)]
pub(crate) async fn list(
    page: Page,
    KnownQuery(query): KnownQuery,
    RepoReader { caller, path, .. }: RepoReader,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Package>>, Refusal> {
    let terms = canonical_name(path.protocol, query.get("q").unwrap_or_default()).to_lowercase();
    let repo = state.repo(&path)?;
    let reserved = sources::reserved_in(&state, &repo).await?;
    let sources = sources::of_repo(&state, &repo)?;
    let count = if terms.is_empty() {
        page.limit + 1
    } else {
        NAMES.max(page.limit + 1)
    };
    let after = state.gate.open_cursor(&page.after, PACKAGES_CURSOR);
    let (mut items, mut after, mut looked_at) = (Vec::new(), after, 0);
    // As many looks as it takes to fill the page, up to a bound.
    let next = loop {
        let names = names(&state, &sources, &after, count).await?;
        let last = names.last_key_value().map(|(name, _)| name.to_string());
        let more = last.filter(|_| names.len() >= count);
        looked_at += names.len();
        let meant = names
            .into_iter()
            .filter(|(name, _)| name.to_lowercase().contains(&terms));
        let show = |(name, rows): (Box<str>, Vec<(usize, Package)>)| {
            to_api(&caller, &path, (&sources, &reserved), name, &rows)
        };
        items.extend(meant.filter_map(show));
        if items.len() > page.limit {
            items.truncate(page.limit);
            break items.last().map(|item: &api::Package| item.name.clone());
        }
        match more {
            Some(last) if looked_at < MAX_NAMES => after = last,
            // The caller may not know of that name.
            Some(last) => break Some(state.gate.close_cursor(&last, PACKAGES_CURSOR)?),
            None => break None,
        }
    };
    Ok(Json(api::List::part(items, next)))
}

/// Deletes a package; a mirror forgets what it keeps of it.
#[utoipa::path(
    delete,
    path = "/repositories/{protocol}/{name}/packages/{package}",
    tag = "packages",
    operation_id = "delete_package",
    params(PackageParams),
    responses((status = 204, description = "It is gone.")),
    extensions(
        ("x-right" = json!(Right::PackageDelete)),
        ("x-codes" = json!(["version_not_found", "unsupported", "conflict"])),
    ),
)]
pub(crate) async fn delete(
    PackageDeleter { caller, path, .. }: PackageDeleter,
    _: Identified,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    remove(&state, &caller, &path, None).await?;
    Ok(NoContent)
}

/// The first `count` names after `after`, each with the sources that know it.
async fn names(
    state: &ApiState,
    sources: &[Arc<RepoRecord>],
    after: &str,
    count: usize,
) -> Result<Names, Problem> {
    let mut names = Names::new();
    for (at, source) in sources.iter().enumerate() {
        let packages = state
            .metadata
            .packages_of(source.id, after, count as u64)
            .await?;
        for package in packages {
            let known = names.entry(package.name.clone()).or_default();
            known.push((at, package));
        }
    }
    // Of the first names of all every source has told: it has no more than so many before them.
    while names.len() > count {
        names.pop_last();
    }
    Ok(names)
}

/// A name as it is shown to the caller; `None` if it is not: nothing is there, or the caller may
/// not know.
fn to_api(
    caller: &Caller,
    path: &RepoPath,
    (sources, reserved): (&[Arc<RepoRecord>], &HashSet<Box<str>>),
    name: Box<str>,
    rows: &[(usize, Package)],
) -> Option<api::Package> {
    let package = PackagePath {
        repo: path.clone(),
        package: name,
    };
    let row_of = |source: &RepoRecord| {
        let of_source = |(at, _): &&(usize, Package)| sources[*at].id == source.id;
        rows.iter().find(of_source).map(|(_, row)| row)
    };
    let known: Vec<_> = sources
        .iter()
        .map(|source| (Arc::clone(source), row_of(source).is_some()))
        .collect();
    let is_reserved = reserved.contains(&package.package);
    let is_listed = |source: &Arc<RepoRecord>| {
        let is_live = row_of(source).is_some_and(|row| row.live);
        is_live && caller.may(&package.within(source, Verb::List))
    };
    let holders = sources::holders(caller, &package, &known, is_reserved);
    let holders: Vec<_> = holders.into_iter().filter(is_listed).collect();
    let times = holders.iter().filter_map(|source| row_of(source));
    let updated_at = times.map(|row| row.updated_at).max()?;
    let there = caller.may(&package.permission(Verb::List));
    there.then(|| api::Package {
        name: package.package.clone().into(),
        hosted: holders.iter().any(|source| is_hosted(source)),
        repositories: holders.iter().map(|source| path_of(source)).collect(),
        updated_at,
    })
}
