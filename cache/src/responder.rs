//! How a document or an artifact of one repo becomes a response.

use crate::absences::Absences;
use crate::artifact::{ArtifactSource, Artifacts, SetMembers, Wanted};
use crate::document::{
    CacheStatus, CachedDocument, Documents, RepresentationRequest, Representations, Represented,
};
use crate::leads::{KnownLeads, Leads};
use crate::log::LogReader;
use crate::media_types::KeptMediaTypes;
use crate::permissions::read_for;
use crate::problems::no_package;
use crate::repo::Repo;
use http::header::{
    ACCEPT_ENCODING, AGE, CONTENT_ENCODING, HeaderName, LAST_MODIFIED, RANGE, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use larder_access::Gate;
use larder_door::answer::UPSTREAM;
use larder_door::answer::is_download;
use larder_door::{Answer, BlobAnswer, Changed, Lasts, Streaming};
use larder_metadata::Metadata;
use larder_metadata::files::{FileKey, FileRecord};
use larder_mirrors::{Artifact, Document, LogRequest, ReadRequest, RepoUrl, Representation};
use larder_model::{Algorithm, Digest, FileKind, Problem, Timestamp};
use std::ops::Range;
use std::sync::Arc;

/// Room for the headers of an answer, those included that are added on its way out: they move when there
/// is not enough.
const HEADERS: usize = 16;
/// The media type of bytes of which none is known.
const UNKNOWN: &str = "application/octet-stream";
/// The media type of what logs have; theirs is binary, too, and nobody looks.
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";
/// The header that says whether a cache had the answer (RFC 9211).
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// A request, and the repository or group at whose address it came.
#[derive(Clone, Copy)]
pub(crate) struct ReadContext<'a> {
    pub(crate) request: &'a Parts,
    /// The id of that repository.
    pub(crate) repo: i64,
    pub(crate) repo_url: RepoUrl<'a>,
}

/// Answers with what a repo has.
pub(crate) struct Responder {
    metadata: Metadata,
    gate: Arc<Gate>,
    documents: Arc<Documents>,
    representations: Arc<Representations>,
    artifacts: Arc<Artifacts>,
    members: SetMembers,
    logs: Arc<LogReader>,
    absences: Absences,
    media_types: KeptMediaTypes,
    leads: KnownLeads,
}

impl Responder {
    /// Answers with these documents and artifacts.
    pub(crate) fn new(
        metadata: Metadata,
        gate: Arc<Gate>,
        documents: Arc<Documents>,
        representations: Arc<Representations>,
        (artifacts, members): (Arc<Artifacts>, SetMembers),
        (logs, absences): (Arc<LogReader>, Absences),
        media_types: KeptMediaTypes,
    ) -> Self {
        Self {
            metadata,
            gate,
            documents,
            representations,
            artifacts,
            members,
            logs,
            absences,
            media_types,
            leads: KnownLeads::default(),
        }
    }

    /// Answers from one repository.
    pub(crate) async fn answer(
        &self,
        repo: &Arc<Repo>,
        read: &ReadRequest,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        match self.answer_now(repo, read, context).await {
            Err(problem) => Err(self.absences.instead(repo, read, problem).await),
            answer => answer,
        }
    }

    async fn answer_now(
        &self,
        repo: &Arc<Repo>,
        read: &ReadRequest,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        let (document, form) = match read {
            ReadRequest::Document(document, representation) => (document, (*representation, None)),
            ReadRequest::Part(document, representation, part) => {
                (document, (*representation, Some(&**part)))
            }
            ReadRequest::Artifact(artifact) => {
                return self.artifact(repo, artifact, context.request).await;
            }
            ReadRequest::Member(member) => {
                return self.member(repo, member, context.request).await;
            }
            ReadRequest::Log(wanted) => return self.log(repo, wanted).await,
            // The door answers these.
            ReadRequest::Details(_) | ReadRequest::Local(_) | ReadRequest::Redirect(_) => {
                return Err(no_package());
            }
        };
        repo.require_not_blocked(&document.package)?;
        let recipe = || requested(document, form, context, &self.leads.of(repo)).recipe();
        let cached = self.documents.get_for(repo, document, recipe).await?;
        self.answer_with(repo, document, cached, form, context)
            .await
    }

    /// Answers with a document that was just asked for, and notes its use.
    pub(crate) async fn answer_with(
        &self,
        repo: &Arc<Repo>,
        document: &Document,
        cached: CachedDocument,
        form: (Representation, Option<&str>),
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        let key = repo.document_key(document);
        self.metadata.note_use(key, &cached.found);
        if document.kind == FileKind::Tag && is_download(context.request, &cached.found, None) {
            self.metadata.note_download_of(key, &cached.found);
        }
        self.document(repo, document, cached, form, context).await
    }

    /// Answers from a member of a group. The answer is private if not everyone may read the member.
    pub(crate) async fn answer_from_member(
        &self,
        member: &Arc<Repo>,
        read: &ReadRequest,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        let public = self.gate.is_public(&[read_for(member, read)]);
        let answer = self.answer(member, read, context).await?;
        Ok(if public { answer } else { answer.hidden() })
    }

