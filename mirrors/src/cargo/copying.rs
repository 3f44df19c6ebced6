//! Copies of an upstream's versions: published with what the index line tells, after it was compared
//! with the crate's `Cargo.toml` as the description of a client.

use super::index::{entry_of, index_of};
use super::manifest::of_crate;
use super::names::canonical;
use super::publish::{NewCrate, check_new};
use super::upload::{Description, NewDependency, require_name};
use crate::copying::{Copying, FileCopy, UpstreamVersion, VersionFile};
use crate::json::unreadable;
use crate::publishing::{Body, Bytes as Stored, Step, StoredFile};
use crate::resource::{Artifact, Plan, Table};
use crate::text::bad_document;
use bytes::Bytes;
use larder_model::{Digest, Integrity, Problem};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

const WHAT: &str = "an index file";

/// A line of an upstream's index (the Cargo book, "Index Format").
#[derive(Deserialize)]
struct Line {
    name: String,
    vers: String,
    #[serde(default)]
    deps: Vec<LineDependency>,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
    features2: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    yanked: bool,
    links: Option<String>,
    rust_version: Option<String>,
}

#[derive(Deserialize)]
struct LineDependency {
    /// The name in `Cargo.toml`, which may be an alias.
    name: String,
    req: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default = "default_true")]
    default_features: bool,
    target: Option<String>,
    kind: Option<String>,
    registry: Option<String>,
    /// The crate's name, if it has an alias.
    package: Option<String>,
}

fn default_true() -> bool {
    true
}

impl LineDependency {
    /// The dependency as a client describes it.
    fn described(self) -> NewDependency {
        let alias = self.package.is_some().then(|| self.name.clone());
        NewDependency {
            name: self.package.unwrap_or(self.name),
            version_req: self.req,
            features: self.features,
            optional: self.optional,
            default_features: self.default_features,
            target: self.target,
            kind: self.kind,
            registry: self.registry,
            explicit_name_in_toml: alias,
        }
    }
}

impl Line {
    /// The crate as a client describes it; `text` is its description in words.
    fn described(self, text: Option<String>) -> Description {
        let mut features = self.features;
        features.extend(self.features2.unwrap_or_default());
        Description {
            name: self.name,
            vers: self.vers,
            deps: self
                .deps
                .into_iter()
                .map(LineDependency::described)
                .collect(),
            features,
            text,
            links: self.links,
            rust_version: self.rust_version,
        }
    }
}

/// Copies of crates.
pub(super) struct CrateCopies;

impl Copying for CrateCopies {
    fn files(
        &self,
        wanted: &UpstreamVersion<'_>,
        known: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan<Vec<VersionFile>>, Problem> {
        let mut known = known.iter();
        for spelling in spellings(wanted) {
            let Some(index) = known.next() else {
                return Ok(Plan::Read(index_of(&spelling)));
            };
            let index = index.as_deref().unwrap_or_default();
            if let Some(file) = find(wanted, index)? {
                return Ok(Plan::Fetch(vec![file]));
            }
        }
        Ok(Plan::Fetch(Vec::new()))
    }

    fn steps(
        &self,
        copy: &FileCopy<'_>,
        body: &mut dyn Body,
        files: &[StoredFile],
    ) -> Result<Vec<Step>, Problem> {
        let line: Line = serde_json::from_str(&copy.file.statement).map_err(Problem::internal)?;
        require_name(&line.name)?;
        let new = NewCrate::of(&line.name, &line.vers)?;
        if check_new(&new, files, || Ok(copy.digest.hex()))? {
            return Ok(Vec::new());
        }
        copy.limits.file.require("crate", "the crate", copy.size)?;
        body.rewind().map_err(Problem::internal)?;
        let folder = format!("{}-{}", line.name, line.vers);
        let manifest = of_crate(
            &mut (&mut *body).take(copy.size),
            (copy.size, &folder),
            copy.limits,
        )?;
        let yanked = line.yanked;
        let description = line.described(manifest.description.clone());
        description.check(&manifest)?;
        let mut metadata = description.into_metadata(manifest)?;
        metadata.line.yanked = yanked;
        Ok(vec![new.step(&metadata, Stored::Part(0, copy.size))?])
    }
}

/// The names of the index files that may be the crate's: those that are kept, and else with one of
/// the characters that are the same alone.
fn spellings(wanted: &UpstreamVersion<'_>) -> Vec<String> {
    let kept = wanted.documents.iter();
    let kept = kept.filter_map(|path| path.strip_prefix("index/"));
    let mut spellings: Vec<String> = kept.map(str::to_owned).collect();
    for other in [wanted.package.to_owned(), wanted.package.replace('-', "_")] {
        if !spellings.contains(&other) {
            spellings.push(other);
        }
    }
    spellings
}

/// The crate file of a version, as its line of an index file has it.
fn find(wanted: &UpstreamVersion<'_>, index: &[u8]) -> Result<Option<VersionFile>, Problem> {
    let is_named = |name: &str| canonical(name) == wanted.package;
    let Some((entry, line)) = entry_of(index, wanted.version, is_named) else {
        return Ok(None);
    };
    let digest: Result<Digest, _> = format!("sha256:{}", entry.cksum).parse();
    let digest = digest.map_err(|_| bad_document("an index file with checksums"))?;
    let statement = str::from_utf8(line).map_err(|error| bad_document(WHAT).because(error))?;
    serde_json::from_str::<Line>(statement).map_err(|error| unreadable(WHAT, error))?;
    let path = format!(
        "crates/{}/{}",
        entry.name.to_ascii_lowercase(),
        wanted.version
    );
    Ok(Some(VersionFile {
        artifact: Artifact::new(wanted.package, Some(wanted.version.into()), path),
        integrity: Integrity::Digest(digest),
        statement: statement.to_owned(),
    }))
}

#[cfg(test)]
mod tests;
