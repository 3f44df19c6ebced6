//! Files: this path of this kind, of this package, is that digest. Finding and listing them.

use crate::lookups::Lookups;
use crate::uses::UseMark;
use crate::{Error, Metadata, Row, Value};
use bytes::Bytes;
use larder_model::{Digest, FileKind, Timestamp};
use std::sync::Arc;

macro_rules! find {
    ($body:literal) => {
        concat!(
            "select b.digest, b.size, b.generation, f.content_type, ",
            $body,
            ", f.etag, f.modified, f.checked_at, f.integrity, f.derived_from, f.owner, f.used_at \
             from files f join blobs b on b.digest = f.digest \
             where f.repo = ?1 and f.package = ?2 and f.kind = ?3 and f.path = ?4"
        )
    };
}

const FIND: &str = find!("b.body");
const STAT: &str = find!("null");
const LIST: &str = "select path, digest, created_at from files \
    where repo = ?1 and package = ?2 and kind = ?3 and path > ?4 order by path limit ?5";
const PLACES: &str = "select repo, package from files \
    where digest = ?1 and kind = ?2 order by repo, package limit ?3";
const REVISION: &str = "select revision from packages where repo = ?1 and name = ?2";
const PACKAGES: &str = "select full_name from packages \
    where full_name > ?1 and full_name < ?2 order by full_name limit ?3";

/// A package of a repo: where files stand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PackageKey<'a> {
    /// The repo's id.
    pub repo: i64,
    /// The package in it; empty for files of the whole repo.
    pub package: &'a str,
}

/// A file of a package.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileKey<'a> {
    /// The package.
    pub package: PackageKey<'a>,
    /// What it is.
    pub kind: FileKind,
    /// Its path among the files of its kind.
    pub path: &'a str,
}

impl<'a> PackageKey<'a> {
    /// A file of this package.
    pub const fn file(self, kind: FileKind, path: &'a str) -> FileKey<'a> {
        FileKey {
            package: self,
            kind,
            path,
        }
    }

    pub(crate) fn value(self) -> [Value; 2] {
        [self.repo.into(), self.package.into()]
    }
}

impl FileKey<'_> {
    pub(crate) fn value(self) -> [Value; 4] {
        let [repo, package] = self.package.value();
        [repo, package, self.kind.into(), self.path.into()]
    }
}

/// The first text behind all that begin with `folder`, which ends in `/`.
pub fn end_of(folder: &str) -> String {
    format!("{}0", folder.trim_end_matches('/')) // `0` is the character after `/`
}

/// A file and the blob behind it.
#[derive(Clone, Debug)]
pub struct FileRecord {
    /// Digest of the bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// Generation of the object in the store.
    pub generation: i64,
    /// Media type, exactly as it was given.
    pub content_type: Box<str>,
    /// The bytes, where they are small enough to live here.
    pub body: Option<Bytes>,
    /// The upstream's entity tag; empty if there is none.
    pub etag: Box<str>,
    /// The upstream's `Last-Modified`, as it came; empty if there is none.
    pub modified: Box<str>,
    /// When the upstream last confirmed it.
    pub checked_at: Timestamp,
    /// What an index promised of the bytes; empty if nothing.
    pub integrity: Box<str>,
    /// What a representation was made from; empty for all other files.
    pub derived_from: Box<str>,
    /// The package of a file that has an address in the whole repo; empty for all other files.
    pub owner: Box<str>,
    /// When it was read last, as far as that was noted.
    pub(crate) used: UseMark,
}