    /// Answers with a document that is at hand, or a part of it.
    pub(crate) async fn document(
        &self,
        repo: &Arc<Repo>,
        document: &Document,
        cached: CachedDocument,
        form: (Representation, Option<&str>),
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        let (representation, part) = form;
        let leads = self.leads.of(repo);
        let wanted = requested(document, form, context, &leads);
        let represented = self.representations.get(repo, &cached, &wanted).await?;
        let Represented {
            found,
            gzip,
            overlay,
        } = represented;
        let mut headers = HeaderMap::with_capacity(HEADERS);
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        // The upstream's time is that of its own bytes, not of a rendered representation.
        if let Ok(modified) = HeaderValue::from_str(&cached.found.modified)
            && !modified.is_empty()
            && representation.name.is_empty()
        {
            headers.insert(LAST_MODIFIED, modified);
        }
        let at = cached.found.created_at;
        let is_dated = repo.protocol.asks_by_date() && at > Timestamp(0) && part.is_none();
        let changed = is_dated.then(|| {
            // It tells where this server is, in the way of its version.
            let (origin, leads) = (context.repo_url.origin, &*leads.mark);
            let view = [origin, env!("CARGO_PKG_VERSION"), leads].join(" ");
            Box::new(Changed::new(at, self.metadata.now(), &view))
        });
        // A mirror's document is fresh for a time; a hosted one can change at any time.
        let lasts = if repo.is_hosted() {
            Lasts::Unknown
        } else {
            headers.insert(AGE, HeaderValue::from(cached.age.as_secs()));
            tell_source(&mut headers, repo, status(&cached, repo));
            Lasts::For(repo.fresh.saturating_sub(cached.age))
        };
        let (key, known) = (repo.document_key(document), representation.content_type);
        let content_type = self.media_type(repo, key, known, &found).await?;
        Ok(Answer::Blob(BlobAnswer {
            found,
            content_type,
            headers,
            lasts,
            private: false,
            overlay,
            changed,
        }))
    }

    /// The media type of a file: the protocol's, else that of its bytes, else the upstream's.
    async fn media_type(
        &self,
        repo: &Repo,
        key: FileKey<'_>,
        known: &'static str,
        found: &FileRecord,
    ) -> Result<HeaderValue, Problem> {
        if !known.is_empty() {
            return Ok(HeaderValue::from_static(known));
        }
        let other = self.media_types.other_than_kept(repo, key, found).await?;
        let text = other.as_deref().unwrap_or(&found.content_type);
        let value = HeaderValue::from_str(text).ok();
        let value = value.filter(|value| !value.is_empty());
        Ok(value.unwrap_or_else(|| HeaderValue::from_static(UNKNOWN)))
    }

    /// Answers with a part of a log.
    async fn log(&self, repo: &Arc<Repo>, wanted: &LogRequest) -> Result<Answer, Problem> {
        repo.require_not_blocked(&wanted.package)?;
        let answer = self.logs.answer(repo, wanted).await?;
        let digest = Digest::of(Algorithm::Sha256, &answer.body);
        let mut found = FileRecord::transient("", digest, answer.body.len() as u64);
        found.body = Some(answer.body);
        let cached = CachedDocument::current(Arc::new(found), answer.how);
        let mut headers = HeaderMap::new();
        tell_source(&mut headers, repo, status(&cached, repo));
        Ok(Answer::Blob(BlobAnswer {
            found: cached.found,
            content_type: HeaderValue::from_static(PLAIN_TEXT),
            headers,
            lasts: Lasts::Unknown,
            private: false,
            overlay: None,
            changed: None,
        }))
    }

    /// Answers with an artifact.
    pub(crate) async fn artifact(
        &self,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        request: &Parts,
    ) -> Result<Answer, Problem> {
        repo.require_not_blocked(repo.protocol.names().package_of(artifact))?;
        let source = self.artifacts.get(repo, artifact, wanted(request)).await?;
        let counts = repo.protocol.is_download(artifact);
        let lasts = if repo.protocol.is_immutable(artifact) {
            Lasts::Forever
        } else {
            Lasts::Unknown
        };
        self.answer_source(repo, artifact, source, (counts, lasts), request)
            .await
    }

    /// Answers with a member of a set.
    async fn member(
        &self,
        repo: &Arc<Repo>,
        asked: &Artifact,
        request: &Parts,
    ) -> Result<Answer, Problem> {
        let (artifact, source) = self.members.get(repo, asked, wanted(request)).await?;
        // By its name another one is found as soon as the set changes.
        let lasts = if artifact.path == asked.path && !repo.is_hosted() {
            Lasts::Forever
        } else {
            Lasts::Unknown
        };
        self.answer_source(repo, &artifact, source, (false, lasts), request)
            .await
    }

