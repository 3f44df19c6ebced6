//! Robots: accounts of machines, for each of which a person answers.

use super::groups::described;
use super::users::refused;
use crate::answer::{Created, NoContent};
use crate::caller::only_superusers;
use crate::extract::accounts::{RobotDeleter, RobotReader, RobotWriter};
use crate::extract::body::JsonBody;
use crate::extract::head::KnownQuery;
use crate::extract::page::Page;
use crate::extract::path::RobotParams;
use crate::extract::rights::{Identified, Superuser};
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, no_robot};
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::users::{NewRobot, RobotChange, User, UserFilter};
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Problem, Subject, UserKind, UserName};
use std::sync::Arc;

fn to_api(robot: &User) -> api::Robot {
    let owner = robot.owner.as_ref();
    api::Robot {
        name: robot.name.clone(),
        description: robot.description.to_string(),
        owner: owner.map(|owner| format!("user:{}", owner.name)),
        disabled: robot.disabled,
        created_at: robot.created_at,
        groups: None,
    }
}

/// Lists robots by name: all for a superuser, to others those for which they answer.
#[utoipa::path(
    get,
    path = "/robots",
    tag = "robots",
    operation_id = "list_robots",
    params(
        (
            "prefix" = Option<String>,
            Query,
            description = "Those whose names begin so.",
        ),
        (
            "disabled" = Option<bool>,
            Query,
            description = "Those that may do nothing for now, or those that may.",
        ),
        (
            "owner" = inline(Option<api::texts::Subject>),
            Query,
            description = "Those for whom this user answers, as user:NAME.",
        ),
        Page,
    ),
    responses((status = 200, description = "A page of robots.", body = api::List<api::Robot>)),
    extensions(
        ("x-right" = json!(Right::Identified)),
        ("x-codes" = json!(["disabled_invalid", "owner_invalid"])),
    ),
)]
pub(crate) async fn list(
    page: Page,
    KnownQuery(query): KnownQuery,
    Identified { caller, .. }: Identified,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Robot>>, Refusal> {
    let disabled = query.choice("disabled")?;
    let principal = caller.principal();
    let own = principal.user.filter(|_| !principal.is_superuser());
    let named = match query.get("owner") {
        Some(text) => Some(state.metadata.user(owner_name(text)?.as_str()).await?),
        None => None,
    };
    // Whoever asks sees no more than without a filter, and of nobody's robots there are none.
    let owner = match (own, named.map(|user| user.map(|user| user.id))) {
        (own, None) => own,
        (None, Some(Some(named))) => Some(named),
        (Some(own), Some(Some(named))) if own == named => Some(own),
        _ => return Ok(Json(api::List::whole(Vec::new()))),
    };
    let filter = UserFilter {
        prefix: query.get("prefix").unwrap_or_default(),
        disabled,
        superuser: None,
        owner,
    };
    let limit = page.limit as u64 + 1;
    let robots = state
        .metadata
        .users(UserKind::Robot, filter, &page.after, limit)
        .await;
    let robots = robots?.iter().map(to_api).collect();
    let key = |robot: &api::Robot| robot.name.to_string();
    Ok(Json(api::List::of(robots, page.limit, key)))
}

fn no_owner(text: &str) -> Problem {
    let detail = format!("`owner` is a user who answers for the robot, as user:NAME; not {text}");
    Problem::invalid("owner", detail)
}

/// The name of a person who answers for robots.
fn owner_name(text: &str) -> Result<UserName, Problem> {
    match text.parse::<Subject>() {
        Ok(Subject::User(name)) => Ok(name),
        Ok(_) => Err(no_owner(text)),
        Err(_) => text.parse().map_err(|_| no_owner(text)),
    }
}

/// The id of the person who is to answer for a robot.
async fn owner(state: &ApiState, text: &str) -> Result<i64, Problem> {
    let user = state.metadata.user(owner_name(text)?.as_str()).await?;
    let user = user.filter(|user| user.kind == UserKind::Person);
    Ok(user.ok_or_else(|| no_owner(text))?.id)
}

/// Makes a robot.
///
/// It may nothing until grants are given to `robot:NAME`.
#[utoipa::path(
    post,
    path = "/robots",
    tag = "robots",
    operation_id = "create_robot",
    request_body = api::NewRobot,
    responses((status = 201, description = "The robot.", body = api::Robot)),
    extensions(("x-right" = json!(Right::Superuser)), ("x-codes" = json!(["conflict"]))),
)]
pub(crate) async fn create(
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewRobot>,
) -> Result<Created<api::Robot>, Refusal> {
    let owner = owner(&state, new.owner.as_deref().unwrap_or(caller.label())).await?;
    let description = described(new.description)?.unwrap_or_default();
    let robot = NewRobot {
        name: &new.name,
        description: &description,
        owner,
    };
    let added = state
        .metadata
        .add_robot(robot, &caller.require_superuser()?)
        .await;
    added.map_err(|error| match error {
        Error::Exists(_) => {
            let detail = format!("there is already a user or robot {}", new.name);
            Problem::new(Kind::Conflict, "robot", detail)
        }
        error => not_changed(error),
    })?;
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), robot = %new.name, "robot created");
    let robot = to_api(&state.robot(&new.name).await?);
    let path = format!("/robots/{}", robot.name);
    Ok(Created::new(path, robot))
}