impl FileRecord {
    /// Bytes that are at hand and in no row.
    pub fn transient(content_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            digest,
            size,
            generation: 0,
            content_type: content_type.into(),
            body: None,
            etag: "".into(),
            modified: "".into(),
            checked_at: Timestamp(0),
            integrity: "".into(),
            derived_from: "".into(),
            owner: "".into(),
            used: UseMark::default(),
        }
    }

    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            digest: row.parsed(0)?,
            size: row.count(1)?,
            generation: row.int(2)?,
            content_type: row.text(3)?,
            body: row.optional_bytes(4)?,
            etag: row.text(5)?,
            modified: row.text(6)?,
            checked_at: Timestamp(row.int(7)?),
            integrity: row.text(8)?,
            derived_from: row.text(9)?,
            owner: row.text(10)?,
            used: UseMark::new(Timestamp(row.int(11)?)),
        })
    }
}

/// A file in a list.
#[derive(Clone, Debug)]
pub struct FileEntry {
    /// Path among the files of its kind.
    pub path: Box<str>,
    /// Digest of the bytes.
    pub digest: Digest,
    /// When it was put there.
    pub created_at: Timestamp,
}

impl Metadata {
    /// A file, with its body if that lives here.
    pub async fn find(&self, key: FileKey<'_>) -> Result<Option<Arc<FileRecord>>, Error> {
        let Some(lookups) = &self.lookups else {
            return Ok(self.look_up(FIND, key).await?.map(Arc::new));
        };
        let began = lookups.epoch(key.package);
        let name = Lookups::name(key);
        if let Some(found) = lookups.get(&name, began) {
            return Ok(Some(found));
        }
        let found = self.look_up(FIND, key).await?.map(Arc::new);
        if let Some(found) = &found {
            lookups.keep(name, began, found);
        }
        Ok(found)
    }

    /// The same; the body may be left out.
    pub async fn stat(&self, key: FileKey<'_>) -> Result<Option<Arc<FileRecord>>, Error> {
        match &self.lookups {
            Some(_) => self.find(key).await,
            None => Ok(self.look_up(STAT, key).await?.map(Arc::new)),
        }
    }

    async fn look_up(
        &self,
        text: &'static str,
        key: FileKey<'_>,
    ) -> Result<Option<FileRecord>, Error> {
        let mut rows = self.sql.rows(text, &key.value()).await?;
        rows.first_mut().map(FileRecord::read).transpose()
    }

    /// Files of a kind, by path after `after`, at most `limit`.
    pub async fn list(
        &self,
        package: PackageKey<'_>,
        kind: FileKind,
        after: &str,
        limit: u64,
    ) -> Result<Vec<FileEntry>, Error> {
        let [repo, package] = package.value();
        let values = vec![repo, package, kind.into(), after.into(), limit.into()];
        let read = |row: &mut Row| {
            Ok(FileEntry {
                path: row.text(0)?,
                digest: row.parsed(1)?,
                created_at: Timestamp(row.int(2)?),
            })
        };
        let mut rows = self.sql.scan(LIST, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Which packages hold a file of that kind and digest: repo ids and packages, at most `limit`.
    pub async fn places_of(
        &self,
        digest: &Digest,
        kind: FileKind,
        limit: u64,
    ) -> Result<Vec<(i64, Box<str>)>, Error> {
        let values = vec![digest.into(), kind.into(), limit.into()];
        let read = |row: &mut Row| Ok((row.int(0)?, row.text(1)?));
        let mut rows = self.sql.scan(PLACES, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// A number that grows with every change of the package; `None` if there is no such package.
    pub async fn revision(&self, package: PackageKey<'_>) -> Result<Option<i64>, Error> {
        let mut rows = self.sql.rows(REVISION, &package.value()).await?;
        rows.first_mut().map(|row| row.int(0)).transpose()
    }

    /// Full names (`oci/repo/image`) of packages between `after` and `before`, both left out, at
    /// most `limit`.
    pub async fn packages(
        &self,
        after: &str,
        before: &str,
        limit: u64,
    ) -> Result<Vec<Box<str>>, Error> {
        let values = vec![after.into(), before.into(), limit.into()];
        let mut rows = self.sql.scan(PACKAGES, values).await?;
        rows.iter_mut().map(|row| row.text(0)).collect()
    }
}
