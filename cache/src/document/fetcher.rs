//! A document whose URL is known, asked for upstream.

use crate::limits::{Budget, SMALL_DOCUMENT};
use crate::repo::Repo;
use crate::upstream::{FetchRequest, FetchResponse, UpstreamBody, Want};
use bytes::Bytes;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Document, Member, Pages};
use larder_model::{Algorithm, Digest, Kind, Problem, Timestamp};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Pages of one document.
const MAX_PAGES: usize = 2000;

/// Where a document is at its upstream.
pub(super) struct Location {
    /// Absolute, or relative to the upstream's URL.
    pub(super) url: String,
    /// Media types for the `Accept` header.
    pub(super) accept: &'static str,
}

/// Where a document is to be had.
pub(super) enum Place {
    /// It is asked for there.
    At(Location),
    /// It stands in other documents, which were read: these are its bytes.
    Here(Bytes),
    /// The same, and the upstream could not be asked for these documents just now.
    HereSoFar(Bytes),
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
        (found.created_at, found.checked_at) = (self.at, self.at);
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

/// The memory that reading a document may take, in times of its size.
const READING_FACTOR: u64 = 4;

/// Asks upstreams for documents.
pub(super) struct DocumentFetcher {
    metadata: Metadata,
    max_bytes: usize,
    budget: Budget,
}

impl DocumentFetcher {
    /// Takes documents of up to `max_bytes`; what reads them takes its share of `budget`.
    pub(super) const fn new(metadata: Metadata, max_bytes: usize, budget: Budget) -> Self {
        Self {
            metadata,
            max_bytes,
            budget,
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
        // Of pages the validators are of one alone; and where a list of mirrors promises something else
        // than what is kept, no mirror is to say that this is right.
        let pages = repo.protocol.pages().filter(|pages| pages.has(document));
        let promised = upstream.promised(&document.path);
        let rank = promised
            .as_ref()
            .zip(kept)
            .and_then(|(promised, kept)| promised.rank_of(kept.digest));
        let has_news = promised.is_some() && rank != Some(0);
        let have = kept
            .filter(|_| pages.is_none() && !has_news)
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
        // A mirror's bytes may be stale, or none of this document's: then the next one's are taken.
        let mut left = upstream.mirrors();
        loop {
            left -= 1;
            let response = match (upstream.get(&wanted).await?, kept) {
                (FetchResponse::Same, Some(found)) => {
                    return Ok(FetchOutcome::Unchanged(Arc::clone(found)));
                }
                (FetchResponse::Same | FetchResponse::Missing, _) => {
                    return Ok(FetchOutcome::Absent);
                }
                (FetchResponse::Body(first), _) if let Some(pages) = pages => {
                    let list = self.take_pages(repo, document, (pages, &wanted), *first);
                    return Ok(FetchOutcome::Body(Box::new(list.await?)));
                }
                (FetchResponse::Body(response), _) => *response,
            };
            let mirror = response.mirror.clone();
            let is_older = |body: &Bytes| {
                let now = promised.as_ref().and_then(|promised| promised.rank(body));
                rank.zip(now).is_some_and(|(kept, now)| now > kept)
            };
            let taken = match (self.take(repo, document, response).await, kept) {
                // It lags behind what others gave before.
                (Ok(new), Some(found)) if is_older(&new.body) => {
                    Ok(FetchOutcome::Unchanged(Arc::clone(found)))
                }
                (Ok(new), _) => return Ok(FetchOutcome::Body(Box::new(new))),
                (Err(problem), _) => Err(problem),
            };
            let Some(mirror) = mirror.filter(|_| left > 0) else {
                return taken;
            };
            upstream.ask_last(&mirror);
            let (repo, path) = (&repo.record.name, &*document.path);
            let (mirror, problem) = (mirror.origin().ascii_serialization(), taken.err());
            tracing::info!(?problem, %repo, path, mirror, "a mirror has other content: the next is asked");
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
            optional: true,
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
            want: Want::ShortCut,
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

    /// Takes in all pages of a document, of which `wanted` is the first.
    async fn take_pages(
        &self,
        repo: &Repo,
        document: &Document,
        (pages, wanted): (&dyn Pages, &FetchRequest<'_>),
        first: UpstreamBody,
    ) -> Result<NewDocument, Problem> {
        let (upstream, at) = (repo.upstream()?, self.metadata.now());
        let address = wanted.url.split('?').next().unwrap_or(wanted.url);
        let content_type = first.content_type.clone();
        let (mut bodies, mut bytes, mut permit) = (Vec::new(), 0, None);
        let (mut page, mut seen) = (first, HashSet::new());
        loop {
            let next = page.next_page();
            // More than a few small ones are large together. Who holds a slot waits for no other.
            let (limit, small) = (self.max_bytes.saturating_sub(bytes), SMALL_DOCUMENT);
            let slots = upstream.large_documents();
            let body = if permit.is_some() {
                page.collect(limit, limit, || async {}).await?.0
            } else {
                let small = small.saturating_sub(bytes);
                let (body, slot) = page.collect(limit, small, || slots.acquire()).await?;
                permit = slot;
                body
            };
            bytes += body.len();
            bodies.push(Bytes::from(body));
            let Some(next) = next else { break };
            let url = format!("{address}?{next}");
            if bodies.len() >= MAX_PAGES || !seen.insert(next) {
                return Err(endless());
            }
            let wanted = FetchRequest {
                url: &url,
                have: None,
                ..*wanted
            };
            let FetchResponse::Body(body) = upstream.get(&wanted).await? else {
                return Err(lost_page());
            };
            page = *body;
        }
        let body = Bytes::from(pages.join(document, &bodies)?);
        self.check(repo, document, &body).await?;
        let validators = Validators {
            etag: String::new(),
            modified: String::new(),
            content_type,
            at,
        };
        Ok(NewDocument {
            body,
            validators,
            permit,
        })
    }

    /// Refuses bytes that cannot be the document; how many of its entries are passed over. A hostile
    /// one takes several times its size while it is read, and no other is read beside it.
    async fn check(
        &self,
        repo: &Repo,
        document: &Document,
        body: &Bytes,
    ) -> Result<usize, Problem> {
        let taken = (body.len() as u64).saturating_mul(READING_FACTOR);
        let _share = self.budget.share(taken).await?;
        repo.protocol.check(document, body)
    }

    /// Takes in a document that stood in others: it changes when these do.
    pub(super) async fn take_found(
        &self,
        repo: &Repo,
        document: &Document,
        body: Bytes,
        kept: Option<&Arc<FileRecord>>,
    ) -> Result<FetchOutcome, Problem> {
        let digest = Digest::of(Algorithm::Sha256, &body);
        if let Some(kept) = kept.filter(|kept| kept.digest == digest && !kept.damaged) {
            return Ok(FetchOutcome::Unchanged(Arc::clone(kept)));
        }
        let passed_over = self.check(repo, document, &body).await?;
        if passed_over > 0 {
            repo.upstream()?.passed_over(passed_over, &document.path);
        }
        Ok(FetchOutcome::Body(Box::new(NewDocument {
            body,
            validators: Validators {
                etag: String::new(),
                modified: String::new(),
                content_type: String::new(),
                at: self.metadata.now(),
            },
            permit: None,
        })))
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
        require_promised(repo, document, &body)?;
        let passed_over = self.check(repo, document, &body).await?;
        if passed_over > 0 {
            repo.upstream()?.passed_over(passed_over, &document.path);
        }
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

/// A list whose pages lead in a circle, or go on for ever.
fn endless() -> Problem {
    let detail = format!(
        "the upstream's list has no end: it goes on after {MAX_PAGES} pages, or begins anew"
    );
    Problem::new(Kind::Upstream, "document", detail)
}

/// A list that would be kept without its end.
fn lost_page() -> Problem {
    let detail = "the upstream's list names a next page that is not there";
    Problem::new(Kind::Upstream, "document", detail)
}

/// The documents in which another stands are old, and the upstream could not be asked for them.
pub(super) fn not_asked() -> Problem {
    let detail = "the upstream could not be asked for the document in which this one stands";
    Problem::new(Kind::Unreachable, "upstream", detail)
}

/// A document of which a list of mirrors tells what it is, is that.
fn require_promised(repo: &Repo, document: &Document, body: &Bytes) -> Result<(), Problem> {
    let promised = repo.upstream()?.promised(&document.path);
    if promised.is_none_or(|promised| promised.rank(body).is_some()) {
        return Ok(());
    }
    let detail = format!(
        "no mirror of the upstream has the {} that its list of mirrors promises",
        document.path
    );
    Err(Problem::new(Kind::DigestMismatch, "document", detail))
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

/// Fails unless a member of a set that could not be had may be missing.
pub(super) fn require_absent(
    repo: &Repo,
    member: &Member,
    problem: Problem,
    is_last: bool,
) -> Result<(), FetchError> {
    let (name, path) = (&repo.record.name, &*member.artifact.path);
    let detail = match problem.kind {
        Kind::NotFound if is_last && !member.is_required => {
            tracing::info!(repo = %name, path, "an index names what its upstream lacks");
            return Ok(());
        }
        Kind::NotFound => format!("the upstream lacks {path}, which its index names"),
        Kind::Upstream => format!("{path}: {}", problem.detail),
        _ => return Err(FetchError::Failed(problem)),
    };
    let problem = Problem::new(Kind::Upstream, "document", detail).because(problem);
    Err(FetchError::Changed(problem))
}
