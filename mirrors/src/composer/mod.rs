//! PHP packages: metadata, archives, search, advisories, and publishing of zip files (Composer's
//! "Repositories"; clients are Composer 2).
//!
//! A document of a package tells all of its versions with the addresses of their archives, which become
//! addresses of this server. Whether an upstream has a document for each package, or tells all of them in
//! its root as old ones do, makes no difference to clients.

mod names;
mod version;
mod dist;
mod origin;
mod metadata;
mod root;
mod manifest;
mod published;
mod publish;
mod advisories;
mod routes;
mod search;
mod copying;
mod about;
mod connect;

use crate::connect::Client;
use crate::protocol::{Call, Protocol, check_then_render};
use crate::resource::{Artifact, Document, Plan, RenderRequest, Source, Table};
use crate::text::JSON;
use crate::{Copying, Describing, Names, Publishing, Rendering, RepoRequest, RepoUrl, Search};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use larder_model::{Kind, Problem, ProtocolName, Release, Reply, RuleKind};
use metadata::{Metadata, document_of, has_branches};
use routes::no_such_path;
use serde_json::json;
use std::borrow::Cow;
use std::sync::Arc;

/// The protocol.
pub struct Composer;

/// Names that differ only in case are the same package.
struct PackageNames;

impl Names for PackageNames {
    fn canonical<'a>(&self, name: &'a str) -> Cow<'a, str> {
        names::canonical(name).into()
    }
}

impl Protocol for Composer {
    fn name(&self) -> ProtocolName {
        ProtocolName("composer")
    }

    fn parse(&self, request: &RepoRequest<'_>) -> Result<Call, Problem> {
        routes::parse(request)
    }

    fn probes(&self) -> &'static [&'static str] {
        &["packages.json"]
    }

    fn source(&self, document: &Document, known: &[Option<Bytes>]) -> Result<Source, Problem> {
        match has_branches(document) {
            Some(branches) => root::metadata_source((&document.package, branches), known),
            None => root::source(document, known),
        }
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<usize, Problem> {
        if has_branches(document).is_none() {
            return root::check(document, body).map(|()| 0);
        }
        Ok(Metadata::read(&document.package, body)?.passed_over)
    }

    fn render(&self, request: &RenderRequest<'_>, body: &[u8]) -> Result<Rendering, Problem> {
        let metadata = Metadata::read(&request.document.package, body)?;
        Ok(metadata.render(request, body.len() + body.len() / 4))
    }

    fn check_and_render(
        &self,
        request: &RenderRequest<'_>,
        body: &[u8],
    ) -> Result<(usize, Option<Rendering>), Problem> {
        if has_branches(request.document).is_none() {
            return check_then_render(self, request, body);
        }
        let metadata = Metadata::read(&request.document.package, body)?;
        let rendered = metadata.render(request, body.len() + body.len() / 4);
        Ok((metadata.passed_over, Some(rendered)))
    }

    fn plan(
        &self,
        artifact: &Artifact,
        known: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        plan(artifact, known)
    }

    fn content_type(&self, artifact: &Artifact) -> &'static str {
        if artifact.path.ends_with(".zip") {
            publish::ZIP
        } else {
            "application/octet-stream"
        }
    }

    fn refuse(&self, problem: &Problem, repo_url: &RepoUrl<'_>) -> Reply {
        refuse(problem, repo_url)
    }

    fn asks_by_date(&self) -> bool {
        true
    }

    fn beside(&self, document: &Document) -> Vec<Document> {
        let other =
            has_branches(document).map(|branches| document_of(&document.package, !branches));
        other.into_iter().collect()
    }

    fn can_begin(&self, artifact: &Artifact, first: &[u8]) -> bool {
        dist::can_begin(&artifact.path, first)
    }

    fn names(&self) -> &dyn Names {
        &PackageNames
    }

    fn releases(&self, versions: &[&str]) -> Vec<Option<Release>> {
        version::releases(versions)
    }

    fn package_document(&self, package: &str) -> Option<Document> {
        Some(document_of(package, false))
    }

    fn publishing(&self) -> Option<&dyn Publishing> {
        Some(&publish::Packages)
    }

    fn sources(&self) -> Option<ProtocolName> {
        Some(crate::git::NAME)
    }

    fn copying(&self) -> Option<&dyn Copying> {
        Some(&copying::PackageCopies)
    }

    fn describing(&self) -> Option<&dyn Describing> {
        Some(&about::PackageAbouts)
    }

    fn search(&self) -> Option<&dyn Search> {
        Some(&search::PackageSearch)
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }
}

/// How the archive of a version is got: as the metadata of the package has it.
fn plan(artifact: &Artifact, known: &[Option<Bytes>]) -> Result<Plan, Problem> {
    let (package, version) = (&*artifact.package, artifact.version.as_deref());
    let (version, file) = version
        .zip(artifact.path.rsplit('/').next())
        .ok_or_else(no_such_path)?;
    let mut commits = None;
    for (at, branches) in metadata::documents_for(version).iter().enumerate() {
        let Some(found) = known.get(at) else {
            return Ok(Plan::Read(document_of(package, *branches)));
        };
        let Some(body) = found else { continue };
        let metadata = Metadata::read(package, body)?;
        let all = metadata.versions.iter().filter_map(|entry| {
            let is_it = entry
                .version()
                .is_some_and(|own| metadata::is_same(&own, version));
            entry.dist().filter(|_| is_it)
        });
        for dist in all {
            if dist.file() == file {
                return Ok(Plan::Fetch(dist.fetch()));
            }
            commits = commits.or_else(|| dist.fetch_of_commit(file));
        }
    }
    commits.map(Plan::Fetch).ok_or_else(|| {
        let detail = format!("package {package} has no archive {file} of version {version}");
        Problem::not_found("archive", detail)
    })
}

/// A problem as Composer prints it: a text in `warning`, but of what is not there, which it asks for
/// again and again on its way to what is.
fn refuse(problem: &Problem, repo_url: &RepoUrl<'_>) -> Reply {
    let is_absent = problem.kind == Kind::NotFound;
    let key = if is_absent { "message" } else { "warning" };
    let mut body = json!({"status": "error", key: problem.detail});
    // Composer reads the metadata of every package that any version of another one needs, and stops at
    // the first that is refused. A blocked package is one without versions: what does without it goes
    // on, nobody looks for it in another repository, and the text says why.
    let blocked = problem.ruling.as_deref();
    let blocked = blocked.filter(|ruling| ruling.rule == RuleKind::Block);
    if let Some(package) = blocked.and_then(|ruling| ruling.package.as_deref())
        && repo_url.rest.starts_with("/p2/")
    {
        body["packages"] = json!({package: []});
        let reply = Reply::new(StatusCode::OK).with_body(JSON, line(&body));
        return reply.with(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    }
    let reply = Reply::new(problem.status()).with_body(JSON, line(&body));
    if problem.kind == Kind::Unauthenticated {
        return reply.with(WWW_AUTHENTICATE, "Basic realm=\"larder\"");
    }
    reply
}

/// A value as a line, for whoever publishes reads it in a shell.
fn line(body: &serde_json::Value) -> String {
    format!("{body}\n")
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
