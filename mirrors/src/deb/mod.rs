//! Debian archives as apt reads them: suites with the lists that they name, flat repositories, and the
//! packages that the lists name (the format of Debian's repositories, `DebianRepository/Format`).
//!
//! An upstream is an archive with any number of suites. A suite is a set: its list, with the signature
//! in it (`InRelease`) or beside it (`Release`, `Release.gpg`), and the files that the list names, each
//! kept under its digest, so that every state of the suite keeps its own.

mod paths;
mod date;
mod stanzas;
mod release;
mod suite;
mod listing;
mod differences;
mod plans;
mod places;
mod order;
mod control;
mod description;
mod package;
mod published;
mod packer;
mod merge;
mod index;
mod taken;
mod sources;
mod publish;
mod copying;
mod routes;
mod about;
mod connect;

pub use listing::Listing;

use crate::connect::Client;
use crate::protocol::{Call, Outlines, Protocol, Sets, Signature, StateAge, Tables};
use crate::releases::ranked;
use crate::resource::{Artifact, Document, Plan, Set, Source, Table};
use crate::text::{self, bad_document};
use crate::{Copying, Describing, FileName, Index, Names, Publishing, RepoRequest, RepoUrl};
use bytes::Bytes;
use differences::Differences;
use larder_model::{Problem, ProtocolName, Release as ModelRelease, Reply};
use paths::{Place, heads, name_of, place, roots_above};
use release::{Release, signed_text};
use std::sync::Arc;
use suite::Suite;

/// The protocol.
pub struct Deb;

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

/// A list of a suite with its signature, and the files that it names.
struct Suites;

impl Sets for Suites {
    fn set(&self, document: &Document, body: &[u8]) -> Result<Set, Problem> {
        let (root, companions): (_, &[&str]) = match place(&document.path) {
            Place::InRelease(root) => (root, &["Release", "Release.gpg"]),
            Place::Release(root) => (root, &["Release.gpg"]),
            _ => return Ok(Set::default()),
        };
        let release = Release::read(body)?;
        let member = |entry: &release::Entry| entry.member(root, release.has_by_hash);
        let companion = |name: &&str| Document::new("", format!("{root}{name}"));
        Ok(Set {
            companions: companions.iter().map(companion).collect(),
            members: release.entries.iter().map(member).collect(),
            on_demand: true,
        })
    }

    fn heads_of(&self, companion: &Document) -> Vec<Document> {
        match place(&companion.path) {
            Place::Release(root) | Place::Signature(root) => heads(root).into(),
            _ => Vec::new(),
        }
    }

    fn is_head(&self, document: &Document) -> bool {
        matches!(
            place(&document.path),
            Place::InRelease(_) | Place::Release(_)
        )
    }

    fn heads_above(&self, path: &str) -> Vec<Document> {
        roots_above(path).into_iter().flat_map(heads).collect()
    }

    fn signature(&self, document: &Document) -> Signature {
        match place(&document.path) {
            Place::InRelease(_) => Signature::Within,
            Place::Release(root) => Signature::By(Document::new("", format!("{root}Release.gpg"))),
            _ => Signature::None,
        }
    }

    fn split_signed(&self, body: &[u8]) -> Option<(String, String)> {
        let text = signed_text(body)?.into_owned();
        let body = std::str::from_utf8(body).ok()?;
        let at = body.rfind(release::SIGNATURE)?;
        Some((text, body.get(at..)?.to_owned()))
    }

    fn fits(&self, head: &[u8], companion: &Document, body: &[u8]) -> bool {
        if !matches!(place(&companion.path), Place::Release(_)) {
            return true;
        }
        // The same text, but for spaces at the ends of lines, which a signature leaves out.
        let lines = |body| {
            let text = signed_text(body)?;
            let lines = text.lines().map(|line| line.trim_end().to_owned());
            Some(lines.collect::<Vec<_>>().join("\n").trim_end().to_owned())
        };
        lines(head).is_some_and(|head| lines(body) == Some(head))
    }

    fn age(&self, head: &[u8]) -> StateAge {
        let Ok(release) = Release::read(head) else {
            return StateAge::default();
        };
        StateAge {
            made: release.moment("Date"),
            expires: release.moment("Valid-Until"),
        }
    }
}

impl Outlines for Suites {
    fn outline(&self, document: &Document, body: &[u8]) -> Result<Arc<dyn Table>, Problem> {
        let (Place::InRelease(root) | Place::Release(root)) = place(&document.path) else {
            return Err(Problem::internal("only the lists of suites have outlines"));
        };
        Ok(Arc::new(Suite::read(root, body)?))
    }
}

/// Lists of packages.
struct PackageLists;

impl Tables for PackageLists {
    fn read(&self, list: &Artifact, body: &[u8]) -> Result<Arc<dyn Table>, Problem> {
        let path = &*list.path;
        let folder =
            paths::by_hash(path).map_or_else(|| paths::split(path).0, |(folder, ..)| folder);
        Ok(if paths::has_differences(folder) {
            Arc::new(Differences::read(body)?)
        } else {
            Arc::new(Listing::read(body)?)
        })
    }
}

impl Protocol for Deb {
    fn name(&self) -> ProtocolName {
        ProtocolName("deb")
    }

    fn parse(&self, request: &RepoRequest<'_>) -> Result<Call, Problem> {
        routes::parse(request)
    }

    fn probes(&self) -> &'static [&'static str] {
        &[
            "dists/stable/InRelease",
            "InRelease",
            "Release",
            "dists/",
            "",
        ]
    }

    fn source(&self, document: &Document, _: &[Option<Bytes>]) -> Result<Source, Problem> {
        Ok(Source::At {
            url: paths::url(&document.path),
            accept: "text/*, */*;q=0.5",
        })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<usize, Problem> {
        match place(&document.path) {
            Place::InRelease(_) => {
                if !body
                    .trim_ascii_start()
                    .starts_with(b"-----BEGIN PGP SIGNED")
                {
                    return Err(bad_document("an InRelease, which has its signature in it"));
                }
                Release::read(body)?;
            }
            Place::Release(_) => {
                Release::read(body)?;
            }
            Place::Signature(_) if !holds(body, "-----BEGIN PGP SIGNATURE-----") => {
                return Err(bad_document("an armored signature"));
            }
            _ => {}
        }
        Ok(0)
    }

    fn plan(
        &self,
        artifact: &Artifact,
        _: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        plans::plan(artifact)
    }

    fn content_type(&self, artifact: &Artifact) -> &'static str {
        paths::content_type(paths::split(&artifact.path).1)
    }

    fn asks_by_date(&self) -> bool {
        true
    }

    // Of `deb URI ./` apt asks for URI/./InRelease, and of `Filename: ./x.deb` for URI/./x.deb.
    fn joins_dots(&self) -> bool {
        true
    }

    fn refuse(&self, problem: &Problem, _: &RepoUrl<'_>) -> Reply {
        text::plain_problem(problem)
    }

    fn names(&self) -> &dyn Names {
        &PackageNames
    }

    fn releases(&self, versions: &[&str]) -> Vec<Option<ModelRelease>> {
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
        Some(&index::SuiteIndex)
    }

    fn sets(&self) -> Option<&dyn Sets> {
        Some(&Suites)
    }

    fn outlines(&self) -> Option<&'static dyn Outlines> {
        Some(&Suites)
    }

    fn tables(&self) -> Option<&dyn Tables> {
        Some(&PackageLists)
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }
}

fn holds(body: &[u8], mark: &str) -> bool {
    body.windows(mark.len())
        .any(|window| window == mark.as_bytes())
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
