//! One remote registry: the only place from which requests leave.
//!
//! Credentials go to the upstream's own origin and nowhere else. Every hop of a redirect passes the
//! [`Guard`].

mod guard;
mod rate;
mod bearer;
mod breaker;
mod request;
mod response;
mod check;

pub use guard::is_public;
pub(crate) use rate::Rate;
pub(crate) use request::FetchRequest;
pub(crate) use response::{FetchResponse, UpstreamBody};

use crate::counters::Counters;
use bearer::Tokens;
use breaker::CircuitBreaker;
use guard::Guard;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use larder_model::upstream::Health;
use larder_model::{Kind, Problem};
use response::{is_failure, read, retry_after};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use url::Url;

/// Redirects followed.
const MAX_HOPS: usize = 5;
/// Tries of one request that fails in a way that may pass.
const TRIES: u32 = 3;
/// Larger documents of one upstream on their way in at once: they are held in memory.
const LARGE_DOCUMENTS: usize = 2;
/// Larger artifacts of one upstream on their way in at once; each takes a few MiB of memory.
const LARGE_FILLS: usize = 16;
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// How upstreams are asked, for all of them.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// What a connection may take.
    pub connect_time: Duration,
    /// How long the head of an answer may take.
    pub answer_time: Duration,
    /// The longest silence within a body.
    pub idle_time: Duration,
    /// Requests to one upstream at once.
    pub requests: usize,
    /// Certificates (PEM) trusted beside the system's.
    pub authorities: Vec<Vec<u8>>,
}

/// A remote registry.
pub(crate) struct Upstream {
    base: Url,
    client: reqwest::Client,
    guard: Guard,
    authorization: Option<HeaderValue>,
    tokens: Tokens,
    answer_time: Duration,
    breaker: Arc<CircuitBreaker>,
    rate: Option<Rate>,
    room: Arc<Semaphore>,
    large_documents: Arc<Semaphore>,
    large_fills: Arc<Semaphore>,
    counters: Arc<Counters>,
}

fn trouble(kind: Kind, detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(kind, "upstream", detail)
}

fn unreachable(error: reqwest::Error) -> Problem {
    let detail = if error.is_timeout() {
        "the upstream does not answer in time, and this is not kept"
    } else {
        "the upstream cannot be reached, and this is not kept"
    };
    let mut problem = trouble(Kind::Unreachable, detail).because(error.without_url());
    problem.retry_after = Some(Duration::from_secs(5));
    problem
}

