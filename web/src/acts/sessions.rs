//! Sessions: browsers in which a person has signed in.

use crate::answer::{Created, NoContent};
use crate::extract::accounts::SessionReader;
use crate::extract::body::JsonBody;
use crate::extract::head::{Agent, Client};
use crate::extract::page::Page;
use crate::extract::path::{IdParams, SessionId};
use crate::extract::rights::Unlimited;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use larder_access::NewSession;
use larder_api as api;
use larder_door::session_cookie;
use larder_metadata::sessions::Session;
use larder_model::Subject;
use std::sync::Arc;

fn to_api(session: &Session) -> api::Session {
    api::Session {
        id: session.id.to_string(),
        owner: Subject::User(session.owner_name.clone()).to_string(),
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.expires_at,
        address: session.address.to_string(),
        user_agent: session.agent.to_string(),
        current: false,
        csrf_token: None,
    }
}

/// The same as the session in which the caller asks.
fn to_api_current(session: &Session, state: &ApiState) -> api::Session {
    api::Session {
        current: true,
        csrf_token: Some(state.gate.csrf_token(session.id)),
        ..to_api(session)
    }
}

/// Lists sessions that have not ended, the oldest first: the caller's, or for superusers all.
#[utoipa::path(
    get,
    path = "/sessions",
    tag = "sessions",
    operation_id = "list_sessions",
    params(
        (
            "owner" = inline(Option<api::texts::Subject>),
            Query,
            description = "Whose, as user:NAME.",
        ),
        Page,
    ),
    responses((status = 200, description = "A page of sessions.", body = api::List<api::Session>)),
    extensions(("x-right" = json!(Right::Oneself)), ("x-codes" = json!(["after_invalid"]))),
)]
pub(crate) async fn list(
    page: Page,
    SessionReader { caller, owner, .. }: SessionReader,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Session>>, Refusal> {
    let limit = page.limit as u64 + 1;
    let sessions = state.metadata.sessions(owner, page.after_id()?, limit);
    let current = caller.principal().session();
    let to_api = |session: &Session| {
        if current == Some(session.id) {
            to_api_current(session, &state)
        } else {
            to_api(session)
        }
    };
    let sessions = sessions.await?.iter().map(to_api).collect();
    Ok(Json(api::List::of(
        sessions,
        page.limit,
        |session: &api::Session| session.id.clone(),
    )))
}

/// Signs in: begins a session, which a cookie of the browser stands for from then on.
///
/// The cookie says who asks where no `Authorization` does. A change in a session needs its
/// `csrf_token` in the header `X-CSRF-Token`, and a browser that tells by `Sec-Fetch-Site` or `Origin`
/// that the page is of this server. A session ends 12 hours after its last use, and 14 days after its
/// beginning.
#[utoipa::path(
    post,
    path = "/sessions",
    tag = "sessions",
    operation_id = "create_session",
    request_body = api::NewSession,
    responses(
        (
            status = 201,
            description = "The session; `Set-Cookie` holds its secret.",
            body = api::Session,
        ),
    ),
    extensions(
        ("x-right" = json!(Right::Open)),
        ("x-codes" = json!(["unauthenticated", "secret_already_shown", "busy"])),
    ),
)]
pub(crate) async fn create(
    Client(client): Client,
    Agent(agent): Agent,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewSession>,
) -> Result<Response, Refusal> {
    let origin = client.origin();
    let begun = state
        .gate
        .begin_session(&new.name, &new.password, &agent, &origin);
    let NewSession { session, secret } = begun.await?;
    let by = Subject::User(session.owner_name.clone());
    tracing::info!(%by, session = session.id, "signed in");
    let cookie = session_cookie::set(&client, &secret)?;
    let shown = to_api_current(&session, &state);
    let begun = Created::new(format_args!("/sessions/{}", session.id), shown);
    let begun = begun.with_secret_of(session.id);
    Ok(([(SET_COOKIE, cookie)], begun).into_response())
}

/// Ends a session of the caller's, or for superusers anyone's.
///
/// To sign out is to end the session in which one asks: the browser forgets its cookie.
#[utoipa::path(
    delete,
    path = "/sessions/{id}",
    tag = "sessions",
    operation_id = "delete_session",
    params(IdParams),
    responses((status = 204, description = "It has ended.")),
    extensions(("x-right" = json!(Right::Unlimited)), ("x-codes" = json!(["session_not_found"]))),
)]
pub(crate) async fn delete(
    SessionId(id): SessionId,
    Unlimited { caller, .. }: Unlimited,
    Client(client): Client,
    State(state): State<Arc<ApiState>>,
) -> Result<Response, Refusal> {
    let session = state.gate.end_session(&caller, id).await?;
    tracing::info!(
        by = caller.label(),
        owner = session.owner,
        session = id,
        "session ended"
    );
    if caller.principal().session() == Some(id) {
        let cookie = session_cookie::clear(&client)?;
        return Ok(([(SET_COOKIE, cookie)], NoContent).into_response());
    }
    Ok(NoContent.into_response())
}
