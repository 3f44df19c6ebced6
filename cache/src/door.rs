//! The door of all package repos: `/<protocol>/<repo>/…`.

use crate::artifacts::Given;
use crate::documents::{Held, How};
use crate::forms::Asked;
use crate::mirror::Mirror;
use crate::{Engine, Packages};
use http::header::{
    ACCEPT_ENCODING, AGE, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, LAST_MODIFIED, LOCATION, RANGE, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use larder_access::door::Refused;
use larder_access::{Answer, BlobAnswer, Coming, Door, Grant, Incoming, Lasts, Site};
use larder_metadata::files::Found;
use larder_mirrors::{Artifact, Ask, Document, Form, Here, Line, Protocol};
use larder_model::{Kind, Problem, Reply, RepoName, Subject, Verb};
use std::sync::Arc;

const UNKNOWN: &str = "application/octet-stream";
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// A request to a package repo.
pub struct Endpoint {
    protocol: &'static dyn Protocol,
    repo: RepoName,
    ask: Ask,
}

/// Splits `/npm/main/rest` into protocol, repo and `/rest`.
fn split(path: &str) -> Option<(&'static dyn Protocol, &str, &str)> {
    let (protocol, rest) = path.strip_prefix('/')?.split_once('/')?;
    let protocol = larder_mirrors::all().into_iter().find(|known| known.name().0 == protocol)?;
    let end = rest.find('/').unwrap_or(rest.len());
    Some((protocol, &rest[..end], &rest[end..]))
}

/// Whether a path is below a package protocol's address.
pub fn is_packages(path: &str) -> bool {
    let first = path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default();
    larder_mirrors::all().iter().any(|protocol| protocol.name().0 == first)
}

fn no_repo() -> Problem {
    Problem::not_found("repository", "no such repository here, or you may not see it")
}

impl Packages {
    fn below(endpoint: &Endpoint) -> String {
        format!("/{}/{}", endpoint.protocol.name(), endpoint.repo)
    }

    async fn serve(&self, grant: &Grant, endpoint: Endpoint, request: &Parts, site: &Site) -> Result<Answer, Problem> {
        let below = Self::below(&endpoint);
        let public = self.0.gate.is_public(&self.subjects(&endpoint));
        let identified = grant.principal().user.is_some();
        let here = Here { origin: &site.base, path: &below, public, identified };
        let name = endpoint.protocol.name();
        let repo = grant.rights().repo(name, &endpoint.repo).ok_or_else(no_repo)?;
        if &*repo.kind != "mirror" {
            return Err(Problem::new(Kind::Unsupported, "repository", "this kind of repository is not served yet"));
        }
        let mirror = self.0.mirror(repo, endpoint.protocol)?;
        match endpoint.ask {
            Ask::Own(make) => Ok(make(&here).into()),
            Ask::Moved(to) => {
                let reply = Reply::new(StatusCode::MOVED_PERMANENTLY).with(LOCATION, format!("{below}/{to}"));
                Ok(reply.into())
            }
            Ask::Document(document, form) => self.0.serve_document(&mirror, &document, form, request, here).await,
            Ask::Artifact(artifact) => self.0.serve_artifact(&mirror, &artifact, request).await,
        }
    }
}

impl Engine {
    /// Answers with a document.
    pub(crate) async fn serve_document(
        self: &Arc<Self>,
        mirror: &Arc<Mirror>,
        document: &Document,
        form: Form,
        request: &Parts,
        here: Here<'_>,
    ) -> Result<Answer, Problem> {
        let held = self.document(mirror, document).await?;
        let asked = Asked { repo: mirror.repo.id, document, form, gzip: takes_gzip(&request.headers), here };
        let (found, gzip) = self.form(mirror, &held.found, &asked).await?;
        let mut headers = HeaderMap::new();
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Ok(modified) = HeaderValue::from_str(&held.found.modified)
            && !modified.is_empty()
            && form.name.is_empty()
        {
            headers.insert(LAST_MODIFIED, modified);
        }
        headers.insert(AGE, HeaderValue::from(held.age.as_secs()));
        headers.insert(CACHE_STATUS, status(&held, mirror));
        let content_type = media_type(form.content_type, &found);
        let lasts = Lasts::For(mirror.fresh.saturating_sub(held.age));
        Ok(Answer::Blob(BlobAnswer { found, content_type, headers, lasts }))
    }

    /// Answers with an artifact.
    pub(crate) async fn serve_artifact(
        self: &Arc<Self>,
        mirror: &Arc<Mirror>,
        artifact: &Artifact,
        request: &Parts,
    ) -> Result<Answer, Problem> {
        let part = request.headers.contains_key(RANGE) && request.method == Method::GET;
        let known = mirror.protocol.content_type(artifact);
        let mut headers = HeaderMap::new();
        let kept = |found: Arc<Found>, headers| {
            let content_type = media_type(known, &found);
            Ok(Answer::Blob(BlobAnswer { found, content_type, headers, lasts: Lasts::Forever }))
        };
        match self.artifact(mirror, artifact, part).await? {
            Given::Kept(found) => {
                let how = if mirror.is_offline() { "larder; hit; detail=offline" } else { "larder; hit" };
                headers.insert(CACHE_STATUS, HeaderValue::from_static(how));
                kept(found, headers)
            }
            Given::Fetched(found) => {
                headers.insert(CACHE_STATUS, HeaderValue::from_static("larder; fwd=miss; stored"));
                kept(found, headers)
            }
            Given::Coming(fill, size) => {
                headers.insert(CACHE_STATUS, HeaderValue::from_static("larder; fwd=miss; stored"));
                let content_type = HeaderValue::from_static(if known.is_empty() { UNKNOWN } else { known });
                Ok(Answer::Coming(Coming { size, content_type, headers, stream: fill.stream() }))
            }
        }
    }
}

/// A media type: the protocol's, else the one that came with the bytes.
fn media_type(known: &'static str, found: &Found) -> HeaderValue {
    let said = || HeaderValue::from_str(&found.content_type).ok().filter(|value| !value.is_empty());
    match known {
        "" => said().unwrap_or_else(|| HeaderValue::from_static(UNKNOWN)),
        known => HeaderValue::from_static(known),
    }
}

/// How an answer came about (RFC 9211).
fn status(held: &Held, mirror: &Mirror) -> HeaderValue {
    let left = |age: std::time::Duration| {
        let ttl = i64::try_from(mirror.fresh.as_secs()).unwrap_or(i64::MAX)
            - i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        ttl.to_string()
    };
    let text = match held.how {
        How::Hit => format!("larder; hit; ttl={}", left(held.age)),
        How::Revalidated => "larder; hit; fwd=stale; fwd-status=304; detail=revalidated".to_owned(),
        How::Miss => "larder; fwd=miss; stored".to_owned(),
        How::Stale => format!("larder; hit; ttl={}; detail=stale", left(held.age)),
        How::Offline => "larder; hit; detail=offline".to_owned(),
    };
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("larder"))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
        named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

impl Door for Packages {
    type Endpoint = Endpoint;

    fn parse(&self, request: &Parts) -> Result<Endpoint, Problem> {
        let (protocol, repo, rest) = split(request.uri.path()).ok_or_else(no_repo)?;
        let repo: RepoName = repo.parse().map_err(|_| no_repo())?;
        if rest.is_empty() {
            return Ok(Endpoint { protocol, repo, ask: Ask::Moved("".into()) });
        }
        let line = Line::new(&request.method, rest, request.uri.query().unwrap_or_default(), &request.headers)?;
        let ask = protocol.parse(&line)?;
        Ok(Endpoint { protocol, repo, ask })
    }

    fn subjects(&self, endpoint: &Endpoint) -> Vec<Subject> {
        let package = match &endpoint.ask {
            Ask::Document(Document { package, .. }, _) | Ask::Artifact(Artifact { package, .. }) => package,
            Ask::Own(_) | Ask::Moved(_) => "",
        };
        let package = Some(package).filter(|package| !package.is_empty()).map(Into::into);
        let (protocol, repo) = (endpoint.protocol.name(), endpoint.repo.clone());
        vec![Subject { protocol, repo, package, verb: Verb::Read }]
    }

    async fn answer(
        &self,
        grant: Grant,
        endpoint: Endpoint,
        request: &Parts,
        _: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let site = request.extensions.get::<Site>().ok_or_else(|| Problem::internal("a request without a site"))?;
        self.serve(&grant, endpoint, request, site).await
    }

    fn refuse(&self, problem: &Problem, refused: &Refused<'_>) -> Reply {
        let Some((protocol, repo, _)) = split(refused.path) else {
            let status = StatusCode::from_u16(problem.kind.status()).unwrap_or(StatusCode::NOT_FOUND);
            return Reply::new(status)
                .with(CONTENT_TYPE, "text/plain")
                .with_body("text/plain", problem.detail.to_string());
        };
        let below = format!("/{}/{repo}", protocol.name());
        let here = Here { origin: &refused.site.base, path: &below, public: false, identified: refused.identified };
        protocol.refuse(problem, &here)
    }

    fn gives_reasons(&self) -> bool {
        true
    }
}
