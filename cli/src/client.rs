//! Calls of the REST API.

use crate::failure::Failure;
use crate::pieces::pieces;
use crate::retry::{IDEMPOTENCY_KEY, Retries, idempotency_key};
use crate::server::Server;
use crate::terminal::Voice;
use larder_api::{List, Problem, Token};
use larder_model::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, HeaderName, IF_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Serialize};
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::fs::File;
use tokio::time::timeout;

/// The longest that one call may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest that events may last: jobs take as long as they must.
const EVENTS: Duration = Duration::from_hours(24 * 365);
/// The longest to wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest that the transfer of a file may take: as good as for ever.
const FILE: Duration = Duration::from_hours(24 * 30);
/// The largest answer to one call.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Items asked for in one call.
const PAGE: &str = "1000";

/// How one shows oneself.
#[derive(Clone)]
pub(crate) enum Credentials {
    None,
    Token(String),
    Password { name: String, password: String },
}

/// A server, and how to show oneself there.
pub(crate) struct Client {
    http: reqwest::Client,
    server: Server,
    credentials: Credentials,
    /// Who tells of each call.
    voice: Option<Voice>,
}

/// A token that was made. `Debug` is left out: it holds a secret.
pub(crate) struct MadeToken {
    /// Its id.
    pub(crate) id: String,
    /// What it is shown as.
    pub(crate) secret: String,
    /// When it ends.
    pub(crate) expires_at: Option<Timestamp>,
}

