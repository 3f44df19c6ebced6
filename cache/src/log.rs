//! Logs of upstreams: answered from what is kept of them, which grows as their protocol proves it.

use crate::bodies::Bodies;
use crate::document::{CacheStatus, Missing};
use crate::flights::{FlightResult, Flights, Key};
use crate::intake::Intake;
use crate::problems::absent;
use crate::repo::Repo;
use crate::upstream::{FetchRequest, FetchResponse};
use bytes::Bytes;
use futures_util::future::try_join_all;
use larder_content::ContentStore;
use larder_metadata::blobs::NewBlob;
use larder_metadata::documents::{Before, NewFile, NewFiles};
use larder_metadata::files::FileRecord;
use larder_metadata::{Error, Metadata, Requirement};
use larder_mirrors::logs::{LogAnswer, LogRead, LogReads, LogStep};
use larder_mirrors::{Document, Log, LogRequest};
use larder_model::{Digest, Kind, Problem, System};
use moka::sync::Cache as Memory;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Steps of one answer: a proof has a few levels, and a state may move on meanwhile.
const MAX_STEPS: usize = 64;
/// The longest part of a log.
const MAX_BYTES: usize = 1 << 20;
/// Logs of which it is known where they are.
const MAX_PLACES: u64 = 10_000;
/// What parts of logs are, as they are kept.
const CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// An answer of a log, and how it came about.
#[derive(Clone)]
pub(crate) struct LogBody {
    pub(crate) body: Bytes,
    pub(crate) how: CacheStatus,
}

/// The logs of all mirrors.
pub(crate) struct LogReader {
    metadata: Metadata,
    content: ContentStore,
    bodies: Arc<Bodies>,
    missing: Arc<Missing>,
    intake: Intake,
    /// Answers that take something of an upstream, and each thing that they take.
    answers: Flights<LogBody>,
    fetches: Flights<Option<Bytes>>,
    /// By repository and probe: which of its addresses the log has.
    places: Memory<Key, usize>,
    /// One state follows another.
    moving: Mutex<()>,
}

impl LogReader {
    /// Over the rows and the bytes of a server.
    pub(crate) fn new(
        metadata: Metadata,
        content: ContentStore,
        bodies: Arc<Bodies>,
        (missing, intake): (Arc<Missing>, Intake),
    ) -> Self {
        Self {
            metadata,
            content,
            bodies,
            missing,
            intake,
            answers: Flights::default(),
            fetches: Flights::default(),
            places: Memory::new(MAX_PLACES),
            moving: Mutex::new(()),
        }
    }

