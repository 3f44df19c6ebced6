//! Backups, for superusers.

use super::jobs;
use crate::answer::{Accepted, NoContent};
use crate::engine::Download;
use crate::extract::body::OptionalBody;
use crate::extract::head::KnownQuery;
use crate::extract::page::Page;
use crate::extract::path::{BackupName, BackupParams};
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use larder_api as api;
use larder_metadata::jobs::NewJob;
use larder_model::{Action, JobKind, Problem};
use serde_json::json;
use std::sync::Arc;

/// The media type of a backup.
const TAR: &str = "application/x-tar";

fn no_backup() -> Problem {
    Problem::not_found("backup", "there is no such backup")
}

/// Makes a backup and answers with it, while the server serves.
///
/// One file with all rows, the server's keys, and the blobs (`include`), or without them
/// (`reference`): such a one is restored beside the same store. Whoever has it can be anyone here.
#[utoipa::path(
    get,
    path = "/backup",
    tag = "backups",
    operation_id = "get_backup",
    params((
        "blobs" = inline(Option<api::texts::BackupBlobs>),
        Query,
        description = "Whether blobs are inside; they are, if it is absent.",
    )),
    responses((
        status = 200,
        description = "The backup, a tar.",
        content((Vec<u8> = "application/x-tar")),
    )),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["blobs_invalid", "busy", "storage_full"])),
    ),
)]
pub(crate) async fn get(
    KnownQuery(query): KnownQuery,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Response, Refusal> {
    let with_blobs = match query.get("blobs") {
        None | Some("include") => true,
        Some("reference") => false,
        Some(_) => {
            let detail = "`blobs` is include or reference";
            return Err(Problem::invalid("blobs", detail).into());
        }
    };
    let by = caller.require_superuser()?;
    // What was recorded by now is in it.
    state.gate.write_events().await?;
    let download = state.engine.backup(with_blobs, &by).await?;
    tracing::info!(by = caller.label(), with_blobs, "backup asked for");
    Ok(answer(download))
}

/// Lists the backups that the server keeps in its store, the newest first.
#[utoipa::path(
    get,
    path = "/backups",
    tag = "backups",
    operation_id = "list_backups",
    params(Page),
    responses((status = 200, description = "A page of backups.", body = api::List<api::Backup>)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn list(
    page: Page,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Backup>>, Refusal> {
    let kept = state.engine.backups().await?.into_iter().rev();
    // Names are in the order of their times.
    let is_next = |name: &str| page.after.is_empty() || *name < *page.after;
    let backups = kept
        .filter(|kept| is_next(&kept.name))
        .take(page.limit + 1)
        .map(|kept| api::Backup {
            name: kept.name,
            created_at: kept.created_at,
            size_bytes: kept.size,
        });
    let key = |backup: &api::Backup| backup.name.clone();
    Ok(Json(api::List::of(backups.collect(), page.limit, key)))
}

/// Answers with a backup that the server keeps.
#[utoipa::path(
    get,
    path = "/backups/{name}",
    tag = "backups",
    operation_id = "download_backup",
    params(BackupParams),
    responses((
        status = 200,
        description = "The backup, a tar.",
        content((Vec<u8> = "application/x-tar")),
    )),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["backup_not_found"])),
    ),
)]
pub(crate) async fn download(
    method: Method,
    BackupName(name): BackupName,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Response, Refusal> {
    let by = caller.require_superuser()?;
    let download = state.engine.open_backup(&name).await?;
    let download = download.ok_or_else(no_backup)?;
    if method == Method::GET {
        let details = json!({"name": &*name});
        let noted = state
            .metadata
            .note_backup(&by, Action::BackupRead, &details);
        noted.await?;
        tracing::info!(by = caller.label(), backup = &*name, "backup fetched");
    }
    Ok(answer(download))
}

/// Deletes a backup that the server keeps.
#[utoipa::path(
    delete,
    path = "/backups/{name}",
    tag = "backups",
    operation_id = "delete_backup",
    params(BackupParams),
    responses((status = 204, description = "It is gone.")),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["backup_not_found"])),
    ),
)]
pub(crate) async fn delete(
    BackupName(name): BackupName,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let by = caller.require_superuser()?;
    if !state.engine.delete_backup(&name).await? {
        return Err(no_backup().into());
    }
    let details = json!({"name": &*name});
    let noted = state
        .metadata
        .note_backup(&by, Action::BackupDelete, &details);
    noted.await?;
    tracing::info!(by = caller.label(), backup = &*name, "backup deleted");
    Ok(NoContent)
}

/// Makes a backup and keeps it in the store, as a job.
///
/// What it has inside and how many are kept is the server's configuration, `[backup]`.
#[utoipa::path(
    post,
    path = "/backup/runs",
    tag = "backups",
    operation_id = "run_backup",
    request_body = api::BackupRun,
    responses((status = 202, description = "The job.", body = api::Job)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn run(
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    OptionalBody(_): OptionalBody<api::BackupRun>,
) -> Result<Accepted, Refusal> {
    let by = caller.require_superuser()?;
    let job = state.jobs.queue(NewJob::of(JobKind::Backup), &by).await?;
    tracing::info!(by = caller.label(), job = job.id, kind = %job.kind, "job asked for");
    Ok(Accepted(jobs::to_api(&job)?))
}

fn answer(download: Download) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(TAR));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(download.size));
    (headers, Body::from_stream(download.bytes)).into_response()
}