impl Client {
    /// A client that trusts `ca` besides the machine's authorities.
    pub(crate) fn new(
        server: Server,
        ca: Option<&Path>,
        credentials: Credentials,
    ) -> Result<Self, Failure> {
        let mut builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT)
            // The API redirects nowhere: whoever does must not get our credentials.
            .redirect(Policy::none())
            .user_agent(concat!("larder/", env!("CARGO_PKG_VERSION")));
        if server.is_local() {
            builder = builder.no_proxy();
        }
        builder = match ca {
            _ if !server.is_secure() => builder.tls_certs_only([]), // works where the machine trusts no one
            Some(ca) => builder.tls_certs_merge(authorities(ca)?),
            None => builder,
        };
        let http = builder
            .build()
            .map_err(|error| Failure::Local(format!("no HTTP client: {}", causes(&error))))?;
        Ok(Self {
            http,
            server,
            credentials,
            voice: None,
        })
    }

    /// One that tells of each call.
    pub(crate) fn telling(self, voice: Option<Voice>) -> Self {
        Self { voice, ..self }
    }

    /// One thing as it is now, and the tag of that state.
    pub(crate) async fn get_tagged(&self, path: &[&str]) -> Result<(Value, String), Failure> {
        let response = self.send(Method::GET, path, &[], None, None).await?;
        let tag = response.headers().get(ETAG).cloned();
        let value = self.understand(response).await?;
        let tag = tag.and_then(|tag| tag.to_str().map(str::to_owned).ok());
        let tag = tag.ok_or_else(|| self.strange("an answer without ETag".to_owned()))?;
        Ok((value, tag))
    }

    /// Changes one thing if it is still in the state of that tag.
    pub(crate) async fn change_if(
        &self,
        method: &Method,
        path: &[&str],
        tag: &str,
        body: &impl Serialize,
    ) -> Result<Value, Failure> {
        let body = Some(json!(body));
        let held = Some((IF_MATCH, tag));
        let response = self.send(method.clone(), path, &[], body, held).await?;
        self.understand(response).await
    }

    /// Deletes one thing if it is still in the state of that tag.
    pub(crate) async fn delete_if(&self, path: &[&str], tag: &str) -> Result<(), Failure> {
        let held = Some((IF_MATCH, tag));
        let response = self.send(Method::DELETE, path, &[], None, held).await?;
        self.understand(response).await.map(drop)
    }

    /// The server.
    pub(crate) const fn server(&self) -> &Server {
        &self.server
    }

    /// Who the caller is to the server, and the `Date` of its answer.
    pub(crate) async fn greet(&self) -> Result<(Value, Option<String>), Failure> {
        let response = self.send(Method::GET, &["whoami"], &[], None, None).await?;
        let date = response.headers().get(DATE);
        let date = date.and_then(|date| date.to_str().ok()).map(str::to_owned);
        Ok((self.understand(response).await?, date))
    }

    /// Whether the server is ready; else what it says.
    pub(crate) async fn ready(&self) -> Result<(), Failure> {
        let url = self.server.page("readyz")?;
        let asked = self.http.get(url).send().await;
        let response = asked.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let text = response.text().await.unwrap_or_default(); // the status says enough
        let text = text.lines().next().unwrap_or_default();
        Err(Failure::Local(format!(
            "status {}: {text}",
            status.as_u16()
        )))
    }

    pub(crate) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, Failure> {
        self.call(Method::GET, path, query, None).await
    }

    pub(crate) async fn post(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: &impl Serialize,
    ) -> Result<Value, Failure> {
        self.call(Method::POST, path, query, Some(json!(body)))
            .await
    }

    pub(crate) async fn patch(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<Value, Failure> {
        self.call(Method::PATCH, path, &[], Some(json!(body))).await
    }

    pub(crate) async fn put(&self, path: &[&str]) -> Result<(), Failure> {
        self.call(Method::PUT, path, &[], None).await.map(drop)
    }

    pub(crate) async fn put_with(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<Value, Failure> {
        self.call(Method::PUT, path, &[], Some(json!(body))).await
    }

    /// A POST that has nothing to say.
    pub(crate) async fn post_nothing(&self, path: &[&str]) -> Result<Value, Failure> {
        self.call(Method::POST, path, &[], None).await
    }

    /// An answer of events, which lasts as long as there are any.
    pub(crate) async fn events(&self, path: &[&str]) -> Result<Response, Failure> {
        let request = self.http.get(self.server.call(path, &[])?);
        let request = self.signed(request).header(ACCEPT, "text/event-stream");
        let response = request.timeout(EVENTS).send().await;
        let response = response.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        self.understand(response).await?;
        Err(self.strange("no events".to_owned()))
    }

    /// An answer that is a file; the server begins it within `patience`.
    pub(crate) async fn file(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        patience: Duration,
    ) -> Result<Response, Failure> {
        let request = self.http.get(self.server.call(path, query)?);
        let request = self.signed(request).timeout(FILE).send();
        let response = timeout(patience, request).await;
        let response = response.map_err(|_| self.silent())?;
        let response = response.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        self.understand(response).await?;
        Err(self.strange("no file".to_owned()))
    }

    /// Sends a file as it is, and understands the answer.
    pub(crate) async fn send_file(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        file: &Path,
    ) -> Result<Value, Failure> {
        let failed = |error| Failure::file(file, error);
        let url = self.server.call(path, query)?;
        let mut retries = Retries::default();
        loop {
            let open = File::open(file).await.map_err(failed)?;
            let size = open.metadata().await.map_err(failed)?.len();
            let begun = Instant::now();
            let request = self.http.put(url.clone());
            let request = self.signed(request).header(ACCEPT, "application/json");
            let request = request
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONTENT_LENGTH, size)
                .timeout(FILE)
                .body(pieces(open));
            let response = request.send().await;
            let response = response.map_err(|error| self.unreachable(&error))?;
            self.tell(&format!("PUT {url}"), &response, begun);
            let Some(pause) = retries.pause(response.status(), response.headers()) else {
                return self.understand(response).await;
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// No answer came, or it does not go on.
    pub(crate) fn silent(&self) -> Failure {
        Failure::Unreachable {
            server: self.server.to_string(),
            secure: self.server.is_secure(),
            cause: "no answer in time".to_owned(),
        }
    }

    pub(crate) async fn delete(&self, path: &[&str]) -> Result<(), Failure> {
        self.call(Method::DELETE, path, &[], None).await.map(drop)
    }

    pub(crate) async fn delete_with(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<(), Failure> {
        self.call(Method::DELETE, path, query, None).await.map(drop)
    }

    /// A whole list, page after page, in the form of one page.
    pub(crate) async fn all(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, Failure> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let mut query = [query, &[("limit", PAGE)]].concat();
            if !after.is_empty() {
                query.push(("after", &after));
            }
            let page = self.get(path, &query).await?;
            let page: List<Value> = self.read(&page, "a list without items")?;
            items.extend(page.items);
            match page.next {
                None => return Ok(json!(List::whole(items))),
                Some(next) if next == after => {
                    return Err(self.strange("a list without end".to_owned()));
                }
                Some(next) => after = next,
            }
        }
    }

    /// An answer as it is understood; a failure that it is no `what` if it cannot be.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        answer: &Value,
        what: &str,
    ) -> Result<T, Failure> {
        T::deserialize(answer).map_err(|_| self.strange(what.to_owned()))
    }

    /// A token that was made.
    pub(crate) fn made_token(&self, answer: &Value) -> Result<MadeToken, Failure> {
        const WITHOUT: &str = "a token without secret";
        let token: Token = self.read(answer, WITHOUT)?;
        let secret = token
            .secret
            .filter(|secret| secret.bytes().all(|byte| byte.is_ascii_graphic()));
        let secret = secret.ok_or_else(|| self.strange(WITHOUT.to_owned()))?;
        Ok(MadeToken {
            id: token.id,
            secret,
            expires_at: token.expires_at,
        })
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let response = self.send(method, path, query, body, None).await?;
        self.understand(response).await
    }

    /// Sends a request; again after a pause where the server was asked too often. A POST is carried
    /// out once however often it is sent.
    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
        header: Option<(HeaderName, &str)>,
    ) -> Result<Response, Failure> {
        let url = self.server.call(path, query)?;
        let told = format!("{method} {url}");
        let key = if method == Method::POST {
            Some(new_key()?)
        } else {
            None
        };
        let mut retries = Retries::default();
        loop {
            let begun = Instant::now();
            let request = self.http.request(method.clone(), url.clone());
            let mut request = self.signed(request).header(ACCEPT, "application/json");
            if let Some(key) = &key {
                request = request.header(IDEMPOTENCY_KEY, key);
            }
            if let Some((name, value)) = &header {
                request = request.header(name, *value);
            }
            if let Some(body) = &body {
                request = request.json(body);
            }
            let response = request.send().await;
            let response = response.map_err(|error| self.unreachable(&error))?;
            self.tell(&told, &response, begun);
            let Some(pause) = retries.pause(response.status(), response.headers()) else {
                return Ok(response);
            };
            if let Some(voice) = self.voice {
                voice.note(&format!("asked too often: again in {} s", pause.as_secs()));
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Tells of a call that is answered.
    fn tell(&self, told: &str, response: &Response, begun: Instant) {
        if let Some(voice) = self.voice {
            let (status, took) = (response.status().as_u16(), begun.elapsed().as_millis());
            voice.note(&format!("{told}: {status} in {took} ms"));
        }
    }

    /// A request with the credentials.
    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.credentials {
            Credentials::None => request,
            Credentials::Token(token) => request.bearer_auth(token),
            Credentials::Password { name, password } => request.basic_auth(name, Some(password)),
        }
    }

    /// The JSON of an answer, or what went wrong.
    async fn understand(&self, mut response: Response) -> Result<Value, Failure> {
        let status = response.status();
        let media_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let media_type = media_type.to_owned();
        let mut body = Vec::new();
        while let Some(more) = response
            .chunk()
            .await
            .map_err(|error| self.unreachable(&error))?
        {
            if body.len() + more.len() > ANSWER_BYTES {
                return Err(self.strange(format!("an answer of more than {ANSWER_BYTES} bytes")));
            }
            body.extend_from_slice(&more);
        }
        if status.as_u16() == 204 {
            return Ok(Value::Null);
        }
        let strange = || self.strange(format!("status {} {media_type}", status.as_u16()));
        let value: Value = serde_json::from_slice(&body).map_err(|_| strange())?;
        if status.is_success() {
            return Ok(value);
        }
        let Problem { code, detail, .. } = Problem::deserialize(&value).map_err(|_| strange())?;
        match (&self.credentials, status.as_u16()) {
            (Credentials::None, 401) => Err(Failure::NotLoggedIn),
            (_, status) => Err(Failure::Refused {
                status,
                code,
                detail,
            }),
        }
    }

    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let cause = if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            causes(error)
        };
        Failure::Unreachable {
            server: self.server.to_string(),
            secure: self.server.is_secure(),
            cause,
        }
    }

    /// A failure: what answered is no larder.
    pub(crate) fn strange(&self, what: String) -> Failure {
        Failure::Strange {
            server: self.server.to_string(),
            what,
        }
    }
}

fn new_key() -> Result<String, Failure> {
    let failed = |error| Failure::Local(format!("no random bytes: {error}"));
    idempotency_key().map_err(failed)
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let pem = std::fs::read(path).map_err(|error| Failure::file(path, error))?;
    let found =
        Certificate::from_pem_bundle(&pem).map_err(|error| Failure::file(path, causes(&error)))?;
    if found.is_empty() {
        return Err(Failure::file(path, "there is no certificate in it"));
    }
    Ok(found)
}

/// The innermost cause, which is the one that a person can act on.
fn causes(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    crate::escape::plain(&cause.to_string())
}
