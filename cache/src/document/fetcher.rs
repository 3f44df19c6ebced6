//! A document whose URL is known, asked for upstream.

use super::examined::Examiner;
use super::job::Made;
use super::wishes::Wish;
use crate::intake::{Intake, Received};
use crate::limits::{Budget, SMALL_DOCUMENT, WORK_FACTOR};
use crate::problems::absent;
use crate::repo::Repo;
use crate::upstream::{FetchRequest, FetchResponse, UpstreamBody, Want};
use bytes::Bytes;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::protocol::StateAge;
use larder_mirrors::{Document, Member, Pages, Set};
use larder_model::{Digest, Kind, Limit, Problem, Timestamp};
use std::collections::HashSet;
use std::sync::Arc;

/// What is told of a state that is past its time.
const EXPIRED: &str = "it has expired: clients that look at that refuse it";

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

/// What an upstream says of a document. [`Kind::NotFound`] in its place: it is not there.
pub(super) enum FetchOutcome {
    /// What is kept is right.
    Unchanged(Arc<FileRecord>),
    /// Its bytes, which its protocol has checked.
    Body(Box<NewDocument>),
}

/// A document that came.
pub(super) struct NewDocument {
    pub(super) body: Received,
    pub(super) validators: Validators,
    /// What belongs together with it.
    pub(super) set: Set,
    /// When that was made.
    pub(super) age: StateAge,
    /// Which of the bodies it is that a list of mirrors promises.
    rank: Option<usize>,
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

/// Asks upstreams for documents.
pub(super) struct DocumentFetcher {
    metadata: Metadata,
    max: Limit,
    intake: Intake,
    budget: Budget,
}

impl DocumentFetcher {
    /// Takes documents within a limit in; what reads them takes its share of `budget`.
    pub(super) fn new(metadata: Metadata, max: Limit, (intake, budget): (Intake, Budget)) -> Self {
        Self {
            metadata,
            max,
            intake,
            budget,
        }
    }

