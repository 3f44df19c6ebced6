//! Representations that are to be made.

use super::form::{self, Packing};
use crate::leads::Leads;
use crate::limits::SMALL_DOCUMENT;
use crate::repo::Repo;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use larder_metadata::files::{FileKey, FileRecord, PackageKey};
use larder_mirrors::rendering::{PLACE_BYTES, fills, place_bytes};
use larder_mirrors::{Document, RenderRequest, Rendering, RepoUrl, Representation};
use larder_model::{Algorithm, Digest, FileKind, Problem};
use std::io::Write as _;
use std::sync::Arc;

/// Changes whenever representations come out differently: those made before are made again.
const EDITION: &str = "#2";
/// A document up to this size is not worth compressing.
const COMPRESSED_FROM: u64 = 1024;

/// What a representation is wanted for.
#[derive(Clone, Copy)]
pub(crate) struct RepresentationRequest<'a> {
    /// The repo at whose address it is served.
    pub(crate) repo: i64,
    pub(crate) document: &'a Document,
    pub(crate) representation: Representation,
    /// The part of it that is wanted alone.
    pub(crate) part: Option<&'a str>,
    /// Whether the client takes gzip.
    pub(crate) gzip: bool,
    pub(crate) repo_url: RepoUrl<'a>,
    /// Where it may lead to sources.
    pub(crate) leads: &'a Arc<Leads>,
}

impl RepresentationRequest<'_> {
    /// Whether a document of so many bytes is to be compressed for it.
    pub(super) const fn is_compressed(&self, size: u64) -> bool {
        is_compressed(self.gzip && self.representation.compressible, size)
    }

    /// The bytes of each place for this server's address: none, if it has no URL of it.
    pub(super) fn place_bytes(&self) -> Result<usize, Problem> {
        if !self.representation.has_absolute_urls {
            return Ok(0);
        }
        let origin = self.repo_url.origin;
        let fits = |bytes: &usize| fills(origin, *bytes);
        place_bytes(origin).filter(fits).ok_or_else(|| {
            let longest = PLACE_BYTES[1] - 1;
            let detail =
                format!("this server's address is no address of at most {longest} characters");
            Problem::invalid("host", detail)
        })
    }

    /// The path at which the representation is kept.
    pub(super) fn path(&self, gzip: bool, place_bytes: usize) -> Box<str> {
        let ending = if gzip { ".gz" } else { "" };
        let (name, path) = (self.representation.name, &*self.document.path);
        let text = match place_bytes {
            0 => [name, ending, "/", path].concat(),
            bytes => [name, ending, "@", &bytes.to_string(), "/", path].concat(),
        };
        text.into()
    }

    /// What is to be made of a document that has to come first; `None` if it is served as it comes, or in
    /// parts. What is wrong with this server's address is told of when it is there.
    pub(crate) fn recipe(&self) -> Option<Recipe> {
        if self.representation.name.is_empty() || self.part.is_some() {
            return None;
        }
        Some(Recipe::new(self, self.place_bytes().ok()?))
    }

    /// What it is made of, if these bytes are the document, as it is made now.
    pub(super) fn source(&self, stored: &FileRecord) -> Box<str> {
        [&stored.digest.text(), EDITION, &self.leads.mark]
            .concat()
            .into()
    }

    /// Whether a representation is made of these bytes, as it is made now.
    pub(super) fn makes(&self, found: &FileRecord, stored: &FileRecord) -> bool {
        let rest = found.derived_from.strip_prefix(&*stored.digest.text());
        let rest = rest.and_then(|rest| rest.strip_prefix(EDITION));
        rest == Some(&*self.leads.mark)
    }
}

/// Whether a document of so many bytes is compressed, where it may be.
const fn is_compressed(may_be: bool, size: u64) -> bool {
    may_be && size >= COMPRESSED_FROM
}

/// What was made, and its digest, which is computed once, where it was made.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) bytes: Bytes,
    pub(super) digest: Digest,
}

impl Made {
    pub(super) fn of(bytes: Bytes) -> Self {
        let digest = Digest::of(Algorithm::Sha256, &bytes);
        Self { bytes, digest }
    }
}

