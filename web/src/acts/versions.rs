//! Versions of a package: what is there, what is yanked, taken back or, of a mirror, not kept any
//! more.

use super::blocks;
use super::images::image;
use super::repositories::kind_of;
use super::sources::{by, is_hosted, key_of, of_package};
use crate::answer::NoContent;
use crate::caller::Caller;
use crate::extract::body::JsonBody;
use crate::extract::head::KnownQuery;
use crate::extract::page::Page;
use crate::extract::path::{PackageParams, PackagePath, VersionName, VersionParams};
use crate::extract::rights::{Identified, PackageDeleter, PackageReader, PackageWriter};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, no_package, path_of, versions_are_tags};
use axum::Json;
use axum::extract::State;
use larder_api::{self as api, Yanked};
use larder_metadata::downloads::Downloads;
use larder_metadata::listing::{Version, VersionBy, VersionPage};
use larder_metadata::repos::RepoRecord;
use larder_metadata::{Error, Requirement};
use larder_mirrors::Protocol;
use larder_mirrors::describing::Marks;
use larder_mirrors::publishing::Change;
use larder_model::{Digest, FileKind, Kind, Problem, ProtocolName, StoredFile, Timestamp, Verb};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Files told of one version.
const MAX_FILES: usize = 1000;
/// Characters of the reason why a version is yanked.
const REASON: usize = 500;

pub(crate) fn no_version() -> Problem {
    Problem::not_found("version", "no such version of this package here")
}

fn to_api(
    repo: &RepoRecord,
    version: Version,
    downloads: Downloads,
    marks: &Marks,
) -> api::Version {
    api::Version {
        yanked: marked(marks, &version.name),
        deprecated: marks.deprecated.get(&*version.name).cloned(),
        tags: tags_of(marks, &version.name),
        version: version.name.into(),
        hosted: is_hosted(repo),
        repository: path_of(repo),
        digest: version.digest.map(|digest| digest.to_string()),
        files: version.files,
        bytes: version.size,
        image: None,
        created_at: version.created_at,
        created_by: version.created_by.into(),
        last_used_at: noted(version.used_at),
        downloads: downloads.recent,
        total_downloads: downloads.total,
    }
}

/// Whether a version is yanked, by what the list of all versions tells.
fn marked(marks: &Marks, version: &str) -> Yanked {
    match marks.yanked.get(version) {
        None => Yanked::No,
        Some(reason) if reason.is_empty() => Yanked::Yes,
        Some(reason) => Yanked::Because(reason.clone()),
    }
}

/// The names that lead to a version.
fn tags_of(marks: &Marks, version: &str) -> Vec<String> {
    let all = marks.tags.iter().filter(|(_, to)| **to == *version);
    all.map(|(tag, _)| tag.clone()).collect()
}

/// When something was read, if that was noted.
fn noted(used_at: Timestamp) -> Option<Timestamp> {
    (used_at.0 > 0).then_some(used_at)
}

fn file(file: StoredFile) -> api::File {
    api::File {
        path: match file.kind {
            FileKind::Tag => format!("tags/{}", file.path),
            FileKind::Manifest => format!("manifests/{}", file.path),
            _ => file.path.into(),
        },
        digest: file.digest.to_string(),
        size_bytes: file.size,
        media_type: file.content_type.into(),
        created_at: file.created_at,
        created_by: file.created_by.into(),
        last_used_at: noted(file.used_at),
    }
}

/// Files of a version: of an image those of a tag or, where that is a digest, of a manifest. One more
/// than [`MAX_FILES`] at most.
pub(crate) async fn files_of(
    state: &ApiState,
    repo: &RepoRecord,
    package: &str,
    version: &str,
) -> Result<Vec<StoredFile>, Problem> {
    let key = key_of(repo, package);
    if let (true, Ok(digest)) = (versions_are_tags(repo.protocol), version.parse()) {
        let found = state.metadata.manifest_of(key, &digest).await?;
        return Ok(found.into_iter().collect());
    }
    let (by, limit) = (by(repo.protocol), MAX_FILES as u64 + 1);
    Ok(state.metadata.files_of(key, by, version, limit).await?)
}

/// How often a version was downloaded, or a manifest by its digest.
async fn downloads_of(
    state: &ApiState,
    repo: &RepoRecord,
    package: &str,
    version: &str,
) -> Result<Downloads, Problem> {
    let is_digest = versions_are_tags(repo.protocol) && version.parse::<Digest>().is_ok();
    let by = if is_digest {
        VersionBy::Version
    } else {
        by(repo.protocol)
    };
    let (key, range) = (key_of(repo, package), (version, version));
    let counts = state.metadata.downloads_of_versions(key, by, range).await?;
    Ok(counts.get(version).copied().unwrap_or_default())
}

