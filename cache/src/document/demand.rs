//! What of a set is kept with a new state of its head: of large sets only what somebody asked for; and
//! whether that state takes the place of the one that is kept.

use super::documents::Documents;
use super::fetcher::NewDocument;
use super::states::Demand;
use crate::problems::absent;
use crate::repo::Repo;
use larder_metadata::files::FileRecord;
use larder_mirrors::protocol::{Signature, StateAge};
use larder_mirrors::{Artifact, Document, Member, Set};
use larder_model::{FileKind, Kind, Problem, Timestamp};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What is told of a state that would take clients back.
const OLDER: &str = "the upstream sent an older state than the one that is kept: it is not taken";

/// More members than these are looked for among what is kept, page by page.
const FEW: usize = 100;
const DAY: i64 = 24 * 60 * 60;
/// Files that are read at once.
const PAGE: u64 = 1000;

impl Documents {
    /// What of a set is kept with it.
    pub(super) async fn demand(
        &self,
        repo: &Repo,
        document: &Document,
        kept: Option<&Arc<FileRecord>>,
        mut set: Set,
    ) -> Result<Demand, Problem> {
        let before = self.set_before(repo, document, kept).await;
        if !set.on_demand {
            let named: HashSet<&str> = paths(&set.members).collect();
            let retired = paths(&before.members).filter(|path| !named.contains(path));
            let retired = retired.map(Into::into).collect();
            return Ok(Demand { set, retired });
        }
        let there = self.kept_of(repo, document, &before.members).await?;
        let is_kept = |member: &&Member| there.contains_key(&member.artifact.path);
        let asked: HashSet<&str> = before
            .members
            .iter()
            .filter(is_kept)
            .map(|member| &*member.name)
            .collect();
        let named: HashSet<Box<str>> = paths(&set.members).map(Into::into).collect();
        // A day's last state can be read later, with what was kept of it: what another state of the same
        // day brought goes.
        let today = day(self.metadata.now());
        let is_of_today = |at: &Timestamp| day(*at) == today;
        let ends_today = kept.is_some_and(|kept| is_of_today(&kept.created_at));
        let retired = there
            .iter()
            .filter(|(path, at)| ends_today && is_of_today(at) && !named.contains(*path))
            .map(|(path, _)| path.clone())
            .collect();
        set.members.retain(|member| asked.contains(&*member.name));
        // What signs a head is needed with it, where that matters.
        let sets = repo.protocol.sets();
        let signature = sets.map(|sets| sets.signature(document));
        let mut is_asked = matches!(signature, Some(Signature::By(_)))
            && repo
                .upstream()
                .is_ok_and(|upstream| upstream.trusted().is_some());
        for companion in &set.companions {
            let found = self.metadata.find(repo.document_key(companion)).await?;
            is_asked |= found.is_some();
        }
        if !is_asked {
            set.companions.clear();
        }
        Ok(Demand { set, retired })
    }

    /// The set of the state that is kept. Where that cannot be read, it is past all the same.
    async fn set_before(
        &self,
        repo: &Repo,
        document: &Document,
        kept: Option<&Arc<FileRecord>>,
    ) -> Set {
        let (Some(sets), Some(kept)) = (repo.protocol.sets(), kept) else {
            return Set::default();
        };
        let body = self.bodies.read_in_turn(kept).await;
        let before = body.and_then(|(body, _share)| sets.set(document, &body));
        before.unwrap_or_else(|problem| {
            let (problem, path) = (problem.with_causes(), &*document.path);
            tracing::warn!(problem, path, "the state before of an index cannot be read");
            Set::default()
        })
    }

    /// Which of the members of a set are kept, by their paths, and since when.
    async fn kept_of(
        &self,
        repo: &Repo,
        head: &Document,
        members: &[Member],
    ) -> Result<HashMap<Box<str>, Timestamp>, Problem> {
        let root = head.path.rfind('/').map_or("", |at| &head.path[..=at]);
        let mut there = HashMap::new();
        if root.is_empty() || members.len() <= FEW {
            for Member { artifact, .. } in members {
                let found = self.metadata.find(repo.artifact_key(artifact)).await?;
                there.extend(found.map(|found| (artifact.path.clone(), found.created_at)));
            }
            return Ok(there);
        }
        let wanted: HashSet<&str> = paths(members).collect();
        let mut after: Box<str> = root.into();
        loop {
            let key = repo.package_key("");
            let page = self
                .metadata
                .list(key, FileKind::Artifact, &after, PAGE)
                .await?;
            let Some(last) = page.last().map(|file| file.path.clone()) else {
                return Ok(there);
            };
            let below = page.into_iter().map(|file| (file.path, file.created_at));
            there.extend(below.filter(|(path, _)| wanted.contains(&**path)));
            if !last.starts_with(root) {
                return Ok(there);
            }
            after = last;
        }
    }

    /// Whether a state is older than the one that is kept: whoever sends it again would take clients
    /// back.
    pub(super) async fn is_older(
        &self,
        repo: &Repo,
        document: &Document,
        (new, kept): (&NewDocument, &FileRecord),
    ) -> Result<bool, Problem> {
        let (Some(sets), Some(made)) = (repo.protocol.sets(), new.age.made) else {
            return Ok(false);
        };
        let before: StateAge = sets.age(&self.bodies.read(kept).await?);
        let is_older = before.made.is_some_and(|before| made < before);
        if is_older {
            repo.upstream()?.warn(&document.path, Some(OLDER));
        }
        Ok(is_older)
    }

    /// The problem of a document that cannot be had. One in whose place another head is kept is not
    /// there, as far as that is known.
    pub(super) async fn or_other_head(
        &self,
        repo: &Repo,
        document: &Document,
        problem: Problem,
    ) -> Result<Problem, Problem> {
        let sets = repo.protocol.sets().filter(|sets| sets.is_head(document));
        let (Some(sets), Kind::Offline | Kind::Unreachable) = (sets, problem.kind) else {
            return Ok(problem);
        };
        for other in sets.heads_above(&document.path) {
            let belongs = other != *document && sets.heads_of(&other).contains(document);
            if belongs
                && self
                    .metadata
                    .find(repo.document_key(&other))
                    .await?
                    .is_some()
            {
                return Ok(absent());
            }
        }
        Ok(problem)
    }
}

/// The day that a moment is in (UTC).
fn day(at: Timestamp) -> i64 {
    at.seconds().div_euclid(DAY)
}

fn paths(members: &[Member]) -> impl Iterator<Item = &str> {
    members.iter().map(|Member { artifact, .. }| {
        let Artifact { path, .. } = artifact;
        &**path
    })
}
