//! Who looks at a page, from where, in which language; and the API as they may use it.

use crate::address::address;
use crate::language::Language;
use crate::masked::mask;
use axum::extract::FromRequestParts;
use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, ETAG, IF_MATCH, REFERER, USER_AGENT};
use http::request::{Builder, Parts};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use larder_access::{Admission, Gate};
use larder_api as api;
use larder_door::ClientView;
use larder_model::{Kind, Problem, Timestamp};
use larder_web::Api;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::sync::Arc;

/// How often a change is made anew because another was first.
const ATTEMPTS: usize = 10;
/// The media type of what the API is sent.
const JSON: &str = "application/json";
/// The cookie in which a browser keeps the language of the pages.
pub(crate) const LANGUAGE: &str = "larder_language";
/// The cookie in which it keeps whether they are light or dark.
pub(crate) const THEME: &str = "larder_theme";
/// The cookie that says whether single keys do something.
pub(crate) const KEYS: &str = "larder_keys";

/// Whether pages are light or dark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Theme {
    /// As the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// As the cookie and the style sheet have it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of that word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.word() == word)
    }
}

/// How pages are to look, as the browser keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Appearance {
    pub(crate) language: Language,
    pub(crate) theme: Theme,
    /// Whether single keys lead to pages (WCAG 2.1.4: they can be turned off).
    pub(crate) has_keys: bool,
}

impl Appearance {
    /// What the head of a request says.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let language = cookie(headers, LANGUAGE).and_then(Language::of_word);
        let theme = cookie(headers, THEME).and_then(Theme::of_word);
        Self {
            language: language.unwrap_or_else(|| Language::of_headers(headers)),
            theme: theme.unwrap_or(Theme::System),
            has_keys: cookie(headers, KEYS) != Some("off"),
        }
    }
}

/// The value of a cookie that is no secret.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(key, value)| (key == name).then_some(value))
}

/// A request for a page, or for an act of one.
#[derive(Clone)]
pub(crate) struct Visit {
    api: Arc<Api>,
    gate: Arc<Gate>,
    admission: Arc<Admission>,
    /// Where the browser sees this server.
    pub(crate) client: ClientView,
    /// How pages are to look.
    pub(crate) appearance: Appearance,
    /// Path and query, as the browser has them.
    pub(crate) target: Arc<str>,
    /// Path and query of the page to come back to: of a form those of the page that sent it.
    pub(crate) page: Arc<str>,
    agent: Arc<str>,
}

/// The page that sent a form: what takes it is no page to come back to.
fn sender<'a>(headers: &'a HeaderMap, base: &str) -> Option<&'a str> {
    let sender = headers.get(REFERER)?.to_str().ok()?;
    let page = sender.strip_prefix(base.trim_end_matches('/'))?;
    page.starts_with('/').then_some(page)
}

impl Visit {
    pub(crate) fn new(
        (api, gate): (Arc<Api>, Arc<Gate>),
        admission: Admission,
        client: ClientView,
        request: &Parts,
    ) -> Self {
        let target = request
            .uri
            .path_and_query()
            .map_or("/", PathAndQuery::as_str);
        let page = if matches!(request.method, Method::GET | Method::HEAD) {
            target
        } else {
            sender(&request.headers, &client.base).unwrap_or("/")
        };
        let (target, page) = (target.into(), page.into());
        let agent = request.headers.get(USER_AGENT);
        let agent = agent
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or_default();
        Self {
            api,
            gate,
            admission: Arc::new(admission),
            client,
            appearance: Appearance::of(&request.headers),
            target,
            page,
            agent: agent.into(),
        }
    }

    /// The language of the page.
    pub(crate) const fn language(&self) -> Language {
        self.appearance.language
    }

    /// The name of whoever is signed in.
    pub(crate) fn user(&self) -> Option<&str> {
        let principal = self.admission.principal();
        principal.user.and_then(|_| principal.name())
    }

    /// Whether they are a superuser, with all their rights.
    pub(crate) fn is_superuser(&self) -> bool {
        self.admission.require_superuser().is_ok()
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.api.now()
    }

    /// The session in which they look.
    pub(crate) fn session(&self) -> Option<i64> {
        self.admission.principal().session()
    }

    /// The row at which a part of a list of the API ends.
    pub(crate) fn open_cursor(&self, cursor: &str, list: &str) -> String {
        self.gate.open_cursor(cursor, list)
    }

    /// The same for a client, which may not know of that row.
    pub(crate) fn close_cursor(&self, row: &str, list: &str) -> Result<String, Problem> {
        self.gate.close_cursor(row, list)
    }

