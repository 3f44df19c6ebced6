//! The door of all package repos: `/<protocol>/<repo>/…`.

use crate::accounts::AccountContext;
use crate::artifacts::ArtifactSource;
use crate::documents::{CacheStatus, CachedDocument};
use crate::repo::Repo;
use crate::representations::RepresentationRequest;
use crate::{Engine, Packages};
use http::header::{
    ACCEPT_ENCODING, AGE, CONTENT_ENCODING, HeaderName, LAST_MODIFIED, LOCATION, RANGE, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use larder_access::Admission;
use larder_door::door::RefusalContext;
use larder_door::{Answer, BlobAnswer, ClientView, Door, Incoming, Lasts, Streaming};
use larder_metadata::files::FileRecord;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::account::AccountRequest;
use larder_mirrors::publishing::PublishRequest;
use larder_mirrors::{
    Artifact, Document, Protocol, Publishing, ReadRequest, RepoRequest, RepoUrl, Representation,
};
use larder_model::{Permission, Problem, Reply, RepoKind, RepoName, Verb};
use std::sync::Arc;

const UNKNOWN: &str = "application/octet-stream";
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// A request to a package repo.
pub struct Endpoint {
    protocol: &'static dyn Protocol,
    repo: RepoName,
    call: Call,
}

enum Call {
    /// It wants to read.
    Read(ReadRequest),
    /// It wants to change something.
    Publish(PublishRequest),
    /// It is about the caller's account, not about the repo.
    Account(AccountRequest),
}

impl Call {
    fn package(&self) -> &str {
        match self {
            Self::Read(read) => read.package(),
            Self::Publish(publish) => &publish.package,
            Self::Account(_) => "",
        }
    }
}

/// Splits `/npm/main/rest` into protocol, repo and `/rest`.
fn split(path: &str) -> Option<(&'static dyn Protocol, &str, &str)> {
    let (protocol, rest) = path.strip_prefix('/')?.split_once('/')?;
    let protocol = larder_mirrors::all()
        .into_iter()
        .find(|known| known.name().0 == protocol)?;
    let end = rest.find('/').unwrap_or(rest.len());
    Some((protocol, &rest[..end], &rest[end..]))
}

/// Whether a path is below a package protocol's address.
pub fn is_packages(path: &str) -> bool {
    let first = path
        .strip_prefix('/')
        .and_then(|path| path.split('/').next())
        .unwrap_or_default();
    larder_mirrors::all()
        .iter()
        .any(|protocol| protocol.name().0 == first)
}

fn no_repo() -> Problem {
    Problem::not_found(
        "repository",
        "no such repository here, or you may not see it",
    )
}

/// To read a package of a repo; of no package: the repo.
pub(crate) fn read_of(repo: &Repo, package: &str) -> Permission {
    read_in(&repo.record, package)
}

fn read_in(record: &RepoRecord, package: &str) -> Permission {
    Permission {
        protocol: record.protocol,
        repo: record.name.clone(),
        package: Some(package)
            .filter(|package| !package.is_empty())
            .map(Into::into),
        verb: Verb::Read,
    }
}

/// To read all of a repo, and what tells of all its packages. What a mirror has, its index alone
/// knows.
pub(crate) fn read_all(repo: &Repo) -> Permission {
    let package = repo.is_hosted().then(|| "".into());
    Permission {
        package,
        ..read_of(repo, "")
    }
}

fn absent() -> Problem {
    Problem::not_found("name", "no such package here, or you may not see it")
}

impl Packages {
    /// What publishing at an address takes: the right to the hosted repo that takes it.
    fn publish_permission(
        &self,
        endpoint: &Endpoint,
        publish: &PublishRequest,
    ) -> Option<Permission> {
        let policy = self.0.gate.policy();
        let own = policy.repo(endpoint.protocol.name(), &endpoint.repo)?;
        let mut members = policy.members_of(own);
        let hosted = match own.kind {
            RepoKind::Hosted => Some(own),
            RepoKind::Mirror => None,
            RepoKind::Group => members.find(|member| member.kind == RepoKind::Hosted),
        }?;
        Some(Permission {
            verb: publish.verb,
            ..read_in(hosted, &publish.package)
        })
    }

    async fn serve(
        &self,
        admission: &Admission,
        endpoint: Endpoint,
        request: &Parts,
        body: &mut Incoming,
        client: &ClientView,
    ) -> Result<Answer, Problem> {
        let Endpoint {
            protocol,
            repo,
            call,
        } = endpoint;
        let below = format!("/{}/{repo}", protocol.name());
        let identified = admission.principal().user.is_some();
        let repo_url = RepoUrl {
            origin: &client.base,
            path: &below,
            public: false,
            identified,
        };
        let own = || {
            let row = admission
                .policy()
                .repo(protocol.name(), &repo)
                .ok_or_else(no_repo)?;
            self.0.repo(row, protocol)
        };
        match call {
            Call::Account(account) => {
                let asking = AccountContext {
                    admission,
                    protocol,
                    repo_url,
                    client,
                    headers: &request.headers,
                };
                Ok(self.0.run(&asking, &account, body).await?.into())
            }
            Call::Publish(publish) => {
                let own = own()?;
                if publish.verb == Verb::Read {
                    return Ok(self.0.tell(admission, &own, &publish).await?.into());
                }
                let repo = self.0.published_to(admission, &own)?;
                Ok(self
                    .0
                    .publish(&repo, admission, &publish, body)
                    .await?
                    .into())
            }
            Call::Read(ReadRequest::Own(make)) => {
                // Clients must know beforehand whether anything of it needs a login.
                let own = own()?;
                let members = admission.policy().members_of(&own.record);
                let all = members.chain([&own.record]);
                let public = all.map(|record| read_in(record, "")).collect::<Vec<_>>();
                let public = self.0.gate.is_public(&public);
                Ok(make(&RepoUrl { public, ..repo_url }).into())
            }
            Call::Read(ReadRequest::UpstreamQuery(query)) => Ok(self
                .0
                .query_upstreams(admission, &own()?, query, &request.headers, body)
                .await?
                .into()),
            Call::Read(ReadRequest::Moved(to)) => {
                own()?;
                let reply = Reply::new(StatusCode::MOVED_PERMANENTLY)
                    .with(LOCATION, format!("{below}/{to}"));
                Ok(reply.into())
            }
            Call::Read(read) => {
                let own = own()?;
                if let ReadRequest::Document(document, _) = &read
                    && let Some(reply) = self.0.search(admission, &own, document).await?
                {
                    return Ok(reply.into());
                }
                let served = (own.record.id, repo_url);
                if !own.is_group() {
                    self.0.require_shown(admission, &own, &read).await?;
                    return self.0.serve_from(&own, &read, request, served).await;
                }
                if let Some(answer) = self.0.serve_merged(admission, &own, &read, request).await? {
                    return Ok(answer);
                }
                self.0
                    .serve_group(admission, &own, &read, request, served)
                    .await
            }
        }
    }
}

impl Engine {
    /// Fails if a hosted repo's documents tell of more packages than the caller may read, or a file
    /// is of none of those.
    async fn require_shown(
        &self,
        admission: &Admission,
        own: &Repo,
        read: &ReadRequest,
    ) -> Result<(), Problem> {
        let index = own.protocol.publishing().and_then(Publishing::index);
        if index.is_none()
            || !own.is_hosted()
            || !read.package().is_empty()
            || admission.may(&read_all(own))
        {
            return Ok(());
        }
        if let ReadRequest::Artifact(artifact) = read {
            let found = self.metadata.find(own.address_key(&artifact.path)).await?;
            if let Some(found) = found.filter(|found| !found.owner.is_empty()) {
                return admission.require(&read_of(own, &found.owner)).map(drop);
            }
        }
        admission.require(&read_all(own)).map(drop)
    }

    /// Serves from a member of a group, whose readers may be fewer than the group's.
    pub(crate) async fn serve_member(
        self: &Arc<Self>,
        member: &Arc<Repo>,
        read: &ReadRequest,
        request: &Parts,
        served: (i64, RepoUrl<'_>),
    ) -> Result<Answer, Problem> {
        let public = self.gate.is_public(&[read_of(member, read.package())]);
        let answer = self.serve_from(member, read, request, served).await?;
        Ok(if public { answer } else { answer.hidden() })
    }

    /// Serves from one repo, at the address of the repo `served`.
    pub(crate) async fn serve_from(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        read: &ReadRequest,
        request: &Parts,
        served: (i64, RepoUrl<'_>),
    ) -> Result<Answer, Problem> {
        match read {
            ReadRequest::Document(document, representation) => {
                self.serve_document(repo, document, (*representation, None), request, served)
                    .await
            }
            ReadRequest::Part(document, representation, part) => {
                self.serve_document(
                    repo,
                    document,
                    (*representation, Some(part)),
                    request,
                    served,
                )
                .await
            }
            ReadRequest::Artifact(artifact) => self.serve_artifact(repo, artifact, request).await,
            ReadRequest::Own(_) | ReadRequest::UpstreamQuery(_) | ReadRequest::Moved(_) => {
                Err(absent())
            } // said where they are asked for
        }
    }
}

impl Engine {
    /// Answers with a document, or a part of it.
    pub(crate) async fn serve_document(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        form: (Representation, Option<&str>),
        request: &Parts,
        served: (i64, RepoUrl<'_>),
    ) -> Result<Answer, Problem> {
        repo.require_not_blocked(&document.package)?;
        let held = self.document(repo, document).await?;
        self.metadata
            .note_use(repo.document_key(document), &held.found);
        self.answer_document(repo, document, held, form, request, served)
            .await
    }

    /// Answers with a document that is at hand, or a part of it.
    pub(crate) async fn answer_document(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        held: CachedDocument,
        (representation, part): (Representation, Option<&str>),
        request: &Parts,
        (served_by, repo_url): (i64, RepoUrl<'_>),
    ) -> Result<Answer, Problem> {
        let asked = RepresentationRequest {
            repo: served_by,
            document,
            representation,
            part,
            gzip: takes_gzip(&request.headers),
            repo_url,
        };
        let (found, gzip) = self.representation(repo, &held.found, &asked).await?;
        let mut headers = HeaderMap::new();
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Ok(modified) = HeaderValue::from_str(&held.found.modified)
            && !modified.is_empty()
            && representation.name.is_empty()
        {
            headers.insert(LAST_MODIFIED, modified);
        }
        let content_type = media_type(representation.content_type, &found);
        if repo.is_hosted() {
            return Ok(Answer::Blob(BlobAnswer {
                found,
                content_type,
                headers,
                lasts: Lasts::Unknown,
                private: false,
            }));
        }
        headers.insert(AGE, HeaderValue::from(held.age.as_secs()));
        headers.insert(CACHE_STATUS, status(&held, repo));
        let lasts = Lasts::For(repo.fresh.saturating_sub(held.age));
        Ok(Answer::Blob(BlobAnswer {
            found,
            content_type,
            headers,
            lasts,
            private: false,
        }))
    }

    /// Answers with an artifact.
    pub(crate) async fn serve_artifact(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        request: &Parts,
    ) -> Result<Answer, Problem> {
        repo.require_not_blocked(repo.protocol.package_of(artifact))?;
        let part = request.headers.contains_key(RANGE) && request.method == Method::GET;
        let known = repo.protocol.content_type(artifact);
        let mut headers = HeaderMap::new();
        let kept = |found: Arc<FileRecord>, headers| {
            let content_type = media_type(known, &found);
            Ok(Answer::Blob(BlobAnswer {
                found,
                content_type,
                headers,
                lasts: Lasts::Forever,
                private: false,
            }))
        };
        match self.artifact(repo, artifact, part).await? {
            ArtifactSource::Stored(found) => {
                self.metadata.note_use(repo.artifact_key(artifact), &found);
                let how = if repo.is_offline() {
                    "larder; hit; detail=offline"
                } else {
                    "larder; hit"
                };
                headers.insert(CACHE_STATUS, HeaderValue::from_static(how));
                kept(found, headers)
            }
            ArtifactSource::Downloaded(found) => {
                headers.insert(
                    CACHE_STATUS,
                    HeaderValue::from_static("larder; fwd=miss; stored"),
                );
                kept(found, headers)
            }
            ArtifactSource::Streaming(download, size) => {
                headers.insert(
                    CACHE_STATUS,
                    HeaderValue::from_static("larder; fwd=miss; stored"),
                );
                let content_type =
                    HeaderValue::from_static(if known.is_empty() { UNKNOWN } else { known });
                Ok(Answer::Streaming(Streaming {
                    size,
                    content_type,
                    headers,
                    private: false,
                    stream: download.stream(),
                }))
            }
        }
    }
}

/// A media type: the protocol's, else the one that came with the bytes.
fn media_type(known: &'static str, found: &FileRecord) -> HeaderValue {
    let said = || {
        HeaderValue::from_str(&found.content_type)
            .ok()
            .filter(|value| !value.is_empty())
    };
    match known {
        "" => said().unwrap_or_else(|| HeaderValue::from_static(UNKNOWN)),
        known => HeaderValue::from_static(known),
    }
}

/// How an answer came about (RFC 9211).
fn status(held: &CachedDocument, repo: &Repo) -> HeaderValue {
    let left = |age: std::time::Duration| {
        let ttl = i64::try_from(repo.fresh.as_secs()).unwrap_or(i64::MAX)
            - i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        ttl.to_string()
    };
    let text = match held.how {
        CacheStatus::Hit => format!("larder; hit; ttl={}", left(held.age)),
        CacheStatus::Revalidated => {
            "larder; hit; fwd=stale; fwd-status=304; detail=revalidated".to_owned()
        }
        CacheStatus::Miss => "larder; fwd=miss; stored".to_owned(),
        CacheStatus::Stale => format!("larder; hit; ttl={}; detail=stale", left(held.age)),
        CacheStatus::Offline => "larder; hit; detail=offline".to_owned(),
    };
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("larder"))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|request| request.to_str().ok());
    lines.flat_map(|request| request.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
        named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

impl Door for Packages {
    type Endpoint = Endpoint;

    fn parse(&self, request: &Parts) -> Result<Endpoint, Problem> {
        let (protocol, repo, rest) = split(request.uri.path()).ok_or_else(no_repo)?;
        let repo: RepoName = repo.parse().map_err(|_| no_repo())?;
        if rest.is_empty() {
            return Ok(Endpoint {
                protocol,
                repo,
                call: Call::Read(ReadRequest::Moved("".into())),
            });
        }
        let request = RepoRequest::new(
            &request.method,
            rest,
            request.uri.query().unwrap_or_default(),
            &request.headers,
        )?;
        if let Some(account) = protocol
            .account()
            .map(|account| account.account_request(&request))
            .transpose()?
            .flatten()
        {
            return Ok(Endpoint {
                protocol,
                repo,
                call: Call::Account(account),
            });
        }
        let publish = protocol
            .publishing()
            .map(|hosted| hosted.publish_request(&request))
            .transpose()?
            .flatten();
        let call = match publish {
            Some(publish) => Call::Publish(publish),
            None => Call::Read(protocol.parse(&request)?),
        };
        Ok(Endpoint {
            protocol,
            repo,
            call,
        })
    }

    fn is_open(&self, endpoint: &Endpoint) -> bool {
        matches!(&endpoint.call, Call::Account(account) if account.is_login())
    }

    fn permissions(&self, endpoint: &Endpoint) -> Vec<Permission> {
        if matches!(endpoint.call, Call::Account(_)) {
            return Vec::new();
        }
        let package = endpoint.call.package();
        let package: Option<Box<str>> = Some(package)
            .filter(|package| !package.is_empty())
            .map(Into::into);
        let (protocol, repo) = (endpoint.protocol.name(), endpoint.repo.clone());
        let read = Permission {
            protocol,
            repo,
            package,
            verb: Verb::Read,
        };
        let mut permissions = vec![read];
        // Of which package it is stands in the body else, and is demanded once that is read.
        if let Call::Publish(publish) = &endpoint.call
            && publish.verb != Verb::Read
            && !publish.package.is_empty()
        {
            permissions.extend(self.publish_permission(endpoint, publish));
        }
        permissions
    }

    async fn answer(
        &self,
        admission: Admission,
        endpoint: Endpoint,
        request: &Parts,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let client = request
            .extensions
            .get::<ClientView>()
            .ok_or_else(|| Problem::internal("a request without a site"))?;
        self.serve(&admission, endpoint, request, body, client)
            .await
    }

    fn refuse(&self, problem: &Problem, context: &RefusalContext<'_>) -> Reply {
        let Some((protocol, repo, _)) = split(context.path) else {
            return Reply::new(problem.status())
                .with_body("text/plain", problem.detail.to_string());
        };
        let below = format!("/{}/{repo}", protocol.name());
        let repo_url = RepoUrl {
            origin: &context.client.base,
            path: &below,
            public: false,
            identified: context.identified,
        };
        protocol.refuse(problem, &repo_url)
    }

    fn gives_reasons(&self) -> bool {
        true
    }
}
