//! Paths of a registry: the index (the Cargo book, "Index Protocols") and the web API.

use super::index::index_of;
use super::names::{canonical, is_name, is_version, prefix};
use super::publish;
use crate::publishing::Change;
use crate::resource::{Artifact, ReadRequest, Representation};
use crate::search::SearchRequest;
use crate::text::{JSON, query_value};
use crate::{Call, RepoRequest, RepoUrl};
use http::{Method, StatusCode};
use larder_model::{Kind, Problem, Reply};
use serde_json::json;

const INDEX: Representation = Representation {
    name: "",
    content_type: "text/plain",
    has_absolute_urls: false,
    compressible: true,
};
/// The number of results of a search that has no `per_page`.
const DEFAULT_RESULTS: usize = 10;
/// Limit on the results of a search.
const MAX_RESULTS: usize = 100;
/// Limit on the characters of a search.
const MAX_SEARCH_CHARS: usize = 200;

/// Parses a request.
pub(super) fn parse(request: &RepoRequest<'_>) -> Result<Call, Problem> {
    let parts = request.parts();
    if let ["api", "v1", "crates", rest @ ..] = parts.as_slice()
        && let Some(call) = web_api(request.method, rest)?
    {
        return Ok(call);
    }
    request.require_read()?;
    match parts.as_slice() {
        ["config.json"] => Ok(Call::Read(ReadRequest::Local(own_config))),
        ["api", "v1", "crates"] => Ok(Call::Search(search(request.query))),
        [folder @ ("1" | "2"), name] => index_file(folder, name),
        [first, second, name] => index_file(&format!("{first}/{second}"), name),
        _ => Err(no_such_path()),
    }
}

/// Parses a request below `api/v1/crates`; `None` if there is no such path.
fn web_api(method: &Method, rest: &[&str]) -> Result<Option<Call>, Problem> {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    Ok(Some(match (method, rest) {
        (&Method::PUT, ["new"]) => Call::Publish(publish::upload()),
        (&Method::DELETE, [name, version, "yank"]) if is_version(version) => {
            let (version, reason) = ((*version).into(), "".into());
            Call::Publish(publish::change(
                &canonical(name),
                Change::Yank { version, reason },
            ))
        }
        (&Method::PUT, [name, version, "unyank"]) if is_version(version) => {
            let version = (*version).into();
            Call::Publish(publish::change(
                &canonical(name),
                Change::Unyank { version },
            ))
        }
        (_, [name, "owners"]) if is_read => {
            Call::Read(ReadRequest::Details(canonical(name).into()))
        }
        (_, [_, "owners"]) => {
            let detail = "grants decide who may publish here: \
                larder grant create user:NAME REPOSITORY --package CRATE";
            return Err(Problem::new(Kind::Unsupported, "owners", detail));
        }
        (_, [name, version, "download"]) if is_read && is_name(name) && is_version(version) => {
            let lower = name.to_ascii_lowercase();
            Call::Read(ReadRequest::Artifact(Artifact::new(
                canonical(name),
                Some((*version).into()),
                format!("crates/{lower}/{version}"),
            )))
        }
        _ => return Ok(None),
    }))
}

/// Parses the path of an index file, which has the folder that the name demands.
fn index_file(folder: &str, name: &str) -> Result<Call, Problem> {
    let lower = name.to_ascii_lowercase();
    if !is_name(name) || prefix(&lower) != folder.to_ascii_lowercase() {
        return Err(no_such_path());
    }
    Ok(Call::Read(ReadRequest::Document(index_of(name), INDEX)))
}

/// Parses the query of a search.
fn search(query: &str) -> SearchRequest {
    let size = query_value(query, "per_page").and_then(|text| text.parse().ok());
    let text = query_value(query, "q").unwrap_or_default();
    SearchRequest {
        text: text.chars().take(MAX_SEARCH_CHARS).collect(),
        size: size.unwrap_or(DEFAULT_RESULTS).clamp(1, MAX_RESULTS),
        from: 0,
        scope: Box::default(),
    }
}

/// Our own `config.json`.
fn own_config(repo_url: &RepoUrl<'_>) -> Reply {
    let base = repo_url.base();
    let config = json!({
        "dl": format!("{base}/api/v1/crates"),
        "api": base,
        "auth-required": !repo_url.public,
    });
    Reply::new(StatusCode::OK).with_body(JSON, crate::json::bytes(&config))
}

/// The problem of a path that does not exist.
pub(super) fn no_such_path() -> Problem {
    Problem::not_found("path", "no such path in a cargo registry")
}
