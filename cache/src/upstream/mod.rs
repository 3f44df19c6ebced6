//! One remote registry: the only place from which requests leave.
//!
//! Credentials go to the upstream's own origin and nowhere else. Every hop of a redirect passes the
//! [`Guard`].

mod guard;
mod rate;
mod bearer;
mod breaker;
mod check;

pub use guard::is_public;
pub(crate) use rate::Rate;

use crate::counters::Counters;
use bearer::Tokens;
use breaker::CircuitBreaker;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use guard::Guard;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RETRY_AFTER,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use larder_model::upstream::Health;
use larder_model::{Kind, Problem};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

/// Redirects followed.
const MAX_HOPS: usize = 5;
/// Tries of one request that fails in a way that may pass.
const TRIES: u32 = 3;
/// Compressed bytes decoded in one step: at most about a thousand times as many come out.
const DECODED_AT_ONCE: usize = 4096;
/// Larger documents of one upstream on their way in at once: they are held in memory.
const LARGE_DOCUMENTS: usize = 2;
/// Larger artifacts of one upstream on their way in at once; each takes a few MiB of memory.
const LARGE_FILLS: usize = 16;
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// `CacheStatus` upstreams are asked, for all of them.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// What a connection may take.
    pub connect_time: Duration,
    /// `CacheStatus` long the head of an answer may take.
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

/// What is asked.
pub(crate) struct FetchRequest<'a> {
    /// Absolute, or relative to the upstream's address.
    pub(crate) url: &'a str,
    /// Media types; empty: any.
    pub(crate) accept: &'a str,
    /// The entity tag and the `Last-Modified` of what we have; either may be empty.
    pub(crate) have: Option<(&'a str, &'a str)>,
    /// Whether it may come compressed.
    pub(crate) compressed: bool,
    /// Whether a failure is tried again: not where something kept can be served instead.
    pub(crate) patient: bool,
    /// Whether only the head is wanted.
    pub(crate) head: bool,
    /// What is asked in the body, as JSON: by POST, and without redirects.
    pub(crate) question: Option<&'a Bytes>,
    /// The image that a token is asked for; empty where there is none.
    pub(crate) image: &'a str,
}

impl<'a> FetchRequest<'a> {
    /// All of what is at `url`, whatever it is, and patiently.
    pub(crate) const fn new(url: &'a str) -> Self {
        let (accept, compressed, patient, head) = ("*/*", false, true, false);
        Self {
            url,
            accept,
            have: None,
            compressed,
            patient,
            head,
            question: None,
            image: "",
        }
    }
}

/// What the upstream answers.
pub(crate) enum FetchResponse {
    /// What we have is still right.
    Same,
    /// There is no such thing.
    Missing,
    /// It comes.
    Body(Box<UpstreamBody>),
}

/// A body on its way from an upstream.
pub(crate) struct UpstreamBody {
    response: reqwest::Response,
    decoder: Option<MultiGzDecoder<Vec<u8>>>,
    /// Compressed bytes that wait: a little of them may become very much.
    waiting: Bytes,
    /// Its size in bytes once decoded, if it is said.
    pub(crate) size: Option<u64>,
    pub(crate) etag: String,
    pub(crate) modified: String,
    pub(crate) content_type: String,
    breaker: Arc<CircuitBreaker>,
    _room: OwnedSemaphorePermit,
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

    /// `CacheStatus` it has answered lately.
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
            let method = match request.question {
                Some(_) => Method::POST,
                None if request.head => Method::HEAD,
                None => Method::GET,
            };
            let mut sending = self
                .client
                .request(method, url.clone())
                .headers(self.headers(&url, request, token));
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

    fn headers(
        &self,
        url: &Url,
        request: &FetchRequest<'_>,
        token: Option<&HeaderValue>,
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut add = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        };
        add(ACCEPT, request.accept);
        add(
            ACCEPT_ENCODING,
            if request.compressed {
                "gzip"
            } else {
                "identity"
            },
        );
        if let Some((etag, modified)) = request.have {
            add(IF_NONE_MATCH, etag);
            if etag.is_empty() {
                add(IF_MODIFIED_SINCE, modified);
            }
        }
        if let Some(authorization) = token
            .or(self.authorization.as_ref())
            .filter(|_| url.origin() == self.base.origin())
        {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        headers
    }
}

/// An answer that says nothing of what was asked for.
fn is_failure(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

/// `CacheStatus` long the upstream asks us to wait (RFC 9110 10.2.3, in seconds; a date is taken for a
/// minute).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    Some(
        text.trim()
            .parse()
            .map_or(Duration::from_mins(1), Duration::from_secs),
    )
}

