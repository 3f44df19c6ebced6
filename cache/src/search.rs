//! Searches: in what is published here, and in what the upstreams of a group's mirrors find. Nothing
//! that an upstream answers is kept.

use crate::document::Documents;
use crate::flights::Flights;
use crate::group::{Groups, Members};
use crate::intake::Intake;
use crate::limits::Budget;
use crate::permissions::read_of;
use crate::problems::absent;
use crate::publish::{HostedPackages, NAMES};
use crate::repo::Repo;
use crate::responder::CACHE_STATUS;
use crate::upstream::{FetchRequest, FetchResponse};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use larder_access::Admission;
use larder_mirrors::search::{Hit, SearchRequest, UpstreamResults};
use larder_mirrors::{Search, Source};
use larder_model::{Kind, Problem, Reply};
use std::collections::HashSet;
use std::sync::Arc;

/// Packages that a search finds in one repo, and one that asks for more of them than fit on a page.
const MAX_HITS: usize = 100;
const MAX_LISTED: usize = 20_000;
/// Packages whose files are read for each result that a search may have: not all that have the
/// terms in their names are found.
const LOOKS: usize = 10;
/// An upstream's answer has at most so many bytes: clients ask for a few hundred packages.
const MAX_ANSWERED: usize = 16 << 20;
/// The media type of results that are made here.
const JSON: &str = "application/json";

/// What a search finds among published packages.
#[derive(Default)]
struct Hits {
    found: Vec<Hit>,
    /// Packages that need no second look: the first repo that has one decides what is said of it.
    names: HashSet<Box<str>>,
}

/// Searches repos and upstreams.
pub(crate) struct Searches {
    groups: Arc<Groups>,
    packages: Arc<HostedPackages>,
    documents: Arc<Documents>,
    intake: Intake,
    budget: Budget,
    /// Answers of upstreams, with their media types.
    flights: Flights<(Bytes, HeaderValue)>,
}

impl Searches {
    /// Searches these; `intake` takes in what upstreams answer, and `budget` bounds what reading it
    /// takes.
    pub(crate) fn new(
        groups: Arc<Groups>,
        packages: Arc<HostedPackages>,
        documents: Arc<Documents>,
        (intake, budget): (Intake, Budget),
    ) -> Self {
        Self {
            groups,
            packages,
            documents,
            intake,
            budget,
            flights: Flights::default(),
        }
    }

