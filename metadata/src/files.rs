//! Files: this path of this kind, of this package, is that digest. Finding and listing them.

use crate::{Error, Metadata, Row};
use larder_model::{Digest, FileKind, Timestamp};
use std::sync::Arc;

pub use crate::keys::{FileKey, PackageKey, after_prefix, end_of};
pub use crate::records::{FileEntry, FileRecord};

macro_rules! find {
    ($body:literal) => {
        concat!(
            "select b.digest, b.size, b.generation, f.content_type, ",
            $body,
            ", f.etag, f.modified, f.checked_at, f.integrity, f.derived_from, f.owner, f.used_at, \
             b.state, f.created_at from files f join blobs b on b.digest = f.digest \
             where f.repo = ?1 and f.package = ?2 and f.kind = ?3 and f.path = ?4"
        )
    };
}

const FIND: &str = find!("b.body");
const STAT: &str = find!("null");
const LIST: &str = "select path, digest, created_at from files \
    where repo = ?1 and package = ?2 and kind = ?3 and path > ?4 order by path limit ?5";
const PLACES: &str = "select package from files \
    where digest = ?1 and repo = ?2 and kind = ?3 order by package limit ?4";
const REVISION: &str = "select revision from packages where repo = ?1 and name = ?2";
const PACKAGES: &str = "select full_name from packages \
    where full_name > ?1 and full_name < ?2 order by full_name limit ?3";

impl Metadata {
    /// A file, with its body if that lives here.
    pub async fn find(&self, key: FileKey<'_>) -> Result<Option<Arc<FileRecord>>, Error> {
        let Some(lookups) = &self.lookups else {
            return Ok(self.look_up(FIND, key).await?.map(Arc::new));
        };
        let began = lookups.epoch(key.package);
        if let Some(found) = lookups.get(key, began) {
            return Ok(Some(found));
        }
        // What asks the database is large, and most requests never do.
        let found = Box::pin(self.look_up(FIND, key)).await?.map(Arc::new);
        // What is damaged is asked for each time: whoever heals it need not know who reads it.
        if let Some(found) = found.as_ref().filter(|found| !found.damaged) {
            lookups.keep(key, began, found);
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

    /// Which packages of a repo hold a file of that kind and digest, at most `limit`. What other repos
    /// hold costs no time.
    pub async fn places_of(
        &self,
        repo: i64,
        digest: &Digest,
        kind: FileKind,
        limit: u64,
    ) -> Result<Vec<Box<str>>, Error> {
        let values = vec![digest.into(), repo.into(), kind.into(), limit.into()];
        let mut rows = self.sql.scan(PLACES, values).await?;
        rows.iter_mut().map(|row| row.text(0)).collect()
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
