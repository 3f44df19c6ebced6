//! One request: to the door whose path it is, and into the log and the metrics.

use crate::door_label::DoorLabel;
use crate::house::House;
use crate::pace::{Answer, OpenRequests};
use crate::tally::{Answered, CacheUse};
use http::header::{CONNECTION, HeaderName, HeaderValue, USER_AGENT};
use http::request::Parts;
use http::{Method, Request, Response, Version};
use larder_door::body::Wire;
use larder_door::door::DoorResponse;
use larder_door::head::TargetWithFragment;
use larder_door::{Body, ClientView, Incoming, open};
use larder_keys::secret::hidden;
use larder_model::Permission;
use std::net::IpAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of a path in the log.
const LOGGED_PATH: usize = 1000;

/// What a connection tells of its requests.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    pub(crate) tls: bool,
    pub(crate) wire: Option<Wire>,
    pub(crate) answering: OpenRequests,
}

/// Answers a request. Never fails: what goes wrong is an answer too.
pub(crate) async fn serve(
    house: &House,
    peer: &Peer,
    request: Request<hyper::body::Incoming>,
) -> Response<Body> {
    let (began, answer) = (Instant::now(), peer.answering.begin());
    house.traffic.begin();
    let (mut parts, body) = request.into_parts();
    if let Some(uri) = larder_cache::without_dots(&parts.uri) {
        parts.uri = uri;
    }
    if parts.version < Version::HTTP_2 && peer.answering.has_fragment() {
        parts.extensions.insert(TargetWithFragment);
    }
    // Where the client is, and where it sees us.
    let way = &house.way;
    let trusts = |address| {
        way.trusted_proxies
            .iter()
            .any(|network| network.contains(address))
    };
    let client = ClientView::of(
        &parts.uri,
        &parts.headers,
        way.public_url.as_deref(),
        peer.tls,
        peer.address,
        trusts,
    );
    if client.unheard {
        way.unheard.tell(peer.address);
    }
    let id = request_id(&parts);
    let client = client.of_request(text(&id));
    let line =
        tracing::enabled!(tracing::Level::INFO).then(|| LogLine::begin(&parts, &client, began));
    let (method, uri) = (parts.method.clone(), parts.uri.clone()); // no copies
    let incoming = Incoming::new(body, way.body_idle);
    let incoming = incoming.counted(peer.answering.collecting());
    if !house.beginning.is_over() {
        let _aside = peer.answering.wait_aside();
        house.beginning.stand_before(&parts).await;
    }
    // The answer, and what is told of it: metrics now, the log's line when it was sent.
    let (door, mut opened) = route(house, parts, incoming, &client, peer.wire.as_ref()).await;
    if opened.response.headers().contains_key(CONNECTION) {
        peer.answering.answer_early();
    }
    let status = opened.response.status().as_u16();
    let (took, sent) = (began.elapsed(), size_of(opened.response.body()));
    let is_cache = door == DoorLabel::Packages;
    let headers = Some(opened.response.headers()).filter(|_| is_cache);
    let cache = headers.and_then(|headers| headers.get(CACHE_STATUS));
    let label = house.tally.answered(&Answered {
        door,
        protocol: opened.permissions.first().map(|it| it.protocol),
        status,
        took,
        sent,
        received: opened.received,
        denied: opened.problem.as_ref().is_some_and(|it| it.refused),
        cache: cache.and_then(|status| CacheUse::of(status.as_bytes())),
    });
    house.observer.answered((door, label), status, took);
    house.observer.sent(sent);
    let line = line.map(|line| line.with_cache(cache));
    opened.response.headers_mut().insert(REQUEST_ID, id.clone());
    if let Some(problem) = opened
        .problem
        .as_ref()
        .filter(|problem| problem.kind.status() >= 500)
    {
        let wanted = opened.permissions.first();
        tracing::error!(
            request_id = text(&id),
            method = %method,
            path = hidden(cut(uri.path())),
            repository = wanted.map(Permission::repository),
            package = wanted.and_then(|wanted| wanted.package.as_deref()),
            problem = problem.with_causes(),
            "a request failed"
        );
    }
    match line {
        Some(line) => line.when_sent(opened, id, answer),
        None => opened
            .response
            .map(|body| body.on_end(move |_| drop(answer))),
    }
}

/// The bytes of a body, where that is known.
fn size_of(body: &Body) -> u64 {
    http_body::Body::size_hint(body).exact().unwrap_or_default()
}

