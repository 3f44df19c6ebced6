//! A mirror as its policy and the budgets decide on it, and what goes of it.

use super::seam::PackageVersions;
use super::units::{FiledUnit, Shelf, units_of};
use crate::retain::{Action, Budget, Decision, IN_USE, Unit, UnitKind, decide_mirror};
use larder_jobs::WorkError;
use larder_metadata::files::PackageKey;
use larder_metadata::jobs::HeldJob;
use larder_metadata::mirrored::MirroredFile;
use larder_metadata::repos::RepoRecord;
use larder_metadata::{Error, Metadata, Requirement};
use larder_model::{Digest, Problem, RetentionPolicy, Timestamp};
use std::collections::{HashMap, HashSet};

/// Files read at once.
const PAGE: u64 = 2000;

/// What decides on mirrors.
#[derive(Clone, Copy)]
pub(crate) struct Mirrors<'a> {
    pub(crate) metadata: &'a Metadata,
    pub(crate) versions: &'a dyn PackageVersions,
}

/// A package of a mirror.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MirroredPackage {
    /// The number of its mirror.
    pub(crate) mirror: usize,
    pub(crate) name: Box<str>,
}

/// The units of mirrors, and the packages that they count by number.
#[derive(Default, Debug)]
pub(crate) struct Units {
    pub(crate) packages: Vec<MirroredPackage>,
    pub(crate) all: Vec<Unit>,
    /// Of each unit, its package as people call it.
    pub(crate) shown: Vec<Box<str>>,
}

/// What is to become of the units of mirrors.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) units: Units,
    /// Of each unit.
    pub(crate) decisions: Vec<Decision>,
    /// The bytes that only those have that go.
    pub(crate) freed: u64,
}

/// A unit that went.
#[derive(Debug)]
pub(crate) struct Gone {
    /// Its number.
    pub(crate) unit: usize,
    pub(crate) bytes: u64,
}

/// What came of the units of a package that were to go.
#[derive(Default, Debug)]
pub(crate) struct Evicted {
    pub(crate) gone: Vec<Gone>,
    /// Units that changed meanwhile: they stay.
    pub(crate) changed: u64,
}

/// What tells a unit from others of its package.
type UnitKey = (UnitKind, Option<Box<str>>, Option<Digest>);

fn key_of(unit: &Unit) -> UnitKey {
    (unit.kind, unit.name.clone(), unit.digest)
}

