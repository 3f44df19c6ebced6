//! Mirrors: what an upstream has is asked for when a client asks, and kept with all that was there before.

use crate::fetching::{self, PackReader};
use crate::oid::{ObjectFormat, Oid};
use crate::program::Place;
use crate::refs::{RefName, Refs};
use crate::repositories::{Found, NewPack, Repositories, StateChange};
use crate::source::{Goal, Source, pack_of, useless};
use crate::state::{DOCUMENT, State};
use crate::workspace::{Kept, Quarantine};
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

/// What an upstream gave, until it is kept.
struct Brought {
    quarantine: Quarantine,
    /// The pack's name.
    name: Oid,
    /// What was asked for.
    objects: Vec<Oid>,
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
        let others: Vec<&Oid> = wanted
            .iter()
            .filter(|oid| !found.kept.state.holds(oid))
            .collect();
        let goal = self.goal(record, path)?;
        if others.is_empty() || goal.mirror.is_offline() {
            return Ok(found);
        }
        let lacking = self.lacking(&goal, &found.kept, &others).await?;
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
        self.keep(goal, &source, objects.into_iter().collect())
            .await
    }

    /// Keeps what a source has and these objects, anew whenever somebody else was first.
    async fn keep(
        &self,
        goal: &Goal,
        source: &Source,
        objects: BTreeSet<Oid>,
    ) -> Result<Found, Problem> {
        let repositories = &self.0.repositories;
        let mut brought: Option<Brought> = None;
        for _ in 0..TRIES {
            let revision = self.0.metadata.revision(goal.package()).await?;
            let found = repositories.find(goal.package()).await?;
            let digest = found.as_ref().map(|found| found.kept.digest);
            // Whoever asked after this one knows better what the refs are.
            let is_past = found
                .as_ref()
                .is_some_and(|found| found.checked_at > source.asked_at);
            let checked_at = Some(source.asked_at).filter(|_| !is_past);
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
                let write = self.write(goal, (revision, digest), (none, None, checked_at));
                write.await?;
                continue;
            }
            let refs = if is_past {
                &before.state.refs
            } else {
                &source.refs
            };
            let format = source.advertised.format();
            let state = following(&before.state, (format, refs), &objects)?;
            if state == *before.state && digest.is_some() {
                if !is_past {
                    let key = goal.package().file(FileKind::Document, DOCUMENT);
                    self.0.metadata.mark_checked(key, &before.digest).await?;
                }
                return self.kept(goal).await;
            }
            let lacking = self.lacking(goal, &before, &state.tips()).await?;
            let is_brought = match &brought {
                Some(brought) => self.is_whole(goal, &before, (brought, &lacking)).await?,
                None => false,
            };
            if !lacking.is_empty() && !is_brought {
                brought = Some(self.bring(goal, source, (&before, &lacking)).await?);
            }
            // For each try anew: what a commit does not name is removed again.
            let pack = match brought.as_ref().filter(|_| !lacking.is_empty()) {
                Some(it) => Some(repositories.take_in(&it.quarantine, &it.name).await?),
                None => None,
            };
            let write = self.write(goal, (revision, digest), (state, pack, checked_at));
            if write.await? {
                return self.kept(goal).await;
            }
        }
        let detail = "this repository is changed too often at once";
        Err(Problem::busy(detail, Duration::from_secs(1)))
    }

    /// Writes what is kept of a repository from now on; whether nobody else was first.
    async fn write(
        &self,
        goal: &Goal,
        (revision, before): (Option<i64>, Option<Digest>),
        (state, pack, checked_at): (State, Option<NewPack>, Option<Timestamp>),
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
            gone: Vec::new(),
        };
        self.0.repositories.write(change).await
    }

    async fn kept(&self, goal: &Goal) -> Result<Found, Problem> {
        let found = self.0.repositories.find(goal.package()).await?;
        found.ok_or_else(|| Problem::internal("a repository that was just kept is gone"))
    }

    /// Those of objects that are not here.
    async fn lacking(
        &self,
        goal: &Goal,
        kept: &Kept,
        objects: &[&Oid],
    ) -> Result<Vec<Oid>, Problem> {
        let others: Vec<&Oid> = objects
            .iter()
            .copied()
            .filter(|oid| !kept.state.holds(oid))
            .collect();
        if others.is_empty() || kept.state.packs.is_empty() {
            return Ok(others.into_iter().cloned().collect());
        }
        let program = self.0.repositories.program().await?;
        let folder = self
            .0
            .repositories
            .workspaces()
            .at(goal.package(), kept)
            .await?;
        let place = Place {
            folder: &folder,
            quarantine: None,
        };
        let kinds = program.kinds(place, &others).await?;
        let lacking = others
            .into_iter()
            .zip(kinds)
            .filter(|(_, kind)| kind.is_none());
        Ok(lacking.map(|(oid, _)| oid.clone()).collect())
    }

    /// Whether what was brought has these objects, and all that they need beside what is here now: what was
    /// here when they came may be gone, or be another repository of the name.
    async fn is_whole(
        &self,
        goal: &Goal,
        before: &Kept,
        (brought, lacking): (&Brought, &[Oid]),
    ) -> Result<bool, Problem> {
        if !lacking.iter().all(|it| brought.objects.contains(it)) {
            return Ok(false);
        }
        let repositories = &self.0.repositories;
        let place = Place {
            folder: &repositories.workspaces().at(goal.package(), before).await?,
            quarantine: Some(brought.quarantine.path()),
        };
        let wants: Vec<&Oid> = lacking.iter().collect();
        let program = repositories.program().await?;
        program.is_whole(place, &wants).await
    }

    /// Brings objects and all that they need, as one pack.
    async fn bring(
        &self,
        goal: &Goal,
        source: &Source,
        (before, lacking): (&Kept, &[Oid]),
    ) -> Result<Brought, Problem> {
        let repositories = &self.0.repositories;
        let program = repositories.program().await?;
        let folder = repositories.workspaces().at(goal.package(), before).await?;
        let quarantine = repositories.workspaces().quarantine()?;
        let place = Place {
            folder: &folder,
            quarantine: Some(quarantine.path()),
        };
        let wants: Vec<&Oid> = lacking.iter().collect();
        let question = fetching::request(&source.advertised, &wants, &before.state.tips());
        let answer = goal.ask_at(&source.address, question).await?;
        let reader = PackReader::new(&source.advertised);
        let pack = quarantine.fitting(pack_of(answer, reader));
        let name = program.index_pack(place, pack).await;
        let name = name.map_err(as_upstreams)?;
        if !program.is_whole(place, &wants).await? {
            return Err(useless("the upstream leaves out objects that others need"));
        }
        Ok(Brought {
            quarantine,
            name,
            objects: lacking.to_vec(),
        })
    }
}

