//! How upstreams fare.

use super::jobs;
use super::repositories::kind_of;
use super::series;
use crate::answer::Accepted;
use crate::extract::body::JsonBody;
use crate::extract::page::Page;
use crate::extract::path::RepoParams;
use crate::extract::rights::{Identified, RepoAdmin, Superuser};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, path_of, repos_after};
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::jobs::NewJob;
use larder_metadata::repos::RepoRecord;
use larder_model::upstream::{Health, PausedOrigin};
use larder_model::{JobKind, Problem, Timestamp, Verb};
use std::sync::Arc;

/// Lists the upstreams of mirrors that the caller administers, and how they answered lately.
#[utoipa::path(
    get,
    path = "/upstreams",
    tag = "upstreams",
    operation_id = "list_upstreams",
    params(Page),
    responses(
        (status = 200, description = "A page of upstreams.", body = api::List<api::UpstreamStatus>),
    ),
    extensions(("x-right" = json!(Right::Identified))),
)]
pub(crate) async fn list(
    page: Page,
    Identified { caller, .. }: Identified,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::UpstreamStatus>>, Refusal> {
    let policy = state.gate.policy();
    let own = repos_after(&policy, &page.after)
        .into_iter()
        .filter(|repo| caller.may(&path_of(repo).permission(Verb::Administer)));
    let upstreams = own
        .filter_map(|repo| status(&state, repo))
        .take(page.limit + 1)
        .collect();
    let key = |upstream: &api::UpstreamStatus| upstream.repository.to_string();
    Ok(Json(api::List::of(upstreams, page.limit, key)))
}

/// Asks the upstream of a mirror now whether it is there and takes the credentials.
#[utoipa::path(
    post,
    path = "/repositories/{protocol}/{name}/upstream/check",
    tag = "upstreams",
    operation_id = "check_upstream",
    params(RepoParams),
    request_body = api::UpstreamCheckRequest,
    responses((status = 200, description = "What came of it.", body = api::UpstreamCheck)),
    extensions(
        ("x-right" = json!(Right::RepositoryAdminister)),
        ("x-codes" = json!(["repository_invalid"])),
    ),
)]
pub(crate) async fn check(
    RepoAdmin { caller, path, .. }: RepoAdmin,
    _: Identified,
    State(state): State<Arc<ApiState>>,
    JsonBody(_): JsonBody<api::UpstreamCheckRequest>,
) -> Result<Json<api::UpstreamCheck>, Refusal> {
    let repo = state.repo(&path)?;
    if kind_of(&repo) != api::RepoKind::Mirror {
        let detail = format!("{path} is no mirror: it has no upstream");
        return Err(Problem::invalid("repository", detail).into());
    }
    let checked = state.engine.check_upstream(&repo).await?;
    let health = state.engine.health(&repo).unwrap_or_default();
    let (ok, problem) = (checked.ok, checked.problem.as_deref());
    tracing::info!(by = caller.label(), repository = %path, ok, problem, "upstream checked");
    Ok(Json(api::UpstreamCheck {
        repository: path,
        url: repo
            .settings
            .upstream
            .as_ref()
            .map(|upstream| upstream.url.clone()),
        ok: checked.ok,
        reachable: checked.reachable,
        status: checked.status,
        took_ms: checked.took_ms,
        tls: checked.tls,
        authenticated: checked.authenticated,
        client_certificate_expires_at: checked.client_certificate_expires_at,
        problem: checked.problem,
        advice: checked.advice,
        paused_origins: paused(health.paused_origins, state.metadata.now()),
    }))
}

/// Asks all upstreams, as a job.
///
/// The job fails if one cannot be used; its items tell of each. A mirror that is offline is not asked.
#[utoipa::path(
    post,
    path = "/upstream-check/runs",
    tag = "upstreams",
    operation_id = "run_upstream_check",
    request_body = api::UpstreamCheckRequest,
    responses((status = 202, description = "The job.", body = api::Job)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn check_all(
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    JsonBody(_): JsonBody<api::UpstreamCheckRequest>,
) -> Result<Accepted, Refusal> {
    let by = caller.require_superuser()?;
    let new = NewJob::of(JobKind::UpstreamCheck);
    let job = state.jobs.queue(new, &by).await?;
    tracing::info!(by = caller.label(), job = job.id, kind = %job.kind, "job asked for");
    Ok(Accepted(jobs::to_api(&job)?))
}

/// How a mirror's upstream fares; `None` if it has none.
fn status(state: &ApiState, repo: &RepoRecord) -> Option<api::UpstreamStatus> {
    let (settings, now) = (&repo.settings, state.metadata.now());
    let upstream = settings.upstream.as_ref()?;
    let certificate = upstream.client_certificate.as_deref();
    let health = state.engine.health(repo);
    let offline = settings.offline || state.gate.policy().is_offline();
    let word = word(offline, health.as_ref());
    let health = health.unwrap_or_default();
    let last_error = health.last_error.map(|(reason, ago)| api::LastError {
        at: now.before(ago),
        reason: reason.into(),
    });
    Some(api::UpstreamStatus {
        repository: path_of(repo),
        url: upstream.url.clone(),
        client_certificate_expires_at: certificate.and_then(larder_keys::expires_at),
        state: word,
        failures: health.failures,
        paused_until: health.pause.map(|pause| now.after(pause)),
        last_error,
        last_answer_at: health.last_answer.map(|ago| now.before(ago)),
        answer_duration_seconds: series::quantiles(&health.answers),
        paused_origins: paused(health.paused_origins, now),
        warnings: health.warnings.into_iter().map(Into::into).collect(),
    })
}

fn paused(origins: Vec<PausedOrigin>, now: Timestamp) -> Vec<api::PausedOrigin> {
    let shown = |paused: PausedOrigin| api::PausedOrigin {
        origin: paused.origin.into(),
        paused_until: now.after(paused.pause),
        reason: paused.reason.into(),
    };
    origins.into_iter().map(shown).collect()
}

fn word(offline: bool, health: Option<&Health>) -> api::UpstreamState {
    match health {
        _ if offline => api::UpstreamState::Offline,
        None => api::UpstreamState::Unasked,
        Some(health) if health.pause.is_some() => api::UpstreamState::Paused,
        Some(health) if health.failures > 0 => api::UpstreamState::Failing,
        Some(_) => api::UpstreamState::Answering,
    }
}
