//! What is there: packages of a repository, their versions, the files of one. Of a group all that
//! its members have, but of a name that a hosted one has or had only that one's.

use crate::Api;
use crate::endpoint::{PackagePath, RepoPath, no_package, no_repo};
use crate::page::{List, Page};
use crate::reply::ok;
use larder_access::Admission;
use larder_metadata::files::PackageKey;
use larder_metadata::listing::{Package, Version, VersionBy};
use larder_metadata::repos::{Member, RepoRecord};
use larder_metadata::reservations::{Reservation, ReservationKey};
use larder_mirrors::{Protocol, VersionKind};
use larder_model::{FileKind, Problem, ProtocolName, Reply, RepoKind, StoredFile, Verb};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Names looked at for one answer: whoever sees little pages through what it does not see.
const MAX_NAMES: usize = 20_000;
/// Names looked through in one go where words are sought.
const NAMES: usize = 1000;
/// Files told of one version.
const MAX_FILES: usize = 1000;

/// A package as the API shows it.
#[derive(Serialize)]
struct ShownPackage {
    name: Box<str>,
    /// Whether it is published here.
    hosted: bool,
    /// Where it is: of a group its members.
    repositories: Vec<String>,
    updated_at: String,
}

#[derive(Serialize)]
struct ShownVersion {
    version: Box<str>,
    hosted: bool,
    repository: String,
    files: u64,
    size_bytes: u64,
    created_at: String,
    created_by: Box<str>,
}

#[derive(Serialize)]
struct ShownFiles<'a> {
    package: &'a str,
    version: &'a str,
    hosted: bool,
    repository: String,
    /// `false`, `true`, or why.
    yanked: serde_json::Value,
    files: Vec<ShownFile>,
    /// Whether there are more files than are told.
    more: bool,
}

#[derive(Serialize)]
struct ShownFile {
    path: Box<str>,
    digest: String,
    size_bytes: u64,
    media_type: Box<str>,
    created_at: String,
    created_by: Box<str>,
}

impl ShownFile {
    fn of(file: StoredFile) -> Self {
        Self {
            path: match file.kind {
                FileKind::Tag => format!("tags/{}", file.path).into(),
                _ => file.path,
            },
            digest: file.digest.to_string(),
            size_bytes: file.size,
            media_type: file.content_type,
            created_at: file.created_at.to_string(),
            created_by: file.created_by,
        }
    }
}

fn is_hosted(repo: &RepoRecord) -> bool {
    repo.kind == RepoKind::Hosted
}

pub(crate) fn place<'a>(repo: &RepoRecord, package: &'a str) -> PackageKey<'a> {
    PackageKey {
        repo: repo.id,
        package,
    }
}

/// What tells versions apart.
fn by(protocol: ProtocolName) -> VersionBy {
    match larder_mirrors::of(protocol).map(Protocol::version_kind) {
        Some(VersionKind::Tag) => VersionBy::Tag,
        _ => VersionBy::Version,
    }
}

pub(crate) fn no_version() -> Problem {
    Problem::not_found("version", "no such version of this package here")
}

/// Whether it is yanked, as the API tells it.
fn yanked(protocol: ProtocolName, files: &[StoredFile]) -> serde_json::Value {
    let hosted = larder_mirrors::of(protocol).and_then(Protocol::publishing);
    let reason = hosted.and_then(|hosted| {
        files
            .iter()
            .find_map(|file| hosted.yank_reason(&file.metadata))
    });
    reason.map_or(false.into(), |reason| {
        if reason.is_empty() {
            true.into()
        } else {
            reason.into()
        }
    })
}

impl Api {
    /// The repos behind an address: itself, or a group's members in their order.
    fn sources(&self, repo: Arc<RepoRecord>) -> Result<Vec<Arc<RepoRecord>>, Problem> {
        if repo.kind != RepoKind::Group {
            return Ok(vec![repo]);
        }
        let policy = self.gate.policy();
        let member = |member: &Member| {
            let id = member.id.ok_or_else(no_package)?; // it refuses all
            policy.repo_by_id(id).cloned().ok_or_else(no_package)
        };
        repo.members.iter().map(member).collect()
    }