/// What is wrong with objects is the upstream's fault, not the client's.
fn as_upstreams(problem: Problem) -> Problem {
    if matches!(problem.kind, Kind::Unprocessable | Kind::Invalid) {
        useless(&format!(
            "the upstream sends what is no good: {}",
            problem.detail
        ))
    } else {
        problem
    }
}

fn none_if_missing(found: Result<Found, Problem>) -> Result<Option<Found>, Problem> {
    match found {
        Err(problem) if problem.kind == Kind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// What is kept once a source has these refs. What its refs stood for before stays, and so do these
/// objects. Fails if its objects are named otherwise than before.
fn following(
    before: &State,
    (format, refs): (ObjectFormat, &Refs),
    objects: &BTreeSet<Oid>,
) -> Result<State, Problem> {
    if !before.packs.is_empty() && before.format != format {
        let detail = format!(
            "the upstream names objects by {} now, and what is kept by {}",
            format.word(),
            before.format.word()
        );
        return Err(useless(&detail));
    }
    let refs = refs.clone();
    // Requests to merge and the like are told of, and come when somebody asks for one.
    let is_absent = |name: &&RefName| !name.is_branch() && !name.is_tag();
    let mut state = State {
        format,
        absent: refs.names.keys().filter(is_absent).cloned().collect(),
        refs,
        kept: BTreeSet::new(),
        packs: before.packs.clone(),
    };
    // What a ref stands for needs no other name.
    let all = before.tips().into_iter().chain(objects);
    let others = all.filter(|oid| !state.holds(oid)).cloned();
    state.kept = others.collect();
    Ok(state)
}

#[cfg(test)]
mod tests;
