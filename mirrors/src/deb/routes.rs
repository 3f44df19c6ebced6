//! Paths of a repository: lists of suites, what they name, packages; and packages that are published.

use super::paths::{Place, Upload, place};
use super::places::{KEY, PoolPlace, SUITES};
use super::publish::{FileAction, put, request};
use crate::resource::{Artifact, Document, ReadRequest, Representation};
use crate::{Call, RepoRequest};
use http::Method;
use larder_model::Problem;

/// Parses a request.
pub(super) fn parse(request: &RepoRequest<'_>) -> Result<Call, Problem> {
    let path = request.segments.join("/");
    match *request.method {
        Method::PUT => put(path).map(Call::Publish),
        Method::DELETE => {
            let request = self::request(deleted(path)?, FileAction::Delete);
            Ok(Call::Publish(request))
        }
        _ => {
            request.require_read()?;
            read(path).map(Call::Read)
        }
    }
}

/// Where the file is that is to be deleted: a description can be named by where it was sent, too.
fn deleted(path: String) -> Result<String, Problem> {
    let place = PoolPlace::of_published(&path)?;
    if place.upload != Upload::Description {
        return Ok(path);
    }
    Ok(format!("{}{}", place.folder(place.file), place.file))
}

fn read(path: String) -> Result<ReadRequest, Problem> {
    if path.is_empty() || path.ends_with('/') {
        let detail = "directories are not listed here; apt needs this address as URIs, \
            and the suite as Suites";
        return Err(Problem::not_found("path", detail));
    }
    let content_type = match place(&path) {
        Place::Member => return Ok(ReadRequest::Member(Artifact::new("", None, path))),
        Place::InRelease(_) | Place::Release(_) => "text/plain; charset=utf-8",
        Place::Signature(_) => "application/pgp-signature",
        Place::File if path == KEY => "application/pgp-keys",
        Place::File if path == SUITES => "text/plain; charset=utf-8",
        Place::File => return Ok(ReadRequest::Artifact(Artifact::new("", None, path))),
    };
    Ok(ReadRequest::Document(
        Document::new("", path),
        plain(content_type),
    ))
}

/// A document that is served unchanged, because signatures are over its bytes.
const fn plain(content_type: &'static str) -> Representation {
    Representation {
        name: "",
        content_type,
        has_absolute_urls: false,
        compressible: false,
    }
}

#[cfg(test)]
mod tests;
