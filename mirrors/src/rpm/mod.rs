//! RPM repositories as dnf and zypper read them: `repomd.xml`, the metadata that it names, the
//! packages that those name (as `createrepo_c` writes them and librepo joins their addresses).
//!
//! An upstream may hold many repositories; each is at a root below its address, with `repodata/`
//! right below that root.

mod paths;
mod order;
mod unpack;
mod scan;
mod item;
mod repomd;
mod listing;
mod filter;
mod header;
mod integrity;
mod package;
mod describe;
mod packer;
mod extra_metadata;
mod merge;
mod index;
mod publish;
mod routes;
mod copying;
mod about;
mod connect;

pub use listing::Listing;

use crate::connect::Client;
use crate::protocol::{Call, Protocol, Sets, Tables};
use crate::releases::ranked;
use crate::resource::{Artifact, Document, Plan, Set, Source, Table};
use crate::text::{self, bad_document};
use crate::{Copying, Describing, Index, Names, Publishing, RepoRequest, RepoUrl};
use bytes::Bytes;
use item::below;
use larder_model::{Problem, ProtocolName, Release, Reply};
use paths::{ending, metadata, name_of, repomd_of, roots};
use repomd::Record;
use std::sync::Arc;

/// The protocol.
pub struct Rpm;

/// Limit on the documents that a plan reads, because each may need a request.
const MAX_STEPS: usize = 7;

/// Names of packages, as the paths of their files have them.
struct PackageNames;

impl Names for PackageNames {
    fn package_of<'a>(&self, artifact: &'a Artifact) -> &'a str {
        name_of(&artifact.path)
    }
}

/// A `repomd.xml` with its signature, its key, and all files that it names.
struct RepomdSets;

impl Sets for RepomdSets {
    fn set(&self, document: &Document, body: &[u8]) -> Result<Set, Problem> {
        let Some((root, "repomd.xml")) = metadata(&document.path) else {
            return Ok(Set::default());
        };
        let companion = |ending: &str| Document::new("", format!("{}{ending}", document.path));
        let member = |record: Record| (file_of(root, &record), record.item.fetch(root));
        let members = repomd::read(body)?.into_iter().map(member).collect();
        Ok(Set {
            companions: vec![companion(".asc"), companion(".key")],
            members,
        })
    }

    fn head_of(&self, companion: &Document) -> Option<Document> {
        match metadata(&companion.path)? {
            (root, "repomd.xml.asc" | "repomd.xml.key") => Some(repomd_of(root)),
            _ => None,
        }
    }
}

/// Lists of packages.
struct PackageLists;

impl Tables for PackageLists {
    fn read(&self, _: &Artifact, body: &[u8]) -> Result<Arc<dyn Table>, Problem> {
        Ok(Arc::new(Listing::read(body)?))
    }
}

impl Protocol for Rpm {
    fn name(&self) -> ProtocolName {
        ProtocolName("rpm")
    }

    fn parse(&self, request: &RepoRequest<'_>) -> Result<Call, Problem> {
        routes::parse(request)
    }

