//! Quotas that repositories share.

use super::repository_settings::checked_limits;
use super::scope;
use crate::answer::{Created, NoContent};
use crate::attempts::{ATTEMPTS, others_change};
use crate::caller::Caller;
use crate::extract::body::JsonBody;
use crate::extract::page::Page;
use crate::extract::path::{IdParams, QuotaId};
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::quotas::SharedQuota;
use larder_metadata::{Error, Requirement};
use larder_model::{Problem, QuotaLimits};
use std::sync::Arc;

fn no_quota() -> Problem {
    Problem::not_found("quota", "there is no such quota")
}

fn to_api(quota: SharedQuota) -> api::SharedQuota {
    api::SharedQuota {
        id: quota.id.to_string(),
        repositories: quota.repositories,
        bytes: quota.limits.bytes,
        versions: quota.limits.versions,
        usage: api::SharedUsage {
            bytes: quota.bytes,
            versions: quota.versions,
        },
        warning: quota.warning,
        created_at: quota.created_at,
        created_by: quota.created_by.into(),
    }
}

/// Lists quotas that repositories share, the oldest first.
#[utoipa::path(
    get,
    path = "/quotas",
    tag = "quotas",
    operation_id = "list_quotas",
    params(Page),
    responses(
        (status = 200, description = "A page of quotas.", body = api::List<api::SharedQuota>),
    ),
    extensions(("x-right" = json!(Right::Superuser)), ("x-codes" = json!(["after_invalid"]))),
)]
pub(crate) async fn list(
    page: Page,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::SharedQuota>>, Refusal> {
    let after = match &*page.after {
        "" => 0,
        id => id
            .parse()
            .map_err(|_| Problem::invalid("after", "after is the `next` of the page before"))?,
    };
    let quotas = state.metadata.shared_quotas(after, page.limit as u64 + 1);
    let quotas = quotas.await?.into_iter().map(to_api).collect();
    let key = |quota: &api::SharedQuota| quota.id.clone();
    Ok(Json(api::List::of(quotas, page.limit, key)))
}

/// Has repositories share a quota: all hosted ones that the pattern fits, those that come later too.
///
/// Each of them has to fit it beside its own. They may have more than it allows: then they get no
/// more.
#[utoipa::path(
    post,
    path = "/quotas",
    tag = "quotas",
    operation_id = "create_quota",
    request_body = api::NewSharedQuota,
    responses((status = 201, description = "The quota.", body = api::SharedQuota)),
    extensions(("x-right" = json!(Right::Superuser)), ("x-codes" = json!(["quota_invalid"]))),
)]
pub(crate) async fn create(
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewSharedQuota>,
) -> Result<Created<api::SharedQuota>, Refusal> {
    scope::check_repositories("repositories", &new.repositories)?;
    let limits = checked_limits(QuotaLimits {
        bytes: new.bytes,
        versions: new.versions,
    })?;
    if limits.is_none() {
        let detail = "a quota limits `bytes`, `versions` or both: the body has neither";
        return Err(Problem::invalid("quota", detail).into());
    }
    let by = caller.require_superuser()?;
    let id = state
        .metadata
        .add_quota(&new.repositories, limits, &by)
        .await?;
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), quota = id, repositories = %new.repositories, "quota created");
    let quota = state.metadata.shared_quota(id).await?;
    let quota = to_api(quota.ok_or_else(no_quota)?);
    Ok(Created::new(format_args!("/quotas/{id}"), quota))
}

/// Sets other limits. Repositories that have more than they allow get no more.
#[utoipa::path(
    patch,
    path = "/quotas/{id}",
    tag = "quotas",
    operation_id = "change_quota",
    params(IdParams),
    request_body = api::QuotaChange,
    responses((status = 200, description = "The quota as it is now.", body = api::SharedQuota)),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["quota_not_found", "quota_invalid"])),
    ),
)]
pub(crate) async fn change(
    QuotaId(id): QuotaId,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    JsonBody(change): JsonBody<api::QuotaChange>,
) -> Result<Json<api::SharedQuota>, Refusal> {
    let by = caller.require_superuser()?;
    // What the change leaves out stays as others set it meanwhile.
    for _ in 0..ATTEMPTS {
        let before = state.metadata.shared_quota(id).await?;
        let before = before.ok_or_else(no_quota)?;
        let limits = checked_limits(change.apply(before.limits))?;
        if limits.is_none() {
            let detail = "a quota limits `bytes`, `versions` or both; DELETE takes it away";
            return Err(Problem::invalid("quota", detail).into());
        }
        match state.metadata.change_quota(&before, limits, &by).await {
            Err(Error::Unmet(Requirement::Quota)) => {}
            changed => {
                changed.map_err(Problem::from)?;
                return changed_quota(&state, &caller, id).await;
            }
        }
    }
    Err(others_change().into())
}

async fn changed_quota(
    state: &ApiState,
    caller: &Caller,
    id: i64,
) -> Result<Json<api::SharedQuota>, Refusal> {
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), quota = id, "quota changed");
    let quota = state
        .metadata
        .shared_quota(id)
        .await?
        .ok_or_else(no_quota)?;
    Ok(Json(to_api(quota)))
}

/// Takes a quota away.
#[utoipa::path(
    delete,
    path = "/quotas/{id}",
    tag = "quotas",
    operation_id = "delete_quota",
    params(IdParams),
    responses((status = 204, description = "It is gone.")),
    extensions(("x-right" = json!(Right::Superuser)), ("x-codes" = json!(["quota_not_found"]))),
)]
pub(crate) async fn delete(
    QuotaId(id): QuotaId,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let quota = state
        .metadata
        .shared_quota(id)
        .await?
        .ok_or_else(no_quota)?;
    let by = caller.require_superuser()?;
    let dropped = state.metadata.drop_quota(&quota, &by).await;
    dropped.map_err(gone)?;
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), quota = id, "quota deleted");
    Ok(NoContent)
}

fn gone(error: Error) -> Problem {
    match error {
        Error::Unmet(Requirement::Quota) => no_quota(), // someone else was first
        error => error.into(),
    }
}
