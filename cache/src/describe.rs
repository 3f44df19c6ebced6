//! What people are told of versions that are kept: read from kept documents and files alone. Nobody
//! is asked upstream because someone looks.

use crate::bodies::Bodies;
use crate::document::Documents;
use crate::limits::Slots;
use crate::repo::Repo;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_metadata::listing::VersionBy;
use larder_mirrors::describing::{
    About, DescribedFile, FileState, MAX_FILE_BYTES, Marks, Told, joined,
};
use larder_mirrors::publishing::Body;
use larder_mirrors::{Describing, Document};
use larder_model::{Digest, FileKind, Kind, Problem};
use moka::sync::Cache as Memory;
use std::sync::Arc;

/// Files and documents read to describe a version, at once.
const READERS: usize = 2;
/// Documents of one package that are read: it has more than one where its name has several spellings.
const MAX_DOCUMENTS: u64 = 16;
/// Files of a version among which one is chosen.
const MAX_FILES: u64 = 1000;
/// Memory for what was read, of each kind, in bytes.
const MEMORY_BYTES: u64 = 8 << 20;

/// Describes versions.
pub(crate) struct Describer {
    metadata: Metadata,
    bodies: Arc<Bodies>,
    documents: Arc<Documents>,
    readers: Slots,
    /// By the digest of the file.
    abouts: Memory<Digest, Arc<About>>,
    /// By the digest of the document.
    marks: Memory<Digest, Arc<Marks>>,
}

impl Describer {
    /// One over these documents and bodies.
    pub(crate) fn new(metadata: Metadata, bodies: Arc<Bodies>, documents: Arc<Documents>) -> Self {
        let bytes = |weight: usize| u32::try_from(weight).unwrap_or(u32::MAX);
        Self {
            metadata,
            bodies,
            documents,
            readers: Slots::new(READERS),
            abouts: Memory::builder()
                .weigher(move |_: &Digest, about: &Arc<About>| bytes(about.weight()))
                .max_capacity(MEMORY_BYTES)
                .build(),
            marks: Memory::builder()
                .weigher(move |_: &Digest, marks: &Arc<Marks>| bytes(marks.weight()))
                .max_capacity(MEMORY_BYTES)
                .build(),
        }
    }

    /// What the list of a package's versions tells of them; nothing where no document is kept.
    pub(crate) async fn marks(
        &self,
        repo: &Arc<Repo>,
        package: &str,
    ) -> Result<Arc<Marks>, Problem> {
        let Some(describing) = repo.protocol.describing() else {
            return Ok(Arc::default());
        };
        let mut all = Vec::new();
        for (document, found) in self.documents_of(repo, package).await? {
            if let Some(known) = self.marks.get(&found.digest) {
                all.push(known);
                continue;
            }
            let read = move |body: &[u8]| describing.marks(&document, body);
            let marks = Arc::new(self.document(&found, read).await?);
            self.marks.insert(found.digest, Arc::clone(&marks));
            all.push(marks);
        }
        match all.len() {
            0 => Ok(Arc::default()),
            1 => Ok(all.swap_remove(0)),
            _ => {
                let mut marks = Marks::default();
                for other in all {
                    marks.tags.extend(other.tags.clone());
                    marks.yanked.extend(other.yanked.clone());
                    marks.deprecated.extend(other.deprecated.clone());
                }
                Ok(Arc::new(marks))
            }
        }
    }

    /// What is told of a version; `None`: neither a kept document nor a kept file knows it.
    pub(crate) async fn about(
        &self,
        repo: &Arc<Repo>,
        package: &str,
        version: &str,
    ) -> Result<Option<Told>, Problem> {
        let Some(describing) = repo.protocol.describing() else {
            return Ok(None);
        };
        let mut told = None;
        for (document, found) in self.documents_of(repo, package).await? {
            let wanted: Box<str> = version.into();
            let read = move |body: &[u8]| describing.of_document(&document, &wanted, body);
            told = told.or(self.document(&found, read).await?);
        }
        let (about, file) = self.of_file(repo, describing, (package, version)).await?;
        if told.is_none() && file.is_none() {
            return Ok(None);
        }
        Ok(Some(Told {
            about: joined(told, about),
            file: file.unwrap_or(FileState::NotKept),
        }))
    }

