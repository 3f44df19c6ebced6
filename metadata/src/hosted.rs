//! Packages that are published here: files with their facts, changed one batch at a time, and
//! documents composed of them.
//!
//! A change demands the revision that it was made for, so of two at once one is made anew. A
//! composed document lasts until the next change, which drops it in the same batch.

use crate::blobs::NewBlob;
use crate::files::PackageKey;
use crate::{Batch, Error, Metadata, Row, Value};
use bytes::Bytes;
use larder_model::{Algorithm, Digest, Timestamp};

const ALL: &str = "select f.path, f.version, f.digest, b.size, f.content_type, f.metadata, f.created_at, f.created_by \
    from files f join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 and f.etag = '' order by f.path";
const BEGIN: &str = "insert into packages (repo, name, full_name, revision, updated_at) values (?1, ?2, ?3, ?4, ?5) \
    on conflict (repo, name) do nothing";
const GO_ON: &str = "update packages set revision = revision + 1, updated_at = ?4 \
    where repo = ?1 and name = ?2 and revision = ?3";
const ADD: &str = "insert into files (repo, package, path, digest, content_type, metadata, created_at, created_by, version) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) on conflict (repo, package, path) do nothing";
const PUT: &str = "insert into files (repo, package, path, digest, content_type, metadata, created_at, created_by, version) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) on conflict (repo, package, path) do update set \
    digest = excluded.digest, metadata = excluded.metadata, version = excluded.version";
const FACTS: &str = "update files set metadata = ?4 where repo = ?1 and package = ?2 and path = ?3";
const REMOVE: &str = "delete from files where repo = ?1 and package = ?2 and path = ?3";
const FORGET_COMPOSED: &str =
    "delete from files where repo = ?1 and package = ?2 and etag = 'composed'";
const COMPOSED: &str = "insert into files (repo, package, path, digest, content_type, metadata, created_at, created_by, etag) \
    select ?1, ?2, ?3, ?4, ?5, '', ?6, 'larder', 'composed' \
    where exists (select 1 from packages where repo = ?1 and name = ?2 and revision = ?7) \
    on conflict (repo, package, path) do update set digest = excluded.digest, created_at = excluded.created_at";

const SHOW: &str = "insert into files (repo, package, path, digest, content_type, metadata, created_at, created_by, etag) \
    values (?1, '', ?2, ?3, '', '', ?4, ?5, ?6) on conflict (repo, package, path) do nothing";
const HIDE: &str = "delete from files where repo = ?1 and package = '' and path = ?2 and etag = ?3";
const TOUCH_INDEX: &str = "insert into packages (repo, name, full_name, revision, updated_at) values (?1, '', ?2, ?3, ?4) \
    on conflict (repo, name) do update set revision = packages.revision + 1, updated_at = excluded.updated_at";
/// A state that is past stays for those who began to read it.
const RETIRE: &str = "update files set checked_at = ?2 where repo = ?1 and package = '' and etag = 'state' and checked_at = 0";
/// How the entity tag of an address in the whole repository begins; the package follows.
pub(crate) const OF: &str = "of ";

/// The package of the file that has an address in the whole repository, as
/// [`crate::files::FileRecord::etag`] names it.
pub fn package_of(etag: &str) -> Option<&str> {
    etag.strip_prefix(OF)
}

/// The path of the file that says that a package's name is taken, for as long as the repo exists.
pub const OWNED: &str = "owned";

/// A file of a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredFile {
    /// Path within the package.
    pub path: Box<str>,
    /// The version it belongs to; empty if none.
    pub version: Box<str>,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// Media type.
    pub content_type: Box<str>,
    /// What its protocol noted of it.
    pub metadata: Box<str>,
    /// When it was published.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Box<str>,
}

impl StoredFile {
    pub(crate) fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            path: row.text(0)?,
            version: row.text(1)?,
            digest: row.parsed(2)?,
            size: row.count(3)?,
            content_type: row.text(4)?,
            metadata: row.text(5)?,
            created_at: Timestamp(row.int(6)?),
            created_by: row.text(7)?,
        })
    }
}

/// One step of a change.
#[derive(Clone, Debug)]
pub enum Step {
    /// A file that was not there.
    Add {
        /// Path within the package.
        path: String,
        /// The version it belongs to; empty if none.
        version: String,
        /// Its bytes, durable.
        blob: NewBlob,
        /// Media type.
        content_type: &'static str,
        /// What its protocol notes of it.
        metadata: String,
    },
    /// A name for the bytes of a file that is there, which may move later.
    Point {
        /// Path within the package.
        path: String,
        /// The version.
        version: String,
        /// The bytes.
        digest: Digest,
    },
    /// Other facts of a file.
    SetMetadata {
        /// Path within the package.
        path: String,
        /// The facts.
        metadata: String,
    },
    /// A file is no more.
    Remove {
        /// Path within the package.
        path: String,
    },
    /// An address in the whole repository for a file of the package. It must be free.
    AddAddress {
        /// The address.
        path: String,
        /// The file's bytes.
        digest: Digest,
    },
    /// Such an address is no more.
    RemoveAddress {
        /// The address.
        path: String,
    },
}

