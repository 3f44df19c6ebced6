//! Paths of a registry (npm's "Public Registry API"), as npm, pnpm, yarn and bun use them.

use super::advisories::Advisories;
use super::names::{is_file, is_name, is_tag, is_version, version_of};
use super::packument::packument_of;
use super::publish::{PackageAction, request};
use crate::account::AccountRequest;
use crate::publishing::PublishRequest;
use crate::resource::{Artifact, Document, ReadRequest, Representation};
use crate::search::SearchRequest;
use crate::text::{JSON, query_value};
use crate::{Call, RepoRequest, RepoUrl};
use http::{Method, StatusCode};
use larder_model::{Kind, Problem, Reply};

/// The media type of abbreviated packuments.
pub(super) const INSTALL: &str = "application/vnd.npm.install-v1+json";
pub(super) const FULL: Representation = representation("full", JSON, true);
pub(super) const ABBREVIATED: Representation = representation("abbreviated", INSTALL, true);
pub(super) const VERSION: Representation = representation("version", JSON, true);
pub(super) const TAGS: Representation = representation("dist-tags", JSON, false);
/// A document that is served unchanged.
pub(super) const PLAIN: Representation = representation("", JSON, false);
/// The document with the keys that verify the registry's signatures.
pub(super) const KEYS: &str = "keys";
/// The prefix of a user's document in `CouchDB`.
pub(super) const USER: &str = "org.couchdb.user:";
/// Limit on the characters of a search.
const MAX_SEARCH_CHARS: usize = 200;
/// The number of results of a search that has no `size`.
const DEFAULT_RESULTS: usize = 20;
/// Limit on the results of a search.
const MAX_RESULTS: usize = 250;
/// Limit on the results that a search skips.
const MAX_FROM: usize = 10_000;

const fn representation(
    name: &'static str,
    content_type: &'static str,
    has_absolute_urls: bool,
) -> Representation {
    Representation {
        name,
        content_type,
        has_absolute_urls,
        compressible: true,
    }
}

/// Parses a request.
pub(super) fn parse(request: &RepoRequest<'_>) -> Result<Call, Problem> {
    // Clients differ in which slashes they encode: treat all alike.
    let path = request.parts().join("/");
    let parts: Vec<&str> = path.split('/').collect();
    if let ["-", rest @ ..] = parts.as_slice()
        && let Some(account) = account(request, rest)?
    {
        return Ok(Call::Account(account));
    }
    let call = match *request.method {
        Method::GET | Method::HEAD => return read(request, &parts),
        Method::POST => post(&parts)?,
        Method::PUT => put(&parts)?.map(Call::Publish),
        Method::DELETE => delete(&parts)?.map(Call::Publish),
        _ => None,
    };
    call.ok_or_else(|| {
        let detail = "this path of an npm registry cannot be changed";
        Problem::new(Kind::Unsupported, "method", detail)
    })
}

/// Parses a request about the caller's account; `None` if it is another request.
fn account(request: &RepoRequest<'_>, rest: &[&str]) -> Result<Option<AccountRequest>, Problem> {
    let is_read = matches!(*request.method, Method::GET | Method::HEAD);
    if let (&Method::PUT, ["user", name @ ..]) = (request.method, rest) {
        let name = name.join("/");
        let name = name.strip_prefix(USER).filter(|name| !name.is_empty());
        return Ok(name.map(|name| AccountRequest::LogIn(name.into())));
    }
    Ok(match (request.method, rest) {
        (_, ["whoami"]) if is_read => Some(AccountRequest::Whoami),
        (_, ["npm", "v1", "user"]) if is_read => Some(AccountRequest::Profile),
        (_, ["npm", "v1", "tokens"]) if is_read => {
            let after = query_value(request.query, "after");
            let after = after.map_or(Ok(0), |after| after.parse());
            let after =
                after.map_err(|_| Problem::invalid("after", "after is the key of a token"))?;
            Some(AccountRequest::ListTokens(after))
        }
        (&Method::POST, ["npm", "v1", "tokens"]) => Some(AccountRequest::CreateToken),
        (&Method::DELETE, ["npm", "v1", "tokens", "token", token] | ["user", "token", token]) => {
            Some(AccountRequest::RevokeToken((*token).into()))
        }
        (&Method::POST, ["v1", "login"]) => Some(AccountRequest::BeginLogin),
        (_, ["v1", "done"]) if is_read => {
            let value = |key| query_value(request.query, key).unwrap_or_default().into();
            Some(AccountRequest::FinishLogin {
                ask: value("ask"),
                key: value("key"),
            })
        }
        _ => None,
    })
}

/// Parses a request that reads.
fn read(request: &RepoRequest<'_>, parts: &[&str]) -> Result<Call, Problem> {
    if let ["-", rest @ ..] = parts
        && let Some(call) = read_of_registry(rest, request.query)
    {
        return Ok(call);
    }
    let wanted = request.quality(INSTALL);
    let representation = if wanted > 0 && wanted >= request.quality(JSON) {
        ABBREVIATED
    } else {
        FULL
    };
    below_package(parts, representation).map(Call::Read)
}

