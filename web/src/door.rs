//! The API's door: what the one door of the server sees of it.

use crate::acts::denied;
use crate::answer::ROOT;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::extract::path::canonical;
use crate::openapi::Document;
use crate::problem;
use crate::router::{DOCUMENT, OfPage, router};
use crate::state::{ApiState, CollectorWaits};
use axum::Router;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Uri};
use larder_access::denied::address_of;
use larder_access::{Admission, Asked, Gate, Rate, RateLimiter};
use larder_door::door::{Door, RefusalContext};
use larder_door::{Answer, Body, ClientView, Incoming, ReadyResponse};
use larder_jobs::Jobs;
use larder_metadata::Metadata;
use larder_model::{Limit, Permission, Problem, ProtocolName, Reply, Timestamp};
use std::sync::{Arc, LazyLock, OnceLock};
use tower::ServiceExt as _;

/// What the API takes at most.
#[derive(Clone, Copy, Debug)]
pub struct ApiLimits {
    /// A body.
    pub json: Limit,
    /// Requests of one caller.
    pub rate: Rate,
}

/// The REST API.
pub struct Api {
    state: Arc<ApiState>,
    /// Made with the first call: many servers are never asked for more than packages.
    router: OnceLock<Router>,
    document: &'static LazyLock<Document>,
    limits: ApiLimits,
}

impl Api {
    /// An API over these parts. `creatable`: protocol and kind (`hosted`, `mirror`, `group`) of
    /// what can be made.
    pub fn new(
        metadata: Metadata,
        gate: Arc<Gate>,
        engine: Arc<dyn Engine>,
        jobs: Jobs,
        collector_waits: CollectorWaits,
        limits: ApiLimits,
        creatable: Vec<(ProtocolName, &'static str)>,
    ) -> Self {
        let state = ApiState {
            metadata,
            gate,
            engine,
            jobs,
            collector_waits,
            creatable,
            document: &DOCUMENT,
            rate_limiter: RateLimiter::new(limits.rate),
        };
        Self {
            state: Arc::new(state),
            router: OnceLock::new(),
            document: &DOCUMENT,
            limits,
        }
    }

    /// Makes a call for whoever a page is made for: the same functions, rights and entries in the
    /// audit trail as a request by HTTP has. It is not counted among the requests of the caller, for
    /// the page was.
    pub async fn call(
        &self,
        admission: &Arc<Admission>,
        client: &ClientView,
        request: Request<Bytes>,
    ) -> Result<axum::response::Response, Problem> {
        let (mut head, body) = request.into_parts();
        let caller = Caller::of(Arc::clone(admission));
        let is_change = head.method != Method::GET;
        head.extensions.insert(caller.clone());
        head.extensions.insert(client.clone());
        head.extensions.insert(OfPage);
        let request = Request::from_parts(head, axum::body::Body::from(body));
        let Ok(mut response) = self.router().clone().oneshot(request).await;
        match problem::of_response(&mut response) {
            Some(problem) if is_change => Err(self.named(problem, &caller, client)),
            Some(problem) => Err(problem),
            None => Ok(response),
        }
    }

    /// The sentence of the refusal that has this id, which is all that whoever knows the id may know.
    pub async fn refusal_sentence(&self, id: &str) -> Result<Option<String>, Problem> {
        let found = denied::find(&self.state, id).await?;
        Ok(found.map(|found| found.detail.into()))
    }

    /// The problem; where a rule refused, with the address of the page that tells of it.
    fn named(&self, mut problem: Problem, caller: &Caller, client: &ClientView) -> Problem {
        let permissions = caller.take_permissions();
        let asked = Asked {
            permission: permissions.last(),
            reference: None,
        };
        let (principal, origin) = (caller.principal(), client.origin());
        let id = self
            .state
            .gate
            .note_denied(principal, &asked, &problem, &origin);
        if let Some(id) = id {
            problem.point_to(&address_of(&client.base, &id));
        }
        problem
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.state.metadata.now()
    }

    fn router(&self) -> &Router {
        let make = || router(Arc::clone(&self.state));
        self.router.get_or_init(make)
    }
}

/// What is asked of the API: an address in its one spelling. What it means, the router knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    uri: Uri,
    is_open: bool,
}

impl Door for Api {
    type Endpoint = Endpoint;

    fn parse(&self, request: &Parts) -> Result<Endpoint, Problem> {
        let mut path = canonical(request.uri.path())?;
        if path.strip_suffix('/') == Some(ROOT) {
            path.pop(); // the page has two addresses
        }
        let is_open = self.document.is_open(&request.method, &path);
        let target = match request.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        let uri = Uri::try_from(target).map_err(Problem::internal)?;
        Ok(Endpoint { uri, is_open })
    }

    /// What must be allowed, the acts' extractors require; it comes with the response.
    fn permissions(&self, _: &Endpoint) -> Vec<Permission> {
        Vec::new()
    }

    fn is_open(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_open
    }

    fn takes_sessions(&self) -> bool {
        true
    }

    fn refuses_again(&self) -> bool {
        true
    }

    async fn answer(
        &self,
        admission: Admission,
        endpoint: Endpoint,
        request: &Parts,
        client: &ClientView,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let caller = Caller::new(admission);
        let mut head = request.clone();
        head.uri = endpoint.uri;
        head.extensions.insert(caller.clone());
        head.extensions.insert(client.clone());
        if !self.document.takes_file(&request.method, head.uri.path()) {
            body.limit(self.limits.json);
        }
        let answered = body
            .lend(|body| {
                self.router()
                    .clone()
                    .oneshot(Request::from_parts(head, body))
            })
            .await;
        let Ok(mut response) = answered;
        let problem = problem::of_response(&mut response);
        Ok(ReadyResponse {
            response: response.map(Body::of_framework),
            permissions: caller.take_permissions(),
            problem,
        }
        .into())
    }

    fn refuse(&self, problem: &Problem, _: &RefusalContext<'_>) -> Reply {
        problem::reply(problem)
    }
}
