//! Paths of the distribution API below `/v2` (distribution-spec, "Endpoints"), pull side.

use crate::RepoRequest;
use crate::resource::{Artifact, Document, ReadRequest, Representation};
use crate::text::JSON;
use http::Method;
use larder_model::{Digest, FileKind, Kind, Problem, Reference};

/// The media type of an image index, which a list of referrers is.
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The path of the document that is an image's list of tags.
pub(super) const TAGS_PATH: &str = "lists/tags";
/// With what the paths of lists of referrers begin.
pub(super) const REFERRERS_PATH: &str = "referrers/";
/// A manifest, with the media type that the upstream sent.
const MANIFEST: Representation = Representation {
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
    content_type: JSON,
    has_absolute_urls: false,
    compressible: true,
};

/// The image's name in a path, for any endpoint.
pub(super) fn image_of(request: &RepoRequest<'_>) -> Option<String> {
    let parts = request.parts();
    let name = &parts[..parts.len() - endpoint_length(&parts)?];
    Some(name.join("/"))
}

/// Parses a request for `image`, whose name is in the path.
pub(super) fn parse(request: &RepoRequest<'_>, image: &str) -> Result<ReadRequest, Problem> {
    if !matches!(*request.method, Method::GET | Method::HEAD) {
        let detail =
            "this repository is a mirror: images cannot be pushed to it or deleted from it";
        return Err(Problem::new(Kind::Unsupported, "method", detail));
    }
    let parts = request.parts();
    let length = endpoint_length(&parts).ok_or_else(absent)?;
    match &parts[parts.len() - length..] {
        ["manifests", reference] => manifest(image, reference),
        ["blobs", digest] => {
            let blob = artifact(image, FileKind::Blob, &read_digest(digest)?);
            Ok(ReadRequest::Artifact(blob))
        }
        ["tags", "list"] => {
            let list = Document::new(image, TAGS_PATH);
            Ok(ReadRequest::Document(list, TAGS))
        }
        ["referrers", digest] => {
            // What is wanted of them is told apart in what is kept.
            let path = format!("{REFERRERS_PATH}{}?", read_digest(digest)?);
            Ok(ReadRequest::Document(Document::new(image, path), REFERRERS))
        }
        _ => Err(absent()),
    }
}

/// The number of segments after the image's name; `None` if the path is no endpoint.
fn endpoint_length(parts: &[&str]) -> Option<usize> {
    match parts {
        [_, .., "tags", "list"] | [_, .., "manifests" | "blobs" | "referrers", _] => Some(2),
        _ => None,
    }
}

/// The manifest of a tag or a digest.
fn manifest(image: &str, reference: &str) -> Result<ReadRequest, Problem> {
    match reference.parse() {
        Ok(Reference::Tag(tag)) => {
            let document = Document::tag(image, tag.to_string());
            Ok(ReadRequest::Document(document, MANIFEST))
        }
        Ok(Reference::Digest(digest)) => {
            let manifest = artifact(image, FileKind::Manifest, &digest);
            Ok(ReadRequest::Artifact(manifest))
        }
        Err(error) if reference.contains(':') => Err(Problem::invalid("digest", error.0)),
        Err(error) => Err(Problem::not_found("manifest", error.0)),
    }
}

fn read_digest(text: &str) -> Result<Digest, Problem> {
    let read: Result<Digest, _> = text.parse();
    read.map_err(|error| Problem::invalid("digest", error.to_string()))
}

/// A blob or a manifest of an image.
pub(super) fn artifact(image: &str, kind: FileKind, digest: &Digest) -> Artifact {
    Artifact {
        package: image.into(),
        version: None,
        kind,
        path: digest.to_string().into(),
    }
}

/// The problem of a path that does not exist.
pub(super) fn absent() -> Problem {
    let detail = "no such path in the registry API, or no such image";
    Problem::not_found("manifest", detail)
}
