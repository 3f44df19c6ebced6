//! Python packages: index pages and files (packaging specifications, "Simple repository API").

mod names;
mod version;
mod link;
mod html;
mod page;
mod render;
mod list;
mod metadata;
mod distribution;
mod multipart;
mod form;
mod publish;
mod connect;

pub use publish::yanked;

use crate::connect::Client;
use crate::json::unreadable;
use crate::text::{self, not_that};
use crate::{
    Artifact, Document, Fetch, Integrity, Plan, Protocol, Publishing, ReadRequest, RepoRequest,
    RepoUrl, Representation, Source, Table,
};
use bytes::Bytes;
use larder_model::{Algorithm, Digest, Problem, ProtocolName, Reply};
use names::{is_file, is_project, normalised, version_of};
use page::{File, Hashes, Page};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::sync::Arc;

/// The protocol.
pub struct Pypi;

const NAME: ProtocolName = ProtocolName("pypi");
const JSON: Representation = representation("json", "application/vnd.pypi.simple.v1+json");
const HTML: Representation = representation("html", "application/vnd.pypi.simple.v1+html");
const TEXT: Representation = representation("text", "text/html; charset=utf-8");
const PROVENANCE: Representation = representation("", "application/vnd.pypi.integrity.v1+json");
/// Sizes and times are told in JSON only.
const ACCEPT_PAGE: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01";
const ACCEPT_PROVENANCE: &str = "application/vnd.pypi.integrity.v1+json, application/json; q=0.1";
/// The document that is the page of a project.
const PAGE: &str = "simple";
/// The document that is the list of all projects.
const PROJECTS: &str = "projects";
/// How the address of a file's metadata goes on.
const METADATA: &str = ".metadata";

/// A provenance, as far as it matters here.
#[derive(Deserialize)]
struct Provenance {
    #[serde(rename = "attestation_bundles")]
    _bundles: Vec<IgnoredAny>,
}

/// Links are relative to their page, so no form holds an address of this server.
const fn representation(name: &'static str, content_type: &'static str) -> Representation {
    Representation {
        name,
        content_type,
        has_absolute_urls: false,
        compressible: true,
    }
}

/// JSON for whoever wants it no less than HTML; of HTML the kind that every client reads, unless
/// the other is wanted more.
fn page_form(request: &RepoRequest<'_>) -> Representation {
    let json = request
        .wants(JSON.content_type)
        .max(request.wants("application/vnd.pypi.simple.latest+json"));
    let html = request
        .wants(HTML.content_type)
        .max(request.wants("application/vnd.pypi.simple.latest+html"));
    let text = ["text/html", "text/*", "*/*"]
        .into_iter()
        .map(|range| request.wants(range))
        .find(|wanted| *wanted > 0);
    let text = text.unwrap_or_default();
    match json {
        1.. if json >= html.max(text) => JSON,
        _ if html > text => HTML,
        _ => TEXT,
    }
}

fn page_of(project: &str) -> Document {
    Document::new(project, PAGE)
}

/// The names of a project and one of its files, if they can be such.
fn file_of(project: &str, file: &str) -> Option<Artifact> {
    let base = file.strip_suffix(METADATA).unwrap_or(file);
    if !is_project(project) || !is_file(base) {
        return None;
    }
    let package = normalised(project);
    let version = version_of(&package, base).map(Into::into);
    Some(Artifact {
        package: package.into(),
        version,
        path: file.into(),
    })
}

fn provenance_of(project: &str, version: &str, file: &str) -> Option<Document> {
    let artifact = file_of(project, file)?;
    let path = format!("provenance/{version}/{file}");
    (artifact.version.as_deref() == Some(version)).then(|| Document::new(artifact.package, path))
}

/// What vouches for a file: its best digest.
fn integrity(hashes: &Hashes<'_>) -> Result<Integrity, Problem> {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let Some((name, hex)) = hashes.iter().find(|(name, _)| name == algorithm.name()) else {
            continue;
        };
        let digest: Result<Digest, _> = format!("{name}:{}", hex.to_ascii_lowercase()).parse();
        return digest
            .map(Integrity::Digest)
            .map_err(|error| not_that("a page with checksums").because(error));
    }
    Ok(Integrity::None)
}

/// The first document that a step asked for, once it was read; it is a page.
fn page_in<'a>(project: &str, known: &'a [Option<Bytes>]) -> Result<Option<Page<'a>>, Problem> {
    let Some(found) = known.first() else {
        return Ok(None);
    };
    let body = found
        .as_deref()
        .ok_or_else(|| Problem::not_found("project", format!("there is no project {project}")))?;
    Page::read(body).map(Some)
}

