//! Python packages: index pages and files (packaging specifications, "Simple repository API").

mod names;
mod version;
mod link;
mod html;
mod page;
mod outline;
mod render;
mod list;
mod metadata;
mod distribution;
mod multipart;
mod form;
mod attestations;
mod publish;
mod routes;
mod copying;
mod about;
mod connect;

use crate::connect::Client;
use crate::protocol::{Call, Outlines, Protocol};
use crate::releases::ranked;
use crate::resource::{Artifact, Document, Plan, RenderRequest, Source, Table};
use crate::text::{self, PLAIN_TEXT};
use crate::{Copying, Describing, Names, Publishing, Rendering, RepoRequest, RepoUrl};
use bytes::Bytes;
use larder_model::{Problem, ProtocolName, Release, Reply};
use list::PROJECTS;
use names::{METADATA, normalised};
use outline::Outline;
use page::{File, PAGE, Page, page_of};
use routes::{JSON, no_such_path};
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

    fn names_all_files(&self) -> bool {
        true
    }

    fn package_document(&self, package: &str) -> Option<Document> {
        Some(page_of(package))
    }

    fn is_catalog(&self, document: &Document) -> bool {
        &*document.path == PROJECTS
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
        let file = attestations::file_of(&document.path).ok_or_else(no_such_path)?;
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
            _ => attestations::check_document(body).map(|()| 0),
        }
    }

    fn render(&self, request: &RenderRequest<'_>, body: &[u8]) -> Result<Rendering, Problem> {
        let Document { package, path, .. } = request.document;
        let rendered = match (&**path, request.representation.name == JSON.name) {
            (PROJECTS, true) => Ok(list::json(body)),
            (PROJECTS, false) => list::html(body),
            (PAGE, true) => render::json(package, body),
            (PAGE, false) => render::html(package, body),
            _ => Ok(body.to_vec()),
        };
        rendered.map(Rendering::from)
    }

    fn plan(
        &self,
        artifact: &Artifact,
        _: &[Option<Bytes>],
        tables: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        let (project, path) = (&*artifact.package, &*artifact.path);
        let Some(outline) = tables.first() else {
            return Ok(Plan::Outline(page_of(project)));
        };
        if let Some(fetch) = outline.find("", path) {
            return Ok(Plan::Fetch(fetch));
        }
        let absent = || Problem::not_found("file", format!("{project} has no file {path}"));
        Err(outline.flaw(path).unwrap_or_else(absent))
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

    fn outlines(&self) -> Option<&'static dyn Outlines> {
        Some(&PageOutlines)
    }

    fn copying(&self) -> Option<&dyn Copying> {
        Some(&copying::DistributionCopies)
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }
}

struct PageOutlines;

impl Outlines for PageOutlines {
    fn outline(&self, document: &Document, body: &[u8]) -> Result<Arc<dyn Table>, Problem> {
        Ok(Arc::new(Outline::read(&document.package, body)?))
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
