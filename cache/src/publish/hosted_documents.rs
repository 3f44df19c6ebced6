//! Documents of packages that are published here, composed after every change.

use super::hosted_index::HostedIndex;
use super::packages::{HostedPackages, publishing_of};
use crate::flights::Flights;
use crate::limits::Budget;
use crate::problems::absent;
use crate::repo::Repo;
use bytes::Bytes;
use larder_content::ContentStore;
use larder_metadata::files::FileRecord;
use larder_metadata::{Error, Metadata, Requirement};
use larder_mirrors::{Document, Publishing};
use larder_model::{Algorithm, Digest, FileKind, Kind, Problem, StoredFile};
use std::sync::Arc;
use std::time::Duration;

/// How often a document is composed anew because a change was faster.
const TRIES: u32 = 64;

/// The documents of hosted repos, composed of what is published there.
pub(crate) struct HostedDocuments {
    metadata: Metadata,
    packages: Arc<HostedPackages>,
    index: Arc<HostedIndex>,
    compositor: Arc<Compositor>,
    /// Each state of a package is composed once for all who ask.
    flights: Flights<Option<Arc<FileRecord>>>,
}

/// What composes documents.
struct Compositor {
    metadata: Metadata,
    content: ContentStore,
    packages: Arc<HostedPackages>,
    budget: Budget,
}

impl HostedDocuments {
    /// Documents over the rows and the bytes of a server.
    pub(crate) fn new(
        metadata: Metadata,
        content: ContentStore,
        packages: Arc<HostedPackages>,
        (index, budget): (Arc<HostedIndex>, Budget),
    ) -> Self {
        let compositor = Compositor {
            metadata: metadata.clone(),
            content,
            packages: Arc::clone(&packages),
            budget,
        };
        Self {
            metadata,
            packages,
            index,
            compositor: Arc::new(compositor),
            flights: Flights::default(),
        }
    }

    /// A document of a hosted repo.
    pub(crate) async fn document(
        &self,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<Arc<FileRecord>, Problem> {
        let index = repo.protocol.index();
        if index.is_some_and(|index| index.has(document)) {
            return self.index.document(repo, document).await;
        }
        let key = repo.document_key(document);
        for _ in 0..TRIES {
            if let Some(found) = self.metadata.find(key).await? {
                return Ok(found);
            }
            // What was published as it is may be asked for as a document: what is attested.
            let published = key.package.file(FileKind::Artifact, key.path);
            if let Some(found) = self.metadata.find(published).await? {
                return Ok(found);
            }
            if !self.packages.owns(repo, &document.package).await? {
                return Err(absent());
            }
            let revision = self.metadata.revision(key.package).await?;
            let revision = revision.ok_or_else(absent)?;
            let flight = format!("{}\0{}\0{revision}", document.package, document.path);
            let start = || {
                let compositor = Arc::clone(&self.compositor);
                let (repo, document) = (Arc::clone(repo), document.clone());
                async move { compositor.compose(&repo, &document, revision).await }
            };
            let flight = (repo.record.id, flight.into());
            if let Some(found) = self.flights.join(flight, start).await? {
                return Ok(found);
            }
        }
        Err(Problem::busy(
            "the package changes too often to be listed",
            Duration::from_secs(1),
        ))
    }
}

impl Compositor {
    /// Composes a document and keeps it; `None` if the package is at another revision by now.
    async fn compose(
        &self,
        repo: &Repo,
        document: &Document,
        revision: i64,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let key = repo.document_key(document);
        let files = self.packages.files(repo, &document.package).await?;
        let body = composed(&self.budget, publishing_of(repo)?, document, files).await?;
        let body = body.ok_or_else(absent)?;
        let write = async |blob| {
            let (package, path) = (key.package, key.path);
            self.metadata
                .keep_composed(package, revision, path, "", blob)
                .await
        };
        let prepared = match self.content.prepare(&body).await {
            Ok(prepared) => prepared,
            Err(problem) => return unkept(problem, body).map(Some),
        };
        match self.content.keep(prepared, write).await {
            Ok(()) => Ok(self.metadata.find(key).await?),
            Err(Error::Unmet(Requirement::Revision)) => Ok(None),
            Err(error) => unkept(error.into(), body).map(Some),
        }
    }
}

/// Composes a document of files, as many as there are, within the budget.
pub(crate) async fn composed(
    budget: &Budget,
    publishing: &'static dyn Publishing,
    document: &Document,
    files: Vec<StoredFile>,
) -> Result<Option<Bytes>, Problem> {
    let bytes = files.iter().map(|file| file.metadata.len()).sum();
    let document = document.clone();
    let compose = move || {
        let body = publishing.compose(&document, &files)?;
        Ok(body.map(Bytes::from))
    };
    budget.work(bytes, compose).await
}

/// A document that cannot be kept now is served all the same, and composed again for whoever asks
/// next: a full disk refuses no reads.
fn unkept(problem: Problem, body: Bytes) -> Result<Arc<FileRecord>, Problem> {
    if !matches!(problem.kind, Kind::Full | Kind::Busy) {
        return Err(problem);
    }
    let problem = problem.with_causes();
    tracing::warn!(problem, "a composed document could not be kept");
    let digest = Digest::of(Algorithm::Sha256, &body);
    let mut found = FileRecord::transient("", digest, body.len() as u64);
    found.body = Some(body);
    Ok(Arc::new(found))
}