fn find<'p, 'a>(page: &'p Page<'a>, project: &str, file: &str) -> Result<&'p File<'a>, Problem> {
    page.find(file)
        .ok_or_else(|| Problem::not_found("file", format!("{project} has no file {file}")))
}

/// What is uploaded is not as it should be.
fn bad(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::invalid("upload", detail)
}

fn no_such_path() -> Problem {
    Problem::not_found("path", "no such path in a Python package index")
}

impl Protocol for Pypi {
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
        normalised(name).into()
    }

    fn parse(&self, request: &RepoRequest<'_>) -> Result<ReadRequest, Problem> {
        request.require_read()?;
        match request.parts().as_slice() {
            ["simple"] => Ok(ReadRequest::Moved("simple/".into())),
            ["simple", ""] => Ok(ReadRequest::Document(
                Document::new("", PROJECTS),
                page_form(request),
            )),
            ["simple", project, end @ ..] if is_project(project) && matches!(end, [] | [""]) => {
                let one = normalised(project);
                if one == *project && !end.is_empty() {
                    return Ok(ReadRequest::Document(page_of(&one), page_form(request)));
                }
                Ok(ReadRequest::Moved(format!("simple/{one}/").into()))
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
                "this index has no such API: ask simple/{project}/ for JSON",
            )),
            _ => Err(no_such_path()),
        }
    }

    fn probes(&self) -> &'static [&'static str] {
        &[""]
    }

    fn source(&self, document: &Document, known: &[Option<Bytes>]) -> Result<Source, Problem> {
        let project = &*document.package;
        let file = match &*document.path {
            PROJECTS => {
                return Ok(Source::At {
                    url: String::new(),
                    accept: ACCEPT_PAGE,
                });
            }
            PAGE => {
                return Ok(Source::At {
                    url: format!("{project}/"),
                    accept: ACCEPT_PAGE,
                });
            }
            path => {
                path.strip_prefix("provenance/")
                    .and_then(|path| path.split_once('/'))
                    .ok_or_else(no_such_path)?
                    .1
            }
        };
        let Some(page) = page_in(project, known)? else {
            return Ok(Source::Read(page_of(project)));
        };
        let Some(url) = &find(&page, project, file)?.provenance else {
            return Err(Problem::not_found(
                "provenance",
                format!("{file} has no provenance"),
            ));
        };
        Ok(Source::At {
            url: page.locate(project, url)?,
            accept: ACCEPT_PROVENANCE,
        })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<(), Problem> {
        match &*document.path {
            PROJECTS => list::check(body),
            PAGE => Page::read(body)?.check(&document.package),
            _ => match serde_json::from_slice::<Provenance>(body) {
                Ok(_) => Ok(()),
                Err(error) => Err(unreadable("a provenance", error)),
            },
        }
    }

    fn render(
        &self,
        document: &Document,
        representation: &Representation,
        body: &[u8],
        _: &RepoUrl<'_>,
    ) -> Result<Vec<u8>, Problem> {
        match (&*document.path, representation.name == JSON.name) {
            (PROJECTS, true) => list::json(body),
            (PROJECTS, false) => list::html(body),
            (PAGE, true) => render::json(&document.package, body),
            (PAGE, false) => render::html(&document.package, body),
            _ => Ok(body.to_vec()),
        }
    }

    fn plan(
        &self,
        artifact: &Artifact,
        known: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        let (project, path) = (&*artifact.package, &*artifact.path);
        let Some(page) = page_in(project, known)? else {
            return Ok(Plan::Read(page_of(project)));
        };
        if let (None, Some(base)) = (page.find(path), path.strip_suffix(METADATA)) {
            let file = find(&page, project, base)?;
            let Some(hashes) = &file.metadata else {
                return Err(Problem::not_found(
                    "metadata",
                    format!("the index offers no metadata of {base}"),
                ));
            };
            let url = page.locate(project, &file.url)? + METADATA;
            return Ok(Plan::Fetch(Fetch {
                url,
                integrity: integrity(hashes)?,
                size: None,
            }));
        }
        let file = find(&page, project, path)?;
        let url = page.locate(project, &file.url)?;
        Ok(Plan::Fetch(Fetch {
            url,
            integrity: integrity(&file.hashes)?,
            size: file.size,
        }))
    }

    fn content_type(&self, artifact: &Artifact) -> &'static str {
        if artifact.path.ends_with(METADATA) {
            "text/plain; charset=utf-8"
        } else {
            "application/octet-stream"
        }
    }

    fn refuse(&self, problem: &Problem, _: &RepoUrl<'_>) -> Reply {
        text::refuse(problem)
    }
}

#[cfg(test)]
mod archive_tests;
#[cfg(test)]
mod publish_tests;
#[cfg(test)]
mod tests;
