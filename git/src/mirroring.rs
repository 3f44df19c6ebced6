//! Mirrors: what an upstream has is asked for when a client asks, and kept with all that was there before.

use crate::bringing::{Bringing, Brought, as_upstreams};
use crate::following::following;
use crate::oid::Oid;
use crate::repositories::{Found, NewPack, Repositories, StateChange};
use crate::source::{Goal, Source};
use crate::state::{DOCUMENT, Pack, State};
use crate::workspace::Kept;
use futures_util::FutureExt as _;
use larder_cache::{Joined, Packages};
use larder_metadata::Metadata;
use larder_metadata::repos::RepoRecord;
use larder_model::{Digest, FileKind, Kind, Problem, System, Timestamp};
use moka::sync::Cache as Memory;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How often a state is written when others are first.
const TRIES: usize = 8;
/// Names that upstreams do not have, in memory.
const MAX_MISSING: u64 = 10_000;
/// What is under way where a repository is asked for however fresh it is.
const NEWEST: &str = "newest";
/// What is under way where packs of it are damaged.
const DAMAGED: &str = "damaged";

/// Asks upstreams, and keeps what they give.
#[derive(Clone)]
pub struct Mirroring(Arc<Inner>);

struct Inner {
    metadata: Metadata,
    packages: Packages,
    repositories: Arc<Repositories>,
    under_way: Joined<Found>,
    /// When an upstream had no such repository.
    missing: Memory<(i64, Box<str>), Timestamp>,
}

fn missing() -> Problem {
    Problem::not_found("name", "the upstream has no such repository")
}

impl Mirroring {
    /// Mirrors whose upstreams are asked through `packages`.
    pub fn new(metadata: Metadata, packages: Packages, repositories: Arc<Repositories>) -> Self {
        Self(Arc::new(Inner {
            metadata,
            packages,
            repositories,
            under_way: Joined::default(),
            missing: Memory::builder().max_capacity(MAX_MISSING).build(),
        }))
    }

    /// Fails if a repository is blocked in a repo of any kind.
    pub fn require_not_blocked(&self, record: &Arc<RepoRecord>, path: &str) -> Result<(), Problem> {
        self.0.packages.mirror(record)?.require_not_blocked(path)
    }

    /// A repository of a mirror, as fresh as it can be had; `None` if the upstream has none of that name.
    pub async fn find(
        &self,
        record: &Arc<RepoRecord>,
        path: &str,
    ) -> Result<Option<Found>, Problem> {
        let goal = self.goal(record, path)?;
        let mirror = &goal.mirror;
        mirror.require_not_blocked(path)?;
        let Some(found) = self.0.repositories.find(goal.package()).await? else {
            mirror.require_upstream()?;
            return match self.require_not_missing(&goal) {
                Ok(()) => none_if_missing(self.refresh(&goal).await),
                Err(_) => Ok(None),
            };
        };
        let age = self.0.metadata.now().since(found.checked_at);
        if age < mirror.fresh() || mirror.is_offline() {
            return Ok(Some(found));
        }
        // Served at once and asked for behind it for as long again as it was fresh,
        let refresh = self.refresh(&goal);
        if age < mirror.fresh() * 2 {
            refresh.now_or_never(); // it goes on by itself
            return Ok(Some(found));
        }
        // then asked for first.
        match tokio::time::timeout(mirror.revalidate_timeout(), refresh).await {
            Ok(Ok(now)) => Ok(Some(now)),
            Ok(Err(problem)) if problem.kind == Kind::NotFound => {
                Ok(mirror.serves_vanished().then_some(found))
            }
            Ok(Err(problem)) => {
                tracing::debug!(%problem, path, "what is kept is served");
                Ok(Some(found))
            }
            Err(_) => Ok(Some(found)),
        }
    }

    /// A repository as its upstream has it now, however fresh it is; as it is kept, if the mirror is offline.
    pub async fn newest(
        &self,
        record: &Arc<RepoRecord>,
        path: &str,
        found: Found,
    ) -> Result<Found, Problem> {
        let goal = self.goal(record, path)?;
        if goal.mirror.is_offline() {
            return Ok(found);
        }
        self.ask(&goal).await
    }

