//! The GUI's door: what the one door of the server sees of it.

use crate::coding::packed;
use crate::page::login_path;
use crate::router::router;
use crate::visit::Visit;
use axum::Router;
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode};
use larder_access::{Admission, Gate};
use larder_door::door::{Door, RefusalContext};
use larder_door::{Answer, Body, ClientView, Incoming, ReadyResponse, session_cookie};
use larder_model::{Kind, Permission, Problem, Reply};
use larder_web::Api;
use std::sync::Arc;
use tower::ServiceExt as _;

/// A form, or a file that comes with one, has at most so many bytes.
const BODY: u64 = 2 << 20;

/// The web GUI.
pub struct Gui {
    api: Arc<Api>,
    gate: Arc<Gate>,
    router: Router,
}

impl Gui {
    /// The pages over this API.
    pub fn new(api: Arc<Api>, gate: Arc<Gate>) -> Self {
        Self {
            api,
            gate,
            router: router(),
        }
    }
}

/// What is asked for; which page it is, the router knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether it is for everyone, whatever cookie is shown.
    is_open: bool,
}

impl Door for Gui {
    type Endpoint = Endpoint;

    fn parse(&self, request: &Parts) -> Result<Endpoint, Problem> {
        let path = request.uri.path();
        Ok(Endpoint {
            is_open: path == "/login" && request.method == Method::POST
                || path.starts_with("/assets/"),
        })
    }

    /// What must be allowed, the API requires; it comes with its answers.
    fn permissions(&self, _: &Endpoint) -> Vec<Permission> {
        Vec::new()
    }

    fn is_open(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_open
    }

    fn takes_sessions(&self) -> bool {
        true
    }

    /// A form has it in its body.
    fn checks_csrf_tokens(&self) -> bool {
        true
    }

    async fn answer(
        &self,
        admission: Admission,
        _: Endpoint,
        request: &Parts,
        client: &ClientView,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let parts = (Arc::clone(&self.api), Arc::clone(&self.gate));
        let visit = Visit::new(parts, admission, client.clone(), request);
        let mut head = request.clone();
        head.extensions.insert(visit);
        body.limit(BODY);
        let answered = body
            .lend(|body| self.router.clone().oneshot(Request::from_parts(head, body)))
            .await;
        let Ok(mut response) = answered;
        let problem = response.extensions_mut().remove::<Arc<Problem>>();
        let response = packed(request, response).await?;
        Ok(ReadyResponse {
            response: response.map(Body::of_framework),
            permissions: Vec::new(),
            problem: problem.and_then(Arc::into_inner),
        }
        .into())
    }

    /// Who shows the cookie of a session that has ended signs in again.
    fn refuse(&self, problem: &Problem, context: &RefusalContext<'_>) -> Reply {
        let ended = matches!(problem.kind, Kind::LoginRefused | Kind::Unauthenticated);
        let location = HeaderValue::try_from(login_path(context.path));
        let forget = session_cookie::clear(context.client);
        if let (true, Ok(location), Ok(forget)) = (ended, location, forget) {
            return Reply::new(StatusCode::SEE_OTHER)
                .with(LOCATION, location)
                .with(http::header::SET_COOKIE, forget);
        }
        let text = format!("{}\n", problem.detail);
        Reply::new(problem.status()).with_body("text/plain; charset=utf-8", text)
    }
}
