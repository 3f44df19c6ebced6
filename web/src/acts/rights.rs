//! Questions about rights.

use super::users::kind_of;
use crate::caller::Caller;
use crate::extract::rights::RightsReader;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, no_user};
use axum::Json;
use axum::extract::State;
use larder_access::Principal;
use larder_api as api;
use larder_model::Problem;
use std::sync::Arc;

/// Tells who the caller is.
#[utoipa::path(
    get,
    path = "/whoami",
    tag = "rights",
    operation_id = "whoami",
    responses((status = 200, description = "The caller.", body = api::Caller)),
    extensions(("x-right" = json!(Right::Anyone))),
)]
pub(crate) async fn whoami(caller: Caller) -> Result<Json<api::Caller>, Refusal> {
    let principal = caller.principal();
    let user = principal.user.and_then(|id| caller.policy().user_by_id(id));
    let name = principal.name().map(str::parse).transpose();
    Ok(Json(api::Caller {
        name: name.map_err(Problem::internal)?,
        anonymous: principal.user.is_none(),
        kind: user.map(|user| kind_of(user)),
        superuser: principal.is_superuser(),
        limited: !principal.is_unlimited(),
    }))
}

/// Tells whether someone may do something, and by which grant.
#[utoipa::path(
    get,
    path = "/can",
    tag = "rights",
    operation_id = "can",
    params(
        (
            "subject" = Option<String>,
            Query,
            description = "Who: user:NAME, robot:NAME or anonymous; without it, the caller.",
        ),
        ("repository" = inline(api::texts::RepoPath), Query, description = "Where."),
        (
            "package" = Option<String>,
            Query,
            description = "Which package; without it, the whole repository.",
        ),
        ("action" = inline(api::Action), Query, description = "What."),
    ),
    responses((status = 200, description = "Whether it may.", body = api::Verdict)),
    extensions(
        ("x-right" = json!(Right::AboutOneself)),
        ("x-codes" = json!([
            "repository_invalid",
            "action_invalid",
            "subject_invalid",
            "user_not_found",
        ])),
    ),
)]
pub(crate) async fn can(
    question: RightsReader,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Verdict>, Refusal> {
    let other = question.other.as_deref();
    let other = other.map(|subject| someone(&state, subject)).transpose()?;
    // A user that is disabled is nobody and may nothing.
    let principal = match &other {
        Some(other) => other.as_ref(),
        None => Some(question.caller.principal()),
    };
    let allowed = principal.is_some_and(|principal| principal.may(&question.permission));
    let grant = principal
        .filter(|_| allowed)
        .and_then(|principal| principal.by_which(&question.permission));
    Ok(Json(api::Verdict {
        allowed,
        grant: grant.map(|id| id.to_string()),
    }))
}

/// The principal that a subject names; `None` if it is disabled.
fn someone(state: &ApiState, subject: &str) -> Result<Option<Principal>, Problem> {
    if subject == "anonymous" {
        return Ok(Some(state.gate.anonymous()));
    }
    let wrong = || Problem::invalid("subject", "subject is user:NAME, robot:NAME or anonymous");
    let (word, name) = subject.split_once(':').ok_or_else(wrong)?;
    let kind = match word {
        "user" => api::UserKind::Person,
        "robot" => api::UserKind::Robot,
        _ => return Err(wrong()),
    };
    let policy = state.gate.policy();
    let user = policy
        .user(name)
        .filter(|user| kind_of(user) == kind)
        .ok_or_else(no_user)?;
    Ok(Some(policy.principal(user)).filter(|_| !user.disabled))
}
