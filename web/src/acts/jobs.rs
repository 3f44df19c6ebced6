//! Jobs: what takes a while, for superusers, and for those who asked for it in a repository of theirs.

use crate::caller::Caller;
use crate::extract::head::KnownQuery;
use crate::extract::page::Page;
use crate::extract::path::{IdParams, JobId};
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::query::Query;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use http::header::CONTENT_TYPE;
use larder_api as api;
use larder_jobs::{Item, Watching};
use larder_metadata::jobs::{Job, JobError, JobFilter};
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Problem, Verb};
use serde_json::Value;
use std::convert::Infallible;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The media type of events (HTML 9.2).
const EVENTS: &str = "text/event-stream";
/// After so long without news a comment says that the connection is alive.
const ALIVE: Duration = Duration::from_secs(15);

fn no_job() -> Problem {
    Problem::not_found("job", "there is no such job")
}

fn unreadable(error: serde_json::Error) -> Problem {
    Problem::internal(error)
}

pub(crate) fn to_api(job: &Job) -> Result<api::Job, Problem> {
    let progress = job.progress.clone().map(serde_json::from_value);
    let error = |error: &JobError| api::JobError {
        code: error.code.clone(),
        detail: error.detail.clone(),
    };
    Ok(api::Job {
        id: job.id.to_string(),
        kind: job.kind,
        state: job.state,
        dry_run: job.dry_run,
        repository: job.repository.clone(),
        by: job.created_by.to_string(),
        created_at: job.created_at,
        started_at: job.started_at,
        finished_at: job.finished_at,
        cancel_requested: job.cancelled,
        attempts: job.attempts,
        progress: progress.transpose().map_err(unreadable)?,
        result: job.result.clone().filter(|result| !result.is_null()),
        error: job.error.as_ref().map(error),
    })
}

fn item_to_api((number, item): (u64, Value)) -> Result<api::JobItem, Problem> {
    let item: Item = serde_json::from_value(item).map_err(unreadable)?;
    Ok(api::JobItem {
        number,
        action: item.action,
        repository: item.repository,
        package: item.package,
        version: item.version,
        digest: item.digest,
        bytes: item.bytes,
        reason: item.reason,
    })
}

/// A parameter that is one of a few words.
fn word<T: FromStr>(
    query: &Query,
    name: &'static str,
    words: &[&str],
) -> Result<Option<T>, Problem> {
    let wrong = |_| {
        let detail = format!("`{name}` is one of {}", words.join(", "));
        Problem::invalid(name, detail)
    };
    query.get(name).map(str::parse).transpose().map_err(wrong)
}

fn filter(query: &Query) -> Result<JobFilter, Problem> {
    let kinds: Vec<&str> = larder_model::JobKind::ALL
        .iter()
        .map(|kind| kind.word())
        .collect();
    let states: Vec<&str> = larder_model::JobState::ALL
        .iter()
        .map(|state| state.word())
        .collect();
    Ok(JobFilter {
        kind: word(query, "kind", &kinds)?,
        state: word(query, "state", &states)?,
    })
}

async fn found(state: &ApiState, id: i64) -> Result<Job, Problem> {
    state.metadata.job(id).await?.ok_or_else(no_job)
}

/// A job that the caller may see: a superuser all, whoever may delete anything in a repository those
/// that are about it. To others a job of another looks like none.
async fn readable(state: &ApiState, caller: &Caller, id: i64) -> Result<Job, Problem> {
    let Err(refused) = caller.require_superuser() else {
        return found(state, id).await;
    };
    let job = state.metadata.job(id).await?;
    let is_theirs = |job: &Job| {
        let repository = job.repository.as_ref();
        repository.is_some_and(|path| caller.require(path.permission(Verb::Delete)).is_ok())
    };
    job.filter(is_theirs).ok_or(refused)
}

