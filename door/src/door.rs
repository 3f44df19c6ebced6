//! The one door: every request of every protocol passes [`open`], the only caller of `answer` and
//! the only maker of responses.

use crate::answer::{Refusals, RequestView, UPSTREAM, of_blob, of_reply, of_streaming};
use crate::body::Wire;
use crate::head::require_plain;
use crate::{Answer, Body, ClientView, Incoming, session_cookie};
use futures_util::FutureExt as _;
use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, EXPECT, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use hyper::ext::ReasonPhrase;
use larder_access::denied::address_of;
use larder_access::{Admission, Asked, Gate, Principal};
use larder_content::ContentStore;
use larder_model::{Kind, Permission, Problem, Reply};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

/// So many lost files of one answer are brought again one after the other.
const LOST_AT_ONCE: usize = 4;

/// What a change in a session comes with: only pages of our own can know it.
const CSRF_TOKEN: &str = "x-csrf-token";

/// The methods that any path here may take.
pub const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// A protocol's entrance. Holds exactly the parts that its answers need.
pub trait Door: Send + Sync + 'static {
    /// A request of this protocol, parsed: everything later uses this and never the path again.
    type Endpoint: Send;

    /// Reads method, path, query and headers. Does no IO.
    fn parse(&self, request: &Parts) -> Result<Self::Endpoint, Problem>;

    /// What must be allowed for it. What may be allowed, `answer` asks the admission for.
    fn permissions(&self, endpoint: &Self::Endpoint) -> Vec<Permission>;

    /// The version, tag or digest that is asked for, where the request names one.
    fn reference(&self, endpoint: &Self::Endpoint) -> Option<Box<str>> {
        let _ = endpoint;
        None
    }

    /// Whether it is for everyone, whatever credentials are shown: a login must not fail because
    /// the last one has ended.
    fn is_open(&self, endpoint: &Self::Endpoint) -> bool {
        let _ = endpoint;
        false
    }

    /// Whether the cookie of a person's session says who asks where no credentials are shown: not
    /// where the clients are no browsers.
    fn takes_sessions(&self) -> bool {
        false
    }

    /// Whether the answer itself asks the gate for the CSRF token of the session: pages have it in
    /// the body of a form.
    fn checks_csrf_tokens(&self) -> bool {
        false
    }

    /// The methods that the path of a request takes, besides the one that was refused (RFC 9110
    /// 10.2.1). Default: those with which [`Self::parse`] knows it.
    fn methods(&self, request: &Parts) -> Vec<Method> {
        let mut probe = request.clone();
        let others = METHODS.into_iter().filter(|other| *other != request.method);
        others
            .filter(|method| {
                probe.method = method.clone();
                match self.parse(&probe) {
                    Ok(_) => true,
                    // Whatever else is wrong with it, the path takes the method.
                    Err(problem) => !matches!(
                        problem.kind,
                        Kind::NotFound | Kind::Method | Kind::Unsupported
                    ),
                }
            })
            .collect()
    }

    /// Does it.
    fn answer(
        &self,
        admission: Admission,
        endpoint: Self::Endpoint,
        request: &Parts,
        client: &ClientView,
        body: &mut Incoming,
    ) -> impl Future<Output = Result<Answer, Problem>> + Send;

    /// Says a problem in the protocol's dialect.
    fn refuse(&self, problem: &Problem, context: &RefusalContext<'_>) -> Reply;

    /// Whether [`Self::refuse`] may say once more what a [`ReadyResponse`](crate::ReadyResponse) says:
    /// where a rule refused, an address is added.
    fn refuses_again(&self) -> bool {
        false
    }

    /// Whether what went wrong is said in the status line too: some clients show nothing else.
    fn gives_reasons(&self) -> bool {
        false
    }
}

/// What a refusal may speak of.
pub struct RefusalContext<'a> {
    /// What was asked for, as far as it was understood.
    pub permissions: &'a [Permission],
    /// Where the client sees us.
    pub client: &'a ClientView,
    /// Whether it showed credentials.
    pub identified: bool,
    /// The path as it came.
    pub path: &'a str,
    /// The query as it came.
    pub query: &'a str,
    /// The request's headers.
    pub headers: &'a HeaderMap,
}

/// A response, and what the log tells of it.
pub struct DoorResponse {
    /// The response.
    pub response: Response<Body>,
    /// Who asked; `None` if the credentials did not hold.
    pub principal: Option<Arc<Principal>>,
    /// What went wrong.
    pub problem: Option<Problem>,
    /// What was done to what.
    pub permissions: Vec<Permission>,
    /// Bytes of the request's body that came.
    pub received: u64,
    /// The host of the upstream of which the bytes are.
    pub upstream: Option<HeaderValue>,
}