/// A version of these files, of which there is one at least.
fn details(
    package: Box<str>,
    version: Box<str>,
    repo: &RepoRecord,
    mut files: Vec<StoredFile>,
    downloads: Downloads,
    (marks, blocked): (&Marks, Vec<api::PackageBlock>),
) -> Result<api::VersionDetails, Problem> {
    let more = files.len() > MAX_FILES;
    files.truncate(MAX_FILES);
    let first = files.iter().min_by_key(|file| file.created_at);
    let first = first.ok_or_else(no_version)?;
    Ok(api::VersionDetails {
        package: package.into(),
        deprecated: marks.deprecated.get(&*version).cloned(),
        tags: tags_of(marks, &version),
        blocked,
        yanked: match yanked(repo.protocol, &files) {
            Yanked::No => marked(marks, &version),
            yanked => yanked,
        },
        version: version.into(),
        hosted: is_hosted(repo),
        repository: path_of(repo),
        bytes: files.iter().map(|file| file.size).sum(),
        created_at: first.created_at,
        created_by: first.created_by.to_string(),
        last_used_at: files.iter().filter_map(|file| noted(file.used_at)).max(),
        downloads: downloads.recent,
        total_downloads: downloads.total,
        files: files.into_iter().map(file).collect(),
        more,
        image: None,
    })
}

/// Whether a version of these files is yanked.
fn yanked(protocol: ProtocolName, files: &[StoredFile]) -> Yanked {
    let hosted = larder_mirrors::of(protocol).and_then(Protocol::publishing);
    let reason = hosted.and_then(|hosted| {
        files
            .iter()
            .find_map(|file| hosted.yank_reason(&file.metadata))
    });
    match reason {
        None => Yanked::No,
        Some(reason) if reason.is_empty() => Yanked::Yes,
        Some(reason) => Yanked::Because(reason),
    }
}

/// Lists the versions of a package; of an image, its tags.
#[utoipa::path(
    get,
    path = "/repositories/{protocol}/{name}/packages/{package}/versions",
    tag = "packages",
    operation_id = "list_versions",
    params(
        PackageParams,
        ("q" = Option<String>, Query, description = "What the versions begin with."),
        Page,
    ),
    responses((status = 200, description = "A page of versions.", body = api::List<api::Version>)),
    extensions(("x-right" = json!(Right::PackageRead))),
)]
pub(crate) async fn list(
    page: Page,
    KnownQuery(query): KnownQuery,
    PackageReader { caller, path, .. }: PackageReader,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Version>>, Refusal> {
    let mut versions: BTreeMap<Box<str>, api::Version> = BTreeMap::new();
    let wanted = VersionPage {
        prefix: query.get("q").unwrap_or_default(),
        after: &page.after,
        limit: page.limit as u64 + 1,
    };
    for repo in of_package(&state, &caller, &path).await? {
        let (key, by) = (key_of(&repo, &path.package), by(repo.protocol));
        let rows = state.metadata.versions_of(key, by, wanted).await?;
        let range = rows.first().zip(rows.last());
        let downloads = match range.map(|(first, last)| (&*first.name, &*last.name)) {
            Some(range) => state.metadata.downloads_of_versions(key, by, range).await?,
            None => BTreeMap::new(),
        };
        let sums = match range {
            Some((first, last)) if versions_are_tags(repo.protocol) && is_hosted(&repo) => {
                let range = (&*first.name, &*last.name);
                state.metadata.image_sums(key, range).await?
            }
            _ => BTreeMap::new(),
        };
        let marks = if rows.is_empty() {
            Arc::default()
        } else {
            state.engine.marks(&repo, &path.package).await?
        };
        for version in rows {
            let count = downloads.get(&version.name).copied().unwrap_or_default();
            let sum = version.digest.and_then(|digest| sums.get(&digest));
            let image = sum.map(|sum| api::ImageSum {
                bytes: sum.bytes,
                manifests: sum.manifests,
            });
            let known = versions.entry(version.name.clone());
            known.or_insert_with(|| api::Version {
                image,
                ..to_api(&repo, version, count, &marks)
            });
        }
    }
    let versions = versions.into_values().take(page.limit + 1);
    let key = |version: &api::Version| version.version.clone();
    Ok(Json(api::List::of(versions.collect(), page.limit, key)))
}

/// Shows a version with its files; of an image a tag, or a manifest by its digest.
#[utoipa::path(
    get,
    path = "/repositories/{protocol}/{name}/packages/{package}/versions/{version}",
    tag = "packages",
    operation_id = "get_version",
    params(PackageParams, VersionParams),
    responses((status = 200, description = "The version.", body = api::VersionDetails)),
    extensions(("x-right" = json!(Right::PackageRead)), ("x-codes" = json!(["version_not_found"]))),
)]
pub(crate) async fn get(
    PackageReader { caller, path, .. }: PackageReader,
    VersionName(version): VersionName,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::VersionDetails>, Refusal> {
    let holders = of_package(&state, &caller, &path).await?;
    for repo in &holders {
        let files = files_of(&state, repo, &path.package, &version).await?;
        let Some(first) = files.first() else {
            continue;
        };
        let image = if versions_are_tags(repo.protocol) {
            Some(image(&state, repo, &path.package, first).await?)
        } else {
            None
        };
        let downloads = downloads_of(&state, repo, &path.package, &version).await?;
        let marks = state.engine.marks(repo, &path.package).await?;
        let blocked = blocks::of_package(&state, &path, &holders)?;
        let told = (&*marks, blocked);
        let details = details(path.package, version, repo, files, downloads, told)?;
        return Ok(Json(api::VersionDetails { image, ..details }));
    }
    Err(no_version().into())
}

/// Yanks a version, or ends that it is yanked.
///
/// Not every protocol knows this.
#[utoipa::path(
    patch,
    path = "/repositories/{protocol}/{name}/packages/{package}/versions/{version}",
    tag = "packages",
    operation_id = "change_version",
    params(PackageParams, VersionParams),
    request_body = api::VersionChange,
    responses((status = 200, description = "The version as it is now.", body = api::VersionYank)),
    extensions(
        ("x-right" = json!(Right::PackageWrite)),
        ("x-codes" = json!(["crate_not_found", "version_not_found", "unsupported", "conflict"])),
    ),
)]
pub(crate) async fn change(
    PackageWriter { caller, path, .. }: PackageWriter,
    VersionName(version): VersionName,
    _: Identified,
    State(state): State<Arc<ApiState>>,
    JsonBody(body): JsonBody<api::VersionChange>,
) -> Result<Json<api::VersionYank>, Refusal> {
    let change = yank(&version, &body.yanked)?;
    if versions_are_tags(path.repo.protocol) {
        let detail = "tags of images are not yanked: push another image to the tag, or delete it";
        return Err(Problem::new(Kind::Unsupported, "version", detail).into());
    }
    let repo = state.repo(&path.repo)?;
    state
        .engine
        .change(&caller, &repo, &path.package, &change)
        .await?;
    Ok(Json(api::VersionYank {
        package: path.package.into(),
        version: version.into(),
        yanked: body.yanked,
    }))
}

