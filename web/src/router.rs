//! The calls of the API: one line for each path, and what all of them have in common.

use crate::acts::{
    abouts, audit, backups, clients, collection, copies, deletions, denied, document, downloads,
    grants, groups, jobs, packages, publications, quotas, refresh, repositories, reservations,
    retention, rights, robots, schedules, scrub, search, sessions, settings, statistics, system,
    tags, tokens, trash, upstreams, users, versions,
};
use crate::answer::ROOT;
use crate::caller::Caller;
use crate::conditions::{Conditions, judge};
use crate::extract::head::{Client, KnownQuery};
use crate::extract::path::PathParams;
use crate::idempotency::carry_out_once;
use crate::openapi::{self, Call, Document};
use crate::problem::{Refusal, of_panic};
use crate::query::Query;
use crate::state::ApiState;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use larder_door::{FOR_ONE_CALLER, METHODS};
use larder_model::{Kind, Problem};
use std::sync::{Arc, LazyLock};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All calls.
fn calls() -> OpenApiRouter<Arc<ApiState>> {
    let calls = OpenApiRouter::new()
        .routes(routes!(repositories::list, repositories::create))
        .routes(routes!(
            repositories::get,
            repositories::change,
            repositories::delete
        ))
        .routes(routes!(retention::get, retention::put, retention::delete))
        .routes(routes!(retention::preview))
        .routes(routes!(retention::run))
        .routes(routes!(trash::list))
        .routes(routes!(trash::delete))
        .routes(routes!(trash::restore))
        .routes(routes!(packages::list, tags::publish))
        .routes(routes!(abouts::package, packages::delete))
        .routes(routes!(publications::publish))
        .routes(routes!(deletions::create))
        .routes(routes!(refresh::refresh))
        .routes(routes!(versions::list))
        .routes(routes!(versions::get, versions::change, versions::delete))
        .routes(routes!(abouts::version))
        .routes(routes!(copies::copy))
        .routes(routes!(search::search))
        .routes(routes!(upstreams::list))
        .routes(routes!(upstreams::check))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::get, users::change, users::delete))
        .routes(routes!(groups::list, groups::create))
        .routes(routes!(groups::get, groups::change, groups::delete))
        .routes(routes!(groups::members))
        .routes(routes!(groups::add, groups::remove))
        .routes(routes!(robots::list, robots::create))
        .routes(routes!(robots::get, robots::change, robots::delete))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::delete))
        .routes(routes!(sessions::list, sessions::create))
        .routes(routes!(sessions::delete))
        .routes(routes!(grants::list, grants::create))
        .routes(routes!(grants::delete))
        .routes(routes!(quotas::list, quotas::create))
        .routes(routes!(quotas::change, quotas::delete))
        .routes(routes!(reservations::list))
        .routes(routes!(reservations::delete))
        .routes(routes!(settings::get, settings::change))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::get))
        .routes(routes!(jobs::items))
        .routes(routes!(jobs::events))
        .routes(routes!(jobs::cancel))
        .routes(routes!(backups::get))
        .routes(routes!(backups::run))
        .routes(routes!(backups::list))
        .routes(routes!(backups::download, backups::delete))
        .routes(routes!(upstreams::check_all))
        .routes(routes!(collection::run))
        .routes(routes!(collection::get))
        .routes(routes!(collection::blob))
        .routes(routes!(scrub::run))
        .routes(routes!(scrub::get))
        .routes(routes!(scrub::list))
        .routes(routes!(scrub::show, scrub::delete))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::get, schedules::put))
        .routes(routes!(statistics::get))
        .routes(routes!(statistics::get_series))
        .routes(routes!(statistics::usage))
        .routes(routes!(statistics::run))
        .routes(routes!(downloads::list))
        .routes(routes!(system::health))
        .routes(routes!(system::authority))
        .routes(routes!(system::config))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(denied::list))
        .routes(routes!(denied::get))
        .routes(routes!(clients::list))
        .routes(routes!(clients::get))
        .routes(routes!(rights::whoami))
        .routes(routes!(rights::can))
        .routes(routes!(document::json))
        .routes(routes!(document::page));
    OpenApiRouter::with_openapi(openapi::base()).nest(ROOT, calls)
}

/// What is told of all calls, made when it is first needed.
pub(crate) static DOCUMENT: LazyLock<Document> =
    LazyLock::new(|| Document::of(calls().into_openapi()));

/// The calls as a service.
pub(crate) fn router(state: Arc<ApiState>) -> Router {
    // What one caller sees is nothing for any cache: rights change, and secrets are shown once.
    let router: Router<Arc<ApiState>> = calls().into();
    let head = from_fn_with_state(Arc::clone(&state), read_head);
    let conditions = Conditions {
        turn: Arc::default(),
        state: Arc::clone(&state),
        resources: router
            .clone()
            .route_layer(head.clone())
            .with_state(Arc::clone(&state)),
    };
    router
        .route_layer(from_fn_with_state(conditions, judge))
        .route_layer(from_fn_with_state(Arc::clone(&state), carry_out_once))
        .route_layer(head)
        .fallback(unknown)
        .layer(SetResponseHeaderLayer::if_not_present(
            CACHE_CONTROL,
            FOR_ONE_CALLER,
        ))
        .layer(from_fn_with_state(Arc::clone(&state), count_request))
        .layer(CatchPanicLayer::custom(of_panic))
        .with_state(state)
}

/// That a call is made for a page of ours.
#[derive(Clone, Copy)]
pub(crate) struct OfPage;

/// Refuses a request of a caller who asks too often, before anything else is done for it.
async fn count_request(
    State(state): State<Arc<ApiState>>,
    caller: Caller,
    Client(client): Client,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if request.extensions().get::<OfPage>().is_some() {
        return Ok(next.run(request).await);
    }
    let now = state.metadata.now();
    state
        .rate_limiter
        .take(caller.principal(), client.address, now)?;
    Ok(next.run(request).await)
}

async fn unknown() -> Refusal {
    Problem::not_found("path", "no such path in the API").into()
}

/// Reads the head of a request as its call is documented, before anything of the call runs.
async fn read_head(
    State(state): State<Arc<ApiState>>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let calls = state.document.calls(path.as_str());
    let (mut parts, body) = request.into_parts();
    let mut response = match known_query(&mut parts, calls).await {
        Ok(query) => {
            parts.extensions.insert(query);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => Refusal(problem).into_response(),
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Ok(methods) = HeaderValue::try_from(allow(calls))
    {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

/// The query of a request whose path and method are those of a call.
async fn known_query(parts: &mut Parts, calls: &[Call]) -> Result<KnownQuery, Problem> {
    PathParams::of(parts).await?;
    let method = match &parts.method {
        &Method::HEAD => &Method::GET,
        method => method,
    };
    let call = calls.iter().find(|call| call.method == *method);
    let call = call.ok_or_else(|| {
        let detail = format!("this path takes {}", allow(calls));
        Problem::new(Kind::Method, "method", detail)
    })?;
    let query = Query::read(parts.uri.query().unwrap_or_default())?;
    query.require_known(&call.query)?;
    Ok(KnownQuery(Arc::new(query)))
}

/// The methods of these calls, as the `Allow` header tells them (RFC 9110 10.2.1).
fn allow(calls: &[Call]) -> String {
    let has = |method: &Method| calls.iter().any(|call| call.method == *method);
    let methods = METHODS.iter().filter(|method| match *method {
        &Method::HEAD => has(&Method::GET),
        method => has(method),
    });
    methods.map(Method::as_str).collect::<Vec<_>>().join(", ")
}
