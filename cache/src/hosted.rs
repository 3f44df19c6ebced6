//! What is published here: changes of packages, one at a time, and documents composed of what is
//! kept.

use crate::documents::{CacheStatus, CachedDocument, absent};
use crate::door::read_of;
use crate::repo::Repo;
use crate::{Engine, INLINE_BYTES, Packages};
use larder_access::Admission;
use larder_door::Incoming;
use larder_metadata::blobs::NewBlob;
use larder_metadata::files::{FileRecord, end_of};
use larder_metadata::repos::RepoRecord;
use larder_metadata::{Error, hosted as rows};
use larder_mirrors::publishing::{Bytes, Change, PublishRequest, Step, StoredFile};
use larder_mirrors::{Document, Publishing};
use larder_model::{Algorithm, Digest, Kind, Permission, Problem, Reply};
use larder_storage::Staging;
use larder_storage::content::read_piece;
use std::collections::HashMap;
use std::fs::File;
use std::io::Seek as _;
use std::sync::Arc;
use std::time::Duration;

/// `CacheStatus` often a change is made anew because another was first.
const TRIES: u32 = 64;
/// Names of packages read at once.
pub(crate) const NAMES: usize = 1000;
/// Bytes of a body copied at once.
const PIECE: usize = 1 << 20;

