//! The documents of mirrors, as they are kept.

use super::fetcher::Validators;
use super::states::{Companions, path_of, paths_of};
use crate::intake::Received;
use crate::repo::Repo;
use larder_content::ContentStore;
use larder_metadata::Metadata;
use larder_metadata::blobs::NewBlob;
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::FileRecord;
use larder_mirrors::Document;
use larder_model::{FileKind, Problem, System};
use std::sync::Arc;

/// What is kept with a document, and what goes with it.
#[derive(Default)]
pub(super) struct Beside {
    /// Documents that belong to it; those without bytes are gone.
    pub(super) companions: Companions,
    /// Paths of the artifacts that it names.
    pub(super) named: Vec<Box<str>>,
    /// Those that the state before named, and this one does not.
    pub(super) retired: Vec<Box<str>>,
    /// Whether the state can be read once it is past.
    pub(super) is_read_later: bool,
}

/// Keeps the documents of mirrors.
pub(super) struct DocumentStore {
    metadata: Metadata,
    content: ContentStore,
}

impl DocumentStore {
    /// A store over the rows and the bytes of a server.
    pub(super) const fn new(metadata: Metadata, content: ContentStore) -> Self {
        Self { metadata, content }
    }

    /// The upstream says that what is kept is right; `None`: it was let go meanwhile.
    pub(super) async fn confirm(
        &self,
        repo: &Repo,
        document: &Document,
        found: &FileRecord,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let key = repo.document_key(document);
        self.metadata.mark_checked(key, &found.digest).await?;
        Ok(self.metadata.find(key).await?)
    }

    /// The upstream has it no more.
    pub(super) async fn retire(&self, repo: &Repo, document: &Document) -> Result<(), Problem> {
        let key = repo.document_key(document);
        Ok(self.metadata.name_is_gone(key).await?)
    }

    /// Keeps what belongs to a document that is kept.
    pub(super) async fn keep_companions(
        &self,
        repo: &Repo,
        companions: Companions,
    ) -> Result<(), Problem> {
        let (mut prepared, mut paths) = (Vec::new(), Vec::new());
        for (companion, bytes) in &companions {
            if let Some(bytes) = bytes {
                prepared.push(self.content.prepare(bytes).await?);
                paths.push(&*companion.path);
            }
        }
        if paths.is_empty() {
            return Ok(());
        }
        let at = self.metadata.now();
        let later = paths_of(&companions, at);
        let write = async |blobs: Vec<NewBlob>| {
            let file = |(path, blob)| NewFile::new(FileKind::Document, path, blob, "");
            let past = |(path, blob)| NewFile::new(FileKind::Artifact, path, blob, "");
            let past = later
                .iter()
                .map(|path| &**path)
                .zip(blobs.clone())
                .map(past);
            let files = paths.iter().copied().zip(blobs).map(file).chain(past);
            let new = NewFiles {
                package: repo.package_key(""),
                full_name: None,
                by: System::Upstream,
                at,
                files: files.collect(),
                gone: Vec::new(),
                named: Vec::new(),
                retired: Vec::new(),
            };
            self.metadata.keep_files(new).await
        };
        Ok(self.content.keep_all(prepared, write).await?)
    }

    /// Keeps a document and what belongs to it.
    pub(super) async fn keep(
        &self,
        repo: &Repo,
        document: &Document,
        body: Received,
        validators: Validators,
        beside: Beside,
    ) -> Result<(), Problem> {
        let companions = beside.companions;
        // All bytes first,
        let mut prepared = vec![body.prepare(&self.content).await?];
        let mut paths = Vec::new();
        let mut gone = Vec::new();
        for (companion, bytes) in &companions {
            match bytes {
                Some(bytes) => {
                    prepared.push(self.content.prepare(bytes).await?);
                    paths.push(&*companion.path);
                }
                None => gone.push(&*companion.path),
            }
        }
        // then all names in one batch.
        let key = repo.document_key(document);
        let alias = repo.alias_of(document, &prepared[0].digest());
        let full_name = repo.full_name(&document.package);
        let mut past = Vec::new();
        if beside.is_read_later {
            past.push(path_of(document, validators.at));
            past.extend(paths_of(&companions, validators.at));
        }
        let write = async |blobs: Vec<NewBlob>| {
            let plain = |kind, path, blob| NewFile::new(kind, path, blob, &validators.content_type);
            let mut files = Vec::new();
            let states = past.iter().zip(blobs.clone());
            files.extend(states.map(|(path, blob)| plain(FileKind::Artifact, path, blob)));
            let mut blobs = blobs.into_iter();
            if let Some(blob) = blobs.next() {
                if let Some(alias) = &alias {
                    files.push(plain(alias.kind, &alias.path, blob.clone()));
                }
                files.push(NewFile {
                    etag: &validators.etag,
                    modified: &validators.modified,
                    ..plain(key.kind, key.path, blob)
                });
            }
            let companions = paths.iter().zip(blobs);
            files.extend(companions.map(|(path, blob)| plain(FileKind::Document, path, blob)));
            let new = NewFiles {
                package: key.package,
                full_name: full_name.as_deref(),
                by: System::Upstream,
                at: validators.at,
                files,
                gone,
                named: beside.named.iter().map(|path| &**path).collect(),
                retired: beside.retired.iter().map(|path| &**path).collect(),
            };
            self.metadata.keep_files(new).await
        };
        self.content.keep_all(prepared, write).await?;
        Ok(())
    }

    /// What was just kept.
    pub(super) async fn kept(
        &self,
        repo: &Repo,
        document: &Document,
    ) -> Result<Arc<FileRecord>, Problem> {
        let found = self.metadata.find(repo.document_key(document)).await?;
        found.ok_or_else(|| Problem::internal("a document that was just kept is gone"))
    }
}
