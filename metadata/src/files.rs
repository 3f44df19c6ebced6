//! Files: this path of this package in this repo is that digest. Lists of them, and their removal.
//!
//! Paths of OCI: `tags/<tag>`, `manifests/<digest>`, `blobs/<digest>`; the package is the image. A
//! package's row exists as long as a manifest of it does, and its revision grows with every change
//! of its tags.

use crate::{Batch, Error, Metadata, Row, Value};
use bytes::Bytes;
use larder_model::{Digest, Timestamp};
use std::sync::Arc;

const FIND: &str = "select b.digest, b.size, b.generation, f.content_type, b.body, f.etag, f.modified, \
    f.checked_at from files f \
    join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 and f.path = ?3";
const STAT: &str = "select b.digest, b.size, b.generation, f.content_type, null, f.etag, f.modified, \
    f.checked_at from files f \
    join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 and f.path = ?3";
const PATHS: &str = "select path, digest, created_at from files where repo = ?1 and package = ?2 and path > ?3 and path < ?4 \
    order by path limit ?5";
const PLACES: &str = "select repo, package from files where digest = ?1 and path = ?2 order by repo, package limit ?3";
const REVISION: &str = "select revision from packages where repo = ?1 and name = ?2";
const PACKAGES: &str = "select full_name from packages where full_name > ?1 and full_name < ?2 order by full_name limit ?3";
const REFERRERS: &str = "select e.parent, b.size, f.content_type, f.metadata from edges e \
    join files f on f.repo = e.repo and f.package = e.package and f.path = 'manifests/' || e.parent \
    join blobs b on b.digest = e.parent \
    where e.child = ?3 and e.repo = ?1 and e.package = ?2 and e.kind = 'subject' and e.parent > ?4 \
    order by e.parent limit ?5";
const DROP_PATH: &str = "delete from files where repo = ?1 and package = ?2 and path = ?3";
const DROP_PATH_IF: &str =
    "delete from files where repo = ?1 and package = ?2 and path = ?3 and digest = ?4";
const DROP_TAGS_OF: &str = "delete from files where repo = ?1 and package = ?2 and digest = ?3 \
    and path > 'tags/' and path < 'tags0'";
const DROP_EDGES_OF: &str = "delete from edges where repo = ?1 and package = ?2 and parent = ?3";
const TOUCH_PACKAGE: &str =
    "update packages set revision = revision + 1, updated_at = ?3 where repo = ?1 and name = ?2";
const DROP_PACKAGE: &str = "delete from packages where repo = ?1 and name = ?2 and not exists \
    (select 1 from files where repo = ?1 and package = ?2 and path > 'manifests/' and path < 'manifests0')";
const USED_BY: &str = "select parent from edges where child = ?3 and repo = ?1 and package = ?2 and kind = 'blob' limit 1";

/// A package of a repo: where files stand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PackageKey<'a> {
    /// The repo's id.
    pub repo: i64,
    /// The package in it.
    pub package: &'a str,
}

/// The first text behind all that begin with `folder`, which ends in `/`.
pub fn end_of(folder: &str) -> String {
    format!("{}0", folder.trim_end_matches('/')) // `0` is the character after `/`
}

impl PackageKey<'_> {
    pub(crate) fn value(self) -> [Value; 2] {
        [self.repo.into(), self.package.into()]
    }
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
    /// The upstream's entity tag, or what the file was made from; empty if there is none.
    pub etag: Box<str>,
    /// The upstream's `Last-Modified`, as it came; empty if there is none.
    pub modified: Box<str>,
    /// When upstream last `mark_checked` for it.
    pub checked_at: Timestamp,
}

/// A manifest that names another as its subject.
#[derive(Clone, Debug)]
pub struct Referrer {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type.
    pub content_type: Box<str>,
    /// What was noted when it was pushed, as JSON.
    pub metadata: Box<str>,
}

/// A file in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Path within the package.
    pub path: Box<str>,
    /// Digest of the bytes.
    pub digest: Digest,
    /// When it was put there.
    pub created_at: Timestamp,
}

impl Metadata {
    /// The file at `path` with its body if that lives here.
    pub async fn find(
        &self,
        place: PackageKey<'_>,
        path: &str,
    ) -> Result<Option<Arc<FileRecord>>, Error> {
        let Some(lookups) = &self.lookups else {
            return Ok(self.look_up(FIND, place, path).await?.map(Arc::new));
        };
        let began = lookups.epoch(place);
        let key = format!("{}/{}\0{path}", place.repo, place.package);
        if let Some(found) = lookups.get(&key, began) {
            return Ok(Some(found));
        }
        let found = self.look_up(FIND, place, path).await?.map(Arc::new);
        if let Some(found) = &found {
            lookups.keep(key, began, found);
        }
        Ok(found)
    }

    /// The same; the body may be left out.
    pub async fn stat(
        &self,
        place: PackageKey<'_>,
        path: &str,
    ) -> Result<Option<Arc<FileRecord>>, Error> {
        match &self.lookups {
            Some(_) => self.find(place, path).await,
            None => Ok(self.look_up(STAT, place, path).await?.map(Arc::new)),
        }
    }

