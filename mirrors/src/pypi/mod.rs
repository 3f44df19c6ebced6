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
mod routes;
mod copying;
mod about;
mod connect;

use crate::connect::Client;
use crate::json::unreadable;
use crate::protocol::{Call, Protocol};
use crate::releases::ranked;
use crate::resource::{Artifact, Document, Fetch, Plan, RenderRequest, Source, Table};
use crate::text::{self, PLAIN_TEXT};
use crate::{Copying, Describing, Names, Publishing, RepoRequest, RepoUrl};
use bytes::Bytes;
use larder_model::{Problem, ProtocolName, Release, Reply};
use list::PROJECTS;
use names::{METADATA, normalised};
use page::{File, PAGE, Page, integrity, page_of};
use routes::{JSON, no_such_path};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::sync::Arc;
use version::Version;

/// The protocol.
pub struct Pypi;

/// Sizes and times are in JSON only.
const ACCEPT_PAGE: &str = "application/vnd.pypi.simple.v1+json, \
    application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01";
const ACCEPT_PROVENANCE: &str = "application/vnd.pypi.integrity.v1+json, application/json; q=0.1";

/// Names of projects, which have many spellings.
struct ProjectNames;

impl Names for ProjectNames {
    fn canonical<'a>(&self, name: &'a str) -> Cow<'a, str> {
        normalised(name).into()
    }
}

/// The fields of a provenance that this module needs.
#[derive(Deserialize)]
struct Provenance {
    #[serde(rename = "attestation_bundles")]
    _bundles: Vec<IgnoredAny>,
}

impl Protocol for Pypi {
    fn name(&self) -> ProtocolName {
        ProtocolName("pypi")
    }

    fn parse(&self, request: &RepoRequest<'_>) -> Result<Call, Problem> {
        routes::parse(request)
    }

    fn probes(&self) -> &'static [&'static str] {
        &[""]
    }

    fn package_document(&self, package: &str) -> Option<Document> {
        Some(page_of(package))
    }

    fn source(&self, document: &Document, known: &[Option<Bytes>]) -> Result<Source, Problem> {
        let project = &*document.package;
        let page = |url| Source::At {
            url,
            accept: ACCEPT_PAGE,
        };
        match &*document.path {
            PROJECTS => return Ok(page(String::new())),
            PAGE => return Ok(page(format!("{project}/"))),
            _ => {}
        }
        let path = document.path.strip_prefix("provenance/");
        let path = path.and_then(|path| path.split_once('/'));
        let (_, file) = path.ok_or_else(no_such_path)?;
        let Some(page) = page_in(project, known)? else {
            return Ok(Source::Read(page_of(project)));
        };
        let Some(url) = &find(&page, project, file)?.provenance else {
            let detail = format!("{file} has no provenance");
            return Err(Problem::not_found("provenance", detail));
        };
        Ok(Source::At {
            url: page.locate(project, url)?,
            accept: ACCEPT_PROVENANCE,
        })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<usize, Problem> {
        match &*document.path {
            PROJECTS => list::check(body),
            PAGE => Page::read(body)?.check(&document.package),
            _ => serde_json::from_slice::<Provenance>(text::without_bom(body))
                .map(|_| 0)
                .map_err(|error| unreadable("a provenance", error)),
        }
    }

    fn render(&self, request: &RenderRequest<'_>, body: &[u8]) -> Result<Vec<u8>, Problem> {
        let Document { package, path, .. } = request.document;
        match (&**path, request.representation.name == JSON.name) {
            (PROJECTS, true) => Ok(list::json(body)),
            (PROJECTS, false) => list::html(body),
            (PAGE, true) => render::json(package, body),
            (PAGE, false) => render::html(package, body),
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
                let detail = format!("the index has no metadata of {base}");
                return Err(Problem::not_found("metadata", detail));
            };
            let url = page.locate(project, &file.url)? + METADATA;
            return Ok(Plan::Fetch(Fetch::new(url, integrity(hashes)?)));
        }
        let file = find(&page, project, path)?;
        let url = page.locate(project, &file.url)?;
        let fetch = Fetch::new(url, integrity(&file.hashes)?);
        Ok(Plan::Fetch(fetch.with_size(file.size)))
    }

    fn is_download(&self, artifact: &Artifact) -> bool {
        !artifact.path.ends_with(METADATA)
    }

    fn content_type(&self, artifact: &Artifact) -> &'static str {
        if artifact.path.ends_with(METADATA) {
            PLAIN_TEXT
        } else {
            "application/octet-stream"
        }
    }

    fn refuse(&self, problem: &Problem, _: &RepoUrl<'_>) -> Reply {
        text::plain_problem(problem)
    }

    fn names(&self) -> &dyn Names {
        &ProjectNames
    }

    fn releases(&self, versions: &[&str]) -> Vec<Option<Release>> {
        ranked(versions, Version::numbered, Version::cmp)
    }

    fn publishing(&self) -> Option<&dyn Publishing> {
        Some(&publish::Distributions)
    }

    fn describing(&self) -> Option<&dyn Describing> {
        Some(&about::ProjectAbouts)
    }

    fn copying(&self) -> Option<&dyn Copying> {
        Some(&copying::DistributionCopies)
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }
}

/// The page that an earlier call asked for; `None` if none was read yet.
fn page_in<'a>(project: &str, known: &'a [Option<Bytes>]) -> Result<Option<Page<'a>>, Problem> {
    let Some(found) = known.first() else {
        return Ok(None);
    };
    let absent = || Problem::not_found("project", format!("there is no project {project}"));
    let body = found.as_deref().ok_or_else(absent)?;
    Page::read(body).map(Some)
}

fn find<'p, 'a>(page: &'p Page<'a>, project: &str, file: &str) -> Result<&'p File<'a>, Problem> {
    page.find(file)
        .ok_or_else(|| Problem::not_found("file", format!("{project} has no file {file}")))
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