/// Parses a read below `-`, where the registry's own paths are; `None` if there is no such path.
fn read_of_registry(rest: &[&str], query: &str) -> Option<Call> {
    Some(match rest {
        ["ping"] => Call::Read(ReadRequest::Local(pong)),
        ["v1", "search"] => Call::Search(search(query)),
        ["npm", "v1", "keys"] => Call::Read(ReadRequest::Document(Document::new("", KEYS), PLAIN)),
        ["npm", "v1", "attestations", spec @ ..] => {
            let spec = spec.join("/");
            let (name, version) = spec.rsplit_once('@')?;
            if !is_name(name) || !is_version(version) {
                return None;
            }
            let document = Document::new(name, format!("attestations/{version}"));
            Call::Read(ReadRequest::Document(document, PLAIN))
        }
        ["package", name @ .., "dist-tags"] => {
            let name = Some(name.join("/")).filter(|name| is_name(name))?;
            Call::Read(ReadRequest::Document(packument_of(&name), TAGS))
        }
        ["package", name @ .., "visibility"] => {
            let name = Some(name.join("/")).filter(|name| is_name(name))?;
            Call::Read(ReadRequest::Details(name.into()))
        }
        _ => return None,
    })
}

/// Parses a read below the path of a package.
fn below_package(parts: &[&str], representation: Representation) -> Result<ReadRequest, Problem> {
    let (package, rest) = name_first(parts).ok_or_else(no_such_path)?;
    let is_scope = |text: &str| text.starts_with('@') && package.split('/').next() == Some(text);
    match rest {
        [] => Ok(ReadRequest::Document(
            packument_of(&package),
            representation,
        )),
        ["-", file] => tarball(&package, file).map(ReadRequest::Artifact),
        ["-", scope, file] if is_scope(scope) => tarball(&package, file).map(ReadRequest::Artifact),
        [version]
            if package != "-" && *version != "-" && (is_version(version) || is_tag(version)) =>
        {
            let packument = packument_of(&package);
            Ok(ReadRequest::Part(packument, VERSION, (*version).into()))
        }
        _ => Err(no_such_path()),
    }
}

/// Splits a path after the package's name, which has two segments if it has a scope.
fn name_first<'a>(parts: &'a [&'a str]) -> Option<(String, &'a [&'a str])> {
    let (name, rest) = match parts {
        [scope, base, rest @ ..] if scope.starts_with('@') => (format!("{scope}/{base}"), rest),
        [name, rest @ ..] => ((*name).to_owned(), rest),
        [] => return None,
    };
    is_name(&name).then_some((name, rest))
}

/// The tarball of a package with this file name.
fn tarball(package: &str, file: &str) -> Result<Artifact, Problem> {
    if !is_file(file) {
        return Err(no_such_path());
    }
    Ok(Artifact::new(
        package,
        version_of(package, file).map(Into::into),
        format!("-/{file}"),
    ))
}

/// Parses the query of a search.
fn search(query: &str) -> SearchRequest {
    let number = |key, default: usize| {
        let text = query_value(query, key);
        text.and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let text = query_value(query, "text").unwrap_or_default();
    let text = text.trim().chars().filter(|char| !char.is_control());
    SearchRequest {
        text: text.take(MAX_SEARCH_CHARS).collect(),
        size: number("size", DEFAULT_RESULTS).clamp(1, MAX_RESULTS),
        from: number("from", 0).min(MAX_FROM),
        scope: Box::default(),
    }
}

fn pong(_: &RepoUrl<'_>) -> Reply {
    Reply::new(StatusCode::OK).with_body(JSON, "{}")
}

/// Parses a POST. Only the bulk advisories endpoint is supported: the older audits of whole
/// dependency trees were removed from the registries upstream.
fn post(parts: &[&str]) -> Result<Option<Call>, Problem> {
    match parts {
        ["-", "npm", "v1", "security", "advisories", "bulk"] => Ok(Some(Call::Query(&Advisories))),
        ["-", "npm", "v1", "security", "audits"]
        | ["-", "npm", "v1", "security", "audits", "quick"] => Err(Problem::not_found(
            "audit",
            "audits of whole dependency trees are not supported",
        )),
        _ => Ok(None),
    }
}

/// The package and the tag in the path of a tag.
fn tag_of<'a>(parts: &[&'a str]) -> Option<(String, &'a str)> {
    let ["-", "package", name @ .., "dist-tags", tag] = parts else {
        return None;
    };
    Some((name.join("/"), *tag)).filter(|(name, _)| is_name(name))
}

/// Parses a PUT.
fn put(parts: &[&str]) -> Result<Option<PublishRequest>, Problem> {
    if let Some((name, tag)) = tag_of(parts) {
        return Ok(Some(request(name, PackageAction::SetTag(tag.into()))));
    }
    let named = name_first(parts).ok_or_else(|| {
        Problem::invalid(
            "package",
            "the path does not begin with the name of a package",
        )
    })?;
    Ok(match named {
        (name, []) => Some(request(name, PackageAction::Publish)),
        (name, ["-rev", revision]) => {
            let action = PackageAction::KeepVersions((*revision).into());
            Some(request(name, action))
        }
        _ => None,
    })
}

/// Parses a DELETE.
fn delete(parts: &[&str]) -> Result<Option<PublishRequest>, Problem> {
    if let Some((name, tag)) = tag_of(parts) {
        return Ok(Some(request(name, PackageAction::RemoveTag(tag.into()))));
    }
    let Some((name, rest)) = name_first(parts) else {
        return Ok(None);
    };
    let (file, revision) = match rest {
        ["-rev", revision] => {
            let action = PackageAction::Unpublish((*revision).into());
            return Ok(Some(request(name, action)));
        }
        ["-", file, "-rev", revision] => (file, revision),
        ["-", scope, file, "-rev", revision] if name.split('/').next() == Some(scope) => {
            (file, revision)
        }
        _ => return Ok(None),
    };
    tarball(&name, file)?;
    let action = PackageAction::UnpublishFile {
        file: (*file).into(),
        revision: (*revision).into(),
    };
    Ok(Some(request(name, action)))
}

/// The problem of a path that does not exist.
pub(super) fn no_such_path() -> Problem {
    Problem::not_found("path", "no such path in an npm registry")
}

#[cfg(test)]
mod tests;
