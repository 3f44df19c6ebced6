//! Documents: what changes. Fresh for a time, then asked for again; served as kept when the
//! upstream cannot be asked.

use super::cached::{CacheStatus, CachedDocument};
use super::fetcher::{DocumentFetcher, FetchError, FetchOutcome, NewDocument, Place, not_asked};
use super::job::Recipe;
use super::missing::Missing;
use super::states::Demand;
use super::store::{Beside, DocumentStore};
use super::wishes::Wishes;
use crate::bodies::Bodies;
use crate::config::CacheConfig;
use crate::download::ArtifactFetcher;
use crate::flights::{FlightResult, Flights, Key, file_key};
use crate::intake::{Intake, Received};
use crate::limits::Budget;
use crate::problems::absent;
use crate::publish::HostedDocuments;
use crate::repo::Repo;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use larder_content::ContentStore;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Document, Set};
use larder_model::{Digest, Kind, Problem};
use std::sync::Arc;
use std::time::Duration;

/// How often a set is begun again when the upstream changed under it.
const SET_TRIES: u32 = 3;

/// The documents of all repos.
pub(crate) struct Documents {
    pub(super) metadata: Metadata,
    hosted: HostedDocuments,
    pub(super) bodies: Arc<Bodies>,
    pub(super) artifacts: Arc<ArtifactFetcher>,
    pub(super) missing: Arc<Missing>,
    pub(super) fetcher: DocumentFetcher,
    pub(super) store: DocumentStore,
    pub(super) flights: Flights<Arc<FileRecord>>,
    wishes: Wishes,
    revalidate_timeout: Duration,
}

impl Documents {
    /// Those that are published come from `hosted`; what belongs together with one of a
    /// mirror, `artifacts` fetches.
    pub(crate) fn new(
        metadata: Metadata,
        content: ContentStore,
        hosted: HostedDocuments,
        bodies: Arc<Bodies>,
        artifacts: Arc<ArtifactFetcher>,
        missing: Arc<Missing>,
        (config, intake, budget): (&CacheConfig, Intake, Budget),
    ) -> Self {
        Self {
            fetcher: DocumentFetcher::new(metadata.clone(), config.document, (intake, budget)),
            store: DocumentStore::new(metadata.clone(), content),
            metadata,
            hosted,
            bodies,
            artifacts,
            missing,
            flights: Flights::default(),
            wishes: Wishes::default(),
            revalidate_timeout: config.revalidate_timeout,
        }
    }