impl Engine {
    /// Whether a name is published here, or was.
    pub(crate) async fn owns(&self, repo: &Repo, package: &str) -> Result<bool, Problem> {
        Ok(self
            .metadata
            .find(repo.place(package), rows::OWNED)
            .await?
            .is_some())
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
        let place = repo.place_of(document);
        let held = |found| CachedDocument {
            found,
            how: CacheStatus::Hit,
            age: Duration::ZERO,
        };
        for _ in 0..TRIES {
            if let Some(found) = self.metadata.find(place, &document.path).await? {
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
        let place = repo.place_of(document);
        let revision = self.metadata.revision(place).await?.ok_or_else(absent)?;
        let files = self.files(repo, &document.package).await?;
        let body = hosted.compose(document, &files)?.ok_or_else(absent)?;
        let blob = self.store(&body.into()).await?;
        let (digest, bytes) = (blob.digest, blob.bytes.clone());
        match self
            .metadata
            .keep_composed(place, revision, &document.path, "", blob)
            .await
        {
            Ok(()) => {}
            Err(Error::Unmet("revision")) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        self.remove_duplicate(digest, &bytes).await?;
        Ok(self.metadata.find(place, &document.path).await?)
    }

    pub(crate) async fn files(
        &self,
        repo: &Repo,
        package: &str,
    ) -> Result<Vec<StoredFile>, Problem> {
        let rows = self.metadata.published(repo.place(package)).await?;
        Ok(rows
            .into_iter()
            .filter(|row| &*row.path != rows::OWNED)
            .map(kept)
            .collect())
    }

    /// What is known of a published package beside its documents.
    pub(crate) async fn details(
        &self,
        repo: &Repo,
        admission: &Admission,
        package: &str,
    ) -> Result<Reply, Problem> {
        admission.require(&read_of(repo, package))?;
        repo.require_not_blocked(package)?;
        hosted_of(repo)?.details(package, &self.files(repo, package).await?)
    }

    /// Carries out a request that changes a package.
    pub(crate) async fn publish(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        admission: &Admission,
        request: PublishRequest,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        self.carry_out(repo, admission, &request, Some(body))
            .await?;
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
            (Some(_), _) => admission.require(&wished)?,
            (None, 0) => {}
            (None, _) => admission.require_somewhere(&wished)?,
        }
        let id = self.staging_id();
        let mut staging = self.blobs.stage(&id, Algorithm::Sha256).await?;
        let outcome = async {
            if let Some(body) = body {
                body.limit(request.max_bytes);
                while let Some(bytes) = body.next().await? {
                    staging.append(bytes).await?;
                }
            }
            staging.settle().await?;
            self.change(repo, admission, request, &staging).await
        };
        let outcome = outcome.await;
        self.blobs.discard(&id).await?;
        outcome
    }

    async fn change(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        admission: &Admission,
        request: &PublishRequest,
        staging: &Staging,
    ) -> Result<(), Problem> {
        let package = self.package_of(repo, admission, request, staging).await?;
        admission.require(&wished(repo, request, &package))?;
        let (place, full_name) = (repo.place(&package), format!("{}{package}", repo.prefix()));
        let mut made: HashMap<String, NewBlob> = HashMap::new();
        for _ in 0..TRIES {
            let revision = self.metadata.revision(place).await?;
            let files = self.files(repo, &package).await?;
            let (action, there) = (Arc::clone(&request.action), files.clone());
            let steps = move |body: &mut File| action.steps(body, &there);
            let steps = self.read_file(staging, steps).await?;
            if steps.is_empty() {
                return Ok(());
            }
            let rows = self.rows(steps, &files, staging, &mut made).await?;
            let by = &admission.principal().label;
            match self
                .metadata
                .change_package(place, &full_name, revision, by, rows)
                .await
            {
                Err(Error::Unmet("revision")) => {}
                Err(Error::Unmet("file")) => {
                    return Err(Problem::new(
                        Kind::Conflict,
                        "package",
                        "a file of this name is there already",
                    ));
                }
                changed => {
                    changed?;
                    for blob in made.values() {
                        self.remove_duplicate(blob.digest, &blob.bytes).await?;
                    }
                    tracing::info!(%by, package = full_name, act = request.action.name(), "package changed");
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
            let found = self.metadata.find(repo.place(""), path).await?;
            let package = found
                .as_ref()
                .and_then(|found| rows::package_of(&found.etag));
            // Whoever may not see it is not told its name.
            let seen = package.filter(|package| admission.may(&read_of(repo, package)));
            return seen.map(Into::into).ok_or_else(absent);
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

    /// Steps with their bytes stored. What was stored for a try before is used again.
    async fn rows(
        &self,
        steps: Vec<Step>,
        files: &[StoredFile],
        staging: &Staging,
        made: &mut HashMap<String, NewBlob>,
    ) -> Result<Vec<rows::Step>, Problem> {
        let mut rows = Vec::with_capacity(steps.len());
        for step in steps {
            rows.push(match step {
                Step::Add {
                    path,
                    version,
                    content_type,
                    metadata,
                    bytes,
                } => {
                    if !made.contains_key(&path) {
                        made.insert(path.clone(), self.store_part(bytes, staging).await?);
                    }
                    let blob = made
                        .get(&path)
                        .cloned()
                        .ok_or_else(|| Problem::internal("a file without bytes"))?;
                    let metadata = metadata.replace("{sha256}", &blob.digest.hex());
                    rows::Step::Add {
                        path,
                        version,
                        blob,
                        content_type,
                        metadata,
                    }
                }
                Step::Point { path, version, at } => rows::Step::Point {
                    path,
                    version,
                    digest: digest_of(&at, files, made)?,
                },
                Step::SetMetadata { path, metadata } => rows::Step::SetMetadata { path, metadata },
                Step::Remove { path } => rows::Step::Remove { path },
                Step::AddAddress { path, at } => rows::Step::AddAddress {
                    path,
                    digest: digest_of(&at, files, made)?,
                },
                Step::RemoveAddress { path } => rows::Step::RemoveAddress { path },
            });
        }
        Ok(rows)
    }

    /// Stores the bytes of a new file.
    async fn store_part(&self, bytes: Bytes, body: &Staging) -> Result<NewBlob, Problem> {
        let (start, length, encoded) = match bytes {
            Bytes::Inline(bytes) => return self.store(&bytes.into()).await,
            Bytes::Part(start, length) => (start, length, false),
            Bytes::Base64(start, length) => (start, length, true),
        };
        let id = self.staging_id();
        let mut staging = self.blobs.stage(&id, Algorithm::Sha256).await?;
        let outcome = async {
            copy(body.file(), (start, length), encoded, &mut staging).await?;
            if let Some(bytes) = staging.bytes(INLINE_BYTES).await? {
                return self.store(&bytes).await;
            }
            let digest = staging.digest().await?;
            self.commit(staging, digest).await
        };
        let outcome = outcome.await;
        self.blobs.discard(&id).await?;
        outcome
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
            .repo(repo, larder_mirrors::of(repo.protocol).ok_or_else(unknown)?)?;
        let hosted = self.0.published_to(admission, &own)?;
        let package = hosted.protocol.names().canonical(package);
        let request = hosted_of(&hosted)?.change(&package, change.clone())?;
        self.0.carry_out(&hosted, admission, &request, None).await
    }
}

/// The bytes of a file that is there, or comes with the same change.
fn digest_of(
    at: &str,
    files: &[StoredFile],
    made: &HashMap<String, NewBlob>,
) -> Result<Digest, Problem> {
    let kept = files
        .iter()
        .find(|file| *file.path == *at)
        .map(|file| file.digest);
    made.get(at)
        .map(|blob| blob.digest)
        .or(kept)
        .ok_or_else(|| Problem::internal("a name for nothing"))
}

/// A file as protocols see it.
pub(crate) fn kept(row: rows::StoredFile) -> StoredFile {
    StoredFile {
        path: row.path,
        version: row.version,
        digest: row.digest,
        size: row.size,
        metadata: row.metadata,
        created_at: row.created_at,
        created_by: row.created_by,
    }
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
