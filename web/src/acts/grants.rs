//! Grants. Superusers give any; whoever administers all repositories of a pattern gives grants on
//! it.

use super::scope;
use crate::answer::{Created, NoContent};
use crate::extract::body::JsonBody;
use crate::extract::page::Page;
use crate::extract::path::{GrantId, IdParams};
use crate::extract::rights::{Identified, Unlimited};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, no_user};
use axum::Json;
use axum::extract::State;
use larder_access::PolicySnapshot;
use larder_api as api;
use larder_metadata::grants::Grant;
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Pattern, Problem, UserName};
use std::sync::Arc;

/// Rows looked at in one go.
const ROWS: usize = 1000;

fn to_api(row: Grant) -> api::Grant {
    api::Grant {
        id: row.id.to_string(),
        subject: row.subject.into(),
        repository: row.repository,
        package: row.package,
        role: row.role,
        created_at: row.created_at,
        created_by: row.created_by.into(),
    }
}

fn no_grant() -> Problem {
    Problem::not_found("grant", "there is no such grant, or you may not see it")
}

/// Lists the grants on repositories that the caller administers, the oldest first.
#[utoipa::path(
    get,
    path = "/grants",
    tag = "grants",
    operation_id = "list_grants",
    params(Page),
    responses((status = 200, description = "A page of grants.", body = api::List<api::Grant>)),
    extensions(("x-right" = json!(Right::Identified)), ("x-codes" = json!(["after_invalid"]))),
)]
pub(crate) async fn list(
    page: Page,
    Identified { caller, .. }: Identified,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Grant>>, Refusal> {
    let mut after = page.after_id()?;
    let mut grants = Vec::new();
    while grants.len() <= page.limit {
        let rows = state.metadata.grants_after(after, ROWS as u64).await?;
        let more = rows.len() == ROWS;
        after = rows.last().map_or(after, |row| row.id);
        let own = |row: &Grant| caller.principal().administers(&row.repository);
        grants.extend(rows.into_iter().filter(own).map(to_api));
        if !more {
            break;
        }
    }
    Ok(Json(api::List::of(
        grants,
        page.limit,
        |grant: &api::Grant| grant.id.clone(),
    )))
}

/// Gives a role to someone.
///
/// The caller administers all repositories of the pattern.
#[utoipa::path(
    post,
    path = "/grants",
    tag = "grants",
    operation_id = "create_grant",
    request_body = api::NewGrant,
    responses((status = 201, description = "The grant.", body = api::Grant)),
    extensions(
        ("x-right" = json!(Right::Unlimited)),
        ("x-codes" = json!(["user_not_found", "conflict"])),
    ),
)]
pub(crate) async fn create(
    Unlimited { caller, .. }: Unlimited,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewGrant>,
) -> Result<Created<api::Grant>, Refusal> {
    scope::check_repository(&new.repository)?;
    if !caller.principal().administers(&new.repository) {
        let detail = format!(
            "only who administers all repositories of {} may give grants on it",
            new.repository
        );
        return Err(Problem::new(Kind::Denied, "access", detail).into());
    }
    state.gate.refresh().await?;
    check_subject(&new.subject, &state.gate.policy())?;
    let row = Grant {
        id: state.metadata.new_id(),
        subject: new.subject.into(),
        repository: new.repository,
        package: new.package.unwrap_or_else(Pattern::all),
        role: new.role,
        created_at: state.metadata.now(),
        created_by: caller.label().into(),
    };
    let added = state
        .metadata
        .add_grant(&row, &caller.require_unlimited()?)
        .await;
    added.map_err(not_added)?;
    state.gate.refresh().await?;
    tracing::info!(
        by = %row.created_by, grant = row.id, subject = %row.subject, repository = %row.repository,
        package = %row.package, role = row.role.word(), "grant created"
    );
    Ok(Created::new(
        format_args!("/grants/{}", row.id),
        to_api(row.clone()),
    ))
}

/// Takes a grant back.
///
/// To whoever does not administer all repositories of its pattern there is no such grant.
#[utoipa::path(
    delete,
    path = "/grants/{id}",
    tag = "grants",
    operation_id = "delete_grant",
    params(IdParams),
    responses((status = 204, description = "It is gone.")),
    extensions(("x-right" = json!(Right::Unlimited)), ("x-codes" = json!(["grant_not_found"]))),
)]
pub(crate) async fn delete(
    GrantId(id): GrantId,
    Unlimited { caller, .. }: Unlimited,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let row = state.metadata.grant(id).await?.ok_or_else(no_grant)?;
    if !caller.principal().administers(&row.repository) {
        return Err(no_grant().into());
    }
    let dropped = state
        .metadata
        .drop_grant(id, &caller.require_unlimited()?)
        .await;
    dropped.map_err(|error| match error {
        Error::Unmet(Requirement::Grant) => no_grant(),
        error => error.into(),
    })?;
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), grant = id, subject = %row.subject, "grant deleted");
    Ok(NoContent)
}

fn not_added(error: Error) -> Problem {
    match error {
        Error::Exists(_) => Problem::new(
            Kind::Conflict,
            "grant",
            "there is already the very same grant",
        ),
        error => error.into(),
    }
}

/// Whom a grant may be for.
fn check_subject(subject: &str, policy: &PolicySnapshot) -> Result<(), Problem> {
    let wrong = |why: &str| {
        let forms = "user:NAME, group:NAME, robot:NAME, authenticated or anonymous";
        Problem::invalid("subject", format!("`subject` is {forms}{why}"))
    };
    let (word, name) = match subject.split_once(':') {
        None if subject == "authenticated" || subject == "anonymous" => return Ok(()),
        None => return Err(wrong("")),
        Some(parts) => parts,
    };
    let name: UserName = name.parse().map_err(|error| wrong(&format!(": {error}")))?;
    let kind = match word {
        "group" => return Ok(()),
        "user" => api::UserKind::Person,
        "robot" => api::UserKind::Robot,
        _ => return Err(wrong("")),
    };
    let known = policy.user(name.as_str());
    if known.is_some_and(|user| super::users::kind_of(user) == kind) {
        Ok(())
    } else {
        Err(no_user())
    }
}