    /// Names that no mirror of a group is asked for, since deleted repositories had them.
    async fn reserved_in(&self, repo: &RepoRecord) -> Result<HashSet<Box<str>>, Problem> {
        let (mut names, mut after) = (HashSet::new(), ReservationKey::default());
        if repo.kind != RepoKind::Group || !self.gate.policy().has_reservations(repo.protocol) {
            return Ok(names);
        }
        loop {
            let page = self
                .metadata
                .reservations(&after, None, NAMES as u64)
                .await?;
            let Some(last) = page.last() else {
                return Ok(names);
            };
            after = last.key();
            let of_deleted = |it: &Reservation| it.protocol == repo.protocol && it.repo.is_none();
            names.extend(page.into_iter().filter(of_deleted).map(|it| it.package));
        }
    }

    pub(crate) async fn list_packages(
        &self,
        admission: &Admission,
        path: &RepoPath,
        page: &Page,
        words: &str,
    ) -> Result<Reply, Problem> {
        let whole = path.permission(Verb::List);
        let Ok(repo) = self.repo(path) else {
            admission.require(&whole)?;
            return Err(no_repo());
        };
        admission.require(&whole)?; // whoever may see nothing of it does not learn that it is there
        let words = words.to_lowercase();
        let reserved = self.reserved_in(&repo).await?;
        let sources = self.sources(repo)?;
        let count = if words.is_empty() {
            page.limit + 1
        } else {
            NAMES.max(page.limit + 1)
        };
        let (mut items, mut after, mut looked_at) = (Vec::new(), page.after.clone(), 0);
        let next = loop {
            let names = self.names(&sources, &after, count).await?;
            let last = names.last_key_value().map(|(name, _)| name.to_string());
            let more = last.filter(|_| names.len() >= count);
            looked_at += names.len();
            let meant = names
                .into_iter()
                .filter(|(name, _)| name.to_lowercase().contains(&words));
            items.extend(meant.filter_map(|(name, rows)| {
                shown(admission, path, (&sources, &reserved), name, &rows)
            }));
            if items.len() > page.limit {
                items.truncate(page.limit);
                break items
                    .last()
                    .map(|item: &ShownPackage| item.name.to_string());
            }
            match more {
                Some(last) if looked_at < MAX_NAMES => after = last,
                more => break more,
            }
        };
        ok(&List::part(items, next))
    }

    /// The first `count` names after `after`, each with the sources that know it.
    async fn names(
        &self,
        sources: &[Arc<RepoRecord>],
        after: &str,
        count: usize,
    ) -> Result<BTreeMap<Box<str>, Vec<(usize, Package)>>, Problem> {
        let mut names: BTreeMap<Box<str>, Vec<(usize, Package)>> = BTreeMap::new();
        for (at, source) in sources.iter().enumerate() {
            for package in self
                .metadata
                .packages_of(source.id, after, count as u64)
                .await?
            {
                names
                    .entry(package.name.clone())
                    .or_default()
                    .push((at, package));
            }
        }
        // Of the first names of all every source has told: it has no more than so many before them.
        while names.len() > count {
            names.pop_last();
        }
        Ok(names)
    }

    /// The repos that a package is shown from, none of them forbidden; a problem if there is none.
    async fn holders(
        &self,
        admission: &Admission,
        path: &PackagePath,
    ) -> Result<Vec<Arc<RepoRecord>>, Problem> {
        let repo = self.repo(&path.repo)?;
        let is_group = repo.kind == RepoKind::Group;
        let mut known = Vec::new();
        for source in self.sources(repo)? {
            let revision = self
                .metadata
                .revision(place(&source, &path.package))
                .await?;
            known.push((source, revision.is_some()));
        }
        let reserved = is_group
            && self.gate.policy().has_reservations(path.repo.protocol)
            && self
                .metadata
                .is_reserved(path.repo.protocol, &path.package)
                .await?;
        let holders = holders_in(admission, path, &known, reserved);
        if holders.is_empty() {
            Err(no_package())
        } else {
            Ok(holders)
        }
    }

