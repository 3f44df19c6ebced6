//! JavaScript packages: packuments, tarballs, and what npm, pnpm, yarn and bun ask beside them
//! (npm's "Package Metadata" and "Public Registry API").

mod names;
mod packument;
mod tarball;
mod manifest;
mod compose;
mod search;
mod body;
mod provenance;
mod advisories;
mod account;
mod publish;
mod connect;

use crate::connect::Client;
use crate::json::{self, Object, unreadable};
use crate::text::{self, not_that};
use crate::{
    Account, Artifact, Document, Plan, Protocol, Publishing, ReadRequest, RepoRequest, RepoUrl,
    Representation, Source, Table,
};
use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{Method, StatusCode};
use larder_model::{Kind, Problem, ProtocolName, Reply};
use names::{is_file, is_name, is_tag, is_version, version_of};
use packument::{Packument, TarballUrls};
use serde_json::json;

use std::sync::Arc;

/// The protocol.
pub struct Npm;

const NAME: ProtocolName = ProtocolName("npm");
const JSON: &str = "application/json";
const INSTALL: &str = "application/vnd.npm.install-v1+json";

const FULL: Representation = Representation {
    name: "full",
    content_type: JSON,
    has_absolute_urls: true,
    compressible: true,
};
const ABBREVIATED: Representation = Representation {
    name: "abbreviated",
    content_type: INSTALL,
    has_absolute_urls: true,
    compressible: true,
};
const VERSION: Representation = Representation {
    name: "version",
    content_type: JSON,
    has_absolute_urls: true,
    compressible: true,
};
const TAGS: Representation = Representation {
    name: "dist-tags",
    content_type: JSON,
    has_absolute_urls: false,
    compressible: true,
};
const AS_IT_CAME: Representation = Representation {
    name: "",
    content_type: JSON,
    has_absolute_urls: false,
    compressible: true,
};

const PACKUMENT: &str = "packument";
const KEYS: &str = "keys";

fn packument_of(package: &str) -> Document {
    Document::new(package, PACKUMENT)
}

fn nothing(_: &RepoUrl<'_>) -> Reply {
    Reply::new(StatusCode::OK).with_body(JSON, "{}")
}

fn no_such_path() -> Problem {
    Problem::not_found("path", "no such path in an npm registry")
}

fn unsupported(detail: &'static str) -> Problem {
    Problem::new(Kind::Unsupported, "method", detail)
}

/// A name in a request to the upstream: the slash of its scope is encoded.
fn encoded(package: &str) -> String {
    text::segment(package).replace("%2F", "%2f")
}

