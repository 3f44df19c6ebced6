//! Images of other registries (distribution-spec, pull side): tags are documents, manifests by
//! digest and blobs are artifacts.

mod challenge;
mod media_type;
mod routes;
mod lists;
mod connect;
pub mod image;

pub use challenge::{Challenge, TokenRequest};
pub use lists::{ListPage, ListRequest};

use crate::connect::Client;
use crate::protocol::{Call, Digests, MediaTypes, Pages, Protocol, VersionKind};
use crate::resource::{Artifact, Document, Fetch, Named, Plan, ReadRequest, Source, Table};
use crate::text::{JSON, bad_document};
use crate::{Integrity, Names, RepoRequest, RepoUrl, releases};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};
use larder_model::image::hub_alias;
use larder_model::{
    Digest, FileKind, Kind, Problem, ProtocolName, Release, Reply, RepoKind, RepoName,
};
use lists::Lists;
use media_type::{ACCEPT as MANIFESTS, ManifestTypes};
use routes::{INDEX, REFERRERS_PATH, TAGS_PATH, absent, artifact};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use std::sync::Arc;

/// The protocol. Its paths begin with `/v2/`, so it is not in [`crate::all`].
pub struct Oci;

/// The header with a manifest's digest.
pub const DIGEST_HEADER: HeaderName = HeaderName::from_static("docker-content-digest");
/// The header with the version of the API.
pub const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

#[derive(Deserialize)]
struct Manifest {
    #[serde(rename = "schemaVersion")]
    schema_version: u32,
    signatures: Option<IgnoredAny>,
}

/// An error response (distribution-spec, "Error Codes").
#[derive(Deserialize)]
struct Errors {
    errors: Vec<ErrorItem>,
}

#[derive(Deserialize)]
struct ErrorItem {
    #[serde(default)]
    message: String,
}

impl Oci {
    /// The image's name in a path below `/v2`, for any of its endpoints.
    pub fn image_of(request: &RepoRequest<'_>) -> Option<String> {
        routes::image_of(request)
    }

    /// Parses a request for `image`, whose name is in the path below `/v2`.
    pub fn read_request(request: &RepoRequest<'_>, image: &str) -> Result<ReadRequest, Problem> {
        routes::parse(request, image)
    }

    /// The part of a list that a request for a document asks for; `None` if the document is no list.
    pub fn list_request(
        document: &Document,
        request: &RepoRequest<'_>,
    ) -> Result<Option<ListRequest>, Problem> {
        ListRequest::read(document, request.query)
    }
}

/// Names of images.
struct ImageNames;

impl Names for ImageNames {
    fn hub_alias<'a>(&self, mirror: &RepoName, package: &'a str) -> Option<&'a str> {
        hub_alias(mirror, package)
    }
}

/// Digests of manifests.
struct ManifestDigests;

impl Digests for ManifestDigests {
    fn header(&self) -> HeaderName {
        DIGEST_HEADER
    }

    fn alias(&self, document: &Document, digest: &Digest) -> Option<Artifact> {
        let is_tag = document.kind == FileKind::Tag;
        is_tag.then(|| artifact(&document.package, FileKind::Manifest, digest))
    }

    fn named_by(&self, manifest: &[u8]) -> Result<Vec<Named>, String> {
        let manifest = image::Manifest::read(manifest)?;
        let part = |kind: FileKind| {
            move |part: &image::Descriptor| Named::part(kind, part.digest.to_string())
        };
        let blobs = manifest.config.iter().chain(&manifest.layers);
        let children = manifest.manifests.iter().flatten();
        let subject = manifest.subject.iter().map(part(FileKind::Manifest));
        let subject = subject.map(|named| Named {
            is_subject: true,
            ..named
        });
        let parts = blobs.map(part(FileKind::Blob));
        Ok(parts
            .chain(children.map(part(FileKind::Manifest)))
            .chain(subject)
            .collect())
    }
}

impl Protocol for Oci {
    fn name(&self) -> ProtocolName {
        ProtocolName::OCI
    }

    fn parse(&self, request: &RepoRequest<'_>) -> Result<Call, Problem> {
        let image = routes::image_of(request).ok_or_else(absent)?;
        routes::parse(request, &image).map(Call::Read)
    }

