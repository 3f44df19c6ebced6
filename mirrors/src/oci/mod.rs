//! Images of other registries (distribution-spec, pull side): tags are documents, manifests by
//! digest and blobs are artifacts.

mod challenge;
mod connect;

pub use challenge::Challenge;

use crate::connect::Client;
use crate::text::not_that;
use crate::{
    Artifact, Document, Fetch, Integrity, Plan, Protocol, ReadRequest, RepoRequest, RepoUrl,
    Representation, Source, Table,
};
use bytes::Bytes;
use http::Method;
use http::header::{HeaderName, WWW_AUTHENTICATE};
use larder_model::{Digest, Kind, Problem, ProtocolName, Reference, Reply};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// The protocol. Its addresses begin with `/v2/`, so it is not among the file protocols.
pub struct Oci;

/// Manifests in all forms that are in use, the newest first; schema 1 is left out on purpose.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// A manifest as it came, with the media type that it came with.
const AS_IT_CAME: Representation = Representation {
    name: "",
    content_type: "",
    has_absolute_urls: false,
    compressible: false,
};
const REFERRERS: Representation = Representation {
    name: "",
    content_type: INDEX,
    has_absolute_urls: false,
    compressible: false,
};
const TAGS: Representation = Representation {
    name: "",
    content_type: "application/json",
    has_absolute_urls: false,
    compressible: true,
};
/// The header that tells a manifest's digest.
pub const DIGEST_HEADER: HeaderName = HeaderName::from_static("docker-content-digest");

#[derive(Deserialize)]
struct Manifest<'a> {
    #[serde(rename = "schemaVersion")]
    schema_version: u32,
    #[serde(borrow, default)]
    signatures: Option<&'a serde_json::value::RawValue>,
}

fn absent() -> Problem {
    Problem::not_found(
        "manifest",
        "no such path in the registry API, or no such image",
    )
}

fn document(image: &str, path: String, form: Representation) -> ReadRequest {
    ReadRequest::Document(Document::new(image, path), form)
}

fn artifact(image: &str, path: String) -> ReadRequest {
    ReadRequest::Artifact(Artifact {
        package: image.into(),
        version: None,
        path: path.into(),
    })
}

/// What is asked of an image: the segments after its name.
fn ask(image: &str, rest: &[&str], query: &str) -> Result<ReadRequest, Problem> {
    let digest = |text: &str| {
        text.parse::<Digest>()
            .map_err(|error| Problem::invalid("digest", error.to_string()))
    };
    match rest {
        ["manifests", reference] => match reference.parse() {
            Ok(Reference::Tag(tag)) => Ok(document(image, format!("tags/{tag}"), AS_IT_CAME)),
            Ok(Reference::Digest(digest)) => Ok(artifact(image, format!("manifests/{digest}"))),
            Err(error) if reference.contains(':') => Err(Problem::invalid("digest", error.0)),
            Err(error) => Err(Problem::not_found("manifest", error.0)),
        },
        ["blobs", text] => Ok(artifact(image, format!("blobs/{}", digest(text)?))),
        ["tags", "list"] => Ok(document(image, "lists/tags".to_owned(), TAGS)),
        ["referrers", text] => {
            let kind = crate::text::query_value(query, "artifactType").unwrap_or_default();
            let kind: String = kind
                .chars()
                .filter(char::is_ascii_graphic)
                .take(200)
                .collect();
            Ok(document(
                image,
                format!("referrers/{}?{kind}", digest(text)?),
                REFERRERS,
            ))
        }
        _ => Err(absent()),
    }
}

/// How many of the last segments of a path are not the image's name.
fn verb(parts: &[&str]) -> Option<usize> {
    match parts {
        [_, .., "tags", "list"] | [_, .., "manifests" | "blobs" | "referrers", _] => Some(2),
        _ => None,
    }
}

impl Oci {
    /// The image's name in a path below `/v2`, whatever is asked of it.
    pub fn image_of(line: &RepoRequest<'_>) -> Option<String> {
        let parts = line.parts();
        let name = &parts[..parts.len() - verb(&parts)?];
        Some(name.join("/"))
    }

    /// What is asked of `image`, which the path below `/v2` names.
    pub fn ask(line: &RepoRequest<'_>, image: &str) -> Result<ReadRequest, Problem> {
        if line.method != Method::GET && line.method != Method::HEAD {
            let detail = "this repository is a mirror: nothing is pushed to it or deleted from it";
            return Err(Problem::new(Kind::Unsupported, "method", detail));
        }
        let parts = line.parts();
        let count = verb(&parts).ok_or_else(absent)?;
        ask(image, &parts[parts.len() - count..], line.query)
    }
}

