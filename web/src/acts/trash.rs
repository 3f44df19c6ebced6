//! What was deleted and can be restored, for the maintainers of its repository.

use crate::answer::NoContent;
use crate::extract::page::Page;
use crate::extract::path::{IdParams, RepoParams, TrashId};
use crate::extract::rights::RepoDeleter;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::trash::{TrashEntry, TrashKind};
use larder_metadata::trash_restore::Restoration;
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Problem, RepoPath, Verb};
use std::sync::Arc;

fn no_entry() -> Problem {
    let detail = "the trash of this repository has no such entry: it was restored, deleted, or its \
                  time is over";
    Problem::not_found("trash", detail)
}

fn to_api(path: &RepoPath, entry: &TrashEntry) -> api::TrashEntry {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    api::TrashEntry {
        id: entry.id.to_string(),
        repository: path.clone(),
        package: entry.package.to_string(),
        what: match entry.what {
            TrashKind::Package => api::TrashKind::Package,
            TrashKind::Version => api::TrashKind::Version,
            TrashKind::Tag => api::TrashKind::Tag,
            TrashKind::Manifest => api::TrashKind::Manifest,
        },
        version: text(&entry.version),
        digest: entry.digest.map(|digest| digest.to_string()),
        deleted_by: entry.deleted_by.to_string(),
        deleted_at: entry.deleted_at,
        reason: text(&entry.reason),
        expires_at: entry.expires_at,
        files: entry.files,
        bytes: entry.bytes,
    }
}

async fn found(state: &ApiState, path: &RepoPath, id: i64) -> Result<TrashEntry, Problem> {
    let repo = state.repo(path)?;
    let entry = state.metadata.trash_entry(repo.id, id).await?;
    entry.ok_or_else(no_entry)
}

/// Lists what was deleted of a repository and can be restored, the newest first.
#[utoipa::path(
    get,
    path = "/repositories/{protocol}/{name}/trash",
    tag = "retention",
    operation_id = "list_trash",
    params(RepoParams, Page),
    responses((status = 200, description = "A page of it.", body = api::List<api::TrashEntry>)),
    extensions(
        ("x-right" = json!(Right::RepositoryDelete)),
        ("x-codes" = json!(["after_invalid"])),
    ),
)]
pub(crate) async fn list(
    page: Page,
    RepoDeleter { path, .. }: RepoDeleter,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::TrashEntry>>, Refusal> {
    let before = Some(page.after_id()?).filter(|id| *id != 0);
    let repo = state.repo(&path)?;
    let limit = page.limit as u64 + 1;
    let entries = state.metadata.trash_of(repo.id, before, limit).await?;
    let entries = entries.iter().map(|entry| to_api(&path, entry)).collect();
    let key = |entry: &api::TrashEntry| entry.id.clone();
    Ok(Json(api::List::of(entries, page.limit, key)))
}

/// Puts back what was deleted: all of it, or nothing where a name of it is taken meanwhile.
#[utoipa::path(
    post,
    path = "/repositories/{protocol}/{name}/trash/{id}/restore",
    tag = "retention",
    operation_id = "restore_trash",
    params(RepoParams, IdParams),
    responses((status = 200, description = "What was put back.", body = api::TrashEntry)),
    extensions(
        ("x-right" = json!(Right::RepositoryDelete)),
        ("x-codes" = json!(["trash_not_found", "conflict"])),
    ),
)]
pub(crate) async fn restore(
    RepoDeleter { caller, path, .. }: RepoDeleter,
    TrashId(id): TrashId,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::TrashEntry>, Refusal> {
    let entry = found(&state, &path, id).await?;
    let repo = state.repo(&path)?;
    let by = caller.require(path.permission(Verb::Delete))?;
    match state.metadata.restore(&repo, id, &by).await {
        Ok(Restoration::Done) => {}
        Ok(Restoration::Taken(name)) => {
            let detail = format!(
                "{name} of {path}/{} is taken meanwhile, so nothing was restored: delete it first, \
                 or leave the entry where it is",
                entry.package
            );
            return Err(Problem::new(Kind::Conflict, "trash", detail).into());
        }
        Err(Error::Unmet(Requirement::Trash)) => return Err(no_entry().into()),
        Err(Error::Unmet(Requirement::NameFree)) => {
            return Err(Problem::reserved(repo.full_name(), &entry.package).into());
        }
        Err(error) => return Err(error.into()),
    }
    tracing::info!(by = caller.label(), repository = %path, package = &*entry.package, "restored");
    Ok(Json(to_api(&path, &entry)))
}

/// Deletes for good what was deleted, before its time is over.
#[utoipa::path(
    delete,
    path = "/repositories/{protocol}/{name}/trash/{id}",
    tag = "retention",
    operation_id = "delete_trash",
    params(RepoParams, IdParams),
    responses((status = 204, description = "It is gone.")),
    extensions(
        ("x-right" = json!(Right::RepositoryDelete)),
        ("x-codes" = json!(["trash_not_found"])),
    ),
)]
pub(crate) async fn delete(
    RepoDeleter { caller, path, .. }: RepoDeleter,
    TrashId(id): TrashId,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let entry = found(&state, &path, id).await?;
    let by = caller.require(path.permission(Verb::Delete))?;
    let dropped = state.metadata.drop_trash(&entry, &by).await;
    dropped.map_err(|error| match error {
        Error::Unmet(Requirement::Trash) => no_entry(),
        error => error.into(),
    })?;
    tracing::info!(by = caller.label(), repository = %path, package = &*entry.package, "trash deleted");
    Ok(NoContent)
}
