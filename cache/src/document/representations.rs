//! The representations of a document: rewritten for this server's addresses, as another media type,
//! compressed. Each is made once for every state of the document and kept like any other file.

use crate::bodies::Bodies;
use crate::flights::{FlightResult, Flights, file_key};
use crate::limits::{SMALL_DOCUMENT, Slots};
use crate::repo::Repo;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use larder_content::ContentStore;
use larder_metadata::Metadata;
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::{FileRecord, PackageKey};
use larder_mirrors::{Document, RenderRequest, RepoUrl, Representation};
use larder_model::{Algorithm, Digest, FileKind, Problem, System};
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

/// Changes whenever representations come out differently: those made before are made again.
const EDITION: u32 = 1;
/// Addresses under which representations are kept.
const MAX_SITES: usize = 16;
/// A document up to this size is not worth compressing.
const COMPRESSED_FROM: u64 = 1024;
/// Larger bodies are rendered away from the connections.
const RENDERED_HERE: u64 = 64 * 1024;

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
}

/// Makes and keeps representations.
pub(crate) struct Representations {
    metadata: Metadata,
    content: ContentStore,
    bodies: Arc<Bodies>,
    large_documents: Slots,
    flights: Flights<Arc<FileRecord>>,
    /// Addresses under which clients see this server: representations are kept for so many, no
    /// stranger's `Host` makes more.
    sites: Mutex<Vec<Box<str>>>,
}

impl Representations {
    /// Representations over the rows and the bytes of a server.
    pub(crate) fn new(
        metadata: Metadata,
        content: ContentStore,
        bodies: Arc<Bodies>,
        large_documents: Slots,
    ) -> Self {
        Self {
            metadata,
            content,
            bodies,
            large_documents,
            flights: Flights::default(),
            sites: Mutex::default(),
        }
    }

    /// A document's representation, and whether it is compressed. `stored` is the document.
    pub(crate) async fn get(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        stored: &Arc<FileRecord>,
        request: &RepresentationRequest<'_>,
    ) -> Result<(Arc<FileRecord>, bool), Problem> {
        let representation = request.representation;
        let gzip = request.gzip && representation.compressible && stored.size >= COMPRESSED_FROM;
        if representation.name.is_empty() && !gzip {
            return Ok((Arc::clone(stored), false));
        }
        // Where it is kept, and of which state of the document it must be.
        let (site, is_stored) = if representation.has_absolute_urls {
            self.site(&request.repo_url.base())
        } else {
            (String::new(), true)
        };
        let path = path_of(request, gzip, &site);
        let source = format!("{}#{EDITION}", stored.digest);
        let package = PackageKey {
            repo: request.repo,
            package: &request.document.package,
        };
        let key = package.file(FileKind::Representation, &path);
        if let Some(found) = self.metadata.find(key).await?
            && *found.derived_from == *source
            && !found.damaged
        {
            self.metadata.note_use(key, &found);
            return Ok((found, gzip));
        }
        // It is being kept, or it is made now.
        let (kind, state) = (FileKind::Representation, format!("{path}\0{source}"));
        let key = file_key(package.repo, package.package, kind, &state);
        if let Some(made) = self.flights.landed(&key) {
            return Ok((made.brought, gzip));
        }
        let make = || {
            let job = Job::new(request, path, source, gzip, is_stored);
            let (this, repo, stored) = (Arc::clone(self), Arc::clone(repo), Arc::clone(stored));
            async move { this.make(&repo, &stored, job).await }
        };
        Ok((self.flights.join(key, make).await?, gzip))
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
        stored: &FileRecord,
        job: Job,
    ) -> Result<FlightResult<Arc<FileRecord>>, Problem> {
        // Large ones are in memory one after the other.
        let large = stored.size > SMALL_DOCUMENT as u64;
        let permit = if large {
            Some(self.large_documents.acquire().await?)
        } else {
            None
        };
        let source = self.bodies.read(stored).await?;
        let own = Arc::clone(repo);
        let work = move || job.render(&own, &source).map(|bytes| (job, bytes));
        let (job, bytes) = if stored.size > RENDERED_HERE {
            tokio::task::spawn_blocking(work)
                .await
                .map_err(Problem::internal)??
        } else {
            work()?
        };
        drop(permit);
        // The client does not wait until it is kept: what is lost is made again.
        let digest = Digest::of(Algorithm::Sha256, &bytes);
        let content_type = job.representation.content_type;
        let mut found = FileRecord::transient(content_type, digest, bytes.len() as u64);
        found.body = Some(bytes.clone());
        let found = Arc::new(found);
        if !job.is_stored {
            return Ok(found.into());
        }
        let this = Arc::clone(self);
        let keep = async move {
            if let Err(problem) = this.keep(&job, &bytes).await {
                tracing::warn!(%problem, path = &*job.path, "a document's representation could not be kept");
            }
        };
        Ok(FlightResult::and(found, keep))
    }

    async fn keep(&self, job: &Job, bytes: &Bytes) -> Result<(), Problem> {
        let package = PackageKey {
            repo: job.repo,
            package: &job.document.package,
        };
        let write = async |blob| {
            let content_type = job.representation.content_type;
            let file = NewFile {
                derived_from: &job.source,
                ..NewFile::new(FileKind::Representation, &job.path, blob, content_type)
            };
            let new = NewFiles {
                package,
                full_name: None,
                by: System::Larder,
                at: self.metadata.now(),
                files: vec![file],
                gone: Vec::new(),
                named: Vec::new(),
                retired: Vec::new(),
            };
            self.metadata.keep_files(new).await
        };
        let prepared = self.content.prepare(bytes).await?;
        Ok(self.content.keep(prepared, write).await?)
    }
}

/// The path at which a representation is kept.
fn path_of(request: &RepresentationRequest<'_>, gzip: bool, site: &str) -> Box<str> {
    let ending = if gzip { ".gz" } else { "" };
    let part = request
        .part
        .map(|part| format!("/{part}"))
        .unwrap_or_default();
    let (name, path) = (request.representation.name, &request.document.path);
    format!("{name}{ending}{site}/{path}{part}").into()
}

/// A representation that is to be made.
struct Job {
    repo: i64,
    path: Box<str>,
    source: String,
    document: Document,
    representation: Representation,
    part: Option<Box<str>>,
    gzip: bool,
    origin: Box<str>,
    base_path: Box<str>,
    is_stored: bool,
}

impl Job {
    fn new(
        request: &RepresentationRequest<'_>,
        path: Box<str>,
        source: String,
        gzip: bool,
        is_stored: bool,
    ) -> Self {
        Self {
            repo: request.repo,
            path,
            source,
            document: request.document.clone(),
            representation: request.representation,
            part: request.part.map(Into::into),
            gzip,
            origin: request.repo_url.origin.into(),
            base_path: request.repo_url.path.into(),
            is_stored,
        }
    }

    fn render(&self, repo: &Repo, source: &Bytes) -> Result<Bytes, Problem> {
        let repo_url = RepoUrl {
            origin: &self.origin,
            path: &self.base_path,
            rest: "",
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
