//! What is published here: changes of packages, one at a time, and documents composed of what is
//! kept.

use crate::documents::{CacheStatus, CachedDocument};
use crate::group::{Owners, nowhere};
use crate::permissions::read_of;
use crate::problems::absent;
use crate::repo::Repo;
use crate::{Engine, Packages};
use larder_access::Admission;
use larder_content::Durable;
use larder_door::Incoming;
use larder_metadata::blobs::NewBlob;
use larder_metadata::files::{FileRecord, end_of};
use larder_metadata::publishing::{self as rows, PackageChange};
use larder_metadata::repos::RepoRecord;
use larder_metadata::{Error, Requirement};
use larder_mirrors::publishing::{Bytes, Change, PublishRequest, Step, StoredFile};
use larder_mirrors::{Document, Publishing};
use larder_model::{
    Algorithm, Author as _, FileKind, Kind, Permission, Problem, ProtocolName, Reply, RepoKind,
};
use larder_storage::Staging;
use larder_storage::content::read_piece;
use std::collections::HashMap;
use std::fs::File;
use std::io::Seek as _;
use std::sync::Arc;
use std::time::Duration;

/// How often a change is made anew because another was first.
const TRIES: u32 = 64;
/// Names of packages read at once.
pub(crate) const NAMES: usize = 1000;
/// Bytes of a body copied at once.
const PIECE: usize = 1 << 20;

impl Engine {
    /// Whether a name is published here, or was.
    pub(crate) async fn owns(&self, repo: &Repo, package: &str) -> Result<bool, Problem> {
        Ok(self.metadata.owns_name(repo.place(package)).await?)
    }

    /// The next names of packages that are published in a repo, or were, after the name `after`:
    /// fewer than [`NAMES`] are the last ones.
    pub(crate) async fn names_after(
        &self,
        repo: &Repo,
        after: &str,
    ) -> Result<Vec<Box<str>>, Problem> {
        let prefix = repo.prefix();
        let names = self
            .metadata
            .packages(&format!("{prefix}{after}"), &end_of(&prefix), NAMES as u64)
            .await?;
        Ok(names
            .iter()
            .filter_map(|name| name.strip_prefix(&*prefix))
            .map(Into::into)
            .collect())
    }

