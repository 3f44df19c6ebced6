//! Documents that tell of all packages of a repo: its index. They stand at the package of no name,
//! are kept as one state, and go with every change that adds or removes an address; those that never
//! change stay for a while.

use crate::blobs::NewBlob;
use crate::files::{PackageKey, end_of};
use crate::publishing::{columns, read};
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::{CacheLifetime, FileKind, StoredFile, Timestamp};
use std::time::Duration;

const ADDRESSES: &str = "select count(*) from files \
    where repo = ?1 and package = '' and kind = 'artifact' and owner <> ''";
const ALL: &str = concat!(
    "select ",
    columns!(),
    ", f.package from files f join blobs b on b.digest = f.digest \
     where f.repo = ?1 and f.package > '' and f.kind in ('artifact', 'tag', 'tombstone') \
     and (f.package, f.kind, f.path) > (?2, ?3, ?4) \
     order by f.package, f.kind, f.path limit ?5"
);
const UNCHANGED: &str = "update packages set revision = revision \
    where repo = ?1 and name = '' and revision = ?2";
const PUT: &str = "insert into files (repo, package, kind, path, digest, content_type, metadata, \
    created_at, created_by, version, etag, modified, checked_at, integrity, derived_from, owner, \
    lifetime, retired_at, used_at) values (?1, '', ?2, ?3, ?4, ?5, '', ?6, 'larder', '', '', '', \
    0, '', '', '', ?7, ?8, 0) on conflict (repo, package, kind, path) do update set \
    digest = excluded.digest, created_at = excluded.created_at, lifetime = excluded.lifetime, \
    retired_at = excluded.retired_at where files.lifetime <> ''";
const FORGET_COMPANIONS: &str = "delete from files \
    where repo = ?1 and package = '' and lifetime = 'until_next'";
const DROP_OLD: &str = "delete from files where repo = ?1 and package = '' \
    and lifetime = 'immutable' and retired_at > 0 and retired_at < ?2";
const SUPERSEDE: &str = "update files set retired_at = ?4 where repo = ?1 and package = '' \
    and lifetime = 'immutable' and retired_at = 0 and path >= ?2 and path < ?3";

/// What an index is of.
#[derive(Clone, Copy, Debug)]
pub enum IndexOf<'a> {
    /// A repo at a revision: with the next one it is past.
    Revision(i64),
    /// Other repos: the index that is kept after it below the same folder, which ends in `/`, takes
    /// its place.
    Others(&'a str),
}

/// A document of an index.
#[derive(Clone, Debug)]
pub struct IndexDocument {
    /// A document, or an artifact where its path is that of its bytes alone.
    pub kind: FileKind,
    /// Its path.
    pub path: String,
    /// Its bytes.
    pub blob: NewBlob,
    /// Media type.
    pub content_type: &'static str,
    /// How long it stays.
    pub lifetime: CacheLifetime,
}

/// Where a walk through all published files goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AfterFile {
    /// The package of the last file.
    pub package: Box<str>,
    /// Its kind.
    pub kind: Box<str>,
    /// Its path.
    pub path: Box<str>,
}

impl Default for AfterFile {
    fn default() -> Self {
        let nothing = || Box::from("");
        Self {
            package: nothing(),
            kind: nothing(),
            path: nothing(),
        }
    }
}

const fn word(lifetime: CacheLifetime) -> &'static str {
    match lifetime {
        CacheLifetime::UntilChange => "until_change",
        CacheLifetime::UntilNext => "until_next",
        CacheLifetime::Longer => "immutable",
    }
}

impl Metadata {
    /// The revision of all that is published in a repo together. `name`: `rpm/local/`.
    pub async fn index_revision(&self, repo: i64, name: &str) -> Result<i64, Error> {
        let package = PackageKey { repo, package: "" };
        if let Some(revision) = self.revision(package).await? {
            return Ok(revision);
        }
        let mut batch = Batch::default();
        self.touch_index(&mut batch, repo, name);
        self.sql.apply(batch).await?;
        let revision = self.revision(package).await?;
        revision.ok_or(Error::Unmet(Requirement::Repo))
    }

    /// How many files have an address in the whole repo.
    pub async fn address_count(&self, repo: i64) -> Result<u64, Error> {
        let mut rows = self.sql.rows(ADDRESSES, &[repo.into()]).await?;
        rows.first_mut().map_or(Ok(0), |row| row.count(0))
    }

    /// Published files of all packages, by package, kind and path, at most `limit`; with their
    /// packages.
    pub async fn all_published(
        &self,
        repo: i64,
        after: &AfterFile,
        limit: u64,
    ) -> Result<Vec<(Box<str>, StoredFile)>, Error> {
        let [package, kind, path] =
            [&after.package, &after.kind, &after.path].map(|text| text.as_ref().into());
        let values = vec![repo.into(), package, kind, path, limit.into()];
        let read = |row: &mut Row| Ok((row.text(10)?, read(row)?));
        let mut rows = self.sql.scan(ALL, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Keeps the documents of an index. Of one that is past for as long as `grace` nothing stays;
    /// of other repos' indexes what stands elsewhere than below their folder is made anew after that
    /// time. [`Error::Unmet`] if the [`Requirement::Revision`] is past already.
    pub async fn keep_index(
        &self,
        repo: i64,
        of: IndexOf<'_>,
        documents: Vec<IndexDocument>,
        grace: Duration,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(PackageKey { repo, package: "" });
        let now: Timestamp = self.now();
        // Below it they last until the next index.
        let folder = match of {
            IndexOf::Revision(revision) => {
                let values = [repo.into(), revision.into()];
                batch.require(Requirement::Revision, UNCHANGED, values);
                ""
            }
            IndexOf::Others(folder) => {
                let values = [
                    repo.into(),
                    folder.into(),
                    end_of(folder).into(),
                    now.into(),
                ];
                batch.run(SUPERSEDE, values);
                folder
            }
        };
        // The documents of this index; those of earlier ones last for their grace.
        batch.run(FORGET_COMPANIONS, [repo.into()]);
        for document in documents {
            let is_present = document.path.starts_with(folder);
            let retired = if is_present { Timestamp(0) } else { now };
            let digest = document.blob.digest.into();
            self.blob_row(&mut batch, document.blob);
            let values = [
                repo.into(),
                document.kind.into(),
                document.path.into(),
                digest,
                document.content_type.into(),
                now.into(),
                word(document.lifetime).into(),
                retired.into(),
            ];
            batch.run(PUT, values);
        }
        batch.run(DROP_OLD, [repo.into(), now.before(grace).into()]);
        self.sql.apply(batch).await
    }
}