    /// Answers a search with what the caller may read.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        admission: &Admission,
        own: &Arc<Repo>,
        request: &SearchRequest,
    ) -> Result<Reply, Problem> {
        let search = search_of(own)?;
        let Members {
            hosted: here,
            mirrors,
        } = self.groups.parts(admission, own)?;
        let blocks = own.blocks() || mirrors.iter().any(|repo| repo.blocks());
        if here.is_empty() && !blocks {
            let nothing = self.nothing_to_search(admission, own)?;
            return self.search_upstream_alone(nothing, &mirrors, request).await;
        }
        let terms = search.terms(request);
        let mut hits = Hits::default();
        for repo in &here {
            let most = hits.found.len() + request.size.clamp(MAX_HITS, MAX_LISTED);
            let wanted = (request, &*terms, most);
            self.find((admission, own), repo, wanted, &mut hits).await?;
        }
        let hits = hits.found;
        let further = request.after(hits.len());
        let (mut answers, mut failure) = (Vec::new(), None);
        for repo in &mirrors {
            match self.results_of(own, &here, repo, &further).await {
                Ok(results) => answers.push(results),
                Err(problem) if problem.kind == Kind::NotFound => {}
                Err(problem) => {
                    tracing::info!(%problem, repo = %repo.record.name, "an upstream could not be searched");
                    failure = Some(problem);
                }
            }
        }
        if let Some(problem) = failure
            && hits.is_empty()
            && answers.is_empty()
        {
            return Err(problem);
        }
        let bytes = answers.iter().map(|answer| answer.body.len()).sum();
        let request = request.clone();
        let reply = move || search.reply(&request, &hits, &answers);
        self.budget.work(bytes, reply).await
    }

    /// The answer of the first upstream that has one, as it came: nothing is published here, and
    /// nothing is to be left out.
    async fn search_upstream_alone(
        self: &Arc<Self>,
        nothing: Problem,
        mirrors: &[Arc<Repo>],
        request: &SearchRequest,
    ) -> Result<Reply, Problem> {
        let mut outcome = Err(nothing);
        for repo in mirrors {
            outcome = self.search_upstream(repo, request).await;
            let is_absent = |problem: &Problem| problem.kind == Kind::NotFound;
            if !outcome.as_ref().is_err_and(is_absent) {
                break;
            }
        }
        let (body, content_type) = outcome?;
        let mut reply = Reply::new(StatusCode::OK).with(CONTENT_TYPE, content_type);
        reply.body = body;
        Ok(reply
            .with(CACHE_STATUS, HeaderValue::from_static("larder; fwd=bypass"))
            .with(CACHE_CONTROL, HeaderValue::from_static("no-store")))
    }

    /// Why nothing is found where there is no upstream to search.
    fn nothing_to_search(
        &self,
        admission: &Admission,
        own: &Arc<Repo>,
    ) -> Result<Problem, Problem> {
        if !own.is_group() {
            return Ok(own.upstream().err().unwrap_or_else(absent));
        }
        Ok(self.groups.members(admission, own, "")?.nowhere(""))
    }

    /// Adds the packages of a repo that have all terms in their names and may be seen at the
    /// address of `own`.
    async fn find(
        &self,
        (admission, own): (&Admission, &Repo),
        repo: &Repo,
        (request, terms, most): (&SearchRequest, &[String], usize),
        hits: &mut Hits,
    ) -> Result<(), Problem> {
        let search = search_of(own)?;
        let mut looks = (LOOKS * (most - hits.found.len())).min(MAX_LISTED);
        let mut after = Box::<str>::default();
        loop {
            let names = self.packages.names_after(repo, &after).await?;
            for package in &names {
                let lower = package.to_lowercase();
                let is_meant = terms.iter().all(|term| lower.contains(term));
                let may_see = |package: &str| {
                    is_open(own, repo, package) && admission.may(&read_of(repo, package))
                };
                if !is_meant || !may_see(package) || !hits.names.insert(package.clone()) {
                    continue;
                }
                looks -= 1;
                // The files of one package at a time: those of all hits together have no bound.
                let files = self.packages.files(repo, package).await?;
                hits.found
                    .extend(Hit::of(search, request, package, &files)?);
                if hits.found.len() == most || looks == 0 {
                    return Ok(());
                }
            }
            match names.last() {
                Some(last) if names.len() == NAMES => after = last.clone(),
                _ => return Ok(()),
            }
        }
    }

    /// What a mirror's upstream finds, and which of that is left out.
    async fn results_of(
        self: &Arc<Self>,
        own: &Arc<Repo>,
        here: &[Arc<Repo>],
        repo: &Arc<Repo>,
        request: &SearchRequest,
    ) -> Result<UpstreamResults, Problem> {
        let (body, _) = self.search_upstream(repo, request).await?;
        let (search, all) = (search_of(own)?, body.clone());
        let (at, from) = (Arc::clone(own), Arc::clone(repo));
        let read = move || {
            let names = search.packages_in(&all)?.into_iter();
            Ok(names.partition(|name| is_open(&at, &from, name)))
        };
        let (open, blocked): (Vec<_>, Vec<_>) = self.budget.work(body.len(), read).await?;
        let mut hidden = self.groups.taken_of(own, here, open).await?;
        hidden.extend(blocked);
        Ok(UpstreamResults { body, hidden })
    }

    /// An upstream's answer, asked for once for all who search for the same at once, and its media
    /// type.
    async fn search_upstream(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        request: &SearchRequest,
    ) -> Result<(Bytes, HeaderValue), Problem> {
        let SearchRequest {
            text,
            size,
            from,
            scope,
        } = request;
        let key = format!("{size}/{from}/{scope}\0{text}");
        let key = (repo.record.id, key.into());
        let start = || {
            let (this, repo, request) = (Arc::clone(self), Arc::clone(repo), request.clone());
            async move { this.fetch_results(&repo, &request).await }
        };
        self.flights.join(key, start).await
    }

    async fn fetch_results(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        request: &SearchRequest,
    ) -> Result<(Bytes, HeaderValue), Problem> {
        let search = search_of(repo)?;
        let upstream = repo.upstream()?;
        let mut known = Vec::new();
        let (url, accept) = loop {
            let bytes = known.iter().flatten().map(Bytes::len).sum();
            let (read, request) = (known.clone(), request.clone());
            let source = move || search.source(&request, &read);
            match self.budget.work(bytes, source).await? {
                Source::At { url, accept } => break (url, accept),
                Source::Here(body) => return Ok((body, HeaderValue::from_static(JSON))),
                Source::Read(document) => known.push(self.documents.read(repo, &document).await?),
                Source::InVulnerabilities(_) => {
                    return Err(Problem::internal("a search among vulnerabilities"));
                }
            }
        };
        let wanted = FetchRequest {
            accept,
            compressed: true,
            patient: true,
            ..FetchRequest::new(&url)
        };
        let FetchResponse::Body(arrived) = upstream.get(&wanted).await? else {
            return Err(absent());
        };
        let content_type = HeaderValue::try_from(&arrived.content_type);
        let content_type = content_type.unwrap_or_else(|_| HeaderValue::from_static(accept));
        let body = arrived.collect(MAX_ANSWERED, &self.intake).await?;
        let body = self.intake.bytes_of(body).await?;
        let read = body.clone();
        let is_result = move || search.packages_in(&read).map(drop);
        self.budget.work(body.len(), is_result).await?;
        Ok((body, content_type))
    }
}

/// Searches, in the protocol of a repo.
fn search_of(repo: &Repo) -> Result<&'static dyn Search, Problem> {
    repo.protocol
        .search()
        .ok_or_else(|| Problem::internal("a search without a protocol for it"))
}

/// Whether neither a repo nor the one at whose address it is served blocks a package.
fn is_open(own: &Repo, repo: &Repo, package: &str) -> bool {
    own.require_not_blocked(package).is_ok() && repo.require_not_blocked(package).is_ok()
}
