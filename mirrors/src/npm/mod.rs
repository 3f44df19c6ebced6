//! JavaScript packages: packuments, tarballs, and the other requests of npm, pnpm, yarn and bun
//! (npm's "Package Metadata" and "Public Registry API").

mod names;
mod packument;
mod dist;
mod outline;
mod tarball;
mod fields;
mod manifest;
mod published;
mod search;
mod body;
mod provenance;
mod publication;
mod copying;
mod about;
mod unpublish;
mod publish;
mod advisories;
mod routes;
mod account;
mod connect;

use crate::connect::Client;
use crate::json::{self, Object, unreadable};
use crate::names::Names;
use crate::protocol::{Call, Outlines, Protocol, check_then_render};
use crate::resource::{Artifact, Document, Plan, RenderRequest, Representation, Source, Table};
use crate::text::{JSON, bad_document, segment, without_bom};
use crate::{Accounts, Copying, Describing, Publishing, Rendering, RepoRequest, RepoUrl, Search};
use bytes::Bytes;
use http::header::{HeaderName, WWW_AUTHENTICATE};
use larder_model::{Kind, Problem, ProtocolName, Reply};
use outline::Outline;
use packument::{PACKUMENT, Packument, TarballUrls, packument_of, version};
use routes::{ABBREVIATED, KEYS, TAGS, no_such_path};
use serde_json::json;
use std::borrow::Cow;
use std::sync::Arc;

/// What npm prints as a notice (npm's `npm-registry-fetch`).
const NOTICE: HeaderName = HeaderName::from_static("npm-notice");

/// Old packages have names that differ from others in case alone. Nobody publishes such any more, so
/// a name that is published here, or blocked, stands for all of its spellings.
struct NpmNames;

impl Names for NpmNames {
    fn claimed<'a>(&self, canonical: &'a str) -> Cow<'a, str> {
        if canonical.bytes().any(|byte| byte.is_ascii_uppercase()) {
            canonical.to_ascii_lowercase().into()
        } else {
            canonical.into()
        }
    }
}

/// The protocol.
pub struct Npm;

/// A package's name for a URL of an upstream: the slash after its scope is encoded.
fn encoded_name(package: &str) -> String {
    segment(package).replace("%2F", "%2f")
}

impl Protocol for Npm {
    fn name(&self) -> ProtocolName {
        ProtocolName("npm")
    }

    fn parse(&self, request: &RepoRequest<'_>) -> Result<Call, Problem> {
        routes::parse(request)
    }

    fn names(&self) -> &dyn Names {
        &NpmNames
    }

    fn probes(&self) -> &'static [&'static str] {
        &["-/ping", ""]
    }

    fn names_all_files(&self) -> bool {
        true
    }

    fn package_document(&self, package: &str) -> Option<Document> {
        Some(packument_of(package))
    }

    fn source(&self, document: &Document, _: &[Option<Bytes>]) -> Result<Source, Problem> {
        let package = encoded_name(&document.package);
        let url = match &*document.path {
            PACKUMENT => package,
            KEYS => "-/npm/v1/keys".to_owned(),
            path => {
                let version = path.strip_prefix("attestations/");
                let version = segment(version.ok_or_else(no_such_path)?);
                format!("-/npm/v1/attestations/{package}@{version}")
            }
        };
        Ok(Source::At { url, accept: JSON })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<usize, Problem> {
        let (field, what) = match &*document.path {
            PACKUMENT => return Packument::read(body)?.check(&document.package),
            KEYS => ("keys", "a list of keys"),
            _ => ("attestations", "a list of attestations"),
        };
        let object: Object<'_> =
            serde_json::from_slice(without_bom(body)).map_err(|error| unreadable(what, error))?;
        let list = object.raw(field);
        if list.is_some_and(|value| value.get().starts_with('[')) {
            return Ok(0);
        }
        Err(bad_document(what))
    }

    fn render(&self, request: &RenderRequest<'_>, body: &[u8]) -> Result<Rendering, Problem> {
        let package = &request.document.package;
        let urls = TarballUrls::new(request, package);
        if let Some(part) = request.part {
            return version(part, body, &urls);
        }
        packument_as(
            request.representation,
            (&Packument::read(body)?, body),
            &urls,
        )
    }

    fn check_and_render(
        &self,
        request: &RenderRequest<'_>,
        body: &[u8],
    ) -> Result<(usize, Option<Rendering>), Problem> {
        let Document { package, path, .. } = request.document;
        if &**path != PACKUMENT {
            return check_then_render(self, request, body);
        }
        let packument = Packument::read(body)?;
        let passed_over = packument.check(package)?;
        let urls = TarballUrls::new(request, package);
        let rendered = packument_as(request.representation, (&packument, body), &urls);
        Ok((passed_over, rendered.ok()))
    }

    fn plan(
        &self,
        artifact: &Artifact,
        _: &[Option<Bytes>],
        tables: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        let package = &artifact.package;
        let Some(outline) = tables.first() else {
            return Ok(Plan::Outline(packument_of(package)));
        };
        let fetch = outline.find("", &artifact.path).map(Plan::Fetch);
        fetch.ok_or_else(|| {
            let file = artifact.path.trim_start_matches("-/");
            Problem::not_found("tarball", format!("package {package} has no {file}"))
        })
    }

    fn content_type(&self, _: &Artifact) -> &'static str {
        "application/octet-stream"
    }

    fn refuse(&self, problem: &Problem, _: &RepoUrl<'_>) -> Reply {
        let body = json::bytes(&json!({"error": problem.detail}));
        let mut reply = Reply::new(problem.status()).with_body(JSON, body);
        // npm prints it by itself, whatever else it makes of the answer.
        if !problem.see().is_empty() {
            reply = reply.with(NOTICE, problem.line());
        }
        // A refused login goes without a challenge: npm prints either that or the message.
        if problem.kind == Kind::Unauthenticated {
            // If npm recognizes the challenge's scheme, it prints the challenge and not our
            // message. It compares case-sensitively, but schemes are case-insensitive (RFC 9110
            // 11.1): with `bearer` it prints the message. The description is that of RFC 6750 3.
            let detail: String = problem.detail.replace(['"', '\\'], "");
            let challenge = format!("bearer realm=\"larder\", error_description=\"{detail}\"");
            return reply.with(WWW_AUTHENTICATE, challenge);
        }
        reply
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

    fn search(&self) -> Option<&dyn Search> {
        Some(&search::PackageSearch)
    }

    fn accounts(&self) -> Option<&dyn Accounts> {
        Some(&account::UserAccounts)
    }

    fn outlines(&self) -> Option<&'static dyn Outlines> {
        Some(&PackumentOutlines)
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }
}

struct PackumentOutlines;

/// A representation of a packument, which was read in `body`.
fn packument_as(
    representation: Representation,
    (packument, body): (&Packument<'_>, &[u8]),
    urls: &TarballUrls<'_>,
) -> Result<Rendering, Problem> {
    match representation.name {
        name if name == TAGS.name => Ok(packument.tags().as_bytes().to_vec().into()),
        name if name == ABBREVIATED.name => Ok(packument.abbreviated(body.len() / 2, urls)),
        _ => packument.full(body, urls),
    }
}

impl Outlines for PackumentOutlines {
    fn outline(&self, document: &Document, body: &[u8]) -> Result<Arc<dyn Table>, Problem> {
        Ok(Arc::new(Outline::read(&document.package, body)?))
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
