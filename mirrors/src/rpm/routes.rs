//! Paths of a repository: files below its `baseurl`, and packages that are published.

use super::extra_metadata;
use super::paths::{ending, is_package, metadata};
use super::publish::{FileAction, request};
use crate::publishing::PublishRequest;
use crate::resource::{Artifact, Document, ReadRequest, Representation};
use crate::{Call, RepoRequest};
use http::Method;
use larder_model::Problem;

const MAX_PATH_BYTES: usize = 1024;
/// Endings of text files.
const TEXT_ENDINGS: [&str; 8] = [
    "asc", "conf", "discinfo", "key", "repo", "sha256", "treeinfo", "txt",
];

/// Parses a request.
pub(super) fn parse(request: &RepoRequest<'_>) -> Result<Call, Problem> {
    let path = request.segments.join("/");
    match *request.method {
        Method::PUT => put(path).map(Call::Publish),
        Method::DELETE => delete(path).map(Call::Publish),
        _ => {
            request.require_read()?;
            read(path).map(Call::Read)
        }
    }
}

fn read(path: String) -> Result<ReadRequest, Problem> {
    let detail = match path.rsplit('/').next().unwrap_or_default() {
        "" => Some("directories are not listed here; request a file"),
        "mirrorlist" | "metalink" => {
            Some("there is no list of mirrors here; set the repository's URL in dnf as `baseurl`")
        }
        _ => None,
    };
    if let Some(detail) = detail {
        return Err(Problem::not_found("path", detail));
    }
    let content_type = match metadata(&path) {
        Some((_, "repomd.xml")) => "text/xml",
        Some((_, "repomd.xml.asc")) => "text/plain",
        Some((_, "repomd.xml.key")) => "application/pgp-keys",
        None if !is_package(&path) => content_type_of(&path),
        _ => {
            return Ok(ReadRequest::Artifact(Artifact::new("", None, path)));
        }
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

/// The media type of a file that no index names.
fn content_type_of(path: &str) -> &'static str {
    let (name, ending) = (path.rsplit('/').next().unwrap_or(path), ending(path));
    let is_text =
        ending.is_empty() || name.starts_with("RPM-GPG-KEY") || TEXT_ENDINGS.contains(&ending);
    match ending {
        "xml" => "text/xml",
        _ if is_text => "text/plain",
        _ => "application/octet-stream",
    }
}

fn put(path: String) -> Result<PublishRequest, Problem> {
    if extra_metadata::Kind::at(&path).is_some() {
        return Ok(request(path, FileAction::PutMetadata));
    }
    require_place(&path)?;
    Ok(request(path, FileAction::Publish))
}

fn delete(path: String) -> Result<PublishRequest, Problem> {
    if extra_metadata::Kind::at(&path).is_some() {
        return Ok(request(path, FileAction::DeleteMetadata));
    }
    require_place(&path)?;
    Ok(request(path, FileAction::Delete))
}

/// Fails unless a package can be published at a path.
pub(super) fn require_place(path: &str) -> Result<(), Problem> {
    if metadata(path).is_some() {
        let detail = "metadata is made here of the packages; what can be uploaded beside them is \
            repodata/updateinfo.xml, repodata/comps.xml and repodata/modules.yaml";
        return Err(Problem::invalid("path", detail));
    }
    if ending(path) != "rpm" || path.len() > MAX_PATH_BYTES {
        let detail = "a package is published at a path that ends in .rpm";
        return Err(Problem::invalid("path", detail));
    }
    Ok(())
}