    fn probes(&self) -> &'static [&'static str] {
        &["v2/"]
    }

    fn recognizes(&self, headers: &HeaderMap) -> bool {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        match text(CONTENT_TYPE) {
            _ if headers.contains_key(API_VERSION) => true,
            Some(media_type) => media_type.to_ascii_lowercase().contains("json"),
            None => text(CONTENT_LENGTH) == Some("0"),
        }
    }

    fn package_document(&self, package: &str) -> Option<Document> {
        Some(Document::new(package, TAGS_PATH))
    }

    fn source(&self, document: &Document, _: &[Option<Bytes>]) -> Result<Source, Problem> {
        let (image, path) = (&document.package, &document.path);
        if document.kind == FileKind::Tag {
            return Ok(Source::At {
                url: format!("v2/{image}/manifests/{path}"),
                accept: &MANIFESTS,
            });
        }
        if let Some(referrers) = path.strip_prefix(REFERRERS_PATH) {
            let digest = referrers.split('?').next().unwrap_or_default();
            return Ok(Source::At {
                url: format!("v2/{image}/referrers/{digest}"),
                accept: INDEX,
            });
        }
        // Some refuse to give more at once.
        Ok(Source::At {
            url: format!("v2/{image}/tags/list?n=1000"),
            accept: JSON,
        })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<usize, Problem> {
        if Lists.has(document) {
            return Lists
                .join(document, &[Bytes::copy_from_slice(body)])
                .map(|_| 0);
        }
        let manifest: Manifest =
            serde_json::from_slice(body).map_err(|_| bad_document("a manifest"))?;
        if manifest.schema_version != 2 || manifest.signatures.is_some() {
            return Err(bad_document(
                "a manifest of schema 2 (schema 1 is not supported)",
            ));
        }
        Ok(0)
    }

    fn plan(
        &self,
        artifact: &Artifact,
        _: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        let (image, digest) = (&artifact.package, &artifact.path);
        let integrity = Integrity::Digest(digest.parse().map_err(|_| absent())?);
        if artifact.kind == FileKind::Manifest {
            let url = format!("v2/{image}/manifests/{digest}");
            return Ok(Plan::Fetch(Fetch {
                accept: &MANIFESTS,
                ..Fetch::new(url, integrity)
            }));
        }
        let url = format!("v2/{image}/blobs/{digest}");
        Ok(Plan::Fetch(Fetch::new(url, integrity)))
    }

    fn content_type(&self, artifact: &Artifact) -> &'static str {
        if artifact.kind == FileKind::Manifest {
            ""
        } else {
            "application/octet-stream"
        }
    }

    fn refuse(&self, problem: &Problem, repo_url: &RepoUrl<'_>) -> Reply {
        let code = code_of(problem);
        let body = json!({"errors": [{"code": code, "message": problem.detail, "detail": null}]});
        let version = HeaderValue::from_static("registry/2.0");
        // Down to the order of its headers it is the answer for an image that nobody has.
        let reply = Reply::new(problem.status())
            .with_body(JSON, body.to_string())
            .with(API_VERSION, version);
        if problem.kind == Kind::Unauthenticated {
            return reply.with(WWW_AUTHENTICATE, challenge_of(repo_url));
        }
        reply
    }

    fn names(&self) -> &dyn Names {
        &ImageNames
    }

    /// No groups: a mirror has the name of its upstream's host.
    fn repo_kinds(&self) -> &'static [RepoKind] {
        &[RepoKind::Hosted, RepoKind::Mirror]
    }

    fn version_kind(&self) -> VersionKind {
        VersionKind::Tag
    }

    fn releases(&self, versions: &[&str]) -> Vec<Option<Release>> {
        releases::tags(versions)
    }

    fn token_scope<'a>(&self, package: &'a str) -> Option<&'a str> {
        Some(package)
    }

    fn pages(&self) -> Option<&dyn Pages> {
        Some(&Lists)
    }

    fn media_types(&self) -> Option<&dyn MediaTypes> {
        Some(&ManifestTypes)
    }

    fn sentence(&self, body: &[u8]) -> Option<String> {
        let errors: Errors = serde_json::from_slice(body).ok()?;
        let mut said = errors.errors.into_iter().map(|error| error.message);
        said.find(|sentence| !sentence.is_empty())
    }

    fn tells_limits(&self) -> bool {
        true
    }

    fn digests(&self) -> Option<&dyn Digests> {
        Some(&ManifestDigests)
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }
}

/// The code of a problem (distribution-spec, "Error Codes").
fn code_of(problem: &Problem) -> &'static str {
    match (problem.kind, problem.about) {
        (Kind::NotFound, "blob") => "BLOB_UNKNOWN",
        (Kind::NotFound, "repository") => "NAME_UNKNOWN",
        // A mirror that may not be read looks like none.
        (Kind::NotFound, "name") if problem.refused => "NAME_UNKNOWN",
        (Kind::NotFound, _) => "MANIFEST_UNKNOWN",
        (Kind::Unauthenticated, _) => "UNAUTHORIZED",
        (Kind::Denied | Kind::Policy | Kind::UpstreamPolicy | Kind::Quota | Kind::Offline, _) => {
            "DENIED"
        }
        (Kind::Invalid, "digest") => "DIGEST_INVALID",
        (Kind::Unsupported | Kind::Method, _) => "UNSUPPORTED",
        (Kind::TooMany, _) => "TOOMANYREQUESTS",
        (Kind::Internal | Kind::Damaged, _) => "UNKNOWN",
        _ => "UNAVAILABLE",
    }
}

/// The challenge with our token endpoint (Docker's token authentication).
fn challenge_of(repo_url: &RepoUrl<'_>) -> String {
    let origin = repo_url.origin;
    let service = origin.split_once("://").map_or(origin, |(_, host)| host);
    let mut challenge = format!("Bearer realm=\"{origin}/v2/token\",service=\"{service}\"");
    let scope = repo_url.path.strip_prefix("/v2/").unwrap_or_default();
    if !scope.is_empty() {
        challenge.push_str(&format!(",scope=\"repository:{scope}:pull\""));
    }
    challenge
}

#[cfg(test)]
mod tests;