    pub(crate) async fn list_versions(
        &self,
        admission: &Admission,
        path: &PackagePath,
        page: &Page,
    ) -> Result<Reply, Problem> {
        let mut versions: BTreeMap<Box<str>, (Arc<RepoRecord>, Version)> = BTreeMap::new();
        let count = page.limit as u64 + 1;
        for repo in self.holders(admission, path).await? {
            let place = place(&repo, &path.package);
            for version in self
                .metadata
                .versions_of(place, by(repo.protocol), &page.after, count)
                .await?
            {
                versions
                    .entry(version.name.clone())
                    .or_insert_with(|| (Arc::clone(&repo), version));
            }
        }
        let shown = versions
            .into_values()
            .take(page.limit + 1)
            .map(|(repo, version)| ShownVersion {
                version: version.name,
                hosted: is_hosted(&repo),
                repository: repo.full_name(),
                files: version.files,
                size_bytes: version.size,
                created_at: version.created_at.to_string(),
                created_by: version.created_by,
            });
        ok(&List::of(
            shown.collect(),
            page.limit,
            |shown: &ShownVersion| shown.version.to_string(),
        ))
    }

    pub(crate) async fn get_version(
        &self,
        admission: &Admission,
        path: &PackagePath,
        version: &str,
    ) -> Result<Reply, Problem> {
        for repo in self.holders(admission, path).await? {
            let place = place(&repo, &path.package);
            let by = by(repo.protocol);
            let mut files = self
                .metadata
                .files_of(place, by, version, MAX_FILES as u64 + 1)
                .await?;
            if files.is_empty() {
                continue;
            }
            let more = files.len() > MAX_FILES;
            files.truncate(MAX_FILES);
            return ok(&ShownFiles {
                package: &path.package,
                version,
                hosted: is_hosted(&repo),
                repository: repo.full_name(),
                yanked: yanked(repo.protocol, &files),
                files: files.into_iter().map(ShownFile::of).collect(),
                more,
            });
        }
        Err(no_version())
    }
}

/// Those of an address's repos that a package is shown from: hosted ones if any has it or had it,
/// else the mirrors before the first that the caller may not read.
fn holders_in(
    admission: &Admission,
    path: &PackagePath,
    sources: &[(Arc<RepoRecord>, bool)],
    reserved: bool,
) -> Vec<Arc<RepoRecord>> {
    let may = |repo: &RepoRecord| admission.may(&path.within(repo, Verb::Read));
    let (hosted, mirrors): (Vec<_>, Vec<_>) =
        sources.iter().partition(|(source, _)| is_hosted(source));
    let known = |(source, known): &(Arc<RepoRecord>, bool)| known.then(|| Arc::clone(source));
    let owners: Vec<_> = hosted.into_iter().filter_map(known).collect();
    if !owners.is_empty() || reserved {
        let all = owners.iter().all(|owner| may(owner));
        return if all { owners } else { Vec::new() };
    }
    let mirrors = mirrors.into_iter().take_while(|(source, _)| may(source));
    mirrors.filter_map(known).collect()
}

/// A name as it is shown to the caller; `None` if it is not: nothing is there, or the caller may
/// not know.
fn shown(
    admission: &Admission,
    path: &RepoPath,
    (sources, reserved): (&[Arc<RepoRecord>], &HashSet<Box<str>>),
    name: Box<str>,
    rows: &[(usize, Package)],
) -> Option<ShownPackage> {
    let package = PackagePath {
        repo: path.clone(),
        package: name,
    };
    let row_of = |source: &RepoRecord| {
        rows.iter()
            .find(|(at, _)| sources[*at].id == source.id)
            .map(|(_, row)| row)
    };
    let known: Vec<_> = sources
        .iter()
        .map(|source| (Arc::clone(source), row_of(source).is_some()))
        .collect();
    let is_reserved = reserved.contains(&package.package);
    let is_listed = |source: &Arc<RepoRecord>| {
        let is_live = row_of(source).is_some_and(|row| row.live);
        is_live && admission.may(&package.within(source, Verb::List))
    };
    let holders: Vec<_> = holders_in(admission, &package, &known, is_reserved)
        .into_iter()
        .filter(is_listed)
        .collect();
    let updated_at = holders
        .iter()
        .filter_map(|source| row_of(source))
        .map(|row| row.updated_at);
    let updated_at = updated_at.max()?;
    let there = admission.may(&package.permission(Verb::List));
    there.then(|| ShownPackage {
        hosted: holders.iter().any(|source| is_hosted(source)),
        repositories: holders.iter().map(|source| source.full_name()).collect(),
        updated_at: updated_at.to_string(),
        name: package.package.clone(),
    })
}