impl Mirrors<'_> {
    /// Adds the units of a mirror, which has this number.
    pub(crate) async fn add(
        self,
        units: &mut Units,
        repo: &RepoRecord,
        policy: Option<&RetentionPolicy>,
        mirror: usize,
    ) -> Result<(), Problem> {
        let mut files: Vec<MirroredFile> = Vec::new();
        loop {
            let page = self.metadata.mirrored_files(repo.id, files.last(), PAGE);
            let page = page.await?;
            let is_last = page.is_empty();
            files.extend(page);
            // The last package may go on in the next page.
            let last = files.last().map(|file| file.package.clone());
            let whole =
                files.partition_point(|file| is_last || Some(&file.package) != last.as_ref());
            let rest = files.split_off(whole);
            for package in files.chunk_by(|one, other| one.package == other.package) {
                let number = units.packages.len();
                for it in self.units(repo, policy, package, number).await? {
                    units.all.push(it.unit);
                    units.shown.push(it.package);
                }
                let name = package[0].package.clone();
                units.packages.push(MirroredPackage { mirror, name });
            }
            if is_last {
                return Ok(());
            }
            files = rest;
        }
    }

    async fn units(
        self,
        repo: &RepoRecord,
        policy: Option<&RetentionPolicy>,
        files: &[MirroredFile],
        number: usize,
    ) -> Result<Vec<FiledUnit>, Problem> {
        let bonds = self.versions.bonds(repo, files).await?;
        let about = Shelf {
            repo,
            versions: self.versions,
            policy,
            now: self.metadata.now(),
        };
        Ok(units_of(about, files, &bonds, number))
    }

    /// Decides on a mirror by a policy. What could not come again stays.
    pub(crate) async fn decide(
        self,
        repo: &RepoRecord,
        policy: &RetentionPolicy,
    ) -> Result<Verdict, Problem> {
        let mut units = Units::default();
        self.add(&mut units, repo, Some(policy), 0).await?;
        let budget = policy.max_bytes.map(|bytes| Budget {
            name: "max_bytes",
            bytes,
            leaves: bytes,
            in_use: IN_USE,
        });
        let now = self.metadata.now();
        let outcome = decide_mirror(&units.all, policy.unused_after, budget, now);
        let mut verdict = Verdict {
            units,
            decisions: outcome.decisions,
            freed: outcome.freed,
        };
        if verdict.decisions.iter().any(Decision::deletes)
            && let Some(why) = self.versions.lacks_upstream(repo).await
        {
            verdict.hold(&why);
        }
        Ok(verdict)
    }

    /// Decides on all mirrors together by a budget; `policies` are those that are followed. Of a
    /// mirror whose upstream cannot be used nothing goes.
    pub(crate) async fn decide_together(
        self,
        mirrors: &[(RepoRecord, Option<RetentionPolicy>)],
        budget: Budget,
    ) -> Result<Verdict, Problem> {
        let mut units = Units::default();
        for (number, (repo, policy)) in mirrors.iter().enumerate() {
            let first = units.all.len();
            self.add(&mut units, repo, policy.as_ref(), number).await?;
            let held = self.versions.lacks_upstream(repo).await;
            for unit in units.all.iter_mut().skip(first) {
                match &held {
                    Some(why) => unit.settled = Some(held_for(why)),
                    // Rules let go in their own runs.
                    None => unit.settled = unit.settled.take().filter(|it| !it.deletes()),
                }
            }
        }
        let outcome = decide_mirror(&units.all, None, Some(budget), self.metadata.now());
        Ok(Verdict {
            units,
            decisions: outcome.decisions,
            freed: outcome.freed,
        })
    }

    /// Lets the units go that are to go of a package, as they are now: who used one since, or filled
    /// it, keeps it.
    pub(crate) async fn evict(
        self,
        repo: &RepoRecord,
        policy: Option<&RetentionPolicy>,
        (name, going): (&str, &[(usize, &Unit)]),
        held: &HeldJob,
    ) -> Result<Evicted, WorkError> {
        let package = PackageKey {
            repo: repo.id,
            package: name,
        };
        let files = self.metadata.mirrored_package(package).await?;
        let now = self.units(repo, policy, &files, 0).await?;
        let decided: HashMap<UnitKey, (usize, Timestamp)> = going
            .iter()
            .map(|(number, unit)| (key_of(unit), (*number, unit.used_at)))
            .collect();
        let is_as_decided = |it: &&FiledUnit| {
            let found = decided.get(&key_of(&it.unit));
            found.is_some_and(|(_, used_at)| it.unit.used_at <= *used_at)
        };
        let (goes, stays): (Vec<&FiledUnit>, Vec<&FiledUnit>) = now.iter().partition(is_as_decided);
        let needed: HashSet<usize> = stays.iter().flat_map(|it| it.files.clone()).collect();
        let batches: Vec<Vec<&FiledUnit>> = if self.versions.are_tags(repo.protocol) {
            // Parts are shared: what goes of an image goes together, its documents after it.
            let (documents, rest): (Vec<&FiledUnit>, Vec<&FiledUnit>) = goes
                .iter()
                .partition(|it| it.unit.kind == UnitKind::Documents);
            [rest, documents]
                .into_iter()
                .filter(|it| !it.is_empty())
                .collect()
        } else {
            let mut each = goes.clone();
            each.sort_by_key(|it| it.unit.kind);
            each.into_iter().map(|it| vec![it]).collect()
        };
        let mut evicted = Evicted {
            changed: going.len().saturating_sub(goes.len()) as u64,
            ..Evicted::default()
        };
        for batch in batches {
            let mut places: Vec<usize> = batch.iter().flat_map(|it| it.files.clone()).collect();
            places.sort_unstable();
            places.dedup();
            let gone: Vec<&MirroredFile> = places
                .iter()
                .filter(|place| !needed.contains(place))
                .map(|place| &files[*place])
                .collect();
            let last = batch.iter().all(|it| it.unit.kind == UnitKind::Documents);
            match self.metadata.evict(package, &gone, last, held).await {
                Ok(()) => {
                    let of = |it: &&FiledUnit| Gone {
                        unit: decided[&key_of(&it.unit)].0,
                        bytes: it.files.iter().map(|file| files[*file].size).sum(),
                    };
                    evicted.gone.extend(batch.iter().map(of));
                }
                Err(Error::Unmet(Requirement::File) | Error::Immutable(_)) => {
                    evicted.changed += batch.len() as u64;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(evicted)
    }
}

fn held_for(why: &str) -> Decision {
    Decision::keep(format!("it could not come again: {why}"), None)
}

impl Verdict {
    /// Nothing goes.
    fn hold(&mut self, why: &str) {
        for decision in self.decisions.iter_mut().filter(|it| it.deletes()) {
            *decision = held_for(why);
        }
        self.freed = 0;
    }

    /// The units that have this action, and how many bytes each has.
    pub(crate) fn count(&self, action: Action) -> u64 {
        let all = self.units.all.iter().zip(&self.decisions);
        let counted = all
            .filter(|(unit, decision)| unit.kind == UnitKind::Version && decision.action == action);
        counted.count() as u64
    }

    /// The numbers of the units that go, by package.
    pub(crate) fn going(&self) -> Vec<Vec<usize>> {
        let mut packages: Vec<Vec<usize>> = Vec::new();
        for (number, unit) in self.units.all.iter().enumerate() {
            if !self.decisions[number].deletes() {
                continue;
            }
            match packages.last_mut() {
                Some(last) if self.units.all[last[0]].package == unit.package => {
                    last.push(number);
                }
                _ => packages.push(vec![number]),
            }
        }
        packages
    }
}