/// Deletes a version; a mirror forgets what it keeps of it.
///
/// Of an image a tag, or by its digest a manifest with all its tags.
#[utoipa::path(
    delete,
    path = "/repositories/{protocol}/{name}/packages/{package}/versions/{version}",
    tag = "packages",
    operation_id = "delete_version",
    params(PackageParams, VersionParams),
    responses((status = 204, description = "It is gone.")),
    extensions(
        ("x-right" = json!(Right::PackageDelete)),
        ("x-codes" = json!(["version_not_found", "unsupported", "conflict"])),
    ),
)]
pub(crate) async fn delete(
    PackageDeleter { caller, path, .. }: PackageDeleter,
    VersionName(version): VersionName,
    _: Identified,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    remove(&state, &caller, &path, Some(&version)).await?;
    Ok(NoContent)
}

/// Takes back a version or, without one, the whole package. A mirror forgets what it keeps of it.
pub(crate) async fn remove(
    state: &ApiState,
    caller: &Caller,
    path: &PackagePath,
    version: Option<&str>,
) -> Result<(), Problem> {
    let repo = state.repo(&path.repo)?;
    let image = versions_are_tags(repo.protocol);
    if kind_of(&repo) != api::RepoKind::Mirror && !image {
        let change = Change::Remove {
            version: version.map(Into::into),
        };
        return state
            .engine
            .change(caller, &repo, &path.package, &change)
            .await;
    }
    let key = key_of(&repo, &path.package);
    let by = caller.require(path.permission(Verb::Delete))?;
    let dropped = match version {
        None => state.metadata.drop_package(key, &by).await,
        Some(tag) if image => match tag.parse() {
            Ok(digest) => state.metadata.drop_manifest(key, &digest, &by).await,
            Err(_) => state.metadata.drop_tag(key, tag, None, &by).await,
        },
        Some(version) => state.metadata.drop_version(key, version, &by).await,
    };
    dropped.map_err(|error| match error {
        Error::Unmet(Requirement::Package) => no_package(),
        Error::Unmet(_) => no_version(),
        error => error.into(),
    })?;
    tracing::info!(by = caller.label(), package = %path, version, "package deleted");
    Ok(())
}

fn yank(version: &str, yanked: &Yanked) -> Result<Change, Problem> {
    let version = version.into();
    let reason = match yanked {
        Yanked::No => return Ok(Change::Unyank { version }),
        Yanked::Yes => "",
        Yanked::Because(reason) => reason,
    };
    if reason.chars().count() > REASON || reason.chars().any(char::is_control) {
        let detail = format!(
            "`yanked` is true, false, or the reason: one line of at most {REASON} characters"
        );
        return Err(Problem::invalid("yanked", detail));
    }
    Ok(Change::Yank {
        version,
        reason: reason.into(),
    })
}