    /// Asks for a document, with the validators of what is kept; what is wished is made of what comes.
    pub(super) async fn fetch(
        &self,
        repo: &Repo,
        document: &Document,
        location: &Location,
        (kept, wish): (Option<&Arc<FileRecord>>, Option<&Arc<Wish>>),
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
                    return Err(absent());
                }
                (FetchResponse::Body(first), _) if let Some(pages) = pages => {
                    let list = self.take_pages(repo, document, (pages, &wanted), *first);
                    return Ok(FetchOutcome::Body(Box::new(list.await?)));
                }
                (FetchResponse::Body(response), _) => *response,
            };
            let mirror = response.mirror.clone();
            let is_older =
                |new: &NewDocument| rank.zip(new.rank).is_some_and(|(kept, now)| now > kept);
            let taken = match (self.take(repo, document, response, wish).await, kept) {
                // It lags behind what others gave before.
                (Ok(new), Some(found)) if is_older(&new) => {
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
        let body = response.collect(SMALL_DOCUMENT, &self.intake).await?;
        Ok(Some(body.small().await?))
    }

    /// All bytes of a document that came.
    pub(super) async fn whole(&self, body: &mut Received) -> Result<Bytes, Problem> {
        body.look((&self.budget, 1), Bytes::clone).await
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
        (pages, wanted): (&'static dyn Pages, &FetchRequest<'_>),
        first: UpstreamBody,
    ) -> Result<NewDocument, Problem> {
        let (upstream, at) = (repo.upstream()?, self.metadata.now());
        let address = wanted.url.split('?').next().unwrap_or(wanted.url);
        let content_type = first.content_type.clone();
        let mut receiver = self.intake.receiver(upstream.room(), None);
        let (mut page, mut seen, mut ends) = (first, HashSet::new(), Vec::new());
        loop {
            let next = page.next_page();
            page.pass_to(&mut receiver, self.max).await?;
            ends.push(receiver.size());
            let Some(next) = next else { break };
            let url = format!("{address}?{next}");
            if ends.len() >= MAX_PAGES || !seen.insert(next) {
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
        let all = receiver.finish().await?;
        let body = self.join(document, pages, all, ends).await?;
        let body = self.intake.take_in(upstream.room(), body).await?;
        let validators = Validators {
            etag: String::new(),
            modified: String::new(),
            content_type,
            at,
        };
        self.examine(repo, document, (body, None), (validators, None))
            .await
    }

    /// Makes a document of all its pages, which end at these places of what came.
    async fn join(
        &self,
        document: &Document,
        pages: &'static dyn Pages,
        mut all: Received,
        ends: Vec<u64>,
    ) -> Result<Bytes, Problem> {
        let document = document.clone();
        let join = move |all: &Bytes| {
            let mut start = 0;
            let page = |end: u64| {
                let end = usize::try_from(end).unwrap_or(usize::MAX).min(all.len());
                all.slice(std::mem::replace(&mut start, end)..end)
            };
            let bodies: Vec<Bytes> = ends.into_iter().map(page).collect();
            pages.join(&document, &bodies)
        };
        let joined = all.look((&self.budget, WORK_FACTOR), join).await??;
        Ok(joined.into())
    }

    /// Takes in a document that stood in others: it changes when these do.
    pub(super) async fn take_found(
        &self,
        repo: &Repo,
        document: &Document,
        body: Bytes,
        kept: Option<&Arc<FileRecord>>,
    ) -> Result<FetchOutcome, Problem> {
        let mut body = self.intake.take_in(repo.upstream()?.room(), body).await?;
        if let Some(kept) = kept.filter(|kept| !kept.damaged)
            && body.digest().await? == kept.digest
        {
            return Ok(FetchOutcome::Unchanged(Arc::clone(kept)));
        }
        let validators = Validators {
            etag: String::new(),
            modified: String::new(),
            content_type: String::new(),
            at: self.metadata.now(),
        };
        let new = self.examine(repo, document, (body, None), (validators, None));
        Ok(FetchOutcome::Body(Box::new(new.await?)))
    }

    /// Takes in the body of a document and checks it.
    async fn take(
        &self,
        repo: &Repo,
        document: &Document,
        response: UpstreamBody,
        wish: Option<&Arc<Wish>>,
    ) -> Result<NewDocument, Problem> {
        let validators = Validators {
            etag: response.etag.clone(),
            modified: response.modified.clone(),
            content_type: response.content_type.clone(),
            at: self.metadata.now(),
        };
        let digests = repo.protocol.digests();
        let claimed = digests.and_then(|digests| response.header(&digests.header())?.parse().ok());
        let body = response.collect(self.max, &self.intake).await?;
        self.examine(repo, document, (body, claimed), (validators, wish))
            .await
    }

    /// Refuses bytes that cannot be the document, and makes of them what is wished. A hostile one takes
    /// several times its size while it is read, and no other is read beside it.
    async fn examine(
        &self,
        repo: &Repo,
        document: &Document,
        (mut body, claimed): (Received, Option<Digest>),
        (mut validators, wish): (Validators, Option<&Arc<Wish>>),
    ) -> Result<NewDocument, Problem> {
        let upstream = repo.upstream()?;
        let is_page = repo
            .protocol
            .pages()
            .is_some_and(|pages| pages.has(document));
        let examiner = Examiner {
            protocol: repo.protocol,
            document: document.clone(),
            claimed,
            promised: upstream.promised(&document.path).filter(|_| !is_page),
            content_type: std::mem::take(&mut validators.content_type),
            trusted: upstream.trusted().cloned(),
            now: self.metadata.now(),
            wish: wish.cloned(),
        };
        let read = move |body: &Bytes| examiner.examine(body);
        let found = body.look((&self.budget, WORK_FACTOR), read).await??;
        if let (Some(made), Some(wish)) = (found.made, wish) {
            let digest = body.digest().await?;
            // Without room for it in memory, whoever wished it has it made when that is his turn.
            if let Ok(bytes) = self.intake.hold(made.bytes) {
                wish.fulfil(digest, Made { bytes, ..made });
            }
        }
        if found.passed_over > 0 {
            upstream.passed_over(found.passed_over, &document.path);
        }
        validators.content_type = found.content_type;
        if let Some(end) = found.age.expires {
            let is_past = end <= self.metadata.now();
            upstream.warn(&document.path, is_past.then_some(EXPIRED));
        }
        Ok(NewDocument {
            body,
            validators,
            set: found.set,
            age: found.age,
            rank: found.rank,
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
