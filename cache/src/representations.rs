//! The representations of a document: rewritten for this server's addresses, as another media type,
//! compressed. Each is made once for every state of the document and kept like any other file.

use crate::Engine;
use crate::documents::key_of;
use crate::flights::FlightResult;
use crate::limits::SMALL_DOCUMENT;
use crate::repo::Repo;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::{FileRecord, PackageKey};
use larder_mirrors::{Document, RenderRequest, RepoUrl, Representation};
use larder_model::{Algorithm, Digest, FileKind, Problem, System};
use std::io::Write as _;
use std::sync::{Arc, PoisonError};

/// Changes whenever representations come out differently: those made before are made again.
const EDITION: u32 = 1;
/// Addresses under which representations are kept.
const MAX_SITES: usize = 16;
/// A document up to this size is not worth compressing.
const COMPRESSED_FROM: u64 = 1024;
/// Larger bodies are rendered away from the connections.
const RENDERED_HERE: u64 = 64 * 1024;

/// What a representation is wanted for.
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
}

impl Engine {
    /// A document's representation, and whether it is compressed.
    pub(crate) async fn representation(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        held: &Arc<FileRecord>,
        asked: &RepresentationRequest<'_>,
    ) -> Result<(Arc<FileRecord>, bool), Problem> {
        let gzip = asked.gzip && asked.representation.compressible && held.size >= COMPRESSED_FROM;
        if asked.representation.name.is_empty() && !gzip {
            return Ok((Arc::clone(held), false));
        }
        let (site, is_stored) = if asked.representation.has_absolute_urls {
            self.site(&asked.repo_url.base())
        } else {
            (String::new(), true)
        };
        let ending = if gzip { ".gz" } else { "" };
        let part = asked
            .part
            .map(|part| format!("/{part}"))
            .unwrap_or_default();
        let path: Box<str> = format!(
            "{}{ending}{site}/{}{part}",
            asked.representation.name, asked.document.path
        )
        .into();
        let source = format!("{}#{EDITION}", held.digest);
        let place = PackageKey {
            repo: asked.repo,
            package: &asked.document.package,
        };
        let key = place.file(FileKind::Representation, &path);
        if let Some(found) = self.metadata.find(key).await?
            && *found.derived_from == *source
        {
            return Ok((found, gzip));
        }
        let key = (
            asked.repo,
            key_of(&asked.document.package, &format!("{path}\0{source}")),
        );
        if let Some(made) = self.representations.landed(&key) {
            return Ok((made.brought, gzip));
        }
        let make = || {
            let making = Making {
                repo: asked.repo,
                path,
                source,
                document: asked.document.clone(),
                representation: asked.representation,
                part: asked.part.map(Into::into),
                gzip,
                origin: asked.repo_url.origin.into(),
                below: asked.repo_url.path.into(),
                is_stored,
            };
            let (engine, repo, held) = (Arc::clone(self), Arc::clone(repo), Arc::clone(held));
            async move { engine.make(&repo, &held, making).await }
        };
        Ok((self.representations.join(key, make).await?, gzip))
    }

    /// What tells representations of one address from those of another; whether they are kept.
    fn site(&self, base: &str) -> (String, bool) {
        let digest = Digest::of(Algorithm::Sha256, base.as_bytes());
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sites.iter().any(|site| **site == *base);
        if !known && sites.len() < MAX_SITES {
            sites.push(base.into());
        }
        let is_stored = known || sites.last().is_some_and(|site| **site == *base);
        drop(sites);
        (format!("@{}", &digest.hex()[..12]), is_stored)
    }

    async fn make(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        held: &FileRecord,
        making: Making,
    ) -> Result<FlightResult<Arc<FileRecord>>, Problem> {
        let large = held.size > SMALL_DOCUMENT as u64;
        let permit = if large {
            Some(self.large_documents.acquire().await?)
        } else {
            None
        };
        let source = self.bytes(held).await?;
        let repo_url = held.size > RENDERED_HERE;
        let own = Arc::clone(repo);
        let work = move || making.render(&own, &source).map(|bytes| (making, bytes));
        let (making, bytes) = if repo_url {
            tokio::task::spawn_blocking(work)
                .await
                .map_err(Problem::internal)??
        } else {
            work()?
        };
        drop(permit);
        let digest = Digest::of(Algorithm::Sha256, &bytes);
        let content_type = making.representation.content_type;
        let mut found = FileRecord::transient(content_type, digest, bytes.len() as u64);
        found.body = Some(bytes.clone());
        let found = Arc::new(found);
        if !making.is_stored {
            return Ok(found.into());
        }
        let engine = Arc::clone(self);
        // The client does not wait for it: what is lost is made again.
        let keep = async move {
            if let Err(problem) = engine.keep_representation(&making, &bytes).await {
                tracing::warn!(%problem, path = &*making.path, "a document's representation could not be kept");
            }
        };
        Ok(FlightResult::and(found, keep))
    }

    async fn keep_representation(&self, making: &Making, bytes: &Bytes) -> Result<(), Problem> {
        let place = PackageKey {
            repo: making.repo,
            package: &making.document.package,
        };
        let write = async |blob| {
            let content_type = making.representation.content_type;
            let file = NewFile {
                derived_from: &making.source,
                ..NewFile::new(FileKind::Representation, &making.path, blob, content_type)
            };
            let new = NewFiles {
                package: place,
                full_name: None,
                by: System::Larder,
                at: self.metadata.now(),
                files: vec![file],
                gone: Vec::new(),
            };
            self.metadata.keep_files(new).await
        };
        let durable = self.content.prepare(bytes).await?;
        Ok(self.content.keep(durable, write).await?)
    }
}

/// A representation that is being made.
struct Making {
    repo: i64,
    path: Box<str>,
    source: String,
    document: Document,
    representation: Representation,
    part: Option<Box<str>>,
    gzip: bool,
    origin: Box<str>,
    below: Box<str>,
    is_stored: bool,
}

impl Making {
    fn render(&self, repo: &Repo, source: &Bytes) -> Result<Bytes, Problem> {
        let repo_url = RepoUrl {
            origin: &self.origin,
            path: &self.below,
            public: false,
            identified: false,
        };
        let request = RenderRequest {
            document: &self.document,
            representation: self.representation,
            part: self.part.as_deref(),
            repo_url,
        };
        let body = if self.representation.name.is_empty() {
            source.clone()
        } else {
            repo.protocol.render(&request, source)?.into()
        };
        if !self.gzip {
            return Ok(body);
        }
        let mut encoder =
            GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::default());
        encoder.write_all(&body).map_err(Problem::internal)?;
        Ok(encoder.finish().map_err(Problem::internal)?.into())
    }
}