    /// A document of a package that is published here, composed after every change.
    pub(crate) async fn composed(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<CachedDocument, Problem> {
        let index = repo.protocol.index();
        if index.is_some_and(|index| index.has(document)) {
            return self.index_document(repo, document).await;
        }
        let key = repo.document_key(document);
        let held = |found| CachedDocument {
            found,
            how: CacheStatus::Hit,
            age: Duration::ZERO,
        };
        for _ in 0..TRIES {
            if let Some(found) = self.metadata.find(key).await? {
                return Ok(held(found));
            }
            // What was published as it is may be asked for as a document: what is attested.
            let published = key.package.file(FileKind::Artifact, key.path);
            if let Some(found) = self.metadata.find(published).await? {
                return Ok(held(found));
            }
            if !self.owns(repo, &document.package).await? {
                return Err(absent());
            }
            if let Some(found) = self.compose(repo, document).await? {
                return Ok(held(found));
            }
        }
        Err(Problem::busy(
            "the package changes too often to be listed",
            Duration::from_secs(1),
        ))
    }

    /// Composes a document and keeps it; `None` if the package changed meanwhile.
    async fn compose(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let hosted = hosted_of(repo)?;
        let key = repo.document_key(document);
        let revision = self
            .metadata
            .revision(key.package)
            .await?
            .ok_or_else(absent)?;
        let files = self.files(repo, &document.package).await?;
        let body = hosted.compose(document, &files)?.ok_or_else(absent)?;
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

    pub(crate) async fn files(
        &self,
        repo: &Repo,
        package: &str,
    ) -> Result<Vec<StoredFile>, Problem> {
        let rows = self.metadata.published(repo.place(package)).await?;
        Ok(rows.into_iter().map(kept).collect())
    }

    /// What is known of a published package beside its documents.
    pub(crate) async fn details(
        &self,
        admission: &Admission,
        own: &Arc<Repo>,
        package: &str,
    ) -> Result<Reply, Problem> {
        own.require_not_blocked(package)?;
        let owners = match own.kind() {
            RepoKind::Hosted => {
                admission.require(&read_of(own, package))?;
                vec![Arc::clone(own)]
            }
            RepoKind::Mirror => vec![self.published_to(admission, own)?],
            RepoKind::Group => match self.owners(admission, own, package).await? {
                Owners::Hosted(members) => members,
                Owners::Nobody(problem) => return Err(problem),
                Owners::Mirrors(mirrors) => return Err(nowhere(mirrors, package)),
            },
        };
        for member in &owners {
            member.require_not_blocked(package)?;
        }
        hosted_of(own)?.details(package, &self.shared_files(&owners, package).await?)
    }

    /// Carries out a request that changes a package.
    pub(crate) async fn publish(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        admission: &Admission,
        request: &PublishRequest,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        self.carry_out(repo, admission, request, Some(body)).await?;
        Ok(request.action.reply())
    }

    /// Stages the body of a wish, if it has one, and does what is wished.
    async fn carry_out(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        admission: &Admission,
        request: &PublishRequest,
        body: Option<&mut Incoming>,
    ) -> Result<(), Problem> {
        if admission.principal().user.is_none() {
            let detail = "authentication required: log in with a user or token that may do this";
            return Err(Problem::new(Kind::Unauthenticated, "access", detail));
        }
        // Before anything of the body is taken in: which package it is may stand in it.
        let wished = wished(repo, request, &request.package);
        match (&wished.package, request.max_bytes) {
            (Some(_), _) => drop(admission.require(&wished)?),
            (None, 0) => {}
            (None, _) => admission.require_somewhere(&wished)?,
        }
        let change = async |mut staging: Staging| {
            if let Some(body) = body {
                body.limit(request.max_bytes);
                while let Some(bytes) = body.next().await? {
                    staging.append(bytes).await?;
                }
            }
            staging.settle().await?;
            self.change(repo, admission, request, &staging).await
        };
        self.content.with_staging(Algorithm::Sha256, change).await
    }

    async fn change(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        admission: &Admission,
        request: &PublishRequest,
        staging: &Staging,
    ) -> Result<(), Problem> {
        let package = self.package_of(repo, admission, request, staging).await?;
        let by = admission.require(&wished(repo, request, &package))?;
        let (place, full_name) = (repo.place(&package), format!("{}{package}", repo.prefix()));
        let mut made: HashMap<String, Durable> = HashMap::new();
        for _ in 0..TRIES {
            let revision = self.metadata.revision(place).await?;
            let files = self.files(repo, &package).await?;
            let (action, there) = (Arc::clone(&request.action), files.clone());
            let steps = move |body: &mut File| action.steps(body, &there);
            let steps = self.read_file(staging, steps).await?;
            if steps.is_empty() {
                return Ok(());
            }
            self.store_parts(&steps, staging, &mut made).await?;
            let durable: Vec<Durable> = made.values().cloned().collect();
            let write = async |blobs: Vec<NewBlob>| {
                let made: HashMap<&str, NewBlob> =
                    made.keys().map(|path| &**path).zip(blobs).collect();
                let change = PackageChange {
                    package: place,
                    full_name: &full_name,
                    revision,
                    by: &by,
                    steps: rows(repo, steps, &files, &made)?,
                };
                self.metadata.change_package(change).await
            };
            match self.content.keep_all(&durable, write).await {
                // What was stored for a try before is used again.
                Err(Error::Unmet(Requirement::Revision)) => {}
                Err(Error::Unmet(Requirement::NameFree)) => return Err(reserved(repo, &package)),
                Err(Error::Unmet(Requirement::File)) => {
                    let detail = "a file of this name is there already";
                    return Err(Problem::new(Kind::Conflict, "package", detail));
                }
                changed => {
                    changed?;
                    let (by, act) = (by.label(), request.action.name());
                    tracing::info!(by, package = full_name, act, "package changed");
                    return Ok(());
                }
            }
        }
        Err(Problem::busy(
            "too many change this package at once",
            Duration::from_secs(1),
        ))
    }

    /// The package that a wish is for; empty: the whole repo.
    async fn package_of(
        &self,
        repo: &Arc<Repo>,
        admission: &Admission,
        request: &PublishRequest,
        staging: &Staging,
    ) -> Result<Box<str>, Problem> {
        if !request.package.is_empty() {
            return Ok(request.package.clone());
        }
        if let Some(path) = request.action.address() {
            let found = self.metadata.find(repo.address_key(path)).await?;
            let owner = found
                .filter(|found| !found.owner.is_empty())
                .ok_or_else(absent)?;
            if !admission.may(&read_of(repo, &owner.owner)) {
                return Err(absent()); // whoever may not see it is not told its name
            }
            return Ok(owner.owner.clone());
        }
        let action = Arc::clone(&request.action);
        self.read_file(staging, move |body| action.package_in(body))
            .await
    }

    /// Has a protocol read the body, away from the connections.
    async fn read_file<T: Send + 'static>(
        &self,
        staging: &Staging,
        read: impl FnOnce(&mut File) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let file = staging.file();
        let work = move || {
            let mut file = file.try_clone().map_err(Problem::internal)?;
            file.rewind().map_err(Problem::internal)?;
            read(&mut file)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Problem::internal)?
    }

    /// Makes the bytes of new files durable, but for those that a try before has made so.
    async fn store_parts(
        &self,
        steps: &[Step],
        staging: &Staging,
        made: &mut HashMap<String, Durable>,
    ) -> Result<(), Problem> {
        for step in steps {
            if let Step::Add { path, bytes, .. } = step
                && !made.contains_key(path)
            {
                made.insert(path.clone(), self.store_part(bytes, staging).await?);
            }
        }
        Ok(())
    }

    /// Makes the bytes of a new file durable.
    async fn store_part(&self, bytes: &Bytes, body: &Staging) -> Result<Durable, Problem> {
        let (start, length, encoded) = match bytes {
            Bytes::Inline(bytes) => return self.content.prepare(&bytes.clone().into()).await,
            Bytes::Part(start, length) => (*start, *length, false),
            Bytes::Base64(start, length) => (*start, *length, true),
        };
        let store = async |mut staging: Staging| {
            copy(body.file(), (start, length), encoded, &mut staging).await?;
            self.content.prepare_staged(staging).await
        };
        self.content.with_staging(Algorithm::Sha256, store).await
    }
}

impl Packages {
    /// Makes a change that was asked for by name, in any spelling, in a hosted repo or in a group's
    /// first hosted member. The caller's right to it is demanded here.
    pub async fn change(
        &self,
        admission: &Admission,
        repo: &Arc<RepoRecord>,
        package: &str,
        change: &Change,
    ) -> Result<(), Problem> {
        let unknown = || {
            Problem::new(
                Kind::Unsupported,
                "package",
                "packages of this protocol are not changed so",
            )
        };
        let own = self
            .0
            .repos
            .of(repo, larder_mirrors::of(repo.protocol).ok_or_else(unknown)?)?;
        let hosted = self.0.published_to(admission, &own)?;
        let package = hosted.protocol.names().canonical(package);
        let request = hosted_of(&hosted)?.change(&package, change.clone())?;
        self.0.carry_out(&hosted, admission, &request, None).await
    }
}

/// The steps of a protocol as the database makes them.
fn rows(
    repo: &Repo,
    steps: Vec<Step>,
    files: &[StoredFile],
    made: &HashMap<&str, NewBlob>,
) -> Result<Vec<rows::Step>, Error> {
    let blob_of = |path: &str| {
        let blob = made.get(path).cloned();
        blob.ok_or_else(|| Error::Shape(format!("{path} was stored without bytes")))
    };
    // A file that is there, or comes with the same change.
    let digest_of = |path: &str| {
        let kept = files.iter().find(|file| *file.path == *path);
        let kept = kept.map(|file| file.digest);
        kept.map_or_else(|| blob_of(path).map(|blob| blob.digest), Ok)
    };
    let row = |step| {
        Ok(match step {
            Step::Add {
                path,
                version,
                content_type,
                metadata,
                ..
            } => {
                let blob = blob_of(&path)?;
                let metadata = metadata.replace("{sha256}", &blob.digest.hex());
                let (kind, path) = published_as(repo.record.protocol, &path);
                let path = path.to_owned();
                rows::Step::Add {
                    kind,
                    path,
                    version,
                    blob,
                    content_type,
                    metadata,
                }
            }
            Step::Point { path, version, at } => rows::Step::SetTag {
                tag: published_as(repo.record.protocol, &path).1.to_owned(),
                version,
                digest: digest_of(&at)?,
            },
            Step::SetMetadata { path, metadata } => rows::Step::SetMetadata { path, metadata },
            Step::Remove { path } => {
                let (kind, path) = published_as(repo.record.protocol, &path);
                let path = path.to_owned();
                rows::Step::Remove { kind, path }
            }
            Step::AddAddress { path, at } => rows::Step::AddAddress {
                digest: digest_of(&at)?,
                path,
            },
            Step::RemoveAddress { path } => rows::Step::RemoveAddress { path },
        })
    };
    steps.into_iter().map(row).collect()
}

/// What a file of a package is by the path that its protocol gives it.
pub(crate) fn published_as(protocol: ProtocolName, path: &str) -> (FileKind, &str) {
    match path.split_once('/') {
        Some(("gone", rest)) => (FileKind::Tombstone, rest),
        Some(("tags", rest)) if protocol.0 == "npm" => (FileKind::Tag, rest),
        _ => (FileKind::Artifact, path),
    }
}

/// A file as protocols see it.
pub(crate) fn kept(row: larder_model::StoredFile) -> StoredFile {
    StoredFile {
        path: match row.kind {
            FileKind::Tag => format!("tags/{}", row.path).into(),
            FileKind::Tombstone => format!("gone/{}", row.path).into(),
            _ => row.path,
        },
        version: row.version,
        digest: row.digest,
        size: row.size,
        metadata: row.metadata,
        created_at: row.created_at,
        created_by: row.created_by,
    }
}

/// A deleted repository had the name: whoever publishes under it now would speak for another.
fn reserved(repo: &Repo, package: &str) -> Problem {
    let detail = format!(
        "the name {package} is reserved: a deleted repository {} had it; a superuser may free it \
         (DELETE /api/v1/reservations/ID; GET lists them)",
        repo.record.full_name()
    );
    Problem::new(Kind::Conflict, "package", detail)
}

/// What must be allowed for a wish about `package`.
fn wished(repo: &Repo, request: &PublishRequest, package: &str) -> Permission {
    Permission {
        verb: request.verb,
        ..read_of(repo, package)
    }
}

/// Copies a part of a body, decoded if it is base64.
async fn copy(
    file: Arc<File>,
    (start, length): (u64, u64),
    encoded: bool,
    to: &mut Staging,
) -> Result<(), Problem> {
    let mut at = start;
    let end = start + length;
    while at < end {
        let count = PIECE.min(usize::try_from(end - at).unwrap_or(PIECE));
        let own = Arc::clone(&file);
        let read = move || {
            let piece = read_piece(&own, at, count)?;
            Ok(if encoded {
                decode(&piece)?.into()
            } else {
                piece
            })
        };
        let piece = tokio::task::spawn_blocking(read)
            .await
            .map_err(Problem::internal)?;
        to.append(piece.map_err(|problem: Problem| problem)?)
            .await?;
        at += count as u64;
    }
    Ok(())
}

/// A piece of base64: all pieces but the last are whole, for their length is a multiple of four.
fn decode(piece: &[u8]) -> Result<Vec<u8>, Problem> {
    use base64::Engine as _;
    let decoded = base64::engine::general_purpose::STANDARD.decode(piece);
    decoded.map_err(|error| Problem::invalid("body", "an attachment is not base64").because(error))
}

pub(crate) fn hosted_of(repo: &Repo) -> Result<&'static dyn Publishing, Problem> {
    let detail = "nothing can be published to repositories of this protocol yet";
    repo.protocol
        .publishing()
        .ok_or_else(|| Problem::new(Kind::Unsupported, "repository", detail))
}