/// What is to be made of a document, whatever its bytes are.
#[derive(Clone)]
pub(crate) struct Recipe {
    repo: i64,
    document: Document,
    representation: Representation,
    gzip: bool,
    place_bytes: usize,
    repo_path: Box<str>,
    leads: Arc<Leads>,
}

impl Recipe {
    /// What is to be made for a request.
    pub(super) fn new(request: &RepresentationRequest<'_>, place_bytes: usize) -> Self {
        Self {
            repo: request.repo,
            document: request.document.clone(),
            representation: request.representation,
            gzip: request.gzip && request.representation.compressible,
            place_bytes,
            repo_path: request.repo_url.path.into(),
            leads: Arc::clone(request.leads),
        }
    }

    /// Whether this makes the same as another does of the same document.
    pub(super) fn makes_as(&self, other: &Self) -> bool {
        let own = (self.repo, self.representation.name, self.gzip);
        own == (other.repo, other.representation.name, other.gzip)
            && self.place_bytes == other.place_bytes
            && self.repo_path == other.repo_path
            && self.leads.mark == other.leads.mark
    }

    /// How a document of so many bytes is packed for whoever asks first: he does not wait for long.
    pub(super) fn first_packing(&self, size: u64) -> Packing {
        if !is_compressed(self.gzip, size) {
            Packing::None
        } else if size > SMALL_DOCUMENT as u64 {
            Packing::Quick
        } else {
            Packing::Well
        }
    }

    /// What its protocol is asked to render.
    pub(super) fn asked(&self) -> RenderRequest<'_> {
        RenderRequest {
            document: &self.document,
            representation: self.representation,
            part: None,
            repo_path: &self.repo_path,
            place_bytes: self.place_bytes,
            leads: &self.leads.list,
        }
    }

    /// Makes it of a document's bytes.
    fn make(&self, repo: &Repo, source: Bytes, packing: Packing) -> Result<Made, Problem> {
        if self.representation.name.is_empty() {
            return packed(source, packing).map(Made::of);
        }
        let rendering = repo.protocol.render(&self.asked(), &source)?;
        drop(source);
        self.finish(rendering, packing)
    }

    /// Makes it of what was rendered.
    pub(super) fn finish(&self, rendering: Rendering, packing: Packing) -> Result<Made, Problem> {
        let bytes = if self.place_bytes > 0 {
            form::write(rendering, packing)?
        } else {
            packed(rendering.filled(&[]).into(), packing)?
        };
        Ok(Made::of(bytes))
    }
}

fn packed(body: Bytes, packing: Packing) -> Result<Bytes, Problem> {
    if packing == Packing::None {
        return Ok(body);
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::default());
    encoder.write_all(&body).map_err(Problem::internal)?;
    Ok(encoder.finish().map_err(Problem::internal)?.into())
}

/// A representation that is to be made.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) recipe: Recipe,
    pub(super) path: Box<str>,
    pub(super) source: Box<str>,
    pub(super) packing: Packing,
}

impl Job {
    /// The representation of a document that is stored.
    pub(super) fn new(
        request: &RepresentationRequest<'_>,
        (gzip, place_bytes): (bool, usize),
        stored: &FileRecord,
    ) -> Self {
        Self {
            recipe: Recipe::new(request, place_bytes),
            path: request.path(gzip, place_bytes),
            source: request.source(stored),
            packing: if gzip { Packing::Well } else { Packing::None },
        }
    }

    /// The package of which it is.
    pub(super) fn package(&self) -> PackageKey<'_> {
        PackageKey {
            repo: self.recipe.repo,
            package: &self.recipe.document.package,
        }
    }

    /// The file in which it is kept.
    pub(super) fn key(&self) -> FileKey<'_> {
        self.package().file(FileKind::Representation, &self.path)
    }

    /// Its media type.
    pub(super) const fn content_type(&self) -> &'static str {
        self.recipe.representation.content_type
    }

    /// Makes it of the document's bytes.
    pub(super) fn make(&self, repo: &Repo, source: Bytes) -> Result<Made, Problem> {
        self.recipe.make(repo, source, self.packing)
    }
}
