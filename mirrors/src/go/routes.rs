//! Paths of a module proxy (go.dev/ref/mod, "GOPROXY protocol"), of the checksum databases that it
//! stands before, and of its vulnerability database; and uploads, at the address of what they bring.

use super::files::{INFO, LATEST, LIST, MOD, QUERY, ZIP, artifact, no_such_path};
use super::paths::{unescape_path, unescape_version};
use super::publish;
use super::version::Version;
use super::vulnerabilities;
use crate::publishing::{Change, PublishRequest};
use crate::resource::{Document, LogRequest, ReadRequest, Representation};
use crate::text::{JSON, PLAIN_TEXT};
use crate::{Call, RepoRequest};
use http::Method;
use larder_model::{Kind, Problem};

const TEXT: Representation = representation(PLAIN_TEXT);
const OBJECT: Representation = representation(JSON);

/// Nothing in a document is an address of this server.
const fn representation(content_type: &'static str) -> Representation {
    Representation {
        name: "",
        content_type,
        has_absolute_urls: false,
        compressible: true,
    }
}

/// Parses a request.
pub(super) fn parse(request: &RepoRequest<'_>) -> Result<Call, Problem> {
    let parts = request.parts();
    if parts.iter().any(|part| part.contains('/')) {
        return Err(no_such_path());
    }
    match parts.as_slice() {
        ["sumdb", name, rest @ ..] if !rest.is_empty() => {
            request.require_read()?;
            log(name, &rest.join("/")).map(Call::Read)
        }
        ["vulndb", rest @ ..] => {
            request.require_read()?;
            let document = vulnerabilities::document(rest).ok_or_else(no_such_path)?;
            let representation = vulnerabilities::representation(&document);
            Ok(Call::Read(ReadRequest::Document(document, representation)))
        }
        [module @ .., "@latest"] => {
            request.require_read()?;
            let document = Document::new(module_of(module)?, LATEST);
            Ok(Call::Read(ReadRequest::Document(document, OBJECT)))
        }
        [module @ .., "@v", file] => of_module(request, module_of(module)?, file),
        _ => Err(no_such_path()),
    }
}

/// The module that the elements of a path spell.
fn module_of(elements: &[&str]) -> Result<String, Problem> {
    let escaped = elements.join("/");
    unescape_path(&escaped).ok_or_else(|| {
        let detail = if escaped.contains(|char: char| char.is_ascii_uppercase()) {
            format!(
                "{escaped:.200} is not the path of a module as addresses spell it: for a capital \
                 letter write ! and the small one"
            )
        } else {
            format!("{escaped:.200} is not the path of a module")
        };
        Problem::not_found("path", detail)
    })
}

fn of_module(request: &RepoRequest<'_>, module: String, file: &str) -> Result<Call, Problem> {
    if file == LIST {
        request.require_read()?;
        let document = Document::new(module, LIST);
        return Ok(Call::Read(ReadRequest::Document(document, TEXT)));
    }
    let split = [INFO, MOD, ZIP]
        .into_iter()
        .find_map(|ending| Some((file.strip_suffix(ending)?, ending)));
    let (version, ending) = split.ok_or_else(no_such_path)?;
    let version = unescape_version(version).ok_or_else(no_such_path)?;
    if !matches!(*request.method, Method::GET | Method::HEAD) {
        return change(request, &module, version, ending).map(Call::Publish);
    }
    // One that does not fit its module is a question, too: `v28.0.0` of a module without a major version
    // in its path is answered with `v28.0.0+incompatible`.
    let is_version = |it: Version| ending != INFO || it.fits(&module);
    if Version::parse(&version).is_some_and(is_version) {
        return Ok(Call::Read(ReadRequest::Artifact(artifact(
            &module, &version, ending,
        ))));
    }
    if ending != INFO {
        let detail = format!("{version:.200} is not a version in its one spelling");
        return Err(Problem::not_found("version", detail));
    }
    let document = Document::new(module, format!("{QUERY}{version}"));
    Ok(Call::Read(ReadRequest::Document(document, OBJECT)))
}

/// The request that publishes or deletes a version.
fn change(
    request: &RepoRequest<'_>,
    module: &str,
    version: String,
    ending: &str,
) -> Result<PublishRequest, Problem> {
    match (request.method, ending) {
        (&Method::PUT, ZIP) => Ok(publish::upload(module, version)),
        (&Method::DELETE, ZIP) => {
            let version = Some(version.into());
            publish::change(module, Change::Remove { version })
        }
        _ => Err(Problem::new(
            Kind::Unsupported,
            "method",
            "a version is published by PUT of its zip file, and deleted by DELETE of it: the rest is \
             made of that",
        )),
    }
}

/// A request to a log of checksums.
fn log(name: &str, path: &str) -> Result<ReadRequest, Problem> {
    let package = match super::log::record_path(path) {
        Some((module, _)) => module,
        None if path.starts_with("lookup/") => return Err(no_such_path()),
        None => String::new(),
    };
    Ok(ReadRequest::Log(LogRequest {
        log: name.into(),
        package: package.into(),
        path: path.into(),
    }))
}
