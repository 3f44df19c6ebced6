//! Questions about rights.

use crate::caller::Caller;
use crate::extract::rights::RightsReader;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, no_group, no_user};
use axum::Json;
use axum::extract::State;
use larder_access::Principal;
use larder_api as api;
use larder_model::{Problem, Subject};
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
    let name = principal.name().map(str::parse).transpose();
    let kind = match principal.label.parse() {
        Ok(Subject::User(_)) => Some(api::UserKind::Person),
        Ok(Subject::Robot(_)) => Some(api::UserKind::Robot),
        _ => None,
    };
    Ok(Json(api::Caller {
        name: name.map_err(Problem::internal)?,
        anonymous: principal.user.is_none(),
        kind,
        superuser: principal.is_superuser(),
        limited: !principal.is_unlimited(),
    }))
}

/// Tells whether someone may do something, by which grant, and through which groups.
#[utoipa::path(
    get,
    path = "/can",
    tag = "rights",
    operation_id = "can",
    params(
        (
            "subject" = Option<String>,
            Query,
            description = "Who: user:NAME, robot:NAME, group:NAME, authenticated or anonymous; without \
                it, the caller.",
        ),
        ("repository" = inline(api::texts::RepoPath), Query, description = "Where."),
        (
            "package" = Option<String>,
            Query,
            description = "Which package; without it, the whole repository.",
        ),
        (
            "ref" = Option<String>,
            Query,
            description = "Which ref of the package, e.g. refs/heads/main; without it, all of it.",
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
            "group_not_found",
        ])),
    ),
)]
pub(crate) async fn can(
    question: RightsReader,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Verdict>, Refusal> {
    let other = match &question.other {
        Some(subject) => Some(someone(&state, subject).await?),
        None => None,
    };
    // A user that is not active is nobody and may nothing.
    let principal = match &other {
        Some(other) => other.as_ref(),
        None => Some(question.caller.principal()),
    };
    let ground = principal.and_then(|principal| principal.why(&question.permission));
    let grant = ground.as_ref().and_then(|ground| ground.grant);
    let through = ground.iter().flat_map(|ground| &ground.through);
    Ok(Json(api::Verdict {
        allowed: ground.is_some(),
        grant: grant.map(|id| id.to_string()),
        through: through.map(ToString::to_string).collect(),
    }))
}

/// The principal that a subject names; `None` if it is not active.
async fn someone(state: &ApiState, subject: &str) -> Result<Option<Principal>, Problem> {
    let wrong = || {
        let forms = "user:NAME, robot:NAME, group:NAME, authenticated or anonymous";
        Problem::invalid("subject", format!("subject is {forms}"))
    };
    let subject: Subject = subject.parse().map_err(|_| wrong())?;
    let found = state.gate.principal_of(&subject).await?;
    found.ok_or_else(|| match subject {
        Subject::Group(_) => no_group(),
        _ => no_user(),
    })
}
