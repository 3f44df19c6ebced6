//! Copies of an upstream's packages: those of a version that the kept lists of its suites name, of each
//! architecture, published in a suite and a component of the same names.

use super::package::Package;
use super::paths::{self, Place, architecture_of, place, split};
use super::places::{COMPONENT, PoolPlace, SUITE};
use super::publish::add;
use super::suite::{base_of, pool_folder};
use crate::copying::{Copying, FileCopy, UpstreamVersion, VersionFile};
use crate::publishing::{Body, Step, StoredFile};
use crate::resource::{Artifact, Document, Member, Plan, Table};
use bytes::Bytes;
use larder_model::Problem;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Suites in which a version is looked for.
const MAX_SUITES: usize = 60;
/// Architectures of packages that stand in a list of all of them, as flat repositories have it.
const ARCHITECTURES: [&str; 9] = [
    "all", "amd64", "arm64", "armel", "armhf", "i386", "ppc64el", "riscv64", "s390x",
];

/// Copies of packages.
pub(super) struct PackageCopies;

impl Copying for PackageCopies {
    fn files(
        &self,
        wanted: &UpstreamVersion<'_>,
        _: &[Option<Bytes>],
        tables: &[Arc<dyn Table>],
    ) -> Result<Plan<Vec<VersionFile>>, Problem> {
        let (mut files, mut tables) = (Vec::new(), tables.iter());
        let stem = stem(wanted);
        for head in heads(wanted).into_iter().take(MAX_SUITES) {
            let Some(suite) = tables.next() else {
                return Ok(Plan::Outline(head));
            };
            let lists = suite.lists_of(&format!("{stem}.deb"));
            let names = names(&stem, &lists);
            let Some(kept) = tables.next() else {
                return Ok(Plan::Kept(lists));
            };
            let (root, _) = split(&head.path);
            for path in names.iter().flat_map(|name| kept.named(name)) {
                let path = format!("{}{path}", base_of(root));
                if let Some(fetch) = kept.find(root, &path) {
                    files.push(VersionFile {
                        statement: place_of(root, &path),
                        artifact: Artifact::new("", None, path),
                        integrity: fetch.integrity,
                    });
                }
            }
        }
        // A package that several lists name is one file in each suite.
        files.sort_by(|one: &VersionFile, other| one.statement.cmp(&other.statement));
        files.dedup_by(|one, other| one.statement == other.statement);
        Ok(Plan::Fetch(files))
    }

    fn steps(
        &self,
        copy: &FileCopy<'_>,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        let (path, place) = (&copy.file.artifact.path, &copy.file.statement);
        PoolPlace::read(place)?;
        copy.limits
            .file
            .require("package", "the package", copy.size)?;
        let package = Package::read(body, copy.limits)?;
        let (name, version) = (package.control.package(), package.control.version());
        if name != copy.package || version != copy.version {
            let detail = format!(
                "{path} is {name} {version}: there is no {} {} upstream",
                copy.package, copy.version
            );
            return Err(Problem::not_found("version", detail));
        }
        add(place, &package, files)
    }
}

/// How names of files of the version begin: without the epoch.
fn stem(wanted: &UpstreamVersion<'_>) -> String {
    let version = wanted.version;
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    format!("{}_{version}", wanted.package)
}

/// The lists of the suites that are kept. The one with its signature in it is the same as the other.
fn heads(wanted: &UpstreamVersion<'_>) -> Vec<Document> {
    let mut roots = BTreeSet::new();
    let mut heads = Vec::new();
    for within in [true, false] {
        for path in wanted.documents {
            let root = match place(path) {
                Place::InRelease(root) if within => root,
                Place::Release(root) if !within => root,
                _ => continue,
            };
            if roots.insert(root) {
                heads.push(Document::new("", path.clone()));
            }
        }
    }
    if heads.is_empty() {
        // A repository may be flat, and nobody may have asked for it yet.
        let [flat, _] = paths::heads("");
        heads.push(flat);
    }
    heads
}

/// The names that files of the version can have.
fn names(stem: &str, lists: &[Vec<Member>]) -> Vec<String> {
    let mut architectures: BTreeSet<&str> = ARCHITECTURES.into();
    let folders = lists.iter().flatten().flat_map(|list| list.name.split('/'));
    architectures.extend(folders.filter_map(|folder| folder.strip_prefix("binary-")));
    let name = |architecture| format!("{stem}_{architecture}.deb");
    let names = architectures.into_iter().map(name);
    names
        .filter(|name| architecture_of(name).is_some())
        .collect()
}

/// Where a package is published that the suite at a root has at a path.
fn place_of(root: &str, path: &str) -> String {
    let suite = root.rsplit_once("dists/").map_or("", |(_, suite)| suite);
    let suite = suite.trim_end_matches('/').replace('/', "-");
    let suite = if suite.is_empty() { SUITE } else { &suite };
    let (folder, file) = split(path);
    let component = pool_folder(folder).split('/').next().unwrap_or_default();
    let component = if component.is_empty() {
        COMPONENT
    } else {
        component
    };
    format!("pool/{suite}/{component}/{file}")
}

#[cfg(test)]
mod tests;
