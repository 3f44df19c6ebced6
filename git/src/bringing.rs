//! Objects of mirrors: which are here, and how those that are not come from the upstream.

use crate::fetching::{self, PackReader};
use crate::oid::Oid;
use crate::program::Place;
use crate::repositories::Repositories;
use crate::source::{Goal, Source, pack_of, useless};
use crate::state::State;
use crate::workspace::{Kept, Quarantine};
use larder_model::{Kind, Problem};
use std::collections::HashSet;
use std::path::Path;

/// What an upstream gave, until it is kept.
pub(crate) struct Brought {
    pub(crate) quarantine: Quarantine,
    /// The pack's name.
    pub(crate) name: Oid,
    /// What was asked for.
    objects: Vec<Oid>,
}

/// Brings objects of a repository of a mirror.
#[derive(Clone, Copy)]
pub(crate) struct Bringing<'a> {
    pub(crate) repositories: &'a Repositories,
    pub(crate) goal: &'a Goal,
}

impl Bringing<'_> {
    /// Those of objects that are not here.
    pub(crate) async fn lacking(&self, kept: &Kept, objects: &[&Oid]) -> Result<Vec<Oid>, Problem> {
        let held = kept.state.held();
        let others = objects.iter().copied();
        let others: Vec<&Oid> = others.filter(|oid| !held.contains(oid)).collect();
        if others.is_empty() || kept.state.packs.is_empty() {
            return Ok(others.into_iter().cloned().collect());
        }
        let program = self.repositories.program().await?;
        let workspaces = self.repositories.workspaces();
        let folder = workspaces.at(self.goal.package(), kept).await?;
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
    pub(crate) async fn is_whole(
        &self,
        before: &Kept,
        (brought, lacking): (&Brought, &[Oid]),
    ) -> Result<bool, Problem> {
        if !lacking.iter().all(|it| brought.objects.contains(it)) {
            return Ok(false);
        }
        let workspaces = self.repositories.workspaces();
        let place = Place {
            folder: &workspaces.at(self.goal.package(), before).await?,
            quarantine: Some(brought.quarantine.path()),
        };
        let wants: Vec<&Oid> = lacking.iter().collect();
        let program = self.repositories.program().await?;
        program.is_whole(place, &wants).await
    }

    /// Brings objects and all that they need beside what is here, as one pack.
    pub(crate) async fn bring(
        &self,
        source: &Source,
        (before, lacking): (&Kept, &[Oid]),
    ) -> Result<Brought, Problem> {
        let workspaces = self.repositories.workspaces();
        let folder = workspaces.at(self.goal.package(), before).await?;
        let haves = before.state.tips_for(&source.refs);
        self.bring_to(source, (&folder, &haves), lacking).await
    }

    /// Leaves out of what stays without a ref the commits that a branch went on from: whoever has the branch
    /// has them. What stayed before stays.
    pub(crate) async fn leave_ancestors(
        &self,
        state: &mut State,
        (before, brought): (&Kept, Option<&Brought>),
    ) -> Result<(), Problem> {
        let known = &before.state.kept;
        let named = before.state.refs.names.values().map(|target| &target.oid);
        let named: HashSet<&Oid> = named.collect();
        let is_new = |oid: &&Oid| named.contains(oid) && !known.contains(*oid);
        let new: Vec<Oid> = state.kept.iter().filter(is_new).cloned().collect();
        if new.is_empty() {
            return Ok(());
        }
        let program = self.repositories.program().await?;
        let workspaces = self.repositories.workspaces();
        let place = Place {
            folder: &workspaces.at(self.goal.package(), before).await?,
            quarantine: brought.map(|brought| brought.quarantine.path()),
        };
        let new: Vec<&Oid> = new.iter().collect();
        let kinds = program.kinds(place, &new).await?;
        let commits = new.into_iter().zip(kinds);
        let commits = commits.filter(|(_, kind)| kind.as_deref() == Some("commit"));
        let commits: Vec<&Oid> = commits.map(|(commit, _)| commit).collect();
        if commits.is_empty() {
            return Ok(());
        }
        let tips: Vec<&Oid> = state.named().into_iter().collect();
        let apart = program.apart(place, &commits, &tips).await?;
        for commit in commits.into_iter().filter(|it| !apart.contains(*it)) {
            state.kept.remove(commit);
        }
        Ok(())
    }

    /// Brings all that a state stands for, as one pack that needs no other: some of what is here is damaged.
    /// Fails if the upstream does not give all of it: what is here is not given up for less.
    pub(crate) async fn bring_all(
        &self,
        source: &Source,
        state: &State,
    ) -> Result<Option<Brought>, Problem> {
        let tips: Vec<Oid> = state.tips().into_iter().cloned().collect();
        if tips.is_empty() {
            return Ok(None);
        }
        let empty = self.repositories.workspaces().empty(state.format)?;
        let beside = (empty.path(), &[][..]);
        let problem = match self.bring_to(source, beside, &tips).await {
            Err(problem) if problem.kind == Kind::Upstream && !state.kept.is_empty() => problem,
            brought => return brought.map(Some),
        };
        // Some give what a ref stands for alone: that may have all the others.
        let named: Vec<Oid> = state.named().into_iter().cloned().collect();
        if named.is_empty() {
            return Err(problem);
        }
        let brought = self.bring_to(source, beside, &named).await?;
        let place = Place {
            folder: empty.path(),
            quarantine: Some(brought.quarantine.path()),
        };
        let others: Vec<&Oid> = state.kept.iter().collect();
        let program = self.repositories.program().await?;
        let kinds = program.kinds(place, &others).await?;
        if kinds.iter().any(Option::is_none) {
            return Err(problem);
        }
        Ok(Some(brought))
    }

    async fn bring_to(
        &self,
        source: &Source,
        (folder, haves): (&Path, &[&Oid]),
        lacking: &[Oid],
    ) -> Result<Brought, Problem> {
        let repositories = self.repositories;
        let quarantine = repositories.workspaces().quarantine()?;
        let place = Place {
            folder,
            quarantine: Some(quarantine.path()),
        };
        let wants: Vec<&Oid> = lacking.iter().collect();
        let question = fetching::request(&source.advertised, &wants, haves);
        let answer = self.goal.ask_at(&source.address, question).await?;
        let reader = PackReader::new(&source.advertised);
        let pack = pack_of(answer, reader);
        let name = repositories.index_pack(place, &quarantine, pack).await;
        let name = name.map_err(as_upstreams)?;
        let program = repositories.program().await?;
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
pub(crate) fn as_upstreams(problem: Problem) -> Problem {
    if matches!(
        problem.kind,
        Kind::Unprocessable | Kind::Invalid | Kind::TooLarge
    ) {
        useless(&format!(
            "the upstream sends what is no good: {}",
            problem.detail
        ))
    } else {
        problem
    }
}
