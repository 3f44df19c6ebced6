//! Paths of a repository (Composer's "Repositories", "Composer"), and those of this server beside them.

use super::advisories::Advisories;
use super::dist::path_of;
use super::metadata::document_of;
use super::names::{canonical, is_file, is_name, is_version, version_of};
use super::publish;
use crate::json::bytes;
use crate::resource::{Artifact, ReadRequest, Representation};
use crate::search::SearchRequest;
use crate::text::{JSON, query_value};
use crate::{Call, RepoRequest, RepoUrl};
use http::{Method, StatusCode};
use larder_model::{Kind, Problem, Reply};
use serde_json::json;

/// The metadata of a package with addresses of this server.
pub(super) const METADATA: Representation = Representation {
    name: "p2",
    content_type: JSON,
    has_absolute_urls: true,
    compressible: true,
};
/// The ending of the documents of packages, and what stands before it where they have branches.
const ENDING: &str = ".json";
const BRANCHES: &str = "~dev";
/// Limit on the characters of a search.
const MAX_SEARCH_CHARS: usize = 200;
/// The results of a search.
const MAX_RESULTS: usize = 100;
/// Names in a list.
const MAX_NAMES: usize = 1_000_000;
/// The scope of a search that lists names.
pub(super) const NAMES: &str = "names";
/// The scope of a search for packages of a type, before that.
pub(super) const TYPE: &str = "type=";

/// Parses a request.
pub(super) fn parse(request: &RepoRequest<'_>) -> Result<Call, Problem> {
    let parts = request.parts();
    match (request.method, parts.as_slice()) {
        (&Method::PUT | &Method::POST, ["upload"]) => {
            let version = query_value(request.query, "version").filter(|text| !text.is_empty());
            return Ok(Call::Publish(publish::upload(version)?));
        }
        (&Method::POST, ["api", "security-advisories"]) => return Ok(Call::Query(&Advisories)),
        // Nobody needs to be told what was installed: downloads are counted.
        (&Method::POST, ["notify-batch"]) => return Ok(Call::Read(ReadRequest::Local(noted))),
        _ => {}
    }
    request.require_read()?;
    read(request, &parts)
}

/// Parses a request that reads.
fn read(request: &RepoRequest<'_>, parts: &[&str]) -> Result<Call, Problem> {
    let read = match parts {
        ["packages.json"] => ReadRequest::Local(own_root),
        ["p2", vendor, file] => {
            let name = file.strip_suffix(ENDING).ok_or_else(no_such_path)?;
            let releases = name.strip_suffix(BRANCHES);
            let package = name_of(vendor, releases.unwrap_or(name))?;
            ReadRequest::Document(document_of(&package, releases.is_some()), METADATA)
        }
        ["dist", vendor, project, version, file] => {
            let (package, version) = (name_of(vendor, project)?, version_of(version));
            if !is_version(&version) || !is_file(file) {
                return Err(no_such_path());
            }
            ReadRequest::Artifact(artifact_of(&package, &version, file))
        }
        ["search.json"] => return Ok(Call::Search(search(request.query))),
        ["list.json"] => return Ok(Call::Search(list(request.query))),
        _ => return Err(no_such_path()),
    };
    Ok(Call::Read(read))
}

/// The archive of a version in the file of this name.
pub(super) fn artifact_of(package: &str, version: &str, file: &str) -> Artifact {
    Artifact::new(package, Some(version.into()), path_of(version, file))
}

fn name_of(vendor: &str, project: &str) -> Result<String, Problem> {
    let name = format!("{vendor}/{project}");
    if is_name(&name) {
        Ok(canonical(&name))
    } else {
        Err(no_such_path())
    }
}

/// Text of a client without what nobody searches for.
fn words(text: Option<String>) -> Box<str> {
    let text = text.unwrap_or_default();
    let text = text.trim().chars().filter(|char| !char.is_control());
    text.take(MAX_SEARCH_CHARS).collect::<String>().into()
}

/// Parses the query of a search.
fn search(query: &str) -> SearchRequest {
    let kind = words(query_value(query, "type"));
    let scope = if kind.is_empty() {
        Box::default()
    } else {
        format!("{TYPE}{kind}").into()
    };
    SearchRequest {
        text: words(query_value(query, "q")),
        size: MAX_RESULTS,
        from: 0,
        scope,
    }
}

/// Parses the query of a list of names.
fn list(query: &str) -> SearchRequest {
    let vendor = words(query_value(query, "vendor"));
    let mut filter = words(query_value(query, "filter"));
    if filter.is_empty() && !vendor.is_empty() {
        filter = format!("{vendor}/*").into();
    }
    SearchRequest {
        text: filter,
        size: MAX_NAMES,
        from: 0,
        scope: NAMES.into(),
    }
}

/// Our own `packages.json`.
fn own_root(repo_url: &RepoUrl<'_>) -> Reply {
    let base = repo_url.base();
    let root = json!({
        "packages": [],
        "metadata-url": format!("{}/p2/%package%.json", repo_url.path),
        "search": format!("{base}/search.json?q=%query%&type=%type%"),
        "list": format!("{base}/list.json"),
        "notify-batch": format!("{base}/notify-batch"),
        "security-advisories": {
            "metadata": true,
            "api-url": format!("{base}/api/security-advisories"),
        },
    });
    Reply::new(StatusCode::OK).with_body(JSON, bytes(&root))
}

fn noted(_: &RepoUrl<'_>) -> Reply {
    Reply::new(StatusCode::OK).with_body(JSON, "{\"status\":\"success\"}")
}

/// The problem of a path that does not exist.
pub(super) fn no_such_path() -> Problem {
    Problem::new(
        Kind::NotFound,
        "path",
        "no such path in a Composer repository",
    )
}

#[cfg(test)]
mod tests;