/// Lists jobs, the newest first. Those that ended more than 90 days ago are deleted.
#[utoipa::path(
    get,
    path = "/jobs",
    tag = "jobs",
    operation_id = "list_jobs",
    params(
        (
            "kind" = inline(Option<api::texts::JobKind>),
            Query,
            description = "Those that do this.",
        ),
        (
            "state" = inline(Option<api::texts::JobState>),
            Query,
            description = "Those that are so far.",
        ),
        Page,
    ),
    responses((status = 200, description = "A page of jobs.", body = api::List<api::Job>)),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["after_invalid", "kind_invalid", "state_invalid"])),
    ),
)]
pub(crate) async fn list(
    page: Page,
    KnownQuery(query): KnownQuery,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Job>>, Refusal> {
    let before = Some(page.after_id()?).filter(|id| *id != 0);
    let limit = page.limit as u64 + 1;
    let jobs = state.metadata.jobs(filter(&query)?, before, limit).await?;
    let jobs = jobs.iter().map(to_api).collect::<Result<_, _>>()?;
    let key = |job: &api::Job| job.id.clone();
    Ok(Json(api::List::of(jobs, page.limit, key)))
}

/// Shows a job.
#[utoipa::path(
    get,
    path = "/jobs/{id}",
    tag = "jobs",
    operation_id = "get_job",
    params(IdParams),
    responses((status = 200, description = "The job.", body = api::Job)),
    extensions(("x-right" = json!(Right::JobReader)), ("x-codes" = json!(["job_not_found"]))),
)]
pub(crate) async fn get(
    JobId(id): JobId,
    caller: Caller,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Job>, Refusal> {
    Ok(Json(to_api(&readable(&state, &caller, id).await?)?))
}

/// Lists what a job did to each thing, or would do, and why.
///
/// At most 100,000 items are kept of a job; its result counts all.
#[utoipa::path(
    get,
    path = "/jobs/{id}/items",
    tag = "jobs",
    operation_id = "list_job_items",
    params(IdParams, Page),
    responses((status = 200, description = "A page of items.", body = api::List<api::JobItem>)),
    extensions(
        ("x-right" = json!(Right::JobReader)),
        ("x-codes" = json!(["after_invalid", "job_not_found"])),
    ),
)]
pub(crate) async fn items(
    JobId(id): JobId,
    page: Page,
    caller: Caller,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::JobItem>>, Refusal> {
    let after = page.after_id()?.unsigned_abs();
    readable(&state, &caller, id).await?;
    let limit = page.limit as u64 + 1;
    let items = state.metadata.job_items(id, after, limit).await?;
    let items = items
        .into_iter()
        .map(item_to_api)
        .collect::<Result<_, _>>()?;
    let key = |item: &api::JobItem| item.number.to_string();
    Ok(Json(api::List::of(items, page.limit, key)))
}

/// Tells how a job goes on, until it has ended.
///
/// Server-sent events: the data of each is the whole job as JSON, first as it is, then each time
/// that it has changed, at most once a second. Comments between them keep the connection alive. An
/// answer that ends before the job does is asked for again.
#[utoipa::path(
    get,
    path = "/jobs/{id}/events",
    tag = "jobs",
    operation_id = "watch_job",
    params(IdParams),
    responses((
        status = 200,
        description = "Events, each with a job.",
        content((String = "text/event-stream")),
    )),
    extensions(
        ("x-right" = json!(Right::JobReader)),
        ("x-codes" = json!(["busy", "job_not_found"])),
    ),
)]
pub(crate) async fn events(
    JobId(id): JobId,
    caller: Caller,
    State(state): State<Arc<ApiState>>,
) -> Result<Response, Refusal> {
    readable(&state, &caller, id).await?;
    let watching = state.jobs.watch(id).await?.ok_or_else(no_job)?;
    let events = unfold(watching, |mut watching| async move {
        let event = next_event(&mut watching).await?;
        Some((Ok::<_, Infallible>(event), watching))
    });
    Ok(([(CONTENT_TYPE, EVENTS)], Body::from_stream(events)).into_response())
}

async fn next_event(watching: &mut Watching) -> Option<Bytes> {
    let Ok(job) = timeout(ALIVE, watching.next()).await else {
        return Some(Bytes::from_static(b": alive\n\n"));
    };
    let job = to_api(&*job?);
    let written = job.and_then(|job| serde_json::to_string(&job).map_err(unreadable));
    match written {
        Ok(json) => Some(format!("data: {json}\n\n").into()),
        Err(problem) => {
            tracing::error!(problem = problem.with_causes(), "a job cannot be told of");
            None
        }
    }
}

/// Ends a job that waits, and asks one that runs to end.
///
/// A job that runs ends when its work can: watch it. What it did until then stays done.
#[utoipa::path(
    post,
    path = "/jobs/{id}/cancel",
    tag = "jobs",
    operation_id = "cancel_job",
    params(IdParams),
    responses((status = 200, description = "The job as it is now.", body = api::Job)),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["conflict", "job_not_found"])),
    ),
)]
pub(crate) async fn cancel(
    JobId(id): JobId,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Job>, Refusal> {
    found(&state, id).await?;
    let by = caller.require_superuser()?;
    match state.metadata.cancel_job(id, &by).await {
        Ok(()) => {}
        Err(Error::Unmet(Requirement::Job)) => {
            let job = found(&state, id).await?;
            let detail = format!("the job {id} has ended already: it is {}", job.state);
            return Err(Problem::new(Kind::Conflict, "job", detail).into());
        }
        Err(error) => return Err(error.into()),
    }
    tracing::info!(by = caller.label(), job = id, "job cancelled");
    Ok(Json(to_api(&found(&state, id).await?)?))
}