    /// The answer to a request by clients.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        wanted: &LogRequest,
    ) -> Result<LogBody, Problem> {
        let log = repo.log().filter(|log| log.is_named(&wanted.log));
        let log = log.ok_or_else(|| no_log(&wanted.log))?;
        if *wanted.path == *log.probe() {
            let (body, how) = (Bytes::new(), CacheStatus::Hit);
            return Ok(LogBody { body, how });
        }
        if log.is_private(&wanted.package) {
            return Err(private(&wanted.package));
        }
        self.get(repo, log, wanted).await
    }

    /// The record that tells what an artifact contains; `None` where nothing tells that.
    pub(crate) async fn record(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        wanted: &LogRequest,
    ) -> Result<Option<Bytes>, Problem> {
        match repo.log().filter(|log| !log.is_private(&wanted.package)) {
            Some(log) => Ok(Some(self.get(repo, log, wanted).await?.body)),
            None => Ok(None),
        }
    }

    /// An answer: of what is kept alone, if that is enough.
    async fn get(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        log: &Arc<dyn Log>,
        wanted: &LogRequest,
    ) -> Result<LogBody, Problem> {
        let state = log.state();
        let kept = self.metadata.find(repo.document_key(&state)).await?;
        // Only who asks for the state itself needs a newer one.
        let age = kept
            .as_ref()
            .map(|kept| self.metadata.now().since(kept.checked_at));
        let renew = wanted.path == state.path
            && age.is_none_or(|age| age >= repo.fresh)
            && repo.upstream().is_ok();
        if !renew && let Some(body) = self.made_of_kept(repo, &**log, wanted).await? {
            let how = if repo.is_offline() {
                CacheStatus::Offline
            } else {
                CacheStatus::Hit
            };
            return Ok(LogBody { body, how });
        }
        if !renew {
            repo.upstream()?; // whoever is offline need not look for a way
        }
        let key: Key = (
            repo.record.id,
            format!("{}\0{}", state.package, wanted.path).into(),
        );
        if self.missing.contains(&key, &wanted.package) {
            return Err(absent());
        }
        let start = || {
            let (this, repo, log) = (Arc::clone(self), Arc::clone(repo), Arc::clone(log));
            let (wanted, key) = (wanted.clone(), key.clone());
            async move {
                let outcome = this.bring(&repo, &log, &wanted, renew).await;
                if let Err(problem) = &outcome {
                    if problem.kind == Kind::NotFound {
                        this.missing.remember(key, this.metadata.now());
                    }
                    let (problem, repo) = (problem.with_causes(), &repo.record.name);
                    tracing::info!(problem, %repo, path = &*wanted.path, "a log did not answer");
                }
                outcome.map(FlightResult::from)
            }
        };
        let brought = self.answers.join(key.clone(), start).await;
        match brought {
            // The kept state is right as long as nobody shows a newer one.
            Err(_) if renew && kept.is_some() => {
                let body = self.made_of_kept(repo, &**log, wanted).await?;
                let how = CacheStatus::Stale;
                Ok(LogBody {
                    body: body.ok_or_else(absent)?,
                    how,
                })
            }
            brought => brought,
        }
    }

    /// The answer that is made of what is kept; `None` if that is not enough.
    async fn made_of_kept(
        &self,
        repo: &Repo,
        log: &dyn Log,
        wanted: &LogRequest,
    ) -> Result<Option<Bytes>, Problem> {
        let mut reads = LogReads::new();
        for _ in 0..MAX_STEPS {
            match log.step(wanted, &reads, false)? {
                LogStep::Done(answer) => {
                    self.note_use(repo, &reads).await?;
                    return Ok(Some(answer.body));
                }
                LogStep::Read(all) => {
                    for read in all {
                        let LogRead::Kept(document) = &read else {
                            return Ok(None);
                        };
                        let found = self.kept(repo, document).await?;
                        reads.insert(read, found);
                    }
                }
            }
        }
        Ok(None)
    }

    /// What an answer was made of was used.
    async fn note_use(&self, repo: &Repo, reads: &LogReads) -> Result<(), Problem> {
        for (read, found) in reads {
            if let (LogRead::Kept(document), Some(_)) = (read, found) {
                let key = repo.document_key(document);
                if let Some(found) = self.metadata.find(key).await? {
                    self.metadata.note_use(key, &found);
                }
            }
        }
        Ok(())
    }

    /// An answer, for which the log is asked, and what it proved is kept.
    async fn bring(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        log: &Arc<dyn Log>,
        wanted: &LogRequest,
        renew: bool,
    ) -> Result<LogBody, Problem> {
        let mut reads = LogReads::new();
        for _ in 0..MAX_STEPS {
            match log.step(wanted, &reads, renew)? {
                LogStep::Read(all) => {
                    let all = all.into_iter().map(async |read| {
                        let found = match &read {
                            LogRead::Kept(document) => self.kept(repo, document).await?,
                            LogRead::Fetched(path) => self.fetch(repo, log, path).await?,
                        };
                        Ok::<_, Problem>((read, found))
                    });
                    reads.extend(try_join_all(all).await?);
                }
                LogStep::Done(answer) => {
                    let _turn = self.moving.lock().await;
                    // A state is moved on from where it is.
                    let state = log.state();
                    let row = self.metadata.find(repo.document_key(&state)).await?;
                    let before = row.as_ref().map(|row| row.digest);
                    let now = self.body_of(row).await?;
                    let read = LogRead::Kept(state.clone());
                    if answer.state.is_some() && reads.get(&read) != Some(&now) {
                        reads.insert(read, now);
                        continue;
                    }
                    let is_same = answer.state.is_none() && renew;
                    if !self.keep(repo, &answer, before).await {
                        continue; // another server moved it on
                    }
                    if is_same {
                        self.confirm(repo, &state).await?;
                    }
                    let (body, how) = (answer.body, CacheStatus::Miss);
                    return Ok(LogBody { body, how });
                }
            }
        }
        Err(Problem::internal("a log's answer without an end"))
    }

    /// What is kept as a document.
    async fn kept(&self, repo: &Repo, document: &Document) -> Result<Option<Bytes>, Problem> {
        self.body_of(self.metadata.find(repo.document_key(document)).await?)
            .await
    }

    async fn body_of(&self, row: Option<Arc<FileRecord>>) -> Result<Option<Bytes>, Problem> {
        let whole = row.filter(|row| !row.damaged);
        self.bodies.read_if_any(whole).await
    }

    /// The state was asked for again, and is what it was.
    async fn confirm(&self, repo: &Repo, state: &Document) -> Result<(), Problem> {
        let key = repo.document_key(state);
        if let Some(found) = self.metadata.find(key).await? {
            self.metadata.mark_checked(key, &found.digest).await?;
        }
        Ok(())
    }

    /// What the log has at a path; `None`: it is not there.
    async fn fetch(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        log: &Arc<dyn Log>,
        path: &str,
    ) -> Result<Option<Bytes>, Problem> {
        let known: Key = (repo.record.id, log.places().concat().into());
        let place = self.place(repo, log, &known).await?;
        let url = format!("{place}{path}");
        let key = (repo.record.id, url.clone().into());
        let start = || {
            let (repo, intake) = (Arc::clone(repo), self.intake.clone());
            async move { fetch_at(&repo, &intake, &url).await }
        };
        let fetched = self.fetches.join(key, start).await;
        if fetched.is_err() {
            self.places.invalidate(&known); // it may be at another one by now
        }
        fetched
    }

    /// The address of a log: the first of those that it may have at which it says that it is there.
    async fn place<'l>(
        &self,
        repo: &Repo,
        log: &'l Arc<dyn Log>,
        key: &Key,
    ) -> Result<&'l str, Problem> {
        let places = log.places();
        let (Some(last), [others @ .., _]) = (places.last(), places) else {
            return Err(absent());
        };
        if let Some(known) = self.places.get(key) {
            return Ok(&places[known]);
        }
        let mut is_sure = true;
        for (number, place) in others.iter().enumerate() {
            match fetch_at(repo, &self.intake, &format!("{place}{}", log.probe())).await {
                Ok(Some(_)) => {
                    self.places.insert(key.clone(), number);
                    return Ok(place);
                }
                // What it says there is that there is none.
                Ok(None) => {}
                Err(problem) if matches!(problem.kind, Kind::Upstream | Kind::UpstreamPolicy) => {
                    is_sure &= problem.upstream_status.is_some();
                }
                Err(problem) => return Err(problem),
            }
        }
        if is_sure {
            self.places.insert(key.clone(), others.len());
        }
        Ok(last)
    }

    /// Keeps what was proven: first what proves the records, then these. An answer that cannot be kept
    /// is right all the same. `false`: the state is not what it was `before`, and nothing is kept.
    async fn keep(&self, repo: &Repo, answer: &LogAnswer, before: Option<Digest>) -> bool {
        let mut packages: BTreeMap<&str, Vec<(&Document, &Bytes)>> = BTreeMap::new();
        let all = answer.state.iter().chain(&answer.proven);
        let own = answer.state.as_ref().map(|(state, _)| &*state.package);
        for (document, bytes) in all {
            let package = &*document.package;
            packages.entry(package).or_default().push((document, bytes));
        }
        let mut order: Vec<(&str, Vec<(&Document, &Bytes)>)> = packages.into_iter().collect();
        order.sort_by_key(|(package, _)| (own != Some(*package), is_listed(repo, package)));
        for (package, documents) in order {
            let gone = answer.gone.iter().filter(|it| *it.package == *package);
            let gone = gone.map(|document| &*document.path).collect();
            let kept = self.keep_of(repo, package, (&documents, gone), (answer, before));
            match kept.await {
                Ok(true) => {}
                Ok(false) => return false,
                Err(problem) => {
                    let (problem, repo) = (problem.with_causes(), &repo.record.name);
                    tracing::warn!(problem, %repo, package, "a part of a log was not kept");
                    return true;
                }
            }
        }
        true
    }

    async fn keep_of(
        &self,
        repo: &Repo,
        package: &str,
        (documents, gone): (&[(&Document, &Bytes)], Vec<&str>),
        (answer, before): (&LogAnswer, Option<Digest>),
    ) -> Result<bool, Problem> {
        let mut prepared = Vec::new();
        for (_, bytes) in documents {
            prepared.push(self.content.prepare(bytes).await?);
        }
        let full_name = is_listed(repo, package)
            .then(|| repo.full_name(package))
            .flatten();
        let write = async |blobs: Vec<NewBlob>| {
            let files = documents.iter().zip(blobs);
            let new = NewFiles {
                package: repo.package_key(package),
                full_name: full_name.as_deref(),
                by: System::Upstream,
                at: self.metadata.now(),
                files: files
                    .map(|((it, _), blob)| file_of(it, blob, (answer, before)))
                    .collect(),
                gone: gone.clone(),
                named: Vec::new(),
                retired: Vec::new(),
            };
            self.metadata.keep_files(new).await
        };
        match self.content.keep_all(prepared, write).await {
            Ok(()) => Ok(true),
            Err(Error::Unmet(Requirement::Revision)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a package is one of the repository, and not what is kept of the log itself.
fn is_listed(repo: &Repo, package: &str) -> bool {
    repo.log()
        .is_none_or(|log| *log.state().package != *package)
}

/// A document of an answer, whose state takes the place of what was there `before` alone.
fn file_of<'d>(
    document: &'d Document,
    blob: NewBlob,
    (answer, before): (&LogAnswer, Option<Digest>),
) -> NewFile<'d> {
    let is_state = |(state, _): &(Document, Bytes)| state == document;
    let mut file = NewFile::new(document.kind, &document.path, blob, CONTENT_TYPE);
    if answer.state.as_ref().is_some_and(is_state) {
        file.before = before.map_or(Before::Nothing, Before::Bytes);
    }
    file
}

async fn fetch_at(repo: &Repo, intake: &Intake, url: &str) -> Result<Option<Bytes>, Problem> {
    match repo.upstream()?.get(&FetchRequest::new(url)).await? {
        FetchResponse::Body(body) => {
            let body = body.collect(MAX_BYTES, intake).await?;
            Ok(Some(body.small().await?))
        }
        FetchResponse::Same | FetchResponse::Missing => Ok(None),
    }
}

/// The problem of a record of what is published here.
pub(crate) fn published(package: &str) -> Problem {
    let detail = format!("{package} is published here: no log vouches for it");
    Problem::not_found("record", detail)
}

/// The problem of a log that is not set for a mirror.
fn no_log(name: &str) -> Problem {
    Problem::not_found("log", format!("there is no {name} here"))
}

/// A package that no log knows.
fn private(package: &str) -> Problem {
    let detail = format!("{package} is private: the settings of the mirror say so");
    Problem::not_found("record", detail)
}