    async fn look_up(
        &self,
        text: &'static str,
        place: PackageKey<'_>,
        path: &str,
    ) -> Result<Option<FileRecord>, Error> {
        let [repo, package] = place.value();
        let mut rows = self.sql.rows(text, &[repo, package, path.into()]).await?;
        let read = |row: &mut Row| {
            Ok(FileRecord {
                digest: row.parsed(0)?,
                size: row.count(1)?,
                generation: row.int(2)?,
                content_type: row.text(3)?,
                body: row.optional_bytes(4)?,
                etag: row.text(5)?,
                modified: row.text(6)?,
                checked_at: Timestamp(row.int(7)?),
            })
        };
        rows.first_mut().map(read).transpose()
    }

    /// Files of a package whose paths begin with `folder` (which ends in `/`), after the name
    /// `after`, at most `limit`.
    pub async fn list(
        &self,
        place: PackageKey<'_>,
        folder: &str,
        after: &str,
        limit: u64,
    ) -> Result<Vec<Listed>, Error> {
        let [repo, package] = place.value();
        let values = vec![
            repo,
            package,
            format!("{folder}{after}").into(),
            end_of(folder).into(),
            limit.into(),
        ];
        let read = |row: &mut Row| {
            Ok(Listed {
                path: row.text(0)?,
                digest: row.parsed(1)?,
                created_at: Timestamp(row.int(2)?),
            })
        };
        self.sql
            .scan(PATHS, values)
            .await?
            .iter_mut()
            .map(read)
            .collect()
    }

    /// Where else the file `path` of that digest stands: repo ids and packages, at most `limit`.
    pub async fn places_of(
        &self,
        digest: &Digest,
        path: &str,
        limit: u64,
    ) -> Result<Vec<(i64, Box<str>)>, Error> {
        let values = vec![digest.into(), path.into(), limit.into()];
        let read = |row: &mut Row| Ok((row.int(0)?, row.text(1)?));
        self.sql
            .scan(PLACES, values)
            .await?
            .iter_mut()
            .map(read)
            .collect()
    }

    /// A number that grows with every change of the package's tags; `None` if there is no such
    /// package.
    pub async fn revision(&self, place: PackageKey<'_>) -> Result<Option<i64>, Error> {
        self.sql
            .rows(REVISION, &place.value())
            .await?
            .first_mut()
            .map(|row| row.int(0))
            .transpose()
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
        self.sql
            .scan(PACKAGES, values)
            .await?
            .iter_mut()
            .map(|row| row.text(0))
            .collect()
    }

    /// Manifests whose subject is `subject`, by digest after `after`, at most `limit`.
    pub async fn referrers(
        &self,
        place: PackageKey<'_>,
        subject: &Digest,
        after: &str,
        limit: u64,
    ) -> Result<Vec<Referrer>, Error> {
        let [repo, package] = place.value();
        let values = vec![repo, package, subject.into(), after.into(), limit.into()];
        let read = |row: &mut Row| {
            Ok(Referrer {
                digest: row.parsed(0)?,
                size: row.count(1)?,
                content_type: row.text(2)?,
                metadata: row.text(3)?,
            })
        };
        self.sql
            .scan(REFERRERS, values)
            .await?
            .iter_mut()
            .map(read)
            .collect()
    }

    /// A manifest of the package that needs the blob, if there is one.
    pub async fn used_by(
        &self,
        place: PackageKey<'_>,
        blob: &Digest,
    ) -> Result<Option<Digest>, Error> {
        let [repo, package] = place.value();
        self.sql
            .rows(USED_BY, &[repo, package, blob.into()])
            .await?
            .first_mut()
            .map(|row| row.parsed(0))
            .transpose()
    }

    /// Removes a tag, if it is `only` where that is given. [`Error::Unmet`]`("tag")` if it is not
    /// so.
    pub async fn drop_tag(
        &self,
        place: PackageKey<'_>,
        path: &str,
        only: Option<&Digest>,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(place);
        let [repo, package] = place.value();
        match only {
            Some(digest) => batch.must(
                "tag",
                1,
                DROP_PATH_IF,
                [repo, package, path.into(), digest.into()],
            ),
            None => batch.must("tag", 1, DROP_PATH, [repo, package, path.into()]),
        }
        self.package_changed(&mut batch, place);
        self.sql.apply(batch).await
    }

    /// Removes a manifest with all tags of it. [`Error::Unmet`]`("manifest")` if it is not there.
    pub async fn drop_manifest(&self, place: PackageKey<'_>, digest: &Digest) -> Result<(), Error> {
        let mut batch = Batch::at(place);
        let [repo, package] = place.value();
        let path = format!("manifests/{digest}");
        batch.must(
            "manifest",
            1,
            DROP_PATH,
            [repo.clone(), package.clone(), path.into()],
        );
        batch.run(DROP_TAGS_OF, [repo.clone(), package.clone(), digest.into()]);
        batch.run(DROP_EDGES_OF, [repo, package, digest.into()]);
        self.package_changed(&mut batch, place);
        self.sql.apply(batch).await
    }

    /// Removes a blob's name from the package. [`Error::Unmet`]`("blob")` if it is not there.
    pub async fn drop_blob(&self, place: PackageKey<'_>, digest: &Digest) -> Result<(), Error> {
        let mut batch = Batch::at(place);
        let [repo, package] = place.value();
        batch.must(
            "blob",
            1,
            DROP_PATH,
            [repo, package, format!("blobs/{digest}").into()],
        );
        self.sql.apply(batch).await
    }

    fn package_changed(&self, batch: &mut Batch, place: PackageKey<'_>) {
        let [repo, package] = place.value();
        batch.run(
            TOUCH_PACKAGE,
            [repo.clone(), package.clone(), self.now().into()],
        );
        batch.run(DROP_PACKAGE, [repo, package]);
    }
}