impl Metadata {
    /// All published files of a package, by path.
    pub async fn published(&self, place: PackageKey<'_>) -> Result<Vec<StoredFile>, Error> {
        let [repo, package] = place.value();
        self.sql
            .scan(ALL, vec![repo, package])
            .await?
            .iter_mut()
            .map(StoredFile::read)
            .collect()
    }

    /// Changes a package of which `revision` was read (`None`: there was none), in one commit.
    /// `full_name` ends in the package's name; of what belongs to no package it ends in a slash.
    /// [`Error::Unmet`]`("revision")` if someone else changed it meanwhile, `("file")` if an added
    /// one is there already.
    pub async fn change_package(
        &self,
        place: PackageKey<'_>,
        full_name: &str,
        revision: Option<i64>,
        by: &str,
        steps: Vec<Step>,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(place);
        let now = self.now();
        let [repo, package] = place.value();
        let shows =
            |step: &Step| matches!(step, Step::AddAddress { .. } | Step::RemoveAddress { .. });
        let whole = place.package.is_empty() || steps.iter().any(shows);
        match revision {
            None if place.package.is_empty() => {}
            None => {
                let begin = [
                    repo.clone(),
                    package.clone(),
                    full_name.into(),
                    self.new_id().into(),
                    now.into(),
                ];
                batch.must("revision", 1, BEGIN, begin);
                let nothing = Bytes::new();
                let empty = NewBlob {
                    digest: Digest::of(Algorithm::Sha256, &nothing),
                    size: 0,
                    bytes: crate::blobs::Bytestore::Inline(nothing),
                };
                let digest = Value::from(empty.digest);
                self.blob_row(&mut batch, empty);
                let none = || Value::from("");
                let owned = [
                    repo,
                    package,
                    OWNED.into(),
                    digest,
                    none(),
                    none(),
                    now.into(),
                    by.into(),
                    none(),
                ];
                batch.run(ADD, owned);
            }
            Some(revision) => batch.must(
                "revision",
                1,
                GO_ON,
                [repo, package, revision.into(), now.into()],
            ),
        }
        for step in steps {
            self.step(&mut batch, place, by, step);
        }
        batch.run(FORGET_COMPOSED, place.value());
        if whole {
            self.touch_index(
                &mut batch,
                place.repo,
                full_name.strip_suffix(place.package).unwrap_or(full_name),
            );
        }
        self.sql.apply(batch).await
    }

    /// What tells of all packages of a repo is composed anew. `name`: of no package, `rpm/local/`.
    pub(crate) fn touch_index(&self, batch: &mut Batch, repo: i64, name: &str) {
        let place = PackageKey { repo, package: "" };
        let now = self.now();
        batch.touch(place);
        batch.run(
            TOUCH_INDEX,
            [repo.into(), name.into(), self.new_id().into(), now.into()],
        );
        batch.run(FORGET_COMPOSED, place.value());
        batch.run(RETIRE, [repo.into(), now.into()]);
    }

    fn step(&self, batch: &mut Batch, place: PackageKey<'_>, by: &str, step: Step) {
        let [repo, package] = place.value();
        let now = self.now().into();
        match step {
            Step::Add {
                path,
                version,
                blob,
                content_type,
                metadata,
            } => {
                let digest = blob.digest.into();
                self.blob_row(batch, blob);
                let (path, metadata, version) = (path.into(), metadata.into(), version.into());
                let values = [
                    repo,
                    package,
                    path,
                    digest,
                    content_type.into(),
                    metadata,
                    now,
                    by.into(),
                    version,
                ];
                batch.must("file", 1, ADD, values);
            }
            Step::Point {
                path,
                version,
                digest,
            } => {
                let none = || Value::from("");
                let (path, digest, version) = (path.into(), digest.into(), version.into());
                batch.run(
                    PUT,
                    [
                        repo,
                        package,
                        path,
                        digest,
                        none(),
                        none(),
                        now,
                        by.into(),
                        version,
                    ],
                );
            }
            Step::SetMetadata { path, metadata } => batch.must(
                "file",
                1,
                FACTS,
                [repo, package, path.into(), metadata.into()],
            ),
            Step::Remove { path } => batch.must("file", 1, REMOVE, [repo, package, path.into()]),
            Step::AddAddress { path, digest } => {
                let of = format!("{OF}{}", place.package).into();
                batch.must(
                    "file",
                    1,
                    SHOW,
                    [repo, path.into(), digest.into(), now, by.into(), of],
                );
            }
            Step::RemoveAddress { path } => {
                batch.must(
                    "file",
                    1,
                    HIDE,
                    [repo, path.into(), format!("{OF}{}", place.package).into()],
                );
            }
        }
    }

    /// Keeps a document composed of what was there at `revision`. [`Error::Unmet`]`("revision")` if
    /// that is past.
    pub async fn keep_composed(
        &self,
        place: PackageKey<'_>,
        revision: i64,
        path: &str,
        content_type: &str,
        blob: NewBlob,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(place);
        let [repo, package] = place.value();
        let digest = blob.digest.into();
        self.blob_row(&mut batch, blob);
        let (path, content_type) = (path.into(), content_type.into());
        let values = [
            repo,
            package,
            path,
            digest,
            content_type,
            self.now().into(),
            revision.into(),
        ];
        batch.must("revision", 1, COMPOSED, values);
        self.sql.apply(batch).await
    }
}
