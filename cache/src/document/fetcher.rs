//! A document whose URL is known, asked for upstream.

use crate::limits::SMALL_DOCUMENT;
use crate::repo::Repo;
use crate::upstream::{FetchRequest, FetchResponse, UpstreamBody};
use bytes::Bytes;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::Document;
use larder_model::{Digest, Kind, Problem, Timestamp};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Where a document is.
pub(super) struct Location {
    /// Absolute, or relative to the upstream's URL.
    pub(super) url: String,
    /// Media types for the `Accept` header.
    pub(super) accept: &'static str,
}

/// What an upstream says of a document.
pub(super) enum FetchOutcome {
    /// What is kept is right.
    Unchanged(Arc<FileRecord>),
    /// It is not there.
    Absent,
    /// Its bytes, which its protocol has checked.
    Body(Box<NewDocument>),
}

/// A document that came.
pub(super) struct NewDocument {
    pub(super) body: Bytes,
    pub(super) validators: Validators,
    /// The slot of a large one.
    pub(super) permit: Option<Result<OwnedSemaphorePermit, Problem>>,
}

/// What the upstream says of a document beside its bytes.
pub(super) struct Validators {
    pub(super) etag: String,
    pub(super) modified: String,
    pub(super) content_type: String,
    /// When it said so.
    pub(super) at: Timestamp,
}

impl Validators {
    /// The document as it is at hand before it is kept.
    pub(super) fn of(&self, digest: Digest, body: Bytes) -> FileRecord {
        let (etag, modified) = (self.etag.as_str().into(), self.modified.as_str().into());
        let mut found = FileRecord::transient(&self.content_type, digest, body.len() as u64);
        found.body = Some(body);
        found.etag = etag;
        found.modified = modified;
        found.checked_at = self.at;
        found
    }
}

/// Why a document was not had.
pub(super) enum FetchError {
    /// The upstream changed while it was asked for what belongs together.
    Changed(Problem),
    /// Anything else.
    Failed(Problem),
}

impl<E: Into<Problem>> From<E> for FetchError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl FetchError {
    pub(super) fn into_problem(self) -> Problem {
        match self {
            Self::Changed(problem) | Self::Failed(problem) => problem,
        }
    }
}

/// Asks upstreams for documents.
pub(super) struct DocumentFetcher {
    metadata: Metadata,
    max_bytes: usize,
}

impl DocumentFetcher {
    /// Takes documents of up to `max_bytes`.
    pub(super) const fn new(metadata: Metadata, max_bytes: usize) -> Self {
        Self {
            metadata,
            max_bytes,
        }
    }

    /// Asks for a document, with the validators of what is kept.
    pub(super) async fn fetch(
        &self,
        repo: &Repo,
        document: &Document,
        location: &Location,
        kept: Option<&Arc<FileRecord>>,
    ) -> Result<FetchOutcome, Problem> {
        let upstream = repo.upstream()?;
        let have = kept
            .map(|found| (&*found.etag, &*found.modified))
            .filter(|(etag, date)| !(etag.is_empty() && date.is_empty()));
        let wanted = FetchRequest {
            accept: location.accept,
            have,
            compressed: true,
            patient: kept.is_none(),
            image: repo.image_of(&document.package),
            ..FetchRequest::new(&location.url)
        };
        // The digest in the head may say already that what is kept is right.
        if let Some(found) = kept
            && repo.alias_of(document, &found.digest).is_some()
            && self.has_digest(repo, &wanted, found).await?
        {
            return Ok(FetchOutcome::Unchanged(Arc::clone(found)));
        }
        match (upstream.get(&wanted).await?, kept) {
            (FetchResponse::Same, Some(found)) => Ok(FetchOutcome::Unchanged(Arc::clone(found))),
            (FetchResponse::Same | FetchResponse::Missing, _) => Ok(FetchOutcome::Absent),
            (FetchResponse::Body(response), _) => {
                let document = self.take(repo, document, *response).await?;
                Ok(FetchOutcome::Body(Box::new(document)))
            }
        }
    }

    /// The bytes of a document as they are upstream now.
    pub(super) async fn fetch_plain(
        &self,
        repo: &Repo,
        document: &Document,
        location: &Location,
    ) -> Result<Option<Bytes>, Problem> {
        let wanted = FetchRequest {
            accept: location.accept,
            compressed: true,
            image: repo.image_of(&document.package),
            ..FetchRequest::new(&location.url)
        };
        let FetchResponse::Body(response) = repo.upstream()?.get(&wanted).await? else {
            return Ok(None);
        };
        let (body, _) = response
            .collect(SMALL_DOCUMENT, SMALL_DOCUMENT, || async {})
            .await?;
        Ok(Some(body.into()))
    }

    /// Whether the upstream's head names the digest of what is kept, in a protocol whose heads do. A
    /// head is a short cut: what it does not tell, all of it does.
    async fn has_digest(
        &self,
        repo: &Repo,
        wanted: &FetchRequest<'_>,
        kept: &FileRecord,
    ) -> Result<bool, Problem> {
        let Some(digests) = repo.protocol.digests() else {
            return Ok(false);
        };
        let head = FetchRequest {
            have: None,
            head: true,
            is_short_cut: true,
            ..*wanted
        };
        match repo.upstream()?.get(&head).await {
            Ok(FetchResponse::Body(head)) => {
                Ok(head.header(&digests.header()) == Some(kept.digest.to_string().as_str()))
            }
            Ok(FetchResponse::Same | FetchResponse::Missing) => Ok(false),
            // It answered, and a GET may do better.
            Err(problem) if matches!(problem.kind, Kind::Upstream | Kind::UpstreamPolicy) => {
                Ok(false)
            }
            Err(problem) => Err(problem),
        }
    }

    /// Takes in the body of a document and checks it.
    async fn take(
        &self,
        repo: &Repo,
        document: &Document,
        response: UpstreamBody,
    ) -> Result<NewDocument, Problem> {
        let mut validators = Validators {
            etag: response.etag.clone(),
            modified: response.modified.clone(),
            content_type: response.content_type.clone(),
            at: self.metadata.now(),
        };
        let digests = repo.protocol.digests();
        let claimed = digests.and_then(|digests| response.header(&digests.header())?.parse().ok());
        let slots = repo.upstream()?.large_documents();
        let (body, permit) = response
            .collect(self.max_bytes, SMALL_DOCUMENT, || slots.acquire())
            .await?;
        let body = Bytes::from(body);
        require_claimed_digest(repo, document, claimed, &body)?;
        repo.protocol.check(document, &body)?;
        let media_types = repo.protocol.media_types();
        if let Some(types) = media_types.filter(|types| types.are_told_by(document.kind)) {
            validators.content_type = types.of(&body, &validators.content_type);
        }
        Ok(NewDocument {
            body,
            validators,
            permit,
        })
    }
}

/// A document that is kept under its digest too has the digest that the upstream claims, if it
/// claims one.
fn require_claimed_digest(
    repo: &Repo,
    document: &Document,
    claimed: Option<Digest>,
    body: &Bytes,
) -> Result<(), Problem> {
    let Some(claimed) = claimed else {
        return Ok(());
    };
    let digest = Digest::of(claimed.algorithm(), body);
    if digest == claimed || repo.alias_of(document, &digest).is_none() {
        return Ok(());
    }
    Err(Problem::new(
        Kind::Upstream,
        "document",
        "the upstream's bytes are not those whose digest it tells",
    ))
}