    /// The kept documents of a package. Those that tell of a whole repository are left out.
    async fn documents_of(
        &self,
        repo: &Arc<Repo>,
        package: &str,
    ) -> Result<Vec<(Document, Arc<FileRecord>)>, Problem> {
        let usual = repo.protocol.package_document(package);
        let Some(usual) = usual.filter(|document| !document.package.is_empty()) else {
            return Ok(Vec::new());
        };
        let beside = repo.protocol.beside(&usual);
        if repo.is_hosted() && repo.protocol.publishing().is_some() {
            let mut documents = Vec::new();
            for document in std::iter::once(usual).chain(beside) {
                // They are composed, which asks nobody.
                match self.documents.get(repo, &document).await {
                    Ok(composed) => documents.push((document, composed.found)),
                    Err(problem) if problem.kind == Kind::NotFound => {}
                    Err(problem) => return Err(problem),
                }
            }
            return Ok(documents);
        }
        let key = repo.package_key(&usual.package);
        let kept = self
            .metadata
            .list(key, FileKind::Document, "", MAX_DOCUMENTS);
        // One package may have several, of which only the folder is the same.
        let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        let wanted = folder(&usual.path);
        let mut documents = Vec::new();
        for entry in kept.await? {
            let is_alike = wanted.is_some() && folder(&entry.path) == wanted
                || beside.iter().any(|other| other.path == entry.path);
            if entry.path != usual.path && !is_alike {
                continue;
            }
            let document = Document::new(&*usual.package, entry.path);
            if let Some(found) = self.metadata.find(repo.document_key(&document)).await? {
                documents.push((document, found));
            }
        }
        Ok(documents)
    }

    /// Has a protocol read a document, away from the connections.
    async fn document<T: Send + 'static>(
        &self,
        found: &FileRecord,
        read: impl FnOnce(&[u8]) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let _reader = self.readers.acquire().await?;
        let body = self.bodies.read(found).await?;
        tokio::task::spawn_blocking(move || read(&body))
            .await
            .map_err(Problem::internal)?
    }

    /// What the file of a version tells that tells most; `None`: no file of it is kept.
    async fn of_file(
        &self,
        repo: &Repo,
        describing: &'static dyn Describing,
        (package, version): (&str, &str),
    ) -> Result<(Option<About>, Option<FileState>), Problem> {
        let key = repo.package_key(package);
        let by = VersionBy::Version;
        let files = self.metadata.files_of(key, by, version, MAX_FILES).await?;
        let Some(file) = describing.choose(&files) else {
            return Ok((None, (!files.is_empty()).then_some(FileState::NotKept)));
        };
        if file.size > MAX_FILE_BYTES {
            return Ok((None, Some(FileState::TooLarge)));
        }
        if let Some(known) = self.abouts.get(&file.digest) {
            return Ok((Some(About::clone(&known)), Some(FileState::Read)));
        }
        let Some(found) = self.metadata.find(key.file(file.kind, &file.path)).await? else {
            return Ok((None, Some(FileState::NotKept)));
        };
        let _reader = self.readers.acquire().await?;
        let size = found.size;
        let (package, version, path): (Box<str>, Box<str>, Box<str>) =
            (package.into(), version.into(), file.path.clone());
        let read = move |body: &mut dyn Body| {
            let file = DescribedFile {
                package: &package,
                version: &version,
                path: &path,
                size,
            };
            describing.of_file(&file, body)
        };
        match self.bodies.read_with(&found, read).await {
            Ok(about) => {
                let kept = Arc::new(about.clone());
                self.abouts.insert(file.digest, kept);
                Ok((Some(about), Some(FileState::Read)))
            }
            // A mirror keeps what its upstream sends, read strictly or not.
            Err(problem) if matches!(problem.kind, Kind::Invalid | Kind::TooLarge) => {
                let why = FileState::Unreadable(problem.detail.into_owned());
                Ok((None, Some(why)))
            }
            Err(problem) => Err(problem),
        }
    }
}
