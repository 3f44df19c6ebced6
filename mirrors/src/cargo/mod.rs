//! Rust crates: the sparse index, downloads, search, publishing (the Cargo book, "Registry Index"
//! and "Registry Web API").

mod names;
mod index;
mod manifest;
mod search;
mod upload;
mod publish;
mod copying;
mod about;
mod routes;
mod connect;

use crate::connect::Client;
use crate::json;
use crate::protocol::{Call, Protocol};
use crate::resource::{Artifact, Document, Fetch, Plan, Source, Table};
use crate::text::{JSON, PLAIN_TEXT, bad_document, segment};
use crate::{Copying, Describing, Integrity, Names, Publishing, RepoRequest, RepoUrl, Search};
use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use index::{Config, Entry, config, download, entries, entry_of, index_of};
use larder_model::{Digest, Kind, Problem, ProtocolName, Reply};
use names::{canonical, prefix};
use routes::no_such_path;
use serde_json::json;
use std::borrow::Cow;
use std::sync::Arc;

/// The protocol.
pub struct Cargo;

/// Names that differ only in case, `-` and `_` are the same crate.
struct CrateNames;

impl Names for CrateNames {
    fn canonical<'a>(&self, name: &'a str) -> Cow<'a, str> {
        canonical(name).into()
    }
}

impl Protocol for Cargo {
    fn name(&self) -> ProtocolName {
        ProtocolName("cargo")
    }

    fn parse(&self, request: &RepoRequest<'_>) -> Result<Call, Problem> {
        routes::parse(request)
    }

    fn probes(&self) -> &'static [&'static str] {
        &["config.json"]
    }

    fn names_all_files(&self) -> bool {
        true
    }

    fn package_document(&self, package: &str) -> Option<Document> {
        Some(index_of(package))
    }

    fn source(&self, document: &Document, _: &[Option<Bytes>]) -> Result<Source, Problem> {
        let (url, accept) = match document.path.strip_prefix("index/") {
            Some(name) => (format!("{}/{}", prefix(name), segment(name)), "text/plain"),
            None => (document.path.to_string(), JSON),
        };
        Ok(Source::At { url, accept })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<usize, Problem> {
        let Some(name) = document.path.strip_prefix("index/") else {
            let what = "a JSON document of a cargo registry";
            return json::is_object(body)
                .then_some(0)
                .ok_or_else(|| bad_document(what));
        };
        let (mut lines, mut passed_over) = (0, 0);
        for entry in entries(body) {
            let is_it = entry.is_some_and(|(entry, _)| entry.name.eq_ignore_ascii_case(name));
            *(if is_it { &mut lines } else { &mut passed_over }) += 1;
        }
        if lines == 0 {
            return Err(bad_document("the index file of this crate"));
        }
        Ok(passed_over)
    }

    fn plan(
        &self,
        artifact: &Artifact,
        known: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        let mut parts = artifact.path.split('/').skip(1);
        let (Some(name), Some(version)) = (parts.next(), parts.next()) else {
            return Err(no_such_path());
        };
        let (config_body, index) = match known {
            [] => return Ok(Plan::Read(config())),
            [_] => return Ok(Plan::Read(index_of(name))),
            [config, index, ..] => (config, index),
        };
        let absent =
            || Problem::not_found("crate", format!("crate `{name}` has no version {version}"));
        let index = index.as_deref().ok_or_else(absent)?;
        let config = Config::read(config_body.as_deref().unwrap_or_default())?;
        let (entry, _) = entry_of(index, version, |other| other.eq_ignore_ascii_case(name))
            .ok_or_else(absent)?;
        fetch(&config, &entry).map(Plan::Fetch)
    }

    fn content_type(&self, _: &Artifact) -> &'static str {
        "application/gzip"
    }

    fn refuse(&self, problem: &Problem, repo_url: &RepoUrl<'_>) -> Reply {
        let status = problem.status();
        let is_file = !repo_url.rest.starts_with("/api/") || repo_url.rest.ends_with("/download");
        let reply = if is_file {
            // Of the index and of crates cargo prints the body as it is.
            Reply::new(status).with_body(PLAIN_TEXT, format!("{}\n", problem.detail))
        } else {
            let body = json!({"errors": [{"detail": problem.detail}]});
            Reply::new(status).with_body(JSON, json::bytes(&body))
        };
        if problem.kind == Kind::Unauthenticated {
            let challenge = format!("Cargo login_url=\"{}/me\"", repo_url.origin);
            return reply.with(WWW_AUTHENTICATE, challenge);
        }
        reply
    }

    fn names(&self) -> &dyn Names {
        &CrateNames
    }

    fn publishing(&self) -> Option<&dyn Publishing> {
        Some(&publish::Crates)
    }

    fn copying(&self) -> Option<&dyn Copying> {
        Some(&copying::CrateCopies)
    }

    fn describing(&self) -> Option<&dyn Describing> {
        Some(&about::CrateAbouts)
    }

    fn search(&self) -> Option<&dyn Search> {
        Some(&search::CrateSearch)
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }
}

/// The URL and the checksum of the crate file of an index line.
fn fetch(config: &Config<'_>, entry: &Entry<'_>) -> Result<Fetch, Problem> {
    let digest: Result<Digest, _> = format!("sha256:{}", entry.cksum).parse();
    let digest = digest.map_err(|_| bad_document("an index file with checksums"))?;
    let url = download(&config.dl, entry);
    Ok(Fetch::new(url, Integrity::Digest(digest)))
}

#[cfg(test)]
mod tests;