impl Upstream {
    /// `authorization`: what is sent to the upstream's own origin; `trusted`: origins that may have
    /// private addresses.
    pub(crate) fn new(
        base: &str,
        authorization: Option<HeaderValue>,
        trusted: Vec<url::Origin>,
        config: &UpstreamConfig,
        counters: &Arc<Counters>,
    ) -> Result<Self, Problem> {
        let mut base: Url = base
            .parse()
            .map_err(|_| trouble(Kind::Upstream, "the upstream's address is no URL"))?;
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        let guard = Guard::new(trusted);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("larder/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(guard.clone()))
            .connect_timeout(config.connect_time)
            .read_timeout(config.idle_time)
            .pool_max_idle_per_host(config.requests);
        for authority in &config.authorities {
            for certificate in
                reqwest::Certificate::from_pem_bundle(authority).map_err(Problem::internal)?
            {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let client = builder.build().map_err(Problem::internal)?;
        let room = Arc::new(Semaphore::new(config.requests));
        Ok(Self {
            base,
            client,
            guard,
            authorization,
            tokens: Tokens::default(),
            answer_time: config.answer_time,
            breaker: Arc::default(),
            rate: None,
            room,
            large_documents: Arc::new(Semaphore::new(LARGE_DOCUMENTS)),
            large_fills: Arc::new(Semaphore::new(LARGE_FILLS)),
            counters: Arc::clone(counters),
        })
    }

    /// The same, asked no more often than that.
    pub(crate) fn at(self, rate: Option<Rate>) -> Self {
        Self { rate, ..self }
    }

    /// A place for a larger document on its way in: a slow upstream takes none from others.
    pub(crate) fn large_documents(&self) -> Arc<Semaphore> {
        Arc::clone(&self.large_documents)
    }

    /// A place for a larger artifact on its way in.
    pub(crate) fn large_fills(&self) -> Arc<Semaphore> {
        Arc::clone(&self.large_fills)
    }

    /// Asks for something. A failure that may pass is tried again if the asker is patient.
    pub(crate) async fn get(&self, request: &FetchRequest<'_>) -> Result<FetchResponse, Problem> {
        let url = self
            .base
            .join(request.url)
            .map_err(|_| trouble(Kind::Upstream, "an index has an address that is no URL"))?;
        let mut wait = FIRST_WAIT;
        for _ in 1..if request.patient { TRIES } else { 1 } {
            match self.attempt(&url, request).await {
                Err(problem)
                    if problem.kind == Kind::Unreachable && self.breaker.admit().is_ok() =>
                {
                    tracing::debug!(%problem, "an upstream is asked again");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                outcome => return outcome,
            }
        }
        self.attempt(&url, request).await
    }

    async fn attempt(
        &self,
        url: &Url,
        request: &FetchRequest<'_>,
    ) -> Result<FetchResponse, Problem> {
        self.breaker.admit()?;
        let busy = || {
            trouble(
                Kind::Unreachable,
                "the upstream is asked for too much at once",
            )
        };
        let room = tokio::time::timeout(
            Duration::from_mins(1),
            Arc::clone(&self.room).acquire_owned(),
        );
        let room = room.await.map_err(|_| busy())?.map_err(Problem::internal)?;
        if let Some(rate) = &self.rate {
            rate.turn().await?;
        }
        let response = self.follow(url.clone(), request).await;
        match &response {
            // Who gives no advice may have packages all the same.
            Ok(response) if request.question.is_some() || !is_failure(response.status()) => {
                self.breaker.answered();
            }
            Ok(response) => {
                let why = format!("it answered {}", response.status().as_u16());
                self.breaker.failed(retry_after(response.headers()), &why);
            }
            Err(problem) if problem.kind == Kind::Unreachable => {
                self.breaker.failed(None, &problem.detail);
            }
            Err(_) => {}
        }
        read(response?, request, self, room)
    }

    /// Asks, and asks again with a token if that is what the upstream wants.
    async fn follow(
        &self,
        url: Url,
        request: &FetchRequest<'_>,
    ) -> Result<reqwest::Response, Problem> {
        let token = self.tokens.get(request.image);
        let response = self.hop(url.clone(), request, token.as_ref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED || request.image.is_empty() {
            return Ok(response);
        }
        let Some((realm, near)) = bearer::realm(&response, &self.base, request.image) else {
            return Ok(response);
        };
        drop(response);
        let (token, life) = self.token(realm, near).await?;
        self.tokens.keep(request.image, token.clone(), life);
        self.hop(url, request, Some(&token)).await
    }

    /// A token of a token endpoint, which is given our credentials if it is `near`.
    async fn token(&self, realm: Url, near: bool) -> Result<(HeaderValue, Duration), Problem> {
        self.require_allowed(&realm)?;
        let mut request = self.client.get(realm);
        if let Some(authorization) = self.authorization.as_ref().filter(|_| near) {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        bearer::read(self.send(request).await?).await
    }

    /// How it has answered lately.
    pub(crate) fn health(&self) -> Health {
        self.breaker.health()
    }

    /// An answer of which nothing more comes.
    fn ended(&self, fetched: FetchResponse) -> FetchResponse {
        self.breaker.succeeded();
        fetched
    }

    /// The head of the answer, which has a time of its own: a silent upstream must not hold up what
    /// is kept.
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Problem> {
        let late = |_| {
            let mut problem = trouble(
                Kind::Unreachable,
                "the upstream does not answer in time, and this is not kept",
            );
            problem.retry_after = Some(Duration::from_secs(5));
            problem
        };
        self.counters.asked_upstream();
        tokio::time::timeout(self.answer_time, request.send())
            .await
            .map_err(late)?
            .map_err(unreachable)
    }

    fn require_allowed(&self, url: &Url) -> Result<(), Problem> {
        if matches!(url.scheme(), "http" | "https") && self.guard.admits(url) {
            return Ok(());
        }
        let detail = "an address that the upstream names is not one that may be asked (allow_private, allow)";
        Err(trouble(Kind::Upstream, detail))
    }

    async fn hop(
        &self,
        mut url: Url,
        request: &FetchRequest<'_>,
        token: Option<&HeaderValue>,
    ) -> Result<reqwest::Response, Problem> {
        for _ in 0..=MAX_HOPS {
            self.require_allowed(&url)?;
            // Whoever writes an address does not choose who we are there.
            let nameless = url.set_username("").and_then(|()| url.set_password(None));
            nameless.map_err(|()| {
                trouble(
                    Kind::Upstream,
                    "an address that the upstream names has no host",
                )
            })?;
            let mut sending = self
                .client
                .request(request.method(), url.clone())
                .headers(request.headers());
            let ours = token.or(self.authorization.as_ref());
            if let Some(ours) = ours.filter(|_| url.origin() == self.base.origin()) {
                sending = sending.header(AUTHORIZATION, ours.clone());
            }
            if let Some(question) = request.question {
                sending = sending
                    .header(CONTENT_TYPE, "application/json")
                    .body(question.clone());
            }
            let response = self.send(sending).await?;
            let status = response.status();
            if !status.is_redirection()
                || status == StatusCode::NOT_MODIFIED
                || request.question.is_some()
            {
                return Ok(response);
            }
            let target = response
                .headers()
                .get(LOCATION)
                .and_then(|value| value.to_str().ok());
            let next = target.and_then(|target| url.join(target).ok());
            let next =
                next.ok_or_else(|| trouble(Kind::Upstream, "the upstream redirects to nowhere"))?;
            if url.scheme() == "https" && next.scheme() != "https" {
                return Err(trouble(
                    Kind::Upstream,
                    "the upstream redirects from https to http",
                ));
            }
            url = next;
        }
        Err(trouble(
            Kind::Upstream,
            "the upstream redirects in a circle",
        ))
    }
}