    /// What forms of this page have to bring back; empty: nobody is signed in.
    pub(crate) fn csrf_token(&self) -> Result<String, Problem> {
        match self.session() {
            Some(session) => mask(&self.gate.csrf_token(session)),
            None => Ok(String::new()),
        }
    }

    /// Fails unless a form has brought it back.
    pub(crate) fn require_csrf_token(&self, shown: Option<&str>) -> Result<(), Problem> {
        match self.session() {
            Some(session) => self.gate.require_csrf_token(session, shown),
            None => Ok(()),
        }
    }

    /// What a GET of the API answers, below `/api/v1`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: impl Display) -> Result<T, Problem> {
        let response = self.call(Method::GET, path, Bytes::new()).await?;
        read(response).await
    }

    /// Whether whoever looks may do something to a repository: `read`, `write`, `delete` or
    /// `administer`.
    pub(crate) async fn may(&self, repository: &str, action: &str) -> Result<bool, Problem> {
        let path = address("/can", &[("repository", repository), ("action", action)]);
        match self.get::<api::Verdict>(path).await {
            Ok(verdict) => Ok(verdict.allowed),
            Err(problem) if matches!(problem.kind, Kind::Unauthenticated | Kind::Denied) => {
                Ok(false)
            }
            Err(problem) => Err(problem),
        }
    }

    /// What the client was told whose refusal has this id: all that whoever knows it may know.
    pub(crate) async fn refusal_sentence(&self, id: &str) -> Result<Option<String>, Problem> {
        self.api.refusal_sentence(id).await
    }

    /// What a change by the API answers.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: impl Display,
        body: &impl Serialize,
    ) -> Result<T, Problem> {
        let body = serde_json::to_vec(body).map_err(Problem::internal)?;
        let response = self.call(method, path, body.into()).await?;
        read(response).await
    }

    /// Changes what the API shows at `path`: `change` makes a PATCH of what is there, and makes it
    /// anew if another changed that meanwhile.
    pub(crate) async fn amend<T: DeserializeOwned, B: Serialize>(
        &self,
        path: &str,
        change: impl Fn(T) -> B + Send,
    ) -> Result<(), Problem> {
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let shown = self.call(Method::GET, path, Bytes::new()).await?;
            let tag = shown.headers().get(ETAG).cloned();
            let body =
                serde_json::to_vec(&change(read(shown).await?)).map_err(Problem::internal)?;
            let mut request = self.request(Method::PATCH, path);
            request = request.header(CONTENT_TYPE, JSON);
            if let Some(tag) = tag {
                request = request.header(IF_MATCH, tag);
            }
            match self.pass(request, body.into()).await {
                Err(problem) if problem.kind == Kind::Precondition && left > 0 => {}
                outcome => return outcome.map(|_| ()),
            }
        }
    }

    /// Takes something away by the API.
    pub(crate) async fn delete(&self, path: impl Display) -> Result<(), Problem> {
        self.call(Method::DELETE, path, Bytes::new()).await?;
        Ok(())
    }

    /// A change by the API that answers with nothing that a page shows.
    pub(crate) async fn act(
        &self,
        method: Method,
        path: impl Display,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Response, Problem> {
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(Problem::internal)?;
        self.call(method, path, body.unwrap_or_default().into())
            .await
    }

    /// What a GET of the API answers in that media type.
    pub(crate) async fn get_as(
        &self,
        media_type: &'static str,
        path: impl Display,
    ) -> Result<Response, Problem> {
        let request = self.request(Method::GET, path).header(ACCEPT, media_type);
        self.pass(request, Bytes::new()).await
    }

    /// Makes a call of the API as whoever looks at the page: the same function, the same rights, the
    /// same audit trail as a request by HTTP has.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: impl Display,
        body: Bytes,
    ) -> Result<Response, Problem> {
        let mut request = self.request(method, path);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, JSON);
        }
        self.pass(request, body).await
    }

    fn request(&self, method: Method, path: impl Display) -> Builder {
        let request = Request::builder().method(method);
        let request = request.uri(format!("/api/v1{path}"));
        request.header(USER_AGENT, &*self.agent)
    }

    async fn pass(&self, request: Builder, body: Bytes) -> Result<Response, Problem> {
        let request = request.body(body).map_err(Problem::internal)?;
        self.api.call(&self.admission, &self.client, request).await
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Problem> {
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(Problem::internal)?;
    serde_json::from_slice(&body.to_bytes()).map_err(Problem::internal)
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            let mut response = Response::default();
            *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            response
        })
    }
}

#[cfg(test)]
mod tests;
