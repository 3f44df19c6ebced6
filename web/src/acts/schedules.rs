//! When jobs begin by themselves, for superusers.

use super::jobs;
use crate::extract::body::JsonBody;
use crate::extract::page::Page;
use crate::extract::path::{KindParams, ScheduleKind};
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, no_schedule};
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::jobs::JobFilter;
use larder_metadata::schedules::Schedule;
use larder_metadata::{Error, Requirement};
use larder_model::{BadCron, Cron, JobKind, Problem};
use std::sync::Arc;

/// Next times that are shown.
const NEXT: usize = 3;

async fn to_api(state: &ApiState, schedule: &Schedule) -> Result<api::Schedule, Problem> {
    let filter = JobFilter {
        kind: Some(schedule.kind),
        state: None,
    };
    let last = state.metadata.jobs(filter, None, 1).await?;
    let now = state.metadata.shared_now().await?;
    let next = schedule.enabled.then(|| schedule.cron.after(now, NEXT));
    Ok(api::Schedule {
        kind: schedule.kind,
        cron: schedule.cron.to_string(),
        enabled: schedule.enabled,
        next: next.unwrap_or_default(),
        last: last.first().map(jobs::to_api).transpose()?,
    })
}

async fn found(state: &ApiState, kind: JobKind) -> Result<Schedule, Problem> {
    let schedule = state.metadata.schedule(kind).await?;
    let known = schedule.filter(|_| state.jobs.has(kind));
    known.ok_or_else(no_schedule)
}

/// Lists the schedules of all jobs that this server can do.
#[utoipa::path(
    get,
    path = "/schedules",
    tag = "schedules",
    operation_id = "list_schedules",
    params(Page),
    responses((status = 200, description = "A page of schedules.", body = api::List<api::Schedule>)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn list(
    page: Page,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Schedule>>, Refusal> {
    let mut schedules = Vec::new();
    for schedule in state.metadata.schedules().await? {
        if state.jobs.has(schedule.kind) && schedule.kind.word() > page.after.as_str() {
            schedules.push(to_api(&state, &schedule).await?);
        }
    }
    let key = |schedule: &api::Schedule| schedule.kind.to_string();
    Ok(Json(api::List::of(schedules, page.limit, key)))
}

/// Shows a schedule.
#[utoipa::path(
    get,
    path = "/schedules/{kind}",
    tag = "schedules",
    operation_id = "get_schedule",
    params(KindParams),
    responses((status = 200, description = "The schedule.", body = api::Schedule)),
    extensions(
        ("x-entity-tag" = json!(true)),
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["schedule_not_found"])),
    ),
)]
pub(crate) async fn get(
    ScheduleKind(kind): ScheduleKind,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Schedule>, Refusal> {
    let schedule = found(&state, kind).await?;
    Ok(Json(to_api(&state, &schedule).await?))
}

/// Says when jobs of a kind begin by themselves.
///
/// It counts from now on: what the schedule before had missed is not made up for.
#[utoipa::path(
    put,
    path = "/schedules/{kind}",
    tag = "schedules",
    operation_id = "put_schedule",
    params(KindParams),
    request_body = api::NewSchedule,
    responses((status = 200, description = "The schedule as it is now.", body = api::Schedule)),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["schedule_not_found"])),
    ),
)]
pub(crate) async fn put(
    ScheduleKind(kind): ScheduleKind,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewSchedule>,
) -> Result<Json<api::Schedule>, Refusal> {
    let wrong =
        |BadCron(sentence)| Problem::invalid("cron", format!("`cron` is wrong: {sentence}"));
    let cron: Cron = new.cron.parse().map_err(wrong)?;
    let enabled = new.enabled.unwrap_or(true);
    found(&state, kind).await?;
    let by = caller.require_superuser()?;
    let changed = state.metadata.change_schedule(kind, &cron, enabled, &by);
    changed.await.map_err(|error| match error {
        Error::Unmet(Requirement::Schedule) => no_schedule(),
        error => error.into(),
    })?;
    tracing::info!(by = caller.label(), %kind, %cron, enabled, "schedule changed");
    let schedule = found(&state, kind).await?;
    Ok(Json(to_api(&state, &schedule).await?))
}
