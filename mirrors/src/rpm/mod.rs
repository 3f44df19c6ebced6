//! RPM repositories as dnf and zypper read them: `repomd.xml`, the metadata that it names, the
//! packages that those name (as `createrepo_c` writes them and librepo joins their addresses).
//!
//! An upstream may hold many repositories; each is at a root below its address, with `repodata/`
//! right below that root.

mod paths;
mod order;
mod scan;
mod item;
mod repomd;
mod mirror_list;
mod listing;
mod leads;
mod plans;
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
use crate::protocol::{Call, MirrorLists, Protocol, Sets, Signature, Tables};
use crate::releases::ranked;
use crate::resource::{Artifact, Document, Member, Plan, Set, Source, Table};
use crate::text::{self, bad_document};
use crate::{Copying, Describing, FileName, Index, Names, Publishing, RepoRequest, RepoUrl};
use bytes::Bytes;
use larder_model::{Problem, ProtocolName, Release, Reply};
use paths::{ending, metadata, name_of, repomd_of, roots};
use plans::{MAX_STEPS, PRIMARY, file_of, plan_metadata, plan_package};
use repomd::Record;
use std::sync::Arc;

/// The protocol.
pub struct Rpm;

/// Names of packages, as the paths of their files have them.
struct PackageNames;

impl Names for PackageNames {
    fn package_of<'a>(&self, artifact: &'a Artifact) -> &'a str {
        name_of(&artifact.path)
    }

    fn file_name<'a>(&self, path: &'a str) -> Option<FileName<'a>> {
        paths::file_name(path)
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
        let member = |record: Record| Member {
            name: record.item.path.as_str().into(),
            artifact: file_of(root, &record),
            fetch: record.item.fetch(root),
            is_required: record.kind == PRIMARY,
        };
        let members = repomd::read(body)?.into_iter().map(member).collect();
        Ok(Set {
            companions: vec![companion(".asc"), companion(".key")],
            members,
            on_demand: false,
        })
    }

    fn signature(&self, document: &Document) -> Signature {
        match metadata(&document.path) {
            Some((_, "repomd.xml")) => {
                Signature::By(Document::new("", format!("{}.asc", document.path)))
            }
            _ => Signature::None,
        }
    }

    fn heads_of(&self, companion: &Document) -> Vec<Document> {
        match metadata(&companion.path) {
            Some((root, "repomd.xml.asc" | "repomd.xml.key")) => vec![repomd_of(root)],
            _ => Vec::new(),
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
            url: text::below(text::path(&document.path)),
            accept: "*/*",
        })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<usize, Problem> {
        let is_list = *document == mirror_list::RepositoryMirrors.document();
        if is_list {
            return mirror_list::RepositoryMirrors.read(body).map(|_| 0);
        }
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
            None => plan_package(
                (roots(&artifact.path).into_iter(), MAX_STEPS),
                &artifact.path,
                known,
                tables,
            ),
        }
    }

    /// Lists may have names that stay as they are (`primary.xml.gz`).
    fn is_immutable(&self, artifact: &Artifact) -> bool {
        metadata(&artifact.path).is_none_or(|(_, name)| paths::has_digest(name))
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

    fn mirror_lists(&self) -> Option<&'static dyn MirrorLists> {
        Some(&mirror_list::RepositoryMirrors)
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

#[cfg(test)]
mod tests;