    /// Asks the upstream of a mirror for a repository now, however fresh it is, and waits: what was kept, and
    /// what is now; `None`: nothing, or the upstream has it no more. Fails if nobody may be asked.
    pub async fn renew(
        &self,
        record: &Arc<RepoRecord>,
        path: &str,
    ) -> Result<(Option<Found>, Option<Found>), Problem> {
        let goal = self.goal(record, path)?;
        goal.mirror.require_not_blocked(path)?;
        goal.mirror.require_upstream()?;
        let before = self.0.repositories.find(goal.package()).await?;
        let now = none_if_missing(self.ask(&goal).await)?;
        let name = (record.id, Box::from(path));
        if now.is_some() {
            self.0.missing.invalidate(&name);
        } else {
            self.0.missing.insert(name, self.0.metadata.now());
        }
        Ok((before, now))
    }

    /// A repository whose packs were found damaged, with all that it stands for brought anew; as it is kept,
    /// if the mirror is offline. Fails if its upstream has no more all of it.
    pub async fn heal(
        &self,
        record: &Arc<RepoRecord>,
        path: &str,
        found: Found,
    ) -> Result<Found, Problem> {
        let goal = self.goal(record, path)?;
        if goal.mirror.is_offline() {
            return Ok(found);
        }
        let (this, own) = (self.clone(), goal.clone());
        let start = || async move {
            let source = own.source(this.0.metadata.now()).await?;
            let source = source.ok_or_else(missing)?;
            this.mend(&own, &source).await
        };
        let key = (record.id, path, DAMAGED);
        self.0.under_way.join(key, start).await
    }

    /// The server's clock.
    pub fn now(&self) -> Timestamp {
        self.0.metadata.now()
    }

    /// Asks the upstream, however fresh what is kept is, once for all who wait for that.
    async fn ask(&self, goal: &Goal) -> Result<Found, Problem> {
        let (this, own) = (self.clone(), goal.clone());
        let start = || async move { this.bring_objects(&own, Vec::new()).await };
        let key = (goal.record.id, &*goal.path, NEWEST);
        self.0.under_way.join(key, start).await
    }

    fn goal(&self, record: &Arc<RepoRecord>, path: &str) -> Result<Goal, Problem> {
        Ok(Goal {
            mirror: self.0.packages.mirror(record)?,
            record: Arc::clone(record),
            path: path.into(),
        })
    }

    /// A repository that has these objects, if its upstream gives them: what a client knows from elsewhere
    /// need not be what a ref stands for.
    pub async fn with_objects(
        &self,
        record: &Arc<RepoRecord>,
        path: &str,
        (found, wanted): (Found, &[Oid]),
    ) -> Result<Found, Problem> {
        let held = found.kept.state.held();
        let others: Vec<&Oid> = wanted.iter().filter(|oid| !held.contains(oid)).collect();
        let goal = self.goal(record, path)?;
        if others.is_empty() || goal.mirror.is_offline() {
            return Ok(found);
        }
        let bringing = Bringing {
            repositories: &self.0.repositories,
            goal: &goal,
        };
        let (mut now, mut lacking) = (None, bringing.lacking(&found.kept, &others).await);
        // What is damaged comes first: without it nobody knows what is lacking.
        if lacking
            .as_ref()
            .is_err_and(|problem| problem.kind == Kind::Damaged)
        {
            let healed = self.heal(record, path, found.clone()).await?;
            lacking = bringing.lacking(&healed.kept, &others).await;
            now = Some(healed);
        }
        let (lacking, found) = (lacking?, now.unwrap_or_else(|| found.clone()));
        if lacking.is_empty() {
            return Ok(found);
        }
        let key = lacking.iter().map(ToString::to_string).collect::<String>();
        let (this, own) = (self.clone(), goal.clone());
        let start = || async move { this.bring_objects(&own, lacking).await };
        let brought = self.0.under_way.join((record.id, path, &key), start).await;
        // The client is told by git what is not there.
        Ok(brought.unwrap_or_else(|problem| {
            tracing::info!(
                problem = problem.with_causes(),
                path,
                "objects could not be had"
            );
            found
        }))
    }

