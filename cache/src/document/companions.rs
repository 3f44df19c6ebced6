//! Documents that belong to another one, their head: they come with it, or, of large sets, when
//! somebody asks for them.

use super::cached::CachedDocument;
use super::documents::Documents;
use super::fetcher::{FetchError, require_absent};
use super::signed::require_signed;
use super::states::Companions;
use crate::flights::FlightResult;
use crate::intake::Received;
use crate::problems::absent;
use crate::repo::Repo;
use bytes::Bytes;
use larder_metadata::files::FileRecord;
use larder_mirrors::protocol::Sets;
use larder_mirrors::{Document, Set};
use larder_model::{Digest, Kind, Problem};
use std::sync::Arc;

/// Members of a set that are fetched at once: enough that small ones do not wait for one another, and
/// few beside what else is asked of the upstream.
const MEMBERS_AT_ONCE: usize = 4;
/// How often companions are asked for because their head changed meanwhile.
const TRIES: u32 = 3;

impl Documents {
    /// Brings everything that belongs together with a document, or says that the upstream changed
    /// meanwhile. With `true` it is the last try: what is not required may be missing.
    pub(super) async fn bring_set(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        (digest, body): (&Digest, &mut Received),
        (set, is_last): (Set, bool),
    ) -> Result<Companions, FetchError> {
        if set.members.is_empty() && set.companions.is_empty() {
            return Ok(Vec::new());
        }
        let mut companions = Vec::new();
        if !set.companions.is_empty() {
            let body = self.fetcher.whole(body).await?;
            let head = (document, digest, &*body);
            companions = self.bring_companions(repo, head, set.companions).await?;
        }
        for few in set.members.chunks(MEMBERS_AT_ONCE) {
            for (member, problem) in self.artifacts.ensure_all(repo, few).await {
                require_absent(repo, member, problem, is_last)?;
            }
        }
        Ok(companions)
    }

    /// The head that a companion belongs to; `None`: it is a document of its own.
    pub(super) async fn head_for(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<Option<Document>, Problem> {
        let Some(sets) = repo.protocol.sets() else {
            return Ok(None);
        };
        let heads = sets.heads_of(document);
        let other = |head: &Document| (head != document).then(|| head.clone());
        for head in &heads {
            if self.at_hand(repo, head).await?.is_some() {
                return Ok(other(head));
            }
        }
        let mut lacking = None;
        for head in &heads {
            if head == document {
                return Ok(None);
            }
            match Box::pin(self.get(repo, head)).await {
                Ok(_) => return Ok(other(head)),
                Err(problem) if problem.kind == Kind::NotFound => lacking = Some(problem),
                Err(problem) => return Err(problem),
            }
        }
        lacking.map_or(Ok(None), Err)
    }

    /// A companion, as it came with its head.
    pub(super) async fn companion(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        head: &Document,
    ) -> Result<CachedDocument, Problem> {
        let cached = Box::pin(self.get(repo, head)).await?;
        let find = || self.metadata.find(repo.document_key(document));
        if let Some(found) = find().await? {
            if !found.damaged || repo.upstream().is_err() {
                return Ok(CachedDocument { found, ..cached });
            }
            self.fetch_anew(repo, document).await?;
            let found = find().await?.ok_or_else(absent)?;
            return Ok(CachedDocument { found, ..cached });
        }
        let body = self.bodies.read(&cached.found).await?;
        let sets = repo.protocol.sets().ok_or_else(absent)?;
        if !sets.set(head, &body)?.on_demand {
            return Err(absent());
        }
        repo.upstream()?;
        self.require_not_missing(repo, document)?;
        let found = self.companion_flight(repo, document, head).await?;
        Ok(CachedDocument { found, ..cached })
    }

    /// Asks for all companions of a head, once for all who wait.
    async fn companion_flight(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        head: &Document,
    ) -> Result<Arc<FileRecord>, Problem> {
        let key = super::documents::flight_key(repo, document);
        let start = || {
            let (this, repo) = (Arc::clone(self), Arc::clone(repo));
            let (document, head, key) = (document.clone(), head.clone(), key.clone());
            async move {
                this.bring_later(&repo, &head).await?;
                let found = this.metadata.find(repo.document_key(&document)).await?;
                let Some(found) = found else {
                    this.missing.remember(key, this.metadata.now());
                    return Err(absent());
                };
                Ok(FlightResult::from(found))
            }
        };
        self.flights.join(key.clone(), start).await
    }

    /// Brings the companions of a head that is kept.
    async fn bring_later(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        head: &Document,
    ) -> Result<(), Problem> {
        let sets = repo.protocol.sets().ok_or_else(absent)?;
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let found = self.settled(repo, head).await?.ok_or_else(absent)?;
            let body = self.bodies.read(&found).await?;
            let companions = sets.set(head, &body)?.companions;
            let wanted = (head, &found.digest, &*body);
            match self.bring_companions(repo, wanted, companions).await {
                Ok(companions) => return self.store.keep_companions(repo, companions).await,
                Err(FetchError::Changed(_)) if tries > 0 => {
                    Box::pin(self.refresh(repo, head, Some(&found))).await?;
                }
                Err(error) => return Err(error.into_problem()),
            }
        }
    }

    /// The companions of a head, or that it changed meanwhile.
    pub(super) async fn bring_companions(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        (head, digest, body): (&Document, &Digest, &[u8]),
        wanted: Vec<Document>,
    ) -> Result<Companions, FetchError> {
        let mut companions = Vec::new();
        for companion in wanted {
            let bytes = self.fetch_plain(repo, &companion).await?;
            if let Some(bytes) = &bytes {
                repo.protocol.check(&companion, bytes)?;
            }
            companions.push((companion, bytes));
        }
        // They were fetched after the head: they belong to it if it is still the same.
        if companions.iter().any(|(_, bytes)| bytes.is_some())
            && !self.is_still(repo, head, digest).await?
        {
            return Err(FetchError::Changed(changed()));
        }
        let Some(sets) = repo.protocol.sets() else {
            return Ok(companions);
        };
        let fits = |(companion, bytes): &(Document, Option<Bytes>)| {
            bytes
                .as_ref()
                .is_none_or(|it| sets.fits(body, companion, it))
        };
        if !companions.iter().all(fits) {
            return Err(FetchError::Changed(changed()));
        }
        self.require_trusted(repo, sets, (head, body), &companions)?;
        Ok(companions)
    }

    /// Fails unless what is signed by a companion is signed by a key that is trusted.
    fn require_trusted(
        &self,
        repo: &Repo,
        sets: &dyn Sets,
        (head, body): (&Document, &[u8]),
        companions: &Companions,
    ) -> Result<(), Problem> {
        let Some(trusted) = repo.upstream()?.trusted() else {
            return Ok(());
        };
        let there = companions
            .iter()
            .filter_map(|(document, bytes)| Some((document, bytes.as_deref()?)));
        let all: Vec<(&Document, &[u8])> = std::iter::once((head, body)).chain(there).collect();
        let now = self.metadata.now();
        for (document, body) in &all {
            require_signed(sets, trusted, (document, body), &all, now)?;
        }
        Ok(())
    }
}

fn changed() -> Problem {
    Problem::new(
        Kind::Upstream,
        "document",
        "the upstream's metadata changed while it was fetched",
    )
}