fn read(
    response: reqwest::Response,
    request: &FetchRequest<'_>,
    upstream: &Upstream,
    room: OwnedSemaphorePermit,
) -> Result<FetchResponse, Problem> {
    let status = response.status();
    match status.as_u16() {
        200 if request.head => upstream.breaker.succeeded(),
        200 => {}
        304 if request.have.is_some() => return Ok(upstream.ended(FetchResponse::Same)),
        404 | 410 => return Ok(upstream.ended(FetchResponse::Missing)),
        405 | 501 if request.question.is_some() => return Ok(FetchResponse::Missing),
        // Registries say so of images that are not there, to whoever has no account.
        401 if !request.image.is_empty() && upstream.authorization.is_none() => {
            return Ok(FetchResponse::Missing);
        }
        401 | 407 => {
            return Err(trouble(
                Kind::Upstream,
                "the upstream wants other credentials than it was given (401)",
            ));
        }
        403 | 451 => {
            let detail = format!("the upstream forbids it ({})", status.as_u16());
            return Err(trouble(Kind::Policy, detail));
        }
        _ if is_failure(status) => {
            let detail = format!(
                "the upstream fails ({}), and this is not kept",
                status.as_u16()
            );
            let mut problem = trouble(Kind::Unreachable, detail);
            problem.retry_after =
                Some(retry_after(response.headers()).unwrap_or(Duration::from_secs(5)));
            return Err(problem);
        }
        other => {
            return Err(trouble(
                Kind::Upstream,
                format!("the upstream answers {other}, which makes no sense here"),
            ));
        }
    }
    let text = |name: HeaderName| {
        let value = response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok());
        value
            .filter(|value| value.len() <= 256)
            .unwrap_or_default()
            .to_owned()
    };
    let (etag, modified, content_type) = (text(ETAG), text(LAST_MODIFIED), text(CONTENT_TYPE));
    let encoding = text(CONTENT_ENCODING).to_ascii_lowercase();
    let announced = text(CONTENT_LENGTH).parse().ok();
    let (decoder, size) = match encoding.as_str() {
        "" | "identity" => (None, announced),
        "gzip" | "x-gzip" => (Some(MultiGzDecoder::new(Vec::new())), None),
        _ => {
            return Err(trouble(
                Kind::Upstream,
                "the upstream uses an encoding that was not asked for",
            ));
        }
    };
    Ok(FetchResponse::Body(Box::new(UpstreamBody {
        response,
        decoder,
        waiting: Bytes::new(),
        size,
        etag,
        modified,
        content_type,
        breaker: Arc::clone(&upstream.breaker),
        _room: room,
    })))
}

impl UpstreamBody {
    /// A header's value as text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    /// The next bytes, decoded, and never none of them; `None` at the end. An end before the
    /// announced one is an error.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let breaker = Arc::clone(&self.breaker);
        let broken = |error: reqwest::Error| {
            breaker.failed(None, "it broke off in the middle of an answer");
            let kind = if error.is_timeout() {
                Kind::Unreachable
            } else {
                Kind::Upstream
            };
            trouble(kind, "the upstream broke off in the middle").because(error.without_url())
        };
        loop {
            if self.waiting.is_empty() {
                match self.response.chunk().await.map_err(broken)? {
                    Some(bytes) if bytes.is_empty() => continue, // HTTP/2 may end with such a one
                    Some(bytes) if self.decoder.is_none() => return Ok(Some(bytes)),
                    Some(bytes) => self.waiting = bytes,
                    None => return self.end(),
                }
            }
            let piece = self
                .waiting
                .split_to(self.waiting.len().min(DECODED_AT_ONCE));
            let Some(decoder) = &mut self.decoder else {
                return Ok(Some(piece));
            };
            decoder
                .write_all(&piece)
                .map_err(|error| trouble(Kind::Upstream, "badly compressed").because(error))?;
            let plain = std::mem::take(decoder.get_mut());
            if !plain.is_empty() {
                return Ok(Some(plain.into()));
            }
        }
    }

    fn end(&mut self) -> Result<Option<Bytes>, Problem> {
        self.breaker.succeeded();
        let Some(decoder) = self.decoder.take() else {
            return Ok(None);
        };
        let rest = decoder
            .finish()
            .map_err(|error| trouble(Kind::Upstream, "badly compressed").because(error))?;
        Ok((!rest.is_empty()).then(|| rest.into()))
    }

    /// All of it, if it has at most `limit` bytes. `large` is called once before more than `small`
    /// bytes are taken in.
    pub(crate) async fn collect<F, P>(
        mut self,
        limit: usize,
        small: usize,
        large: impl FnOnce() -> F + Send,
    ) -> Result<(Vec<u8>, Option<P>), Problem>
    where
        F: Future<Output = P> + Send,
    {
        let too_large = || {
            trouble(
                Kind::Upstream,
                format!("the upstream's document is larger than {limit} bytes"),
            )
        };
        let announced = usize::try_from(self.size.unwrap_or_default()).unwrap_or(usize::MAX);
        if announced > limit {
            return Err(too_large());
        }
        let (mut body, mut permit, mut large) =
            (Vec::with_capacity(announced.min(small)), None, Some(large));
        while let Some(bytes) = self.next().await? {
            if body.len() + bytes.len() > limit {
                return Err(too_large());
            }
            if body.len() + bytes.len() > small
                && let Some(large) = large.take()
            {
                permit = Some(large().await);
                body.reserve(announced.saturating_sub(body.len()));
            }
            body.extend_from_slice(&bytes);
        }
        Ok((body, permit))
    }
}
