//! What a repo holds, for people: packages, their versions, the files of one; and its removal.
//! Lists go by key, along an index, from where the last page ended.

use crate::files::PackageKey;
use crate::hosted::StoredFile;
use crate::{Batch, Error, Metadata, Row};
use larder_model::Timestamp;

/// Files that say something of the others, and are not what anyone put there.
const PACKAGES: &str = "select p.name, p.updated_at, case when exists (select 1 from files f where f.repo = p.repo \
    and f.package = p.name and f.path <> 'owned' and not (f.path > 'forms/' and f.path < 'forms0') \
    and not (f.path > 'gone/' and f.path < 'gone0')) then 1 else 0 end \
    from packages p where p.repo = ?1 and p.name > ?2 order by p.name limit ?3";
const VERSIONS: &str = "select f.version, count(*), cast(sum(b.size) as bigint), min(f.created_at), min(f.created_by) \
    from files f join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 and f.version <> '' \
    and f.version > ?3 and not (f.path > 'tags/' and f.path < 'tags0') \
    group by f.version order by f.version limit ?4";
const OF_VERSION: &str = "select f.path, f.version, f.digest, b.size, f.content_type, f.metadata, f.created_at, f.created_by \
    from files f join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 and f.version <> '' \
    and f.version = ?3 and not (f.path > 'tags/' and f.path < 'tags0') order by f.version, f.path limit ?4";
const TAGS: &str = "select substr(f.path, 6), 1, b.size, f.created_at, f.created_by from files f \
    join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 and f.path > ?3 and f.path < 'tags0' \
    order by f.path limit ?4";
const TAGGED: &str = "select f.path, '', f.digest, b.size, f.content_type, f.metadata, f.created_at, f.created_by \
    from files f join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 and f.path = ?3 limit ?4";
const DROP_VERSION: &str =
    "delete from files where repo = ?1 and package = ?2 and version <> '' and version = ?3";
const DROP_FILES: &str = "delete from files where repo = ?1 and package = ?2";
const DROP_EDGES: &str = "delete from edges where repo = ?1 and package = ?2";
const DROP_HISTORY: &str = "delete from history where repo = ?1 and package = ?2";
const DROP_PACKAGE: &str = "delete from packages where repo = ?1 and name = ?2";
const IS_THERE: &str = "update packages set revision = revision + 1, updated_at = ?3 where repo = ?1 and name = ?2 \
    and exists (select 1 from files where repo = ?1 and package = ?2 and version <> '' and version = ?4)";

/// What tells the versions of a package apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// What was noted of each file.
    Version,
    /// The tags of an image.
    Tag,
}

/// A package in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Package {
    /// Its name in canonical form.
    pub name: Box<str>,
    /// When something of it changed last.
    pub updated_at: Timestamp,
    /// Whether anything of it is there, beside its name.
    pub live: bool,
}

/// A version in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// Its name.
    pub name: Box<str>,
    /// How many files it has.
    pub files: u64,
    /// Their size in bytes.
    pub size: u64,
    /// When the first of them came.
    pub created_at: Timestamp,
    /// Who brought it.
    pub created_by: Box<str>,
}

impl Metadata {
    /// Packages of a repo after the name `after`, at most `limit`.
    pub async fn packages_of(
        &self,
        repo: i64,
        after: &str,
        limit: u64,
    ) -> Result<Vec<Package>, Error> {
        let read = |row: &mut Row| {
            Ok(Package {
                name: row.text(0)?,
                updated_at: Timestamp(row.int(1)?),
                live: row.int(2)? != 0,
            })
        };
        let values = vec![repo.into(), after.into(), limit.into()];
        self.sql
            .scan(PACKAGES, values)
            .await?
            .iter_mut()
            .map(read)
            .collect()
    }

    /// Versions of a package after the name `after`, in the order of their letters, at most
    /// `limit`.
    pub async fn versions_of(
        &self,
        place: PackageKey<'_>,
        by: By,
        after: &str,
        limit: u64,
    ) -> Result<Vec<Version>, Error> {
        let [repo, package] = place.value();
        let (text, after) = match by {
            By::Version => (VERSIONS, after.to_owned()),
            By::Tag => (TAGS, format!("tags/{after}")),
        };
        let read = |row: &mut Row| {
            Ok(Version {
                name: row.text(0)?,
                files: row.count(1)?,
                size: row.count(2)?,
                created_at: Timestamp(row.int(3)?),
                created_by: row.text(4)?,
            })
        };
        let values = vec![repo, package, after.into(), limit.into()];
        self.sql
            .scan(text, values)
            .await?
            .iter_mut()
            .map(read)
            .collect()
    }

    /// The files of a version, at most `limit`.
    pub async fn files_of(
        &self,
        place: PackageKey<'_>,
        by: By,
        version: &str,
        limit: u64,
    ) -> Result<Vec<StoredFile>, Error> {
        let [repo, package] = place.value();
        let (text, key) = match by {
            By::Version => (OF_VERSION, version.to_owned()),
            By::Tag => (TAGGED, format!("tags/{version}")),
        };
        let values = vec![repo, package, key.into(), limit.into()];
        self.sql
            .scan(text, values)
            .await?
            .iter_mut()
            .map(StoredFile::read)
            .collect()
    }

    /// Removes all files of a version from a mirror's package. [`Error::Unmet`]`("version")` if
    /// there are none.
    pub async fn drop_version(&self, place: PackageKey<'_>, version: &str) -> Result<(), Error> {
        let mut batch = Batch::at(place);
        let [repo, package] = place.value();
        let there = [
            repo.clone(),
            package.clone(),
            self.now().into(),
            version.into(),
        ];
        batch.must("version", 1, IS_THERE, there);
        batch.run(DROP_VERSION, [repo, package, version.into()]);
        self.sql.apply(batch).await
    }

    /// Removes a package with all its files and their history; its name is free again.
    /// [`Error::Unmet`]`("package")` if it is not there.
    pub async fn drop_package(&self, place: PackageKey<'_>) -> Result<(), Error> {
        let mut batch = Batch::at(place);
        batch.must("package", 1, DROP_PACKAGE, place.value());
        for text in [DROP_FILES, DROP_EDGES, DROP_HISTORY] {
            batch.run(text, place.value());
        }
        self.sql.apply(batch).await
    }
}
