//! What a repo holds, for people: packages, their versions, the files of one; and its removal.
//! Lists go by key, along an index, from where the last page ended.

use crate::files::{PackageKey, after_prefix};
use crate::publishing::{columns, read};
use crate::trash::{Deletion, TrashKind};
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::{Author, Digest, FileKind, StoredFile, Timestamp};

/// A name, a tombstone or a representation is nothing that anyone put there.
const PACKAGES: &str = "select p.name, p.updated_at, case when exists (select 1 from files f \
    where f.repo = p.repo and f.package = p.name \
    and f.kind not in ('name', 'tombstone', 'representation')) then 1 else 0 end \
    from packages p where p.repo = ?1 and p.name > ?2 order by p.name limit ?3";
const VERSIONS: &str = "select f.version, count(*), cast(sum(b.size) as bigint), \
    min(f.created_at), min(f.created_by), max(f.used_at), cast(null as text), max(f.created_at) \
    from files f join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 \
    and f.version <> '' and f.version > ?3 and f.version >= ?5 and f.version < ?6 \
    and f.kind = 'artifact' group by f.version order by f.version limit ?4";
const OF_VERSION: &str = concat!(
    "select ",
    columns!(),
    " from files f join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 \
     and f.version <> '' and f.version = ?3 and f.kind = 'artifact' \
     order by f.version, f.path limit ?4"
);
const TAGS: &str = "select f.path, 1, b.size, f.created_at, f.created_by, f.used_at, f.digest, f.created_at \
    from files f join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 \
    and f.kind = 'tag' and f.path > ?3 and f.path >= ?5 and f.path < ?6 order by f.path limit ?4";
const TAGGED: &str = concat!(
    "select ",
    columns!(),
    " from files f join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 \
     and f.kind = 'tag' and f.path = ?3 limit ?4"
);
const MANIFEST: &str = concat!(
    "select ",
    columns!(),
    " from files f join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 \
     and f.kind = 'manifest' and f.path = ?3"
);
const DROP_VERSION: &str = "delete from files \
    where repo = ?1 and package = ?2 and version <> '' and version = ?3";
/// A hosted repo's name of a package stays: nobody else's package takes its place.
const DROP_FILES: &str = "delete from files where repo = ?1 and package = ?2 and (kind <> 'name' \
    or exists (select 1 from repos r where r.id = ?1 and r.kind <> 'hosted'))";
const DROP_EDGES: &str = "delete from edges where repo = ?1 and package = ?2";
/// Of names that move the past stays: now they are gone.
const FIRST_OF_NAMES: &str = "insert into history (repo, package, kind, path, seen_at, digest, \
    checked_at, metadata, created_by) select repo, package, kind, path, created_at, digest, 0, '', \
    created_by from files f where repo = ?1 and package = ?2 \
    and (kind = 'tag' or (kind = 'document' and lifetime = '')) and not exists \
    (select 1 from history h \
    where h.repo = f.repo and h.package = f.package and h.kind = f.kind and h.path = f.path)";
const END_ALL: &str = "update history set checked_at = coalesce((select case \
    when f.checked_at = 0 then ?3 when f.checked_at > history.seen_at then f.checked_at \
    else history.seen_at end from files f where f.repo = history.repo \
    and f.package = history.package and f.kind = history.kind and f.path = history.path), ?3) \
    where repo = ?1 and package = ?2 and checked_at = 0 and digest <> ''";
const GONE: &str = "insert into history (repo, package, kind, path, seen_at, digest, checked_at, \
    metadata, created_by) select repo, package, kind, path, ?3, '', 0, '', ?4 from files f \
    where repo = ?1 and package = ?2 and kind in ('tag', 'document') and exists \
    (select 1 from history h where h.repo = f.repo and h.package = f.package and h.kind = f.kind \
    and h.path = f.path and h.digest <> '' and h.seen_at = (select max(l.seen_at) from history l \
    where l.repo = f.repo and l.package = f.package and l.kind = f.kind and l.path = f.path)) \
    on conflict (repo, package, kind, path, seen_at) do update set digest = '', checked_at = 0, \
    created_by = excluded.created_by";
const DROP_PACKAGE: &str = "delete from packages where repo = ?1 and name = ?2";
const IS_THERE: &str = "update packages set revision = revision + 1, updated_at = ?3 \
    where repo = ?1 and name = ?2 and exists (select 1 from files \
    where repo = ?1 and package = ?2 and version <> '' and version = ?4)";

