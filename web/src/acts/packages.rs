//! Packages of a repository.

use super::sources::{self, is_hosted};
use super::versions::remove;
use crate::answer::NoContent;
use crate::caller::Caller;
use crate::extract::head::KnownQuery;
use crate::extract::page::Page;
use crate::extract::path::{PackageParams, PackagePath, RepoParams, canonical_name};
use crate::extract::rights::{Identified, PackageDeleter, RepoLister};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, path_of};
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::listing::Package;
use larder_metadata::repos::RepoRecord;
use larder_model::{Problem, RepoPath, Verb};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names looked at for one answer: whoever sees little pages through what it does not see.
const MAX_NAMES: usize = 20_000;
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
    RepoLister { caller, path, .. }: RepoLister,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Package>>, Refusal> {
    let terms = canonical_name(path.protocol, query.get("q").unwrap_or_default()).to_lowercase();
    let sources = sources::of_repo(&state, state.repo(&path)?)?;
    let count = if terms.is_empty() {
        page.limit + 1
    } else {
        NAMES.max(page.limit + 1)
    };
    let (mut items, mut after, mut looked_at) = (Vec::new(), page.after.clone(), 0);
    // As many looks as it takes to fill the page, up to a bound.
    let next = loop {
        let names = names(&state, &sources, &after, count).await?;
        let last = names.last_key_value().map(|(name, _)| name.to_string());
        let more = last.filter(|_| names.len() >= count);
        looked_at += names.len();
        let meant = names
            .into_iter()
            .filter(|(name, _)| name.to_lowercase().contains(&terms));
        items.extend(meant.filter_map(|(name, rows)| shown(&caller, &path, &sources, name, &rows)));
        if items.len() > page.limit {
            items.truncate(page.limit);
            break items.last().map(|item: &api::Package| item.name.clone());
        }
        match more {
            Some(last) if looked_at < MAX_NAMES => after = last,
            more => break more,
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
fn shown(
    caller: &Caller,
    path: &RepoPath,
    sources: &[Arc<RepoRecord>],
    name: Box<str>,
    rows: &[(usize, Package)],
) -> Option<api::Package> {
    let package = PackagePath {
        repo: path.clone(),
        package: name,
    };
    let owner = rows.iter().find(|(at, _)| is_hosted(&sources[*at]));
    let known = owner.map_or(rows, std::slice::from_ref);
    let visible = |(at, row): &&(usize, Package)| {
        row.live && caller.may(&package.within(&sources[*at], Verb::List))
    };
    let holders: Vec<_> = known.iter().filter(visible).collect();
    let updated_at = holders.iter().map(|(_, row)| row.updated_at).max()?;
    let there = caller.may(&package.permission(Verb::List));
    there.then(|| api::Package {
        name: package.package.into(),
        hosted: owner.is_some(),
        repositories: holders
            .iter()
            .map(|(at, _)| path_of(&sources[*at]))
            .collect(),
        updated_at,
    })
}
