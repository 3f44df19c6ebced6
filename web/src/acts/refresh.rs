//! Asks the upstream of a mirror for a package now.

use super::repositories::kind_of;
use super::repository_settings::knows;
use crate::caller::Caller;
use crate::extract::body::JsonBody;
use crate::extract::head::KnownQuery;
use crate::extract::path::PackageParams;
use crate::extract::rights::{Identified, PackageWriter};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, no_package, path_of};
use axum::Json;
use axum::extract::State;
use larder_api::{self as api, RefreshOutcome, RefreshedDocument, RepoKind};
use larder_metadata::repos::{Member, RepoRecord};
use larder_model::upstream::Refreshed;
use larder_model::{Kind, Problem};
use std::sync::Arc;

/// Asks the upstream of a mirror for a package now, however fresh what is kept is, and waits.
///
/// All documents that are kept of the package are asked for, at most 100, or its first one; of an
/// image with `version` that tag. What the upstream has no more is told as `gone`, and what is kept of
/// it is served for as long as it was fresh. To do this is to write: it changes what everyone is served, and has
/// the server ask another. A hosted repository or a group has no upstream of its own (409), and while
/// the mirror is offline nobody is asked (503).
#[utoipa::path(
    post,
    path = "/repositories/{protocol}/{name}/packages/{package}/refresh",
    tag = "packages",
    operation_id = "refresh_package",
    params(
        PackageParams,
        ("version" = Option<String>, Query, description = "Of an image, the tag to ask for."),
    ),
    request_body = api::RefreshRequest,
    responses((status = 200, description = "What came of it.", body = api::Refresh)),
    extensions(
        ("x-right" = json!(Right::PackageWrite)),
        ("x-codes" = json!([
            "conflict", "version_invalid", "policy", "offline", "upstream_failed",
            "upstream_unreachable",
        ])),
    ),
)]
pub(crate) async fn refresh(
    PackageWriter { caller, path, .. }: PackageWriter,
    _: Identified,
    KnownQuery(query): KnownQuery,
    State(state): State<Arc<ApiState>>,
    JsonBody(_): JsonBody<api::RefreshRequest>,
) -> Result<Json<api::Refresh>, Refusal> {
    let repo = state.repo(&path.repo)?;
    require_mirror(&state, &caller, &repo)?;
    let version = query.get("version");
    let refreshed = state.engine.refresh(&repo, &path.package, version).await;
    let refreshed = refreshed.map_err(|problem| match problem.kind {
        Kind::NotFound => no_package(),
        _ => problem,
    })?;
    let documents: Vec<_> = refreshed.into_iter().map(to_api).collect();
    let is_other = |document: &RefreshedDocument| document.outcome != RefreshOutcome::Unchanged;
    let changed = documents.iter().any(is_other);
    tracing::info!(by = caller.label(), package = %path, version, changed, "package refreshed");
    Ok(Json(api::Refresh {
        repository: path.repo,
        package: path.package.into(),
        version: version.map(str::to_owned),
        changed,
        documents,
    }))
}

/// Fails, and says what to do, unless a repository is a mirror.
fn require_mirror(state: &ApiState, caller: &Caller, repo: &RepoRecord) -> Result<(), Problem> {
    let path = path_of(repo);
    let detail = match kind_of(repo) {
        RepoKind::Mirror => return Ok(()),
        RepoKind::Hosted => format!("{path} is hosted: it has no upstream to ask"),
        RepoKind::Group => {
            let policy = state.gate.policy();
            let is_mirror = |member: &&Member| {
                let record = member.id.and_then(|id| policy.repo_by_id(id));
                record.is_some_and(|record| kind_of(record) == RepoKind::Mirror)
            };
            let is_known = |member: &&Member| knows(caller, repo.protocol, &member.name);
            let mirrors = repo.members.iter().filter(is_mirror).filter(is_known);
            let mirrors: Vec<_> = mirrors
                .map(|member| format!("{}/{}", repo.protocol, member.name))
                .collect();
            let mirrors = match mirrors.join(", ") {
                none if none.is_empty() => none,
                mirrors => format!(" ({mirrors})"),
            };
            format!("{path} is a group: refresh the package in its mirror{mirrors}")
        }
    };
    Err(Problem::new(Kind::Conflict, "repository", detail))
}

fn to_api(document: Refreshed) -> RefreshedDocument {
    RefreshedDocument {
        path: document.path.into(),
        outcome: match (document.before, document.now) {
            (None, _) => RefreshOutcome::New,
            (Some(_), None) => RefreshOutcome::Gone,
            (Some(before), Some(now)) if before == now => RefreshOutcome::Unchanged,
            (Some(_), Some(_)) => RefreshOutcome::Changed,
        },
        digest: document.now.map(|digest| digest.to_string()),
        previous_digest: document.before.map(|digest| digest.to_string()),
        checked_at: document.checked_at,
    }
}
