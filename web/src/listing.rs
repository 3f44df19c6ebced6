//! What is there: packages of a repository, their versions, the files of one. Of a group all that
//! its members have, but of a name that a hosted one has or had only that one's.

use crate::Api;
use crate::endpoint::{PackagePath, RepoPath, no_package, no_repo};
use crate::page::{List, Page};
use crate::reply::ok;
use larder_access::Admission;
use larder_metadata::files::PackageKey;
use larder_metadata::hosted::StoredFile;
use larder_metadata::listing::{By, Package, Version};
use larder_metadata::repos::RepoRecord;
use larder_mirrors::{Protocol, VersionKind};
use larder_model::{Problem, ProtocolName, Reply, RepoSettings, Verb};
use serde::Serialize;
use std::collections::BTreeMap;
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
            path: file.path,
            digest: file.digest.to_string(),
            size_bytes: file.size,
            media_type: file.content_type,
            created_at: file.created_at.to_string(),
            created_by: file.created_by,
        }
    }
}

fn is_hosted(repo: &RepoRecord) -> bool {
    &*repo.kind == "hosted"
}

pub(crate) fn place<'a>(repo: &RepoRecord, package: &'a str) -> PackageKey<'a> {
    PackageKey {
        repo: repo.id,
        package,
    }
}

/// What tells versions apart.
fn by(protocol: ProtocolName) -> By {
    match larder_mirrors::of(protocol).map(Protocol::version_kind) {
        Some(VersionKind::Tag) => By::Tag,
        _ => By::Version,
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
        if &*repo.kind != "group" {
            return Ok(vec![repo]);
        }
        let members = RepoSettings::read(&repo.settings)
            .map_err(Problem::internal)?
            .members;
        let policy = self.gate.policy();
        Ok(members
            .iter()
            .filter_map(|name| policy.repo(repo.protocol, name).cloned())
            .collect())
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
            items.extend(
                meant.filter_map(|(name, rows)| shown(admission, path, &sources, name, &rows)),
            );
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
        let may = |repo: &RepoRecord| admission.may(&path.within(repo, Verb::Read));
        let mut holders = Vec::new();
        for source in self.sources(self.repo(&path.repo)?)? {
            let known = self
                .metadata
                .revision(place(&source, &path.package))
                .await?
                .is_some();
            if known && is_hosted(&source) {
                admission.require(&path.within(&source, Verb::Read))?;
                return Ok(vec![source]);
            }
            if known && may(&source) {
                holders.push(source);
            }
        }
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
                repository: repository(&repo),
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
                repository: repository(&repo),
                yanked: yanked(repo.protocol, &files),
                files: files.into_iter().map(ShownFile::of).collect(),
                more,
            });
        }
        Err(no_version())
    }
}

fn repository(repo: &RepoRecord) -> String {
    format!("{}/{}", repo.protocol, repo.name)
}

/// A name as it is shown to the caller; `None` if it is not: nothing is there, or the caller may
/// not know.
fn shown(
    admission: &Admission,
    path: &RepoPath,
    sources: &[Arc<RepoRecord>],
    name: Box<str>,
    rows: &[(usize, Package)],
) -> Option<ShownPackage> {
    let package = PackagePath {
        repo: path.clone(),
        package: name,
    };
    let owner = rows.iter().find(|(at, _)| is_hosted(&sources[*at]));
    let known = owner.map_or(rows, std::slice::from_ref);
    let visible = |(at, row): &&(usize, Package)| {
        row.live && admission.may(&package.within(&sources[*at], Verb::List))
    };
    let holders: Vec<_> = known.iter().filter(visible).collect();
    let updated_at = holders.iter().map(|(_, row)| row.updated_at).max()?;
    let there = admission.may(&package.permission(Verb::List));
    there.then(|| ShownPackage {
        hosted: owner.is_some(),
        repositories: holders
            .iter()
            .map(|(at, _)| repository(&sources[*at]))
            .collect(),
        updated_at: updated_at.to_string(),
        name: package.package.clone(),
    })
}