/// What tells the versions of a package apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VersionBy {
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
    /// When the last of them came.
    pub pushed_at: Timestamp,
    /// Who brought it.
    pub created_by: Box<str>,
    /// When one of them was read last, as far as that was noted; zero if never.
    pub used_at: Timestamp,
    /// The manifest that a tag stands for.
    pub digest: Option<Digest>,
}

/// A part of the versions of a package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionPage<'a> {
    /// What the names begin with.
    pub prefix: &'a str,
    /// The name that the page before ended with; empty for the first page.
    pub after: &'a str,
    /// How many at most.
    pub limit: u64,
}

impl VersionPage<'_> {
    /// The first `limit` of all.
    pub const fn first(limit: u64) -> Self {
        Self {
            prefix: "",
            after: "",
            limit,
        }
    }
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
        let mut rows = self.sql.scan(PACKAGES, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Versions of a package, in the order of their letters.
    pub async fn versions_of(
        &self,
        package: PackageKey<'_>,
        by: VersionBy,
        page: VersionPage<'_>,
    ) -> Result<Vec<Version>, Error> {
        let [repo, package] = package.value();
        let text = match by {
            VersionBy::Version => VERSIONS,
            VersionBy::Tag => TAGS,
        };
        let read = |row: &mut Row| {
            Ok(Version {
                name: row.text(0)?,
                files: row.count(1)?,
                size: row.count(2)?,
                created_at: Timestamp(row.int(3)?),
                created_by: row.text(4)?,
                used_at: Timestamp(row.int(5)?),
                digest: row.optional_parsed(6)?,
                pushed_at: Timestamp(row.int(7)?),
            })
        };
        let VersionPage {
            prefix,
            after,
            limit,
        } = page;
        let values = vec![
            repo,
            package,
            after.into(),
            limit.into(),
            prefix.into(),
            after_prefix(prefix).into(),
        ];
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// The files of a version, at most `limit`.
    pub async fn files_of(
        &self,
        package: PackageKey<'_>,
        by: VersionBy,
        version: &str,
        limit: u64,
    ) -> Result<Vec<StoredFile>, Error> {
        let [repo, package] = package.value();
        let text = match by {
            VersionBy::Version => OF_VERSION,
            VersionBy::Tag => TAGGED,
        };
        let values = vec![repo, package, version.into(), limit.into()];
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// A manifest of an image by its digest; `None` if the image has none.
    pub async fn manifest_of(
        &self,
        package: PackageKey<'_>,
        digest: &Digest,
    ) -> Result<Option<StoredFile>, Error> {
        let [repo, package] = package.value();
        let values = [repo, package, digest.into()];
        let mut rows = self.sql.rows(MANIFEST, &values).await?;
        rows.first_mut().map(read).transpose()
    }

    /// Removes all files of a version from a mirror's package. [`Error::Unmet`] if the
    /// [`Requirement::Version`] has none.
    pub async fn drop_version(
        &self,
        package: PackageKey<'_>,
        version: &str,
        by: &dyn Author,
    ) -> Result<(), Error> {
        tracing::debug!(
            by = by.label(),
            repo = package.repo,
            package = package.package,
            version,
            "version removed"
        );
        let mut batch = Batch::at(package);
        let [repo, name] = package.value();
        let there = [
            repo.clone(),
            name.clone(),
            self.now().into(),
            version.into(),
        ];
        batch.require(Requirement::Version, IS_THERE, there);
        batch.run(DROP_VERSION, [repo, name, version.into()]);
        self.sql.apply(batch).await
    }

    /// Removes a package with all its files; whoever may publish to the repo may use its name again. The
    /// past of its tags and documents stays. [`Error::Unmet`] if the [`Requirement::Package`] is not there.
    pub async fn drop_package(
        &self,
        package: PackageKey<'_>,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(package);
        let deletion = Deletion {
            what: TrashKind::Package,
            version: "",
            reason: "",
            by,
        };
        let trash = self.trash(&mut batch, package, deletion);
        trash.end_with_all(&mut batch);
        batch.require(Requirement::Package, DROP_PACKAGE, package.value());
        batch.run(FIRST_OF_NAMES, package.value());
        let [repo, name] = package.value();
        let at = [repo, name, self.now().into()];
        batch.run(END_ALL, at.clone());
        let [repo, name, now] = at;
        batch.run(GONE, [repo, name, now, by.label().into()]);
        for text in [DROP_FILES, DROP_EDGES] {
            batch.run(text, package.value());
        }
        self.sql.apply(batch).await
    }

    /// Whether the package has a name that is taken, whatever else is there.
    pub async fn owns_name(&self, package: PackageKey<'_>) -> Result<bool, Error> {
        let key = package.file(FileKind::Name, "");
        Ok(self.find(key).await?.is_some())
    }
}