    fn require_not_missing(&self, goal: &Goal) -> Result<(), Problem> {
        let at = self.0.missing.get(&(goal.record.id, goal.path.clone()));
        match at {
            Some(at) if self.0.metadata.now().since(at) < goal.mirror.fresh() => Err(missing()),
            _ => Ok(()),
        }
    }

    /// Asks the upstream, once for all who wait.
    async fn refresh(&self, goal: &Goal) -> Result<Found, Problem> {
        let (this, own) = (self.clone(), goal.clone());
        let start = || async move {
            let fetched = this.fetch(&own).await;
            if let Err(problem) = &fetched {
                let (path, repo) = (&*own.path, &own.record.name);
                tracing::info!(problem = problem.with_causes(), %repo, path, "a repository could not be had");
                if problem.kind == Kind::NotFound {
                    let now = this.0.metadata.now();
                    this.0
                        .missing
                        .insert((own.record.id, own.path.clone()), now);
                }
            }
            fetched
        };
        let key = (goal.record.id, &*goal.path, DOCUMENT);
        self.0.under_way.join(key, start).await
    }

    async fn fetch(&self, goal: &Goal) -> Result<Found, Problem> {
        let found = self.0.repositories.find(goal.package()).await?;
        let now = self.0.metadata.now();
        // Another flight may have landed since the asker looked.
        if let Some(found) = &found
            && now.since(found.checked_at) < goal.mirror.fresh()
        {
            return Ok(found.clone());
        }
        let source = goal.source(now).await?.ok_or_else(missing)?;
        self.keep(goal, &source, BTreeSet::new()).await
    }

    /// Brings objects that were asked for by their names, which stay.
    async fn bring_objects(&self, goal: &Goal, objects: Vec<Oid>) -> Result<Found, Problem> {
        let source = goal.source(self.0.metadata.now()).await?;
        let source = source.ok_or_else(missing)?;
        let objects = objects.into_iter().collect();
        self.keep(goal, &source, objects).await
    }

    /// Brings all that is kept of a repository once more where packs of it are known to be damaged, which
    /// are let go then. All others stay.
    async fn mend(&self, goal: &Goal, source: &Source) -> Result<Found, Problem> {
        let repositories = &self.0.repositories;
        let bringing = Bringing { repositories, goal };
        let mut brought = None;
        for _ in 0..TRIES {
            let revision = self.0.metadata.revision(goal.package()).await?;
            let found = self.kept(goal).await?;
            let digest = Some(found.kept.digest);
            let damaged = repositories
                .damaged_packs(goal.package(), &found.kept)
                .await?;
            // A store that is not there has lost none of them.
            if damaged.is_empty() {
                return Ok(found);
            }
            let checked_at = counted_at(source, Some(&found));
            let before = &found.kept.state;
            let mut state = state_after(before, (source, checked_at), &BTreeSet::new())?;
            let is_same = |(of, _): &(Digest, Option<Brought>)| Some(*of) == digest;
            if !brought.as_ref().is_some_and(is_same) {
                brought = Some((found.kept.digest, bringing.bring_all(source, &state).await?));
            }
            let pack = match brought.as_ref().and_then(|(_, brought)| brought.as_ref()) {
                Some(it) => Some(repositories.take_in(&it.quarantine, &it.name).await?),
                None => None,
            };
            state.packs.retain(|pack| !damaged.contains(pack));
            let write = self.write(
                goal,
                (revision, digest),
                ((state, damaged), pack, checked_at),
            );
            if write.await? {
                return self.kept(goal).await;
            }
        }
        Err(changed_too_often())
    }

