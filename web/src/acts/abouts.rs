//! What people are told of a package and of a version. All of it is read from what is kept: nobody is
//! asked upstream because someone looks.

use super::blocks;
use super::sources::{by, is_hosted, key_of, of_package};
use super::versions::{files_of, no_version};
use crate::caller::Caller;
use crate::extract::path::{PackageParams, PackagePath, VersionName, VersionParams};
use crate::extract::rights::PackageReader;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, path_of};
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::listing::VersionPage;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::describing::{About, Dependency, FileState, Readme, ReadmeFormat, Told};
use larder_model::{Problem, Verb};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Packages that are looked for among the dependencies of one version.
const MAX_LOOKED_FOR: usize = 200;

/// Shows a package: where it is, the names that lead to versions, the rules that refuse it.
#[utoipa::path(
    get,
    path = "/repositories/{protocol}/{name}/packages/{package}",
    tag = "packages",
    operation_id = "get_package",
    params(PackageParams),
    responses((status = 200, description = "The package.", body = api::PackageDetails)),
    extensions(("x-right" = json!(Right::PackageRead))),
)]
pub(crate) async fn package(
    PackageReader { caller, path, .. }: PackageReader,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::PackageDetails>, Refusal> {
    let holders = of_package(&state, &caller, &path).await?;
    let mut tags = BTreeMap::new();
    for holder in &holders {
        let marks = state.engine.marks(holder, &path.package).await?;
        for (tag, version) in &marks.tags {
            let first = tags.entry(tag.clone());
            first.or_insert_with(|| version.clone());
        }
    }
    Ok(Json(api::PackageDetails {
        hosted: holders.iter().any(|holder| is_hosted(holder)),
        repositories: holders.iter().map(|holder| path_of(holder)).collect(),
        tags,
        blocked: blocks::of_package(&state, &path, &holders)?,
        name: path.package.into(),
    }))
}

/// Shows what a version is: its readme, licence and links, what it needs.
///
/// It is read from documents and files that are kept; nothing is fetched for it.
#[utoipa::path(
    get,
    path = "/repositories/{protocol}/{name}/packages/{package}/versions/{version}/about",
    tag = "packages",
    operation_id = "get_version_about",
    params(PackageParams, VersionParams),
    responses((status = 200, description = "What is told of it.", body = api::VersionAbout)),
    extensions(("x-right" = json!(Right::PackageRead)), ("x-codes" = json!(["version_not_found"]))),
)]
pub(crate) async fn version(
    PackageReader { caller, path, .. }: PackageReader,
    VersionName(version): VersionName,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::VersionAbout>, Refusal> {
    let holders = of_package(&state, &caller, &path).await?;
    let mut known = None;
    for holder in &holders {
        let files = files_of(&state, holder, &path.package, &version).await?;
        if !files.is_empty() {
            let told = state.engine.about(holder, &path.package, &version).await?;
            known = Some((holder, told));
            break;
        }
    }
    if known.is_none() {
        // A document may know what nobody has fetched yet.
        for holder in &holders {
            if let Some(told) = state.engine.about(holder, &path.package, &version).await? {
                known = Some((holder, Some(told)));
                break;
            }
        }
    }
    let (holder, told) = known.ok_or_else(no_version)?;
    let shown = to_api(&path, &version, holder, told);
    Ok(Json(linked(&state, &caller, &path, shown).await?))
}

fn to_api(
    path: &PackagePath,
    version: &str,
    holder: &RepoRecord,
    told: Option<Told>,
) -> api::VersionAbout {
    let (about, file, problem) = match told {
        None => (About::default(), api::FileRead::None, None),
        Some(Told { about, file }) => {
            let (file, problem) = match file {
                FileState::Read => (api::FileRead::Read, None),
                FileState::NotKept => (api::FileRead::NotKept, None),
                FileState::TooLarge => (api::FileRead::TooLarge, None),
                FileState::Unreadable(why) => (api::FileRead::Unreadable, Some(why)),
            };
            (about, file, problem)
        }
    };
    let links = about.links.into_iter().map(|link| api::AboutLink {
        label: link.label,
        url: link.url,
    });
    let facts = about.facts.into_iter().map(|fact| api::Fact {
        name: fact.name.to_owned(),
        values: fact.values,
    });
    api::VersionAbout {
        package: path.package.to_string(),
        version: version.to_owned(),
        repository: path_of(holder),
        summary: about.summary,
        readme: about.readme.map(readme),
        license: about.license,
        links: links.collect(),
        authors: about.authors,
        dependencies: about.dependencies.into_iter().map(dependency).collect(),
        facts: facts.collect(),
        file,
        problem,
    }
}

fn readme(readme: Readme) -> api::Readme {
    api::Readme {
        format: match readme.format {
            ReadmeFormat::Markdown => api::ReadmeFormat::Markdown,
            ReadmeFormat::RestructuredText => api::ReadmeFormat::Rst,
            ReadmeFormat::Plain => api::ReadmeFormat::Plain,
        },
        text: readme.text,
        truncated: readme.truncated,
    }
}

fn dependency(needed: Dependency) -> api::Dependency {
    api::Dependency {
        name: needed.name,
        package: needed.package,
        requirement: needed.requirement,
        kind: needed.kind.to_owned(),
        optional: needed.optional,
        features: needed.features,
        condition: needed.condition,
    }
}

/// The same, with the names of those packages alone that are here for the caller.
async fn linked(
    state: &ApiState,
    caller: &Caller,
    path: &PackagePath,
    mut about: api::VersionAbout,
) -> Result<api::VersionAbout, Problem> {
    let mut found: HashMap<String, bool> = HashMap::new();
    for needed in &mut about.dependencies {
        let Some(name) = &needed.package else {
            continue;
        };
        let is_here = match found.get(name) {
            Some(known) => *known,
            None if found.len() >= MAX_LOOKED_FOR => false,
            None => {
                let is_here = is_here(state, caller, path, name).await?;
                found.insert(name.clone(), is_here);
                is_here
            }
        };
        if !is_here {
            needed.package = None;
        }
    }
    Ok(about)
}

/// Whether a package of the same repository is here, and the caller may read it.
async fn is_here(
    state: &ApiState,
    caller: &Caller,
    path: &PackagePath,
    name: &str,
) -> Result<bool, Problem> {
    let other = PackagePath {
        repo: path.repo.clone(),
        package: name.into(),
    };
    if !caller.may(&other.permission(Verb::Read)) {
        return Ok(false);
    }
    let Ok(holders) = of_package(state, caller, &other).await else {
        return Ok(false);
    };
    for holder in holders {
        let (key, by) = (key_of(&holder, name), by(holder.protocol));
        let first = VersionPage {
            prefix: "",
            after: "",
            limit: 1,
        };
        let versions = state.metadata.versions_of(key, by, first).await?;
        if !versions.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