    /// Answers with bytes that are kept, or on their way. `counts`: as a download.
    pub(crate) async fn answer_source(
        &self,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        source: ArtifactSource,
        (counts, lasts): (bool, Lasts),
        request: &Parts,
    ) -> Result<Answer, Problem> {
        let known = repo.protocol.content_type(artifact);
        let key = repo.artifact_key(artifact);
        let status = match &source {
            ArtifactSource::Stored(found) => {
                self.metadata.note_use(key, found);
                if repo.is_offline() {
                    "larder; hit; detail=offline"
                } else {
                    "larder; hit"
                }
            }
            ArtifactSource::Downloaded(_) | ArtifactSource::Streaming(..) => {
                "larder; fwd=miss; stored"
            }
        };
        // A file is answered like any other; bytes on their way go out as they come.
        let mut headers = HeaderMap::with_capacity(HEADERS);
        tell_source(&mut headers, repo, HeaderValue::from_static(status));
        Ok(match source {
            ArtifactSource::Stored(found) | ArtifactSource::Downloaded(found) => {
                let at = found.created_at;
                let is_dated = repo.protocol.asks_by_date() && at > Timestamp(0);
                let changed = is_dated.then(|| Box::new(Changed::new(at, self.metadata.now(), "")));
                if counts && is_download(request, &found, changed.as_deref()) {
                    self.metadata.note_download_of(key, &found);
                }
                Answer::Blob(BlobAnswer {
                    content_type: self.media_type(repo, key, known, &found).await?,
                    found,
                    headers,
                    lasts,
                    private: false,
                    overlay: None,
                    changed,
                })
            }
            ArtifactSource::Streaming(download, size) => {
                let content_type = if known.is_empty() { UNKNOWN } else { known };
                let (metadata, repo) = (self.metadata.clone(), Arc::clone(repo));
                let artifact = artifact.clone();
                let open = move |range: Option<Range<u64>>| {
                    let begins = range.as_ref().is_none_or(|range| range.start == 0);
                    let counted = (counts && begins).then(|| {
                        let (metadata, repo) = (metadata.clone(), Arc::clone(&repo));
                        let artifact = artifact.clone();
                        move || metadata.note_download(repo.artifact_key(&artifact))
                    });
                    Arc::clone(&download).stream(range, counted)
                };
                Answer::Streaming(Streaming {
                    size,
                    content_type: HeaderValue::from_static(content_type),
                    headers,
                    lasts,
                    private: false,
                    open: Box::new(open),
                })
            }
        })
    }
}

/// What a request wants of an artifact.
fn wanted(request: &Parts) -> Wanted {
    if request.headers.contains_key(RANGE) && request.method == Method::GET {
        Wanted::Part
    } else {
        Wanted::All
    }
}

/// What a request wants of a document.
fn requested<'a>(
    document: &'a Document,
    (representation, part): (Representation, Option<&'a str>),
    context: ReadContext<'a>,
    leads: &'a Arc<Leads>,
) -> RepresentationRequest<'a> {
    RepresentationRequest {
        repo: context.repo,
        document,
        representation,
        part,
        gzip: takes_gzip(&context.request.headers),
        repo_url: context.repo_url,
        leads,
    }
}

/// Tells where an answer's bytes are from: clients, whether they were kept, and the log, of which
/// upstream they are.
pub(crate) fn tell_source(headers: &mut HeaderMap, repo: &Repo, status: HeaderValue) {
    headers.insert(CACHE_STATUS, status);
    if let Some(upstream) = &repo.upstream {
        headers.insert(UPSTREAM, upstream.host().clone());
    }
}

/// The `Cache-Status` header of a document (RFC 9211).
pub(crate) fn status(cached: &CachedDocument, repo: &Repo) -> HeaderValue {
    let left = |age: std::time::Duration| {
        let ttl = i64::try_from(repo.fresh.as_secs()).unwrap_or(i64::MAX)
            - i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        ttl.to_string()
    };
    let text = match cached.how {
        CacheStatus::Hit => ["larder; hit; ttl=", &left(cached.age)].concat(),
        CacheStatus::Revalidated => {
            "larder; hit; fwd=stale; fwd-status=304; detail=revalidated".to_owned()
        }
        CacheStatus::Miss => "larder; fwd=miss; stored".to_owned(),
        CacheStatus::Stale => format!("larder; hit; ttl={}; detail=stale", left(cached.age)),
        CacheStatus::Vanished => {
            format!("larder; hit; ttl={}; detail=vanished", left(cached.age))
        }
        CacheStatus::Offline => "larder; hit; detail=offline".to_owned(),
    };
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("larder"))
}

/// Whether `Accept-Encoding` allows gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|request| request.to_str().ok());
    let (mut named, mut others) = (None, None);
    for item in lines.flat_map(|request| request.split(',')) {
        let mut parts = item.split(';').map(str::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let takes = !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        if name.eq_ignore_ascii_case("gzip") {
            named = Some(takes);
        } else if name == "*" {
            others = Some(takes);
        }
    }
    named.or(others).unwrap_or(false)
}