/// Leads a request through a door.
pub async fn open<D: Door>(
    door: &D,
    gate: &Gate,
    store: &ContentStore,
    request: Parts,
    mut body: Incoming,
    client: &ClientView,
    wire: Option<&Wire>,
) -> DoorResponse {
    let mut passage = Passage::default();
    let outcome = {
        // It is pinned where it is: it is large, and would be copied twice on its way.
        let passing = pin!(pass(
            door,
            gate,
            store,
            &request,
            &mut body,
            client,
            wire,
            &mut passage,
        ));
        // A fault of ours in one answer is that request's trouble alone. The log has the panic's place.
        let outcome = AssertUnwindSafe(passing).catch_unwind().await;
        outcome.unwrap_or_else(|_| Err(Problem::internal("the answer panicked")))
    };
    // A refusal is told in the dialect of the door, with what was understood of the request.
    let (mut response, problem) = match outcome {
        Ok(response) => match passage.problem.take() {
            Some(problem) if problem.ruling.is_some() && door.refuses_again() => {
                refused(door, gate, problem, &passage, &request, client)
            }
            problem => (response, problem),
        },
        Err(problem) => refused(door, gate, problem, &passage, &request, client),
    };
    if let (Some(problem), Some(caller)) = (&problem, &passage.principal)
        && problem.refused
    {
        let wanted = passage.permissions.last();
        gate.note_refusal(caller, wanted, problem, &client.origin());
    }
    let upstream = response.headers_mut().remove(UPSTREAM);
    tell_methods(door, &request, &mut response);
    guard_browsers(response.headers_mut());
    // What is left of a body stands in the way of the next request on this connection.
    if !body.drain(request.headers.contains_key(EXPECT)).await && request.version < Version::HTTP_2
    {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    DoorResponse {
        response,
        principal: passage.principal,
        problem,
        permissions: passage.permissions,
        received: body.received(),
        upstream,
    }
}

/// The answer that says a problem. Where a rule refused, its address is named.
fn refused<D: Door>(
    door: &D,
    gate: &Gate,
    mut problem: Problem,
    passage: &Passage,
    request: &Parts,
    client: &ClientView,
) -> (Response<Body>, Option<Problem>) {
    name_refusal(gate, &mut problem, passage, client);
    let principal = passage.principal.as_ref();
    let context = RefusalContext {
        permissions: &passage.permissions,
        client,
        identified: principal.is_some_and(|principal| principal.user.is_some()),
        path: request.uri.path(),
        query: request.uri.query().unwrap_or_default(),
        headers: &request.headers,
    };
    let mut reply = door.refuse(&problem, &context);
    add_facts(&mut reply.headers, &problem);
    let mut response = of_reply(reply, request.method == Method::HEAD);
    if door.gives_reasons() && request.version < Version::HTTP_2 {
        add_reason(&mut response, &problem);
    }
    (response, Some(problem))
}

/// Notes what a rule refused, and adds to the sentence where more of it can be read.
fn name_refusal(gate: &Gate, problem: &mut Problem, passage: &Passage, client: &ClientView) {
    let Some(caller) = &passage.principal else {
        return;
    };
    let asked = Asked {
        permission: passage.permissions.last(),
        reference: passage.reference.as_deref(),
    };
    if let Some(id) = gate.note_denied(caller, &asked, problem, &client.origin()) {
        problem.point_to(&address_of(&client.base, &id));
    }
}

#[derive(Default)]
struct Passage {
    principal: Option<Arc<Principal>>,
    permissions: Vec<Permission>,
    reference: Option<Box<str>>,
    /// What a ready response says went wrong.
    problem: Option<Problem>,
}

#[expect(clippy::too_many_arguments, reason = "one private step of `open`")]
async fn pass<D: Door>(
    door: &D,
    gate: &Gate,
    store: &ContentStore,
    request: &Parts,
    body: &mut Incoming,
    client: &ClientView,
    wire: Option<&Wire>,
    passage: &mut Passage,
) -> Result<Response<Body>, Problem> {
    // What is asked for, and what must be allowed for it.
    gate.measure(request)?;
    require_plain(request)?;
    let endpoint = door.parse(request);
    if let Ok(endpoint) = &endpoint {
        passage.permissions = door.permissions(endpoint);
        passage.reference = door.reference(endpoint);
    }
    // Who asks. A request that could not be parsed is told so only to callers whose credentials
    // hold.
    let principal = match &endpoint {
        Ok(endpoint) if door.is_open(endpoint) => gate.anonymous(client.address),
        _ => identify(door, gate, &request.headers, client).await?,
    };
    passage.principal = Some(Arc::clone(&principal));
    if !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        require_own(door, gate, &principal, &request.headers, client)?;
    }
    let endpoint = endpoint?;
    // Whether they may, and then the answer.
    let way = Way {
        door,
        gate,
        store,
        request,
        client,
        wire,
    };
    let mut outcome = way.answer(endpoint, principal, body, passage).await;
    // What the store lost is noted by now: what can be brought again is, for this request already. Of a
    // document that may be its own bytes and those of what was made of it, one after the other.
    for _ in 0..LOST_AT_ONCE {
        let problem = match outcome {
            Err(problem) if problem.found_now.is_some() && request.method == Method::GET => problem,
            outcome => return outcome,
        };
        if problem.found_now == Some(true) {
            let (path, why) = (request.uri.path(), problem.with_causes());
            tracing::error!(path, problem = why, "the bytes of a file are lost");
        }
        let (endpoint, principal) = (door.parse(request)?, passage.principal.clone());
        let Some(principal) = principal else {
            return Err(problem);
        };
        outcome = Box::pin(way.answer(endpoint, principal, body, passage)).await;
    }
    outcome
}

