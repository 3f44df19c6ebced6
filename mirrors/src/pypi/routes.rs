//! Paths of an index: pages, files, provenances (packaging specifications, "Simple repository
//! API" and "Index hosted attestations"), and uploads.

use super::attestations;
use super::list::PROJECTS;
use super::multipart::boundary;
use super::names::{METADATA, is_file, is_project, normalised, version_of};
use super::page::page_of;
use super::publish::upload;
use crate::resource::{Artifact, Document, ReadRequest, Representation};
use crate::{Call, RepoRequest};
use http::Method;
use http::header::CONTENT_TYPE;
use larder_model::Problem;

pub(super) const JSON: Representation =
    representation("json", "application/vnd.pypi.simple.v1+json");
pub(super) const HTML: Representation =
    representation("html", "application/vnd.pypi.simple.v1+html");
pub(super) const TEXT: Representation = representation("text", "text/html; charset=utf-8");
pub(super) const PROVENANCE: Representation = representation("", attestations::CONTENT_TYPE);

/// Links are relative to their page, so no representation contains URLs of this server.
const fn representation(name: &'static str, content_type: &'static str) -> Representation {
    Representation {
        name,
        content_type,
        has_absolute_urls: false,
        compressible: true,
    }
}

/// Parses a request.
pub(super) fn parse(request: &RepoRequest<'_>) -> Result<Call, Problem> {
    let parts = request.parts();
    if let (&Method::POST, ["legacy"] | ["legacy", ""]) = (request.method, parts.as_slice()) {
        let content_type = request.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let boundary = boundary(content_type.unwrap_or_default())?;
        return Ok(Call::Publish(upload(boundary)));
    }
    request.require_read()?;
    read(request, &parts).map(Call::Read)
}

fn read(request: &RepoRequest<'_>, parts: &[&str]) -> Result<ReadRequest, Problem> {
    match parts {
        ["simple"] => Ok(ReadRequest::Redirect("simple/".into())),
        ["simple", ""] => {
            let projects = Document::new("", PROJECTS);
            Ok(ReadRequest::Document(projects, page_format(request)))
        }
        ["simple", project, end @ ..] if is_project(project) && matches!(end, [] | [""]) => {
            let name = normalised(project);
            if name == *project && !end.is_empty() {
                return Ok(ReadRequest::Document(page_of(&name), page_format(request)));
            }
            Ok(ReadRequest::Redirect(format!("simple/{name}/").into()))
        }
        ["packages", project, file] => file_of(project, file)
            .map(ReadRequest::Artifact)
            .ok_or_else(no_such_path),
        ["integrity", project, version, file, "provenance"] => {
            let document = provenance_of(project, version, file).ok_or_else(no_such_path)?;
            Ok(ReadRequest::Document(document, PROVENANCE))
        }
        ["pypi", _, "json"] | ["pypi", _, _, "json"] => Err(Problem::not_found(
            "path",
            "this index does not have this API: request simple/{project}/ as JSON",
        )),
        _ => Err(no_such_path()),
    }
}

/// The representation that `Accept` prefers: JSON if its quality is not lower than that of HTML, and
/// `text/html` unless the newer type has a higher quality.
fn page_format(request: &RepoRequest<'_>) -> Representation {
    let wants = |media_type, latest| request.quality(media_type).max(request.quality(latest));
    let json = wants(JSON.content_type, "application/vnd.pypi.simple.latest+json");
    let html = wants(HTML.content_type, "application/vnd.pypi.simple.latest+html");
    let ranges = ["text/html", "text/*", "*/*"].into_iter();
    let text = ranges
        .map(|range| request.quality(range))
        .find(|wanted| *wanted > 0);
    let text = text.unwrap_or_default();
    match json {
        1.. if json >= html.max(text) => JSON,
        _ if html > text => HTML,
        _ => TEXT,
    }
}

/// A file of a project; `None` if they cannot have these names.
pub(super) fn file_of(project: &str, file: &str) -> Option<Artifact> {
    let base = file.strip_suffix(METADATA).unwrap_or(file);
    if !is_project(project) || !is_file(base) {
        return None;
    }
    let package = normalised(project);
    let version = version_of(&package, base).map(Into::into);
    Some(Artifact::new(package, version, file))
}

fn provenance_of(project: &str, version: &str, file: &str) -> Option<Document> {
    let artifact = file_of(project, file)?;
    let document = attestations::document_of(&artifact.package, file)?;
    (artifact.version.as_deref() == Some(version)).then_some(document)
}

/// The problem of a path that does not exist.
pub(super) fn no_such_path() -> Problem {
    Problem::not_found("path", "no such path in a Python package index")
}
