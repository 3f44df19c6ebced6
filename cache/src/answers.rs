//! Answers: how a document or an artifact becomes a response.

use crate::Engine;
use crate::artifacts::ArtifactSource;
use crate::documents::{CacheStatus, CachedDocument};
use crate::repo::Repo;
use crate::representations::RepresentationRequest;
use http::header::{
    ACCEPT_ENCODING, AGE, CONTENT_ENCODING, HeaderName, LAST_MODIFIED, RANGE, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use larder_door::{Answer, BlobAnswer, Lasts, Streaming};
use larder_metadata::files::FileRecord;
use larder_mirrors::{Artifact, Document, RepoUrl, Representation};
use larder_model::Problem;
use std::sync::Arc;

/// The media type of bytes of which none is known.
const UNKNOWN: &str = "application/octet-stream";
/// The header that says whether a cache had the answer (RFC 9211).
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

impl Engine {
    /// Answers with a document or a part of it.
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
        let wanted = RepresentationRequest {
            repo: served_by,
            document,
            representation,
            part,
            gzip: takes_gzip(&request.headers),
            repo_url,
        };
        let (found, gzip) = self.representation(repo, &held.found, &wanted).await?;
        let mut headers = HeaderMap::new();
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        // The upstream's time is that of its own bytes, not of a rendered representation.
        if let Ok(modified) = HeaderValue::from_str(&held.found.modified)
            && !modified.is_empty()
            && representation.name.is_empty()
        {
            headers.insert(LAST_MODIFIED, modified);
        }
        // A mirror's document is fresh for a time; a hosted one can change at any time.
        let lasts = if repo.is_hosted() {
            Lasts::Unknown
        } else {
            headers.insert(AGE, HeaderValue::from(held.age.as_secs()));
            headers.insert(CACHE_STATUS, status(&held, repo));
            Lasts::For(repo.fresh.saturating_sub(held.age))
        };
        let content_type = media_type(representation.content_type, &found);
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
        repo.require_not_blocked(repo.protocol.names().package_of(artifact))?;
        let part = request.headers.contains_key(RANGE) && request.method == Method::GET;
        let known = repo.protocol.content_type(artifact);
        let source = self.artifact(repo, artifact, part).await?;
        if let ArtifactSource::Stored(found) = &source {
            self.metadata.note_use(repo.artifact_key(artifact), found);
        }
        let status = match &source {
            ArtifactSource::Stored(_) if repo.is_offline() => "larder; hit; detail=offline",
            ArtifactSource::Stored(_) => "larder; hit",
            ArtifactSource::Downloaded(_) | ArtifactSource::Streaming(..) => {
                "larder; fwd=miss; stored"
            }
        };
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_STATUS, HeaderValue::from_static(status));
        Ok(match source {
            ArtifactSource::Stored(found) | ArtifactSource::Downloaded(found) => {
                Answer::Blob(BlobAnswer {
                    content_type: media_type(known, &found),
                    found,
                    headers,
                    lasts: Lasts::Forever,
                    private: false,
                })
            }
            ArtifactSource::Streaming(download, size) => {
                let content_type = if known.is_empty() { UNKNOWN } else { known };
                Answer::Streaming(Streaming {
                    size,
                    content_type: HeaderValue::from_static(content_type),
                    headers,
                    private: false,
                    stream: download.stream(),
                })
            }
        })
    }
}

/// A media type: the protocol's, else the upstream's.
fn media_type(known: &'static str, found: &FileRecord) -> HeaderValue {
    let upstream = || {
        HeaderValue::from_str(&found.content_type)
            .ok()
            .filter(|value| !value.is_empty())
    };
    match known {
        "" => upstream().unwrap_or_else(|| HeaderValue::from_static(UNKNOWN)),
        known => HeaderValue::from_static(known),
    }
}

/// The `Cache-Status` header of a document (RFC 9211).
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

/// Whether `Accept-Encoding` allows gzip.
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
