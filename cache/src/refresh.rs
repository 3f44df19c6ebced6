//! Asks an upstream now, whatever the age of what is kept.

use crate::document::Documents;
use crate::problems::absent;
use crate::repo::Repo;
use larder_metadata::Metadata;
use larder_mirrors::{Document, Source, VersionKind};
use larder_model::upstream::Refreshed;
use larder_model::{FileKind, Kind, Problem, Tag};
use std::sync::Arc;

/// Documents of one package that are asked for.
const MAX_DOCUMENTS: u64 = 100;

/// Refreshes documents of mirrors.
pub(crate) struct Refresher {
    metadata: Metadata,
    documents: Arc<Documents>,
}

impl Refresher {
    /// One over these documents.
    pub(crate) const fn new(metadata: Metadata, documents: Arc<Documents>) -> Self {
        Self {
            metadata,
            documents,
        }
    }

    /// Asks for all documents that are kept of a package, at most 100, or for its first one; with a
    /// version, which must be a tag, for that alone. Offline, and without an upstream, nobody is
    /// asked. A problem of kind `NotFound` if neither the upstream nor this server has any.
    pub(crate) async fn refresh(
        &self,
        repo: &Arc<Repo>,
        package: &str,
        version: Option<&str>,
    ) -> Result<Vec<Refreshed>, Problem> {
        repo.require_not_blocked(package)?;
        repo.upstream()?;
        let mut refreshed = Vec::new();
        for document in self.documents_of(repo, package, version).await? {
            refreshed.extend(self.ask(repo, &document).await?);
        }
        if refreshed.is_empty() {
            return Err(absent());
        }
        Ok(refreshed)
    }

    async fn documents_of(
        &self,
        repo: &Repo,
        package: &str,
        version: Option<&str>,
    ) -> Result<Vec<Document>, Problem> {
        if let Some(version) = version {
            let is_tag = repo.protocol.version_kind() == VersionKind::Tag;
            if !is_tag || version.parse::<Tag>().is_err() {
                let detail = "only a tag can change upstream: leave `version` out, \
                    and the package is asked for";
                return Err(Problem::invalid("version", detail));
            }
            return Ok(vec![Document::tag(package, version)]);
        }
        let key = repo.package_key(package);
        let kept = self
            .metadata
            .list(key, FileKind::Document, "", MAX_DOCUMENTS);
        let kept = kept.await?;
        // What is kept of a log is proven, and never asked for again.
        let logs = repo.protocol.logs();
        let is_own = |document: &Document| logs.is_none_or(|logs| !logs.has(document));
        let documents = kept
            .into_iter()
            .map(|file| Document::new(package, file.path));
        let documents: Vec<Document> = documents.filter(is_own).collect();
        if documents.is_empty() {
            return Ok(repo
                .protocol
                .package_document(package)
                .into_iter()
                .collect());
        }
        Ok(documents)
    }

    /// Asks for the documents that tell where one is, or in which it stands.
    async fn ask_for_sources(&self, repo: &Arc<Repo>, document: &Document) -> Result<(), Problem> {
        let mut known = Vec::new();
        loop {
            let other = match repo.protocol.source(document, &known) {
                Ok(Source::Read(other)) => other,
                Ok(Source::At { .. } | Source::Here(_) | Source::InVulnerabilities(_)) => {
                    return Ok(());
                }
                Err(problem) if problem.kind == Kind::NotFound => return Ok(()),
                Err(problem) => return Err(problem),
            };
            let kept = self.documents.settled(repo, &other).await?;
            match self.documents.refresh(repo, &other, kept.as_ref()).await {
                Ok(_) => {}
                Err(problem) if problem.kind == Kind::NotFound => {}
                Err(problem) => return Err(problem),
            }
            known.push(self.documents.read(repo, &other).await?);
        }
    }

    /// Asks for one document; `None` if it is neither kept nor upstream.
    async fn ask(
        &self,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<Option<Refreshed>, Problem> {
        self.ask_for_sources(repo, document).await?;
        let kept = self.documents.settled(repo, document).await?;
        let before = kept.as_ref().map(|kept| kept.digest);
        let now = match self.documents.refresh(repo, document, kept.as_ref()).await {
            Ok(found) => Some(found.digest),
            Err(problem) if problem.kind == Kind::NotFound => None,
            Err(problem) => return Err(problem),
        };
        let told = before.or(now).is_some();
        Ok(told.then(|| Refreshed {
            path: document.path.clone(),
            before,
            now,
            checked_at: self.metadata.now(),
        }))
    }
}
