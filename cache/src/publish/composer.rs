//! Documents of packages that are published here, composed after every change.

use super::hosted_index::HostedIndex;
use super::packages::{HostedPackages, publishing_of};
use crate::problems::absent;
use crate::repo::Repo;
use larder_content::ContentStore;
use larder_metadata::files::FileRecord;
use larder_metadata::{Error, Metadata, Requirement};
use larder_mirrors::Document;
use larder_model::{FileKind, Problem};
use std::sync::Arc;
use std::time::Duration;

/// How often a document is composed anew because a change was faster.
const TRIES: u32 = 64;

/// Composes the documents of hosted repos.
pub(crate) struct Composer {
    metadata: Metadata,
    content: ContentStore,
    packages: Arc<HostedPackages>,
    index: Arc<HostedIndex>,
}

impl Composer {
    /// A composer over the rows and the bytes of a server.
    pub(crate) const fn new(
        metadata: Metadata,
        content: ContentStore,
        packages: Arc<HostedPackages>,
        index: Arc<HostedIndex>,
    ) -> Self {
        Self {
            metadata,
            content,
            packages,
            index,
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
            if let Some(found) = self.compose(repo, document).await? {
                return Ok(found);
            }
        }
        Err(Problem::busy(
            "the package changes too often to be listed",
            Duration::from_secs(1),
        ))
    }

    /// Composes a document and keeps it; `None` if the package changed meanwhile.
    async fn compose(
        &self,
        repo: &Repo,
        document: &Document,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let publishing = publishing_of(repo)?;
        let key = repo.document_key(document);
        let revision = self.metadata.revision(key.package).await?;
        let revision = revision.ok_or_else(absent)?;
        let files = self.packages.files(repo, &document.package).await?;
        let body = publishing.compose(document, &files)?.ok_or_else(absent)?;
        let write = async |blob| {
            let (package, path) = (key.package, key.path);
            self.metadata
                .keep_composed(package, revision, path, "", blob)
                .await
        };
        let durable = self.content.prepare(&body.into()).await?;
        match self.content.keep(durable, write).await {
            Ok(()) => Ok(self.metadata.find(key).await?),
            Err(Error::Unmet(Requirement::Revision)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