/// Shows a robot with its groups.
#[utoipa::path(
    get,
    path = "/robots/{name}",
    tag = "robots",
    operation_id = "get_robot",
    params(RobotParams),
    responses((status = 200, description = "The robot.", body = api::Robot)),
    extensions(("x-entity-tag" = json!(true)), ("x-right" = json!(Right::RobotOwner))),
)]
pub(crate) async fn get(
    RobotReader { robot, .. }: RobotReader,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Robot>, Refusal> {
    let groups = Some(state.groups_of(&robot).await?);
    Ok(Json(api::Robot {
        groups,
        ..to_api(&robot)
    }))
}

/// Changes a robot. Its owner may describe and disable it; superusers hand it over too.
#[utoipa::path(
    patch,
    path = "/robots/{name}",
    tag = "robots",
    operation_id = "change_robot",
    params(RobotParams),
    request_body = api::RobotChange,
    responses((status = 200, description = "The robot as it is now.", body = api::Robot)),
    extensions(
        ("x-right" = json!(Right::RobotOwnerUnlimited)),
        ("x-codes" = json!(["owner_invalid"])),
    ),
)]
pub(crate) async fn change(
    RobotWriter { caller, robot, .. }: RobotWriter,
    State(state): State<Arc<ApiState>>,
    JsonBody(change): JsonBody<api::RobotChange>,
) -> Result<Json<api::Robot>, Refusal> {
    let description = described(change.description)?;
    let next = match &change.owner {
        Some(_) if !caller.principal().is_superuser() => return Err(only_superusers().into()),
        Some(text) => Some(owner(&state, text).await?),
        None => None,
    };
    let changed = RobotChange {
        description: description.as_deref(),
        owner: next,
        disabled: change.disabled,
    };
    let changed = state
        .metadata
        .change_robot(robot.id, changed, &caller.require_unlimited()?)
        .await;
    changed.map_err(not_changed)?;
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), robot = %robot.name, "robot changed");
    Ok(Json(to_api(&state.robot(&robot.name).await?)))
}

/// Deletes a robot with its tokens and grants.
#[utoipa::path(
    delete,
    path = "/robots/{name}",
    tag = "robots",
    operation_id = "delete_robot",
    params(RobotParams),
    responses((status = 204, description = "It is gone.")),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["robot_not_found", "conflict"])),
    ),
)]
pub(crate) async fn delete(
    RobotDeleter { caller, robot, .. }: RobotDeleter,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    state
        .metadata
        .drop_user(&robot, &caller.require_superuser()?)
        .await
        .map_err(refused)?;
    state.gate.refresh().await?;
    tracing::info!(by = caller.label(), robot = %robot.name, "robot deleted");
    Ok(NoContent)
}

fn not_changed(error: Error) -> Problem {
    match error {
        Error::Unmet(Requirement::Owner) => {
            Problem::invalid("owner", "the owner was deleted meanwhile; name another one")
        }
        Error::Unmet(Requirement::User) => no_robot(), // someone else was first
        error => error.into(),
    }
}
