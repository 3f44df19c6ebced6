//! Conditional requests (RFC 9110 13) on single resources: `If-None-Match` of what is shown and
//! `If-Match` of what is changed, for every call whose path has a state with an entity tag.
//!
//! A change is judged against what a GET by the same caller would show, and then made only while
//! the version of the policy is still the one that was judged: nobody can be first in between. A
//! PATCH without a condition is made so, too: what it leaves out stays as others have set it.

use crate::attempts::{ATTEMPTS, others_change};
use crate::caller::Caller;
use crate::entity_tag::{EntityTag, SettledState, Tags};
use crate::extract::body::collect;
use crate::problem::{Refusal, kind_of_response};
use crate::state::ApiState;
use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{Method, StatusCode};
use larder_door::ClientView;
use larder_model::{Kind, Problem};
use std::sync::{Arc, MutexGuard, PoisonError};
use tokio::sync::Mutex;
use tower::ServiceExt as _;

/// A version that the policy never has.
const NEVER: &str = "";

/// What conditions are judged with.
#[derive(Clone)]
pub(crate) struct Conditions {
    pub(crate) state: Arc<ApiState>,
    /// The calls without conditions: what a GET would show.
    pub(crate) resources: Router,
    /// Held by whoever was in another's way once.
    pub(crate) turn: Arc<Mutex<()>>,
}

/// Judges the conditions of a request whose call is known.
pub(crate) async fn judge(
    State(conditions): State<Conditions>,
    path: MatchedPath,
    caller: Caller,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let has_tag = conditions.state.document.has_entity_tag(path.as_str());
    let wanted = Tags::read(request.headers().get_all(IF_MATCH), "if_match", &IF_MATCH)?;
    match (wanted, request.method()) {
        (None, &Method::GET | &Method::HEAD) if has_tag => {
            // The tag is that of the whole answer; what HEAD leaves out, the router does.
            *request.method_mut() = Method::GET;
            show(request, next).await
        }
        (None, &Method::PATCH) if has_tag => {
            change(&conditions, &caller, None, request, next).await
        }
        (None, _) => Ok(next.run(request).await),
        (Some(wanted), &Method::PUT | &Method::PATCH | &Method::DELETE) if has_tag => {
            change(&conditions, &caller, Some(&wanted), request, next).await
        }
        (Some(_), _) => {
            let detail = "this call takes no `If-Match`: leave it out, for it would not be obeyed";
            Err(Problem::invalid("if_match", detail).into())
        }
    }
}

/// Shows a resource with its tag, or 304 to whoever has it.
async fn show(request: Request, next: Next) -> Result<Response, Refusal> {
    let known = request.headers().get_all(IF_NONE_MATCH);
    let known = Tags::read(known, "if_none_match", &IF_NONE_MATCH)?;
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    let body = collect(body).await?;
    let tag = EntityTag::of(&body, head.extensions.get());
    let header = tag.header()?;
    if known.is_some_and(|known| known.name(&tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, header)]).into_response());
    }
    head.headers.insert(ETAG, header);
    Ok(Response::from_parts(head, body.into()))
}

/// Makes a change if the resource is in one of the wanted states, or in any.
async fn change(
    conditions: &Conditions,
    caller: &Caller,
    wanted: Option<&Tags>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let mut unread = Some(body);
    let seen = Arc::new(Seen::default());
    for attempt in 0..ATTEMPTS {
        // Those who were in each other's way go one after the other.
        let _turn = match attempt {
            0 => None,
            _ => Some(conditions.turn.lock().await),
        };
        let gate = &conditions.state.gate;
        gate.refresh().await?;
        let policy = gate.policy();
        let shown = conditions.show(&head, caller).await;
        let is_shown = shown.status() == StatusCode::OK;
        if let Some(wanted) = wanted.filter(|_| is_shown) {
            let settled = shown.extensions().get::<SettledState>().cloned();
            let tag = EntityTag::of(&collect(shown.into_body()).await?, settled.as_ref());
            if !wanted.name_strongly(&tag) {
                return Err(changed_meanwhile().into());
            }
        }
        // The call reads it, so who may not change anything is told so before.
        let body = match unread.take() {
            Some(body) => Seen::through(&seen, body),
            None => Body::from(seen.take()),
        };
        if wanted.is_none() && !is_shown {
            let request = Request::from_parts(head, body);
            return Ok(next.run(request).await);
        }
        // What is not shown is not changed: the call says why, in its own order.
        let version = if is_shown { policy.version() } else { NEVER };
        let mut request = Request::from_parts(head.clone(), body);
        request.extensions_mut().insert(caller.expecting(version));
        let response = next.clone().run(request).await;
        if !is_shown || kind_of_response(&response) != Some(Kind::Precondition) {
            return Ok(response);
        }
        // Something was changed meanwhile: perhaps this, perhaps something else.
    }
    Err(others_change().into())
}

impl Conditions {
    /// What the caller would be shown at the path of a request.
    async fn show(&self, head: &Parts, caller: &Caller) -> Response {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = head.uri.path().parse().unwrap_or_default();
        // Nothing of how the first request was routed.
        let extensions = request.extensions_mut();
        extensions.insert(caller.clone());
        if let Some(client) = head.extensions.get::<ClientView>() {
            extensions.insert(client.clone());
        }
        let Ok(response) = self.resources.clone().oneshot(request).await;
        response
    }
}

/// What was read of a body by the call that it is for.
#[derive(Default)]
struct Seen(std::sync::Mutex<Vec<u8>>);

impl Seen {
    /// The same body, of which is remembered what is read.
    fn through(seen: &Arc<Self>, body: Body) -> Body {
        let seen = Arc::clone(seen);
        let note = move |bytes: &Bytes| seen.bytes().extend_from_slice(bytes);
        let bytes = body.into_data_stream().inspect_ok(note);
        Body::from_stream(bytes.map_err(axum::Error::into_inner))
    }

    /// All that was read.
    fn take(&self) -> Vec<u8> {
        self.bytes().clone()
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn changed_meanwhile() -> Problem {
    let detail = "it is not in the state that `If-Match` names: someone changed it; nothing was \
                  changed, look at it again and decide anew";
    Problem::new(Kind::Precondition, "if_match", detail)
}
