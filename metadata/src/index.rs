//! Documents that tell of all packages of a repo. They stand at the package of no name, are kept as
//! one state, and go with every change that shows or hides a file; those that never change stay for
//! a while.

use crate::blobs::NewBlob;
use crate::files::{PackageKey, end_of};
use crate::hosted::StoredFile;
use crate::{Batch, Error, Metadata, Row, Value};
use larder_model::{CacheLifetime, Timestamp};
use std::time::Duration;

const SHOWN: &str =
    "select count(*) from files where repo = ?1 and package = '' and etag like 'of %'";
const ALL: &str = "select f.path, f.version, f.digest, b.size, f.content_type, f.metadata, f.created_at, f.created_by, f.package \
    from files f join blobs b on b.digest = f.digest where f.repo = ?1 and f.package > '' and f.etag = '' \
    and (f.package, f.path) > (?2, ?3) order by f.package, f.path limit ?4";
const UNCHANGED: &str =
    "update packages set revision = revision where repo = ?1 and name = '' and revision = ?2";
const STATE: &str = "insert into files (repo, package, path, digest, content_type, metadata, created_at, created_by, etag, \
    checked_at) values (?1, '', ?2, ?3, ?4, '', ?5, 'larder', ?6, ?7) on conflict (repo, package, path) do update set \
    digest = excluded.digest, created_at = excluded.created_at, etag = excluded.etag, checked_at = excluded.checked_at \
    where files.etag in ('composed', 'companion', 'state')";
/// The entity tag of what belongs to a composed document.
const COMPANION: &str = "companion";
const FORGET_COMPANIONS: &str =
    "delete from files where repo = ?1 and package = '' and etag = 'companion'";
const DROP_OLD: &str = "delete from files where repo = ?1 and package = '' and etag = 'state' \
    and checked_at > 0 and checked_at < ?2";

const SUPERSEDE: &str = "update files set checked_at = ?4 where repo = ?1 and package = '' and etag = 'state' \
    and checked_at = 0 and path >= ?2 and path < ?3";

/// What a state is of.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// A repo at a revision: with the next one it is past.
    Revision(i64),
    /// Other repos: the state that is kept after it below the same folder, which ends in `/`, takes
    /// its place.
    Others(&'a str),
}

/// A document of a state.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its path.
    pub path: String,
    /// Its bytes.
    pub blob: NewBlob,
    /// Media type.
    pub content_type: &'static str,
    /// How long it stays.
    pub lifetime: CacheLifetime,
}

impl Metadata {
    /// The revision of all that is published in a repo together. `name`: `rpm/local/`.
    pub async fn index_revision(&self, repo: i64, name: &str) -> Result<i64, Error> {
        let place = PackageKey { repo, package: "" };
        if let Some(revision) = self.revision(place).await? {
            return Ok(revision);
        }
        let mut batch = Batch::default();
        self.touch_index(&mut batch, repo, name);
        self.sql.apply(batch).await?;
        self.revision(place).await?.ok_or(Error::Unmet("repo"))
    }

    /// How many files have an address in the whole repo.
    pub async fn shown(&self, repo: i64) -> Result<u64, Error> {
        let mut rows = self.sql.rows(SHOWN, &[repo.into()]).await?;
        rows.first_mut().map_or(Ok(0), |row| row.count(0))
    }

    /// Published files of all packages, by package and path, after `(package, path)`, at most
    /// `limit`; with their packages.
    pub async fn all_published(
        &self,
        repo: i64,
        (package, path): (&str, &str),
        limit: u64,
    ) -> Result<Vec<(Box<str>, StoredFile)>, Error> {
        let values = vec![repo.into(), package.into(), path.into(), limit.into()];
        let read = |row: &mut Row| Ok((row.text(8)?, StoredFile::read(row)?));
        self.sql
            .scan(ALL, values)
            .await?
            .iter_mut()
            .map(read)
            .collect()
    }

    /// Keeps the documents of a state. Of states that are past for as long as `grace` nothing
    /// stays; of other repos' states what stands elsewhere than below their folder is made anew
    /// after that time. [`Error::Unmet`]`("revision")` if the state is past already.
    pub async fn keep_index(
        &self,
        repo: i64,
        of: Of<'_>,
        documents: Vec<Told>,
        grace: Duration,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(PackageKey { repo, package: "" });
        let now: Timestamp = self.now();
        // Below it they last until the next state.
        let folder = match of {
            Of::Revision(revision) => {
                batch.must("revision", 1, UNCHANGED, [repo.into(), revision.into()]);
                ""
            }
            Of::Others(folder) => {
                batch.run(
                    SUPERSEDE,
                    [
                        repo.into(),
                        folder.into(),
                        end_of(folder).into(),
                        now.into(),
                    ],
                );
                folder
            }
        };
        batch.run(FORGET_COMPANIONS, [repo.into()]);
        for document in documents {
            let past = if document.path.starts_with(folder) {
                Timestamp(0)
            } else {
                now
            };
            let digest = document.blob.digest.into();
            self.blob_row(&mut batch, document.blob);
            let etag = Value::from(match document.lifetime {
                CacheLifetime::UntilChange => "composed",
                CacheLifetime::UntilNext => COMPANION,
                CacheLifetime::Longer => "state",
            });
            let (path, content_type) = (document.path.into(), document.content_type.into());
            batch.run(
                STATE,
                [
                    repo.into(),
                    path,
                    digest,
                    content_type,
                    now.into(),
                    etag,
                    past.into(),
                ],
            );
        }
        batch.run(DROP_OLD, [repo.into(), now.before(grace).into()]);
        self.sql.apply(batch).await
    }
}