    fn probes(&self) -> &'static [&'static str] {
        &["repodata/repomd.xml", ""]
    }

    fn package_document(&self, package: &str) -> Option<Document> {
        let _ = package; // its lists tell of all packages
        Some(repomd_of(""))
    }

    fn source(&self, document: &Document, _: &[Option<Bytes>]) -> Result<Source, Problem> {
        Ok(Source::At {
            url: below(text::path(&document.path)),
            accept: "*/*",
        })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<usize, Problem> {
        let (fits, what) = match metadata(&document.path) {
            Some((_, "repomd.xml")) => (
                repomd::read(body)?.iter().any(|record| record.has_checksum),
                "a repomd.xml with files and checksums",
            ),
            Some((_, "repomd.xml.asc")) => (
                holds(body, "-----BEGIN PGP SIGNATURE-----"),
                "an armored signature",
            ),
            Some((_, "repomd.xml.key")) => (
                holds(body, "-----BEGIN PGP PUBLIC KEY BLOCK-----"),
                "an armored key",
            ),
            _ => (!is_page(body), "a file of a repository: it is a web page"),
        };
        if fits { Ok(0) } else { Err(bad_document(what)) }
    }

    fn plan(
        &self,
        artifact: &Artifact,
        known: &[Option<Bytes>],
        tables: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        match metadata(&artifact.path) {
            Some((root, _)) => plan_metadata(root, &artifact.path, known),
            None => plan_package(&artifact.path, known, tables),
        }
    }

    fn content_type(&self, artifact: &Artifact) -> &'static str {
        match ending(&artifact.path) {
            "rpm" | "drpm" => "application/x-rpm",
            "gz" => "application/gzip",
            "xz" => "application/x-xz",
            "zst" => "application/zstd",
            "bz2" => "application/x-bzip2",
            "xml" => "text/xml",
            _ => "application/octet-stream",
        }
    }

    fn refuse(&self, problem: &Problem, _: &RepoUrl<'_>) -> Reply {
        text::plain_problem(problem)
    }

    fn names(&self) -> &dyn Names {
        &PackageNames
    }

    fn releases(&self, versions: &[&str]) -> Vec<Option<Release>> {
        ranked(versions, order::read, order::compare)
    }

    fn publishing(&self) -> Option<&dyn Publishing> {
        Some(&publish::Packages)
    }

    fn copying(&self) -> Option<&dyn Copying> {
        Some(&copying::PackageCopies)
    }

    fn describing(&self) -> Option<&dyn Describing> {
        Some(&about::PackageAbouts)
    }

    fn index(&self) -> Option<&dyn Index> {
        Some(&index::Repodata)
    }

    fn sets(&self) -> Option<&dyn Sets> {
        Some(&RepomdSets)
    }

    fn tables(&self) -> Option<&dyn Tables> {
        Some(&PackageLists)
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }
}

/// Whether a file begins like an HTML page.
fn is_page(body: &[u8]) -> bool {
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii_start();
    let begins = |with: &[u8]| {
        body.get(..with.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(with))
    };
    begins(b"<!doctype html") || begins(b"<html")
}

fn holds(body: &[u8], mark: &str) -> bool {
    body.windows(mark.len())
        .any(|window| window == mark.as_bytes())
}

/// The file of a record of the repository at a root.
fn file_of(root: &str, record: &Record) -> Artifact {
    Artifact::new("", None, format!("{root}{}", record.item.path))
}

fn plan_metadata(root: &str, path: &str, known: &[Option<Bytes>]) -> Result<Plan, Problem> {
    let Some(repomd) = known.first() else {
        return Ok(Plan::Read(repomd_of(root)));
    };
    let absent = || Problem::not_found("metadata", format!("no repomd.xml lists `{path}`"));
    let records = repomd::read(repomd.as_deref().ok_or_else(absent)?)?;
    let below = path.strip_prefix(root).unwrap_or(path);
    let record = records
        .iter()
        .find(|record| record.item.path == below)
        .ok_or_else(absent)?;
    Ok(Plan::Fetch(record.item.fetch(root)))
}

fn plan_package(
    path: &str,
    known: &[Option<Bytes>],
    tables: &[Arc<dyn Table>],
) -> Result<Plan, Problem> {
    let list_kind = if ending(path) == "drpm" {
        "prestodelta"
    } else {
        "primary"
    };
    let absent = || Problem::not_found("package", format!("no repository here lists `{path}`"));
    let step = |plan: Plan| {
        if known.len() + tables.len() < MAX_STEPS {
            Ok(plan)
        } else {
            Err(absent())
        }
    };
    let (mut known, mut tables) = (known.iter(), tables.iter());
    for root in roots(path) {
        let Some(repomd) = known.next() else {
            return step(Plan::Read(repomd_of(root)));
        };
        let Some(repomd) = repomd else { continue };
        let records = repomd::read(repomd)?;
        let Some(record) = records.iter().find(|record| record.kind == list_kind) else {
            continue;
        };
        let Some(table) = tables.next() else {
            let list = file_of(root, record);
            return step(Plan::Consult(list, record.item.fetch(root)));
        };
        if let Some(fetch) = table.find(root, path.strip_prefix(root).unwrap_or(path)) {
            return Ok(Plan::Fetch(fetch));
        }
    }
    Err(absent())
}

#[cfg(test)]
mod tests;