/// The name at the start of a path, which takes two segments if it has a scope, and what follows.
fn name_first<'a>(parts: &'a [&'a str]) -> Option<(String, &'a [&'a str])> {
    let (name, rest) = match parts {
        [scope, base, rest @ ..] if scope.starts_with('@') => (format!("{scope}/{base}"), rest),
        [name, rest @ ..] => ((*name).to_owned(), rest),
        [] => return None,
    };
    is_name(&name).then_some((name, rest))
}

fn tarball(package: &str, file: &str) -> Result<ReadRequest, Problem> {
    if !is_file(file) {
        return Err(no_such_path());
    }
    Ok(ReadRequest::Artifact(Artifact {
        package: package.into(),
        version: version_of(package, file).map(Into::into),
        path: format!("-/{file}").into(),
    }))
}

/// What is asked below a package's address.
fn below_package(parts: &[&str], representation: Representation) -> Result<ReadRequest, Problem> {
    let (package, rest) = name_first(parts).ok_or_else(no_such_path)?;
    match rest {
        [] => Ok(ReadRequest::Document(
            packument_of(&package),
            representation,
        )),
        ["-", file] => tarball(&package, file),
        ["-", scope, file]
            if scope.starts_with('@') && package.split('/').next() == Some(scope) =>
        {
            tarball(&package, file)
        }
        [version]
            if package != "-" && *version != "-" && (is_version(version) || is_tag(version)) =>
        {
            Ok(ReadRequest::Part(
                packument_of(&package),
                VERSION,
                (*version).into(),
            ))
        }
        _ => Err(no_such_path()),
    }
}

/// What is asked at the registry's own addresses, which begin with `-`; `None`: it is something
/// else.
fn own(parts: &[&str], query: &str) -> Option<Result<ReadRequest, Problem>> {
    match parts {
        ["ping"] => Some(Ok(ReadRequest::Own(nothing))),
        ["v1", "search"] => Some(Ok(ReadRequest::Document(
            search::document(query),
            AS_IT_CAME,
        ))),
        ["npm", "v1", "keys"] => Some(Ok(ReadRequest::Document(
            Document::new("", KEYS),
            AS_IT_CAME,
        ))),
        ["npm", "v1", "attestations", spec @ ..] => {
            let spec = spec.join("/");
            let (name, version) = spec
                .rsplit_once('@')
                .filter(|(name, version)| is_name(name) && is_version(version))?;
            Some(Ok(ReadRequest::Document(
                Document::new(name, format!("attestations/{version}")),
                AS_IT_CAME,
            )))
        }
        ["package", name @ .., "dist-tags"] => {
            let name = Some(name.join("/")).filter(|name| is_name(name))?;
            Some(Ok(ReadRequest::Document(packument_of(&name), TAGS)))
        }
        _ => None,
    }
}

/// Audits: the newer kind; the older one is not known, as it is no more at upstreams.
fn posted(parts: &[&str]) -> Result<ReadRequest, Problem> {
    match parts {
        ["-", "npm", "v1", "security", "advisories", "bulk"] => {
            Ok(ReadRequest::UpstreamQuery(&advisories::Advisories))
        }
        ["-", "npm", "v1", "security", "audits"]
        | ["-", "npm", "v1", "security", "audits", "quick"] => Err(Problem::not_found(
            "audit",
            "this registry audits no whole trees",
        )),
        _ => Err(unsupported("nothing is changed at this address")),
    }
}

impl Protocol for Npm {
    fn name(&self) -> ProtocolName {
        NAME
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }

    fn publishing(&self) -> Option<&dyn Publishing> {
        Some(self)
    }

    fn account(&self) -> Option<&dyn Account> {
        Some(self)
    }

    fn parse(&self, request: &RepoRequest<'_>) -> Result<ReadRequest, Problem> {
        // Clients differ in which slashes they encode: here all are the same.
        let path = request.parts().join("/");
        let parts: Vec<&str> = path.split('/').collect();
        if request.method == Method::POST {
            return posted(&parts);
        }
        request.require_read()?;
        let wanted = request.wants(INSTALL);
        let representation = if wanted > 0 && wanted >= request.wants(JSON) {
            ABBREVIATED
        } else {
            FULL
        };
        let own = if let ["-", rest @ ..] = parts.as_slice() {
            own(rest, request.query)
        } else {
            None
        };
        own.unwrap_or_else(|| below_package(&parts, representation))
    }

    fn probes(&self) -> &'static [&'static str] {
        &["-/ping", ""]
    }

    fn source(&self, document: &Document, _: &[Option<Bytes>]) -> Result<Source, Problem> {
        let package = encoded(&document.package);
        let url = match &*document.path {
            PACKUMENT => package,
            KEYS => "-/npm/v1/keys".to_owned(),
            path => {
                let version = path.strip_prefix("attestations/");
                let attestations = version.map(|version| {
                    format!("-/npm/v1/attestations/{package}@{}", text::segment(version))
                });
                attestations
                    .or_else(|| search::address(path))
                    .ok_or_else(no_such_path)?
            }
        };
        Ok(Source::At { url, accept: JSON })
    }

    fn check(&self, document: &Document, body: &[u8]) -> Result<(), Problem> {
        let (field, what) = match &*document.path {
            PACKUMENT => return Packument::read(body)?.check(&document.package),
            KEYS => ("keys", "a list of keys"),
            path if path.starts_with("attestations/") => ("attestations", "a list of attestations"),
            _ => ("objects", "the result of a search"),
        };
        let object: Object<'_> =
            serde_json::from_slice(body).map_err(|error| unreadable(what, error))?;
        let listed = object
            .get(field)
            .is_some_and(|value| value.get().starts_with('['));
        if listed { Ok(()) } else { Err(not_that(what)) }
    }

    fn render(
        &self,
        document: &Document,
        representation: &Representation,
        body: &[u8],
        repo_url: &RepoUrl<'_>,
    ) -> Result<Vec<u8>, Problem> {
        let urls = TarballUrls::new(repo_url, &document.package);
        match representation.name {
            "" => Ok(body.to_vec()),
            name if name == TAGS.name => Ok(Packument::read(body)?.tags().into()),
            name if name == ABBREVIATED.name => Ok(Packument::read(body)?.abbreviated(&urls)),
            _ => Packument::read(body)?.full(body, &urls),
        }
    }

    fn part(
        &self,
        document: &Document,
        part: &str,
        body: &[u8],
        repo_url: &RepoUrl<'_>,
    ) -> Result<Vec<u8>, Problem> {
        let version =
            Packument::read(body)?.version(part, &TarballUrls::new(repo_url, &document.package));
        let absent = || {
            Problem::not_found(
                "version",
                format!("package {} has no version or tag {part}", document.package),
            )
        };
        version.map(String::into_bytes).ok_or_else(absent)
    }

    fn plan(
        &self,
        artifact: &Artifact,
        known: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        let Some(found) = known.first() else {
            return Ok(Plan::Read(packument_of(&artifact.package)));
        };
        let file = artifact.path.strip_prefix("-/").ok_or_else(no_such_path)?;
        let absent = || {
            Problem::not_found(
                "tarball",
                format!("package {} has no {file}", artifact.package),
            )
        };
        let packument = Packument::read(found.as_deref().ok_or_else(absent)?)?;
        packument
            .find(&artifact.package, artifact.version.as_deref(), file)
            .map(Plan::Fetch)
            .ok_or_else(absent)
    }

    fn content_type(&self, _: &Artifact) -> &'static str {
        "application/octet-stream"
    }

    fn refuse(&self, problem: &Problem, _: &RepoUrl<'_>) -> Reply {
        let status = problem.status();
        let reply =
            Reply::new(status).with_body(JSON, json::bytes(&json!({"error": problem.detail})));
        if problem.kind == Kind::Unauthenticated && problem.about != account::ADDUSER {
            // npm shows a person the challenge and not the body, but for schemes that it writes in
            // another way (names of schemes are the same in any case: RFC 9110 11.1; the
            // description is that of RFC 6750 3).
            let detail: String = problem
                .detail
                .chars()
                .filter(|char| !matches!(char, '"' | '\\'))
                .collect();
            let challenge = format!("bearer realm=\"larder\", error_description=\"{detail}\"");
            return reply.with(WWW_AUTHENTICATE, challenge);
        }
        reply
    }
}

#[cfg(test)]
mod tests;