/// Leads a request through the door of its path. `/v2/` has two: images of mirrors are the
/// engine's, hosted ones the registry's.
async fn route(
    house: &House,
    parts: Parts,
    body: Incoming,
    client: &ClientView,
    wire: Option<&Wire>,
) -> (DoorLabel, DoorResponse) {
    let path = parts.uri.path();
    let (gate, content) = (&house.gate, &house.content);
    macro_rules! through {
        ($name:expr, $door:expr) => {
            (
                $name,
                open($door, gate, content, parts, body, client, wire).await,
            )
        };
    }
    let below = |root: &str| {
        path.strip_prefix(root)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_packages = larder_cache::is_packages(path);
    let is_protocols = is_packages || below("/v2") || below("/git");
    if is_protocols && larder_gui::is_for_people(&parts) {
        through!(DoorLabel::Gui, &house.gui)
    } else if below("/v2") && house.images.has(&parts) {
        through!(DoorLabel::Packages, &house.images)
    } else if below("/v2") {
        through!(DoorLabel::Registry, &house.registry)
    } else if below("/api/v1") {
        through!(DoorLabel::Api, &*house.api)
    } else if is_packages {
        through!(DoorLabel::Packages, &house.packages)
    } else if below("/git") {
        through!(DoorLabel::Git, &*house.git)
    } else if path == larder_access::sign_in::PAGE {
        through!(DoorLabel::Api, &house.sign_in)
    } else if crate::system::System::has(path) {
        through!(DoorLabel::System, &house.system)
    } else {
        through!(DoorLabel::Gui, &house.gui)
    }
}

/// Numbers the requests of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);
static PROCESS: LazyLock<String> = LazyLock::new(|| format!("{:x}-", std::process::id()));

/// The client's own id for the request if it is plain, else a new one.
fn request_id(parts: &Parts) -> HeaderValue {
    let plain = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    if let Some(id) = parts.headers.get(REQUEST_ID).filter(plain) {
        return id.clone();
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    HeaderValue::try_from([&**PROCESS, &number.to_string()].concat())
        .unwrap_or_else(|_| HeaderValue::from_static("0"))
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// The log's line of a request, written when the body's last byte has left or the client has gone.
struct LogLine {
    method: Method,
    path: String,
    address: IpAddr,
    agent: String,
    began: Instant,
    /// How a mirror had it: `hit`, `miss`, `stale`, `revalidated`, `vanished`, `offline`, `bypass`.
    cache: Option<String>,
}

/// The state in a `Cache-Status` header of ours (RFC 9211): its detail, if it has one.
fn cache_state(status: &HeaderValue) -> Option<&str> {
    let ours = status.to_str().ok()?.strip_prefix("larder; ")?;
    if let Some((_, detail)) = ours.split_once("detail=") {
        return Some(detail);
    }
    let first = ours.split(';').next()?;
    Some(first.strip_prefix("fwd=").unwrap_or(first))
}

/// Whether a request only asks whether the server is well; containers are asked every few seconds.
fn is_probe(path: &str) -> bool {
    ["/healthz", "/readyz"].contains(&path)
}

/// As much of a path as the log has.
fn cut(path: &str) -> &str {
    path.get(..path.floor_char_boundary(LOGGED_PATH))
        .unwrap_or(path)
}

impl LogLine {
    fn begin(parts: &Parts, client: &ClientView, began: Instant) -> Self {
        let agent = parts.headers.get(USER_AGENT).map(text).unwrap_or_default();
        Self {
            method: parts.method.clone(),
            path: hidden(cut(parts.uri.path())), // never the query: it may hold a secret
            address: client.address,
            agent: agent.chars().take(200).collect(),
            began,
            cache: None,
        }
    }

    fn with_cache(self, status: Option<&HeaderValue>) -> Self {
        let cache = status.and_then(cache_state).map(str::to_owned);
        Self { cache, ..self }
    }

    fn when_sent(self, opened: DoorResponse, id: HeaderValue, answer: Answer) -> Response<Body> {
        let status = opened.response.status().as_u16();
        let problem = opened.problem.map(|problem| problem.to_string());
        let who = opened.principal;
        let upstream = opened.upstream;
        let answered = self.began.elapsed();
        let write = move |sent: u64| {
            drop(answer);
            macro_rules! write_at {
                ($level:ident) => {
                    tracing::$level!(
                        request_id = text(&id),
                        method = %self.method,
                        path = self.path,
                        status,
                        bytes = sent,
                        answered_us = u64::try_from(answered.as_micros()).unwrap_or(u64::MAX),
                        took_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
                        cache = self.cache,
                        upstream = upstream.as_ref().map(text),
                        who = who.as_ref().map(|who| &*who.label),
                        address = %self.address,
                        agent = self.agent,
                        problem,
                        "request"
                    )
                };
            }
            if status < 400 && is_probe(&self.path) {
                write_at!(debug);
            } else {
                write_at!(info);
            }
        };
        opened.response.map(|body| body.on_end(write))
    }
}