impl Protocol for Oci {
    fn name(&self) -> ProtocolName {
        ProtocolName::OCI
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }

    fn parse(&self, line: &RepoRequest<'_>) -> Result<ReadRequest, Problem> {
        let image = Self::image_of(line).ok_or_else(absent)?;
        Self::ask(line, &image)
    }

    fn probes(&self) -> &'static [&'static str] {
        &["v2/"]
    }

    fn source(&self, document: &Document, _: &[Option<Bytes>]) -> Result<Source, Problem> {
        let (image, path) = (&document.package, &document.path);
        if let Some(tag) = path.strip_prefix("tags/") {
            return Ok(Source::At {
                url: format!("v2/{image}/manifests/{tag}"),
                accept: MANIFESTS,
            });
        }
        if let Some((digest, kind)) = path
            .strip_prefix("referrers/")
            .and_then(|rest| rest.split_once('?'))
        {
            let kind = crate::text::query_encoded(kind);
            let filter = if kind.is_empty() {
                String::new()
            } else {
                format!("?artifactType={kind}")
            };
            return Ok(Source::At {
                url: format!("v2/{image}/referrers/{digest}{filter}"),
                accept: INDEX,
            });
        }
        Ok(Source::At {
            url: format!("v2/{image}/tags/list?n=10000"),
            accept: "application/json",
        })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<(), Problem> {
        if &*document.path == "lists/tags" {
            #[derive(Deserialize)]
            struct Tags {
                #[serde(rename = "tags")]
                _tags: Option<Vec<String>>,
            }
            return serde_json::from_slice::<Tags>(body)
                .map(drop)
                .map_err(|_| not_that("a list of tags"));
        }
        let manifest: Manifest<'_> =
            serde_json::from_slice(body).map_err(|_| not_that("a manifest"))?;
        if manifest.schema_version != 2 || manifest.signatures.is_some() {
            return Err(not_that(
                "a manifest of today: manifests of schema 1 are not served",
            ));
        }
        Ok(())
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
        _: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        let (_, digest) = artifact.path.split_once('/').ok_or_else(absent)?;
        let integrity = Integrity::Digest(digest.parse().map_err(|_| absent())?);
        Ok(Plan::Fetch(Fetch {
            url: format!("v2/{}/{}", artifact.package, artifact.path),
            integrity,
            size: None,
        }))
    }

    fn content_type(&self, artifact: &Artifact) -> &'static str {
        if artifact.path.starts_with("manifests/") {
            ""
        } else {
            "application/octet-stream"
        }
    }

    fn accepts(&self, artifact: &Artifact) -> &'static str {
        if artifact.path.starts_with("manifests/") {
            MANIFESTS
        } else {
            "*/*"
        }
    }

    fn digest_header(&self) -> Option<HeaderName> {
        Some(DIGEST_HEADER)
    }

    fn twin(&self, document: &Document, digest: &Digest) -> Option<Box<str>> {
        document
            .path
            .starts_with("tags/")
            .then(|| format!("manifests/{digest}").into())
    }

    fn refuse(&self, problem: &Problem, repo_url: &RepoUrl<'_>) -> Reply {
        let status = problem.status();
        let code = match (problem.kind, problem.about) {
            (Kind::NotFound, "blob") => "BLOB_UNKNOWN",
            (Kind::NotFound, "repository") => "NAME_UNKNOWN",
            (Kind::NotFound, _) => "MANIFEST_UNKNOWN",
            (Kind::Unauthenticated, _) => "UNAUTHORIZED",
            (Kind::Denied | Kind::Policy, _) => "DENIED",
            (Kind::Invalid, "digest") => "DIGEST_INVALID",
            (Kind::Unsupported | Kind::Method, _) => "UNSUPPORTED",
            (Kind::TooMany, _) => "TOOMANYREQUESTS",
            (Kind::Internal, _) => "UNKNOWN",
            _ => "UNAVAILABLE",
        };
        let body = json!({"errors": [{"code": code, "message": problem.detail, "detail": null}]});
        let reply = Reply::new(status).with_body("application/json", body.to_string());
        if problem.kind != Kind::Unauthenticated {
            return reply;
        }
        let (base, service) = (
            repo_url.origin,
            repo_url
                .origin
                .split_once("://")
                .map_or(repo_url.origin, |(_, host)| host),
        );
        let scope = repo_url.path.strip_prefix("/v2/").unwrap_or_default();
        let mut challenge = format!("Bearer realm=\"{base}/v2/token\",service=\"{service}\"");
        if !scope.is_empty() {
            challenge.push_str(&format!(",scope=\"repository:{scope}:pull\""));
        }
        reply.with(WWW_AUTHENTICATE, challenge)
    }
}

#[cfg(test)]
mod tests;