/// What an answer is made with.
struct Way<'a, D: Door> {
    door: &'a D,
    gate: &'a Gate,
    store: &'a ContentStore,
    request: &'a Parts,
    client: &'a ClientView,
    wire: Option<&'a Wire>,
}

impl<D: Door> Way<'_, D> {
    /// The answer, as the response that it becomes.
    async fn answer(
        &self,
        endpoint: D::Endpoint,
        principal: Arc<Principal>,
        body: &mut Incoming,
        passage: &mut Passage,
    ) -> Result<Response<Body>, Problem> {
        let (gate, request) = (self.gate, self.request);
        let admission = gate
            .admit(principal, &passage.permissions)?
            .from(self.client.origin());
        let public = gate.is_public(&passage.permissions);
        let client = self.client;
        let answer = self.door.answer(admission, endpoint, request, client, body);
        let answer = answer.await?;
        let asked = RequestView {
            method: &request.method,
            headers: &request.headers,
            wire: self.wire,
        };
        match answer {
            Answer::Reply(reply) => Ok(of_reply(reply, request.method == Method::HEAD)),
            Answer::Blob(blob) => of_blob(blob, &asked, self.store, public).await,
            Answer::Streaming(streaming) => of_streaming(streaming, &asked, public),
            Answer::Response(ready) => {
                passage.permissions.extend(ready.permissions);
                passage.problem = ready.problem;
                Ok(ready.response)
            }
            Answer::Refusals(Refusals { mut problems, say }) => {
                for problem in &mut problems {
                    name_refusal(gate, problem, passage, self.client);
                }
                let reply = say(&problems);
                // The log and the audit trail tell of a request once.
                let refused = problems.iter().position(|problem| problem.refused);
                passage.problem = problems.into_iter().nth(refused.unwrap_or(0));
                Ok(of_reply(reply, request.method == Method::HEAD))
            }
        }
    }
}

/// Who asks: whose credentials are shown, else whose session a browser's cookie is of.
async fn identify<D: Door>(
    door: &D,
    gate: &Gate,
    headers: &HeaderMap,
    client: &ClientView,
) -> Result<Arc<Principal>, Problem> {
    let origin = client.origin();
    let takes_sessions = door.takes_sessions() && !headers.contains_key(AUTHORIZATION);
    let secret = session_cookie::read(headers, client).filter(|_| takes_sessions);
    match secret {
        Some(secret) => gate.identify_session(secret, &origin).await,
        None => gate.identify(headers, &origin).await,
    }
}

/// Fails if a page of another site may have sent a change.
fn require_own<D: Door>(
    door: &D,
    gate: &Gate,
    principal: &Principal,
    headers: &HeaderMap,
    client: &ClientView,
) -> Result<(), Problem> {
    let Some(session) = principal.session() else {
        return client.require_own(headers);
    };
    client.require_said_own(headers)?;
    if door.checks_csrf_tokens() {
        return Ok(());
    }
    let shown = headers.get(CSRF_TOKEN);
    gate.require_csrf_token(session, shown.and_then(|shown| shown.to_str().ok()))
}

fn add_facts(headers: &mut HeaderMap, problem: &Problem) {
    if let Some(wait) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if let (Kind::Range, Some(size)) = (problem.kind, problem.size_bytes)
        && let Ok(value) = HeaderValue::try_from(format!("bytes */{size}"))
    {
        headers.insert(CONTENT_RANGE, value);
    }
}

/// A refused method is told which ones the path takes (RFC 9110 15.5.6), unless the answer says so.
fn tell_methods<D: Door>(door: &D, request: &Parts, response: &mut Response<Body>) {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED || response.headers().contains_key(ALLOW)
    {
        return;
    }
    let methods = door.methods(request);
    let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if let Ok(value) = HeaderValue::try_from(methods.join(", ")) {
        response.headers_mut().insert(ALLOW, value);
    }
}

/// Puts a problem's sentence into the status line (RFC 9112 4), as far as it can stand there.
fn add_reason(response: &mut Response<Body>, problem: &Problem) {
    if let Ok(reason) = ReasonPhrase::try_from(problem.line().into_bytes()) {
        response.extensions_mut().insert(reason);
    }
}

/// `Cache-Control` of what is for one caller alone (RFC 9111 5.2.2): nothing keeps it. `private` is for
/// caches that know no `no-store`.
pub const FOR_ONE_CALLER: HeaderValue = HeaderValue::from_static("private, no-store");

/// Bytes of others must never run in a browser on this origin. Pages of our own bring their own
/// policy. An answer that does not say how long it may be kept is for this caller alone: no cache
/// keeps it.
fn guard_browsers(headers: &mut HeaderMap) {
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, FOR_ONE_CALLER);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("sandbox; default-src 'none'"),
        );
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
}

#[cfg(test)]
mod tests;