    /// Keeps what a source has and these objects, anew whenever somebody else was first.
    async fn keep(
        &self,
        goal: &Goal,
        source: &Source,
        objects: BTreeSet<Oid>,
    ) -> Result<Found, Problem> {
        let repositories = &self.0.repositories;
        let bringing = Bringing { repositories, goal };
        let (mut brought, mut is_mended) = (None::<Brought>, false);
        for _ in 0..TRIES {
            let revision = self.0.metadata.revision(goal.package()).await?;
            let found = repositories.find(goal.package()).await?;
            let digest = found.as_ref().map(|found| found.kept.digest);
            let checked_at = counted_at(source, found.as_ref());
            // The folder in which git takes objects in is one for objects that are named as these are.
            let none = State {
                format: source.advertised.format(),
                ..State::default()
            };
            let before = match found {
                Some(found) => found.kept,
                None => Kept::of(none.clone())?,
            };
            if before.state.packs.is_empty() && before.state.format != none.format {
                let write = self.write(
                    goal,
                    (revision, digest),
                    ((none, Vec::new()), None, checked_at),
                );
                write.await?;
                continue;
            }
            let mut state = state_after(&before.state, (source, checked_at), &objects)?;
            if state == *before.state && digest.is_some() {
                if let Some(at) = checked_at {
                    let key = goal.package().file(FileKind::Document, DOCUMENT);
                    let checked = (&before.digest, at);
                    self.0.metadata.mark_checked_at(key, checked).await?;
                }
                return self.kept(goal).await;
            }
            let lacking = match bringing.lacking(&before, &state.tips()).await {
                // Without the damaged packs nobody knows what is lacking.
                Err(problem) if problem.kind == Kind::Damaged && !is_mended => {
                    Box::pin(self.mend(goal, source)).await?;
                    is_mended = true;
                    continue;
                }
                lacking => lacking?,
            };
            let is_brought = match &brought {
                Some(brought) => bringing.is_whole(&before, (brought, &lacking)).await?,
                None => false,
            };
            let is_new = !lacking.is_empty();
            if is_new && !is_brought {
                brought = Some(bringing.bring(source, (&before, &lacking)).await?);
            }
            let beside = (&before, brought.as_ref().filter(|_| is_new));
            match bringing.leave_ancestors(&mut state, beside).await {
                // Refs alone changed: names that are not needed do not matter.
                Err(problem) if problem.kind == Kind::Damaged => {}
                left => left?,
            }
            // For each try anew: what a commit does not name is removed again.
            let pack = match brought.as_ref().filter(|_| is_new) {
                Some(it) => Some(repositories.take_in(&it.quarantine, &it.name).await?),
                None => None,
            };
            let state = (state, Vec::new());
            let write = self.write(goal, (revision, digest), (state, pack, checked_at));
            if write.await? {
                return self.kept(goal).await;
            }
        }
        Err(changed_too_often())
    }

    /// Writes what is kept of a repository from now on; whether nobody else was first.
    async fn write(
        &self,
        goal: &Goal,
        (revision, before): (Option<i64>, Option<Digest>),
        ((state, gone), pack, checked_at): ((State, Vec<Pack>), Option<NewPack>, Option<Timestamp>),
    ) -> Result<bool, Problem> {
        let change = StateChange {
            package: goal.package(),
            full_name: &goal.full_name(),
            revision,
            before,
            by: &System::Upstream,
            checked_at,
            state,
            refs: Vec::new(),
            pack,
            gone,
        };
        let written = self.0.repositories.write(change).await;
        written.map_err(as_upstreams)
    }

    async fn kept(&self, goal: &Goal) -> Result<Found, Problem> {
        let found = self.0.repositories.find(goal.package()).await?;
        found.ok_or_else(|| Problem::internal("a repository that was just kept is gone"))
    }
}

/// The time of which the refs of a source are, if they count: whoever asked after it knows better what
/// they are.
fn counted_at(source: &Source, found: Option<&Found>) -> Option<Timestamp> {
    let is_past = found.is_some_and(|found| found.checked_at > source.asked_at);
    Some(source.asked_at).filter(|_| !is_past)
}

/// What is kept once these refs of a source were taken in, if they count, and these objects.
fn state_after(
    before: &State,
    (source, counted_at): (&Source, Option<Timestamp>),
    objects: &BTreeSet<Oid>,
) -> Result<State, Problem> {
    let refs = counted_at.map_or(&before.refs, |_| &source.refs);
    following(before, (source.advertised.format(), refs), objects)
}

fn changed_too_often() -> Problem {
    let detail = "this repository is changed too often at once";
    Problem::busy(detail, Duration::from_secs(1))
}

fn none_if_missing(found: Result<Found, Problem>) -> Result<Option<Found>, Problem> {
    match found {
        Err(problem) if problem.kind == Kind::NotFound => Ok(None),
        found => found.map(Some),
    }
}
