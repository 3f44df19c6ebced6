//! Rust crates: the sparse index, downloads, search, publishing (the Cargo book, "Registry Index"
//! and "Registry Web API").

mod names;
mod index;
mod manifest;
mod search;
mod publish;
mod connect;

use crate::connect::Client;
use crate::json::{self, unreadable};
use crate::text::{self, not_that, query_value};
use crate::{
    Artifact, Document, Fetch, Integrity, Plan, Protocol, Publishing, ReadRequest, RepoRequest,
    RepoUrl, Representation, Source, Table,
};
use bytes::Bytes;
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use index::{Config, config, download, entries, index_of};
use larder_model::{Digest, Kind, Problem, ProtocolName, Reply};
use names::{canonical, is_name, is_version, prefix};
use serde_json::json;
use std::borrow::Cow;
use std::sync::Arc;

/// The protocol.
pub struct Cargo;

const NAME: ProtocolName = ProtocolName("cargo");
const INDEX: Representation = Representation {
    name: "",
    content_type: "text/plain",
    has_absolute_urls: false,
    compressible: true,
};
const SEARCH: Representation = Representation {
    name: "",
    content_type: "application/json",
    has_absolute_urls: false,
    compressible: true,
};
fn own_config(repo_url: &RepoUrl<'_>) -> Reply {
    let base = repo_url.base();
    let config = json!({"dl": format!("{base}/api/v1/crates"), "api": base, "auth-required": !repo_url.public});
    Reply::new(StatusCode::OK).with_body("application/json", json::bytes(&config))
}

fn no_such_path() -> Problem {
    Problem::not_found("path", "no such path in a cargo registry")
}

impl Protocol for Cargo {
    fn name(&self) -> ProtocolName {
        NAME
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }

    fn publishing(&self) -> Option<&dyn Publishing> {
        Some(self)
    }

    fn canonical<'a>(&self, name: &'a str) -> Cow<'a, str> {
        canonical(name).into()
    }

    fn parse(&self, request: &RepoRequest<'_>) -> Result<ReadRequest, Problem> {
        request.require_read()?;
        let index = |begin: &str, name: &str| {
            let lower = name.to_ascii_lowercase();
            if !is_name(name) || prefix(&lower) != begin.to_ascii_lowercase() {
                return Err(no_such_path());
            }
            Ok(ReadRequest::Document(index_of(name), INDEX))
        };
        match request.parts().as_slice() {
            ["config.json"] => Ok(ReadRequest::Own(own_config)),
            ["api", "v1", "crates"] => {
                let words = query_value(request.query, "q").unwrap_or_default();
                let count = query_value(request.query, "per_page")
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(10_u32);
                let path = format!(
                    "search/{}?{}",
                    count.clamp(1, 100),
                    words.chars().take(200).collect::<String>()
                );
                Ok(ReadRequest::Document(Document::new("", path), SEARCH))
            }
            ["api", "v1", "crates", name, version, "download"]
                if is_name(name) && is_version(version) =>
            {
                let lower = name.to_ascii_lowercase();
                Ok(ReadRequest::Artifact(Artifact {
                    package: canonical(name).into(),
                    version: Some((*version).into()),
                    path: format!("crates/{lower}/{version}").into(),
                }))
            }
            [begin @ ("1" | "2"), name] => index(begin, name),
            [first, second, name] => index(&format!("{first}/{second}"), name),
            _ => Err(no_such_path()),
        }
    }

    fn probes(&self) -> &'static [&'static str] {
        &["config.json"]
    }

    fn source(&self, document: &Document, known: &[Option<Bytes>]) -> Result<Source, Problem> {
        if let Some(name) = document.path.strip_prefix("index/") {
            let url = format!("{}/{}", prefix(name), text::segment(name));
            return Ok(Source::At {
                url,
                accept: "text/plain",
            });
        }
        let Some(search) = document.path.strip_prefix("search/") else {
            return Ok(Source::At {
                url: document.path.to_string(),
                accept: "application/json",
            });
        };
        let Some(found) = known.first() else {
            return Ok(Source::Read(config()));
        };
        let found = found.as_deref().unwrap_or_default();
        let config: Config<'_> =
            serde_json::from_slice(found).map_err(|error| unreadable("a config.json", error))?;
        let Some(api) = config.api else {
            return Err(Problem::new(
                Kind::Unsupported,
                "search",
                "the upstream offers no search",
            ));
        };
        let (count, words) = search.split_once('?').unwrap_or(("10", search));
        let words = text::query_encoded(words);
        Ok(Source::At {
            url: format!("{api}/api/v1/crates?q={words}&per_page={count}"),
            accept: "application/json",
        })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<(), Problem> {
        let Some(name) = document.path.strip_prefix("index/") else {
            return match serde_json::from_slice::<serde_json::Value>(body) {
                Ok(serde_json::Value::Object(_)) => Ok(()),
                _ => Err(not_that("a JSON document of a cargo registry")),
            };
        };
        let mut count = 0;
        for entry in entries(body) {
            let entry = entry.map_err(|error| unreadable("an index file", error))?;
            if !entry.name.eq_ignore_ascii_case(name) {
                return Err(not_that("the index file of this crate"));
            }
            count += 1;
        }
        if count == 0 {
            Err(not_that("an index file"))
        } else {
            Ok(())
        }
    }

    fn render(
        &self,
        _: &Document,
        _: &Representation,
        body: &[u8],
        _: &RepoUrl<'_>,
    ) -> Result<Vec<u8>, Problem> {
        Ok(body.to_vec())
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
        let config: Config<'_> = serde_json::from_slice(config_body.as_deref().unwrap_or_default())
            .map_err(|error| unreadable("a config.json", error))?;
        for entry in entries(index) {
            let entry = entry.map_err(|error| unreadable("an index file", error))?;
            if entry.vers == version {
                let digest: Digest = format!("sha256:{}", entry.cksum)
                    .parse()
                    .map_err(|_| not_that("an index file with checksums"))?;
                return Ok(Plan::Fetch(Fetch {
                    url: download(&config.dl, &entry),
                    integrity: Integrity::Digest(digest),
                    size: None,
                }));
            }
        }
        Err(absent())
    }

    fn content_type(&self, _: &Artifact) -> &'static str {
        "application/gzip"
    }

    fn refuse(&self, problem: &Problem, repo_url: &RepoUrl<'_>) -> Reply {
        let status = problem.status();
        let body = json!({"errors": [{"detail": problem.detail}]});
        let reply = Reply::new(status).with_body("application/json", json::bytes(&body));
        if problem.kind == Kind::Unauthenticated {
            return reply.with(
                WWW_AUTHENTICATE,
                format!("Cargo login_url=\"{}/me\"", repo_url.origin),
            );
        }
        reply
    }
}

#[cfg(test)]
mod tests;