    /// A document, as fresh as it can be had.
    pub(crate) async fn get(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<CachedDocument, Problem> {
        self.get_for(repo, document, || None).await
    }

    /// The same for somebody who wants something made of it: if it has to come first, that is made as it
    /// comes.
    pub(crate) async fn get_for(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        recipe: impl FnOnce() -> Option<Recipe>,
    ) -> Result<CachedDocument, Problem> {
        if repo.is_hosted() {
            let found = self.hosted.document(repo, document).await?;
            return Ok(CachedDocument::current(found, CacheStatus::Hit));
        }
        // A companion is the one that came with its head.
        if let Some(head) = self.head_for(repo, document).await? {
            return self.companion(repo, document, &head).await;
        }
        if let Some(found) = self.at_hand(repo, document).await? {
            let age = self.metadata.now().since(found.checked_at);
            if age < repo.fresh {
                return Ok(CachedDocument::of_age(found, CacheStatus::Hit, age));
            }
            return Box::pin(self.kept(repo, document, (found, age))).await;
        }
        let wish =
            recipe().and_then(|recipe| self.wishes.enter(flight_key(repo, document), recipe));
        let found = match Box::pin(self.fetch_first(repo, document)).await {
            Ok(found) => found,
            Err(problem) => return Err(self.or_other_head(repo, document, problem).await?),
        };
        let cached = CachedDocument::current(found, CacheStatus::Miss);
        Ok(CachedDocument { wish, ..cached })
    }

    /// A document that is not kept.
    async fn fetch_first(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<Arc<FileRecord>, Problem> {
        repo.upstream()?; // offline says more than a memory of nothing
        self.require_not_missing(repo, document)?;
        self.refresh(repo, document, None).await
    }

    /// A document that was kept longer ago than it is fresh, or what replaces it.
    async fn kept(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        (found, age): (Arc<FileRecord>, Duration),
    ) -> Result<CachedDocument, Problem> {
        let kept = |how| CachedDocument::of_age(Arc::clone(&found), how, age);
        if repo.is_offline() {
            return Ok(kept(CacheStatus::Offline));
        }
        // Served at once and asked for behind it for as long again as it was fresh,
        let refresh = self.refresh(repo, document, Some(&found));
        if age < repo.fresh * 2 {
            refresh.now_or_never(); // it goes on by itself
            return Ok(kept(CacheStatus::Stale));
        }
        // then asked for first.
        let is_served = repo.record.settings.serve_vanished;
        let served = || is_served.then(|| kept(CacheStatus::Vanished));
        let vanished = |problem| served().ok_or(problem);
        if let Err(problem) = self.require_not_missing(repo, document) {
            return vanished(problem);
        }
        match tokio::time::timeout(self.revalidate_timeout, refresh).await {
            Ok(Ok(now)) if now.digest == found.digest => {
                Ok(CachedDocument::current(now, CacheStatus::Revalidated))
            }
            Ok(Ok(now)) => Ok(CachedDocument::current(now, CacheStatus::Miss)),
            Ok(Err(problem)) if problem.kind == Kind::NotFound => vanished(problem),
            Ok(Err(problem)) => {
                let repo = &repo.record.name;
                tracing::debug!(%problem, %repo, path = &*document.path, "a kept one is served");
                Ok(kept(CacheStatus::Stale))
            }
            Err(_) => Ok(kept(CacheStatus::Stale)),
        }
    }

    /// A document that is kept, or that has come and is being kept.
    pub(crate) async fn at_hand(
        &self,
        repo: &Repo,
        document: &Document,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let kept = || self.metadata.find(repo.document_key(document));
        if let Some(found) = kept().await? {
            // What is damaged comes anew, if it can.
            let is_sound = !found.damaged || repo.upstream().is_err();
            if is_sound && self.is_trusted(repo, document, &found).await? {
                return Ok(Some(found));
            }
        }
        let Some(landed) = self.flights.landed(&flight_key(repo, document)) else {
            return Ok(None);
        };
        if self.metadata.now().since(landed.brought.checked_at) < repo.fresh {
            return Ok(Some(landed.brought));
        }
        landed.ended().await; // what it brought is asked for again like any other
        Ok(kept().await?)
    }

    /// A document that is kept, once all of it that has come is.
    pub(crate) async fn settled(
        &self,
        repo: &Repo,
        document: &Document,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        if let Some(landed) = self.flights.landed(&flight_key(repo, document)) {
            landed.ended().await;
        }
        Ok(self.metadata.find(repo.document_key(document)).await?)
    }

    /// Fails if it is known that there is no such thing.
    pub(super) fn require_not_missing(
        &self,
        repo: &Repo,
        document: &Document,
    ) -> Result<(), Problem> {
        let key = flight_key(repo, document);
        if self.missing.contains(&key, &document.package) {
            Err(absent())
        } else {
            Ok(())
        }
    }

    /// Asks the upstream, once for all who wait.
    pub(crate) async fn refresh(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        kept: Option<&Arc<FileRecord>>,
    ) -> Result<Arc<FileRecord>, Problem> {
        let key = flight_key(repo, document);
        let start = || {
            let (this, repo, document) = (Arc::clone(self), Arc::clone(repo), document.clone());
            let (kept, key) = (kept.cloned(), key.clone());
            async move {
                // Another flight may have landed since the asker looked.
                let now = this.metadata.find(repo.document_key(&document)).await?;
                let is_newer = |now: &FileRecord| {
                    !now.damaged
                        && kept
                            .as_ref()
                            .is_none_or(|kept| now.checked_at > kept.checked_at)
                };
                if let Some(now) = now
                    && is_newer(&now)
                    && this.is_trusted(&repo, &document, &now).await?
                {
                    return Ok(now.into());
                }
                let fetched = this.fetch(&repo, &document, kept).await;
                match &fetched {
                    Err(problem) if problem.kind == Kind::NotFound => {
                        this.missing.remember(key, this.metadata.now());
                    }
                    Err(problem) => {
                        let (problem, repo) = (problem.with_causes(), &repo.record.name);
                        tracing::info!(problem, %repo, path = &*document.path, "a document could not be had");
                    }
                    Ok(_) => {}
                }
                fetched
            }
        };
        self.flights.join(key.clone(), start).await
    }

    /// Asks the upstream for a document and all that belongs together with it, whatever is kept, and
    /// waits until it is kept.
    pub(crate) async fn fetch_anew(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<(), Problem> {
        let head = self.head_for(repo, document).await?;
        let document = head.unwrap_or_else(|| document.clone());
        let start = || {
            let (this, repo, document) = (Arc::clone(self), Arc::clone(repo), document.clone());
            async move { this.fetch(&repo, &document, None).await }
        };
        let key = flight_key(repo, &document);
        self.flights.join(key.clone(), start).await?;
        let found = self.settled(repo, &document).await?;
        // Somebody else's may have been told that what was kept is right: of bytes that are lost now.
        if found.is_some_and(|found| found.damaged) {
            self.flights.join(key, start).await?;
            self.settled(repo, &document).await?;
        }
        Ok(())
    }

    /// Asks the upstream, and once more if it changed meanwhile.
    async fn fetch(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        mut kept: Option<Arc<FileRecord>>,
    ) -> Result<FlightResult<Arc<FileRecord>>, Problem> {
        let mut tries = SET_TRIES;
        loop {
            tries -= 1;
            let outcome = self
                .try_fetch(repo, document, kept.as_ref(), tries == 0)
                .await;
            match outcome {
                Ok(Some(fetched)) => return Ok(fetched),
                // It was let go while the upstream said that it is right: all of it is asked for.
                Ok(None) => {
                    kept = None;
                    tries = SET_TRIES;
                }
                Err(FetchError::Changed(problem)) if tries > 0 => {
                    tracing::info!(%problem, path = &*document.path, "the upstream changed meanwhile: once more");
                }
                Err(error) => return Err(error.into_problem()),
            }
        }
    }

    /// `None`: what is kept is right, and was let go meanwhile.
    async fn try_fetch(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        kept: Option<&Arc<FileRecord>>,
        is_last: bool,
    ) -> Result<Option<FlightResult<Arc<FileRecord>>>, FetchError> {
        repo.upstream()?;
        self.know_mirrors(repo, Some(document)).await?;
        let wish = self.wishes.of(&flight_key(repo, document));
        let outcome = match self.locate(repo, document).await {
            Ok(Place::At(location)) => {
                let wanted = (kept, wish.as_ref());
                self.fetch_listed(repo, document, &location, wanted).await
            }
            // By what is old nobody can say that what is kept is right.
            Ok(Place::HereSoFar(_)) if kept.is_some() => Err(not_asked()),
            Ok(Place::Here(body) | Place::HereSoFar(body)) => {
                self.fetcher.take_found(repo, document, body, kept).await
            }
            Err(problem) => Err(problem),
        };
        let mut new = match outcome {
            Ok(FetchOutcome::Unchanged(found)) => {
                let confirmed = self.store.confirm(repo, document, &found).await?;
                return Ok(confirmed.map(Into::into));
            }
            Ok(FetchOutcome::Body(new)) => *new,
            // It is not there, what tells of all others does not tell of it, or it tells of nothing.
            Err(problem) if problem.kind == Kind::NotFound && kept.is_some() => {
                self.store.retire(repo, document).await?;
                return Err(problem.into());
            }
            Err(problem) => return Err(problem.into()),
        };
        self.missing
            .package_changed(repo.record.id, &document.package, self.metadata.now());
        // What belongs together with it is kept with it.
        let digest = new.body.digest().await?;
        let alone = new.set == Set::default() && repo.alias_of(document, &digest).is_none();
        if kept.is_none()
            && alone
            && let Received::Held(body, _) = &new.body
        {
            let found = Arc::new(new.validators.of(digest, body.clone()));
            return Ok(Some(self.keep_behind(repo, document, found, new)));
        }
        if let Some(kept) = kept
            && self.is_older(repo, document, (&new, kept)).await?
        {
            let confirmed = self.store.confirm(repo, document, kept).await?;
            return Ok(confirmed.map(Into::into));
        }
        let all = std::mem::take(&mut new.set);
        let is_read_later = all.on_demand;
        let Demand { set, retired } = self.demand(repo, document, kept, all).await?;
        let named = set
            .members
            .iter()
            .map(|member| member.artifact.path.clone());
        let named: Vec<Box<str>> = named.collect();
        let companions = self
            .bring_set(repo, document, (&digest, &mut new.body), (set, is_last))
            .await?;
        let beside = Beside {
            companions,
            named,
            retired,
            is_read_later,
        };
        self.store
            .keep(repo, document, new.body, new.validators, beside)
            .await?;
        Ok(Some(self.store.kept(repo, document).await?.into()))
    }

    /// A document that goes out at once and is kept behind it.
    fn keep_behind(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        found: Arc<FileRecord>,
        new: NewDocument,
    ) -> FlightResult<Arc<FileRecord>> {
        let (this, repo, document) = (Arc::clone(self), Arc::clone(repo), document.clone());
        let keep = async move {
            let kept = this
                .store
                .keep(
                    &repo,
                    &document,
                    new.body,
                    new.validators,
                    Beside::default(),
                )
                .await;
            if let Err(problem) = kept {
                let (problem, repo) = (problem.with_causes(), &repo.record.name);
                tracing::warn!(problem, %repo, path = &*document.path, "a document was not kept");
            }
        };
        FlightResult::and(found, keep)
    }

    /// The bytes of a document, for another to be found; `None` if it is not there.
    pub(crate) async fn read(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<Option<Bytes>, Problem> {
        let found = self.find(repo, document).await?;
        self.bodies.read_if_any(found).await
    }

    /// A document that tells of others; `None` if it is not there.
    pub(crate) fn find<'a>(
        self: &'a Arc<Self>,
        repo: &'a Arc<Repo>,
        document: &'a Document,
    ) -> BoxFuture<'a, Result<Option<Arc<FileRecord>>, Problem>> {
        async move {
            match self.get(repo, document).await {
                Ok(cached) => Ok(Some(cached.found)),
                Err(problem) if problem.kind == Kind::NotFound => Ok(None),
                Err(problem) => Err(problem),
            }
        }
        .boxed()
    }

    /// Whether a document is upstream what it was.
    pub(super) async fn is_still(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        digest: &Digest,
    ) -> Result<bool, Problem> {
        let now = self.fetch_plain(repo, document).await?;
        let now = now.map(|body| Digest::of(digest.algorithm(), &body));
        Ok(now.as_ref() == Some(digest))
    }

    /// The bytes of a document as they are upstream now.
    pub(super) async fn fetch_plain(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<Option<Bytes>, Problem> {
        match self.locate(repo, document).await? {
            Place::At(location) => self.fetcher.fetch_plain(repo, document, &location).await,
            Place::Here(body) | Place::HereSoFar(body) => Ok(Some(body)),
        }
    }
}

/// Names the flight of a document.
pub(super) fn flight_key(repo: &Repo, document: &Document) -> Key {
    let Document {
        package,
        kind,
        path,
    } = document;
    file_key(repo.record.id, package, *kind, path)
}
