//! What mirrors hold: it can be fetched again, so it may go. Whoever decides that reads files with
//! when they were used last; each goes only while it is as it was read.

use crate::collection::free_at_once;
use crate::documents::moves;
use crate::jobs::HeldJob;
use crate::keys::PackageKey;
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::{Digest, FileKind, Timestamp};

macro_rules! files {
    ($where:literal) => {
        concat!(
            "select f.package, f.kind, f.path, f.version, f.digest, b.size, f.created_at, \
             f.checked_at, f.used_at from files f join blobs b on b.digest = f.digest where ",
            $where
        )
    };
}

const ALL: &str = files!(
    "f.repo = ?1 and (f.package, f.kind, f.path) > (?2, ?3, ?4) \
     order by f.package, f.kind, f.path limit ?5"
);
const OF_PACKAGE: &str = files!("f.repo = ?1 and f.package = ?2 order by f.kind, f.path");
/// All bytes that a file of a mirror has, each once.
const BYTES: &str = "select cast(coalesce(sum(b.size), 0) as bigint) from blobs b \
    where b.digest in (select f.digest from files f join repos r on r.id = f.repo \
    where r.kind = 'mirror')";
/// A file that was filled, confirmed or read since is another one.
const DROP: &str = "delete from files where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 \
    and digest = ?5 and used_at <= ?6 and checked_at <= ?7";
/// Documents tell of what is there: one stays while anything is.
const DROP_LAST: &str = "delete from files where repo = ?1 and package = ?2 and kind = ?3 \
    and path = ?4 and digest = ?5 and used_at <= ?6 and checked_at <= ?7 \
    and not exists (select 1 from files where repo = ?1 and package = ?2 \
    and kind in ('artifact', 'blob', 'manifest', 'tag'))";
const DROP_PACKAGE: &str = "delete from packages where repo = ?1 and name = ?2 \
    and not exists (select 1 from files where repo = ?1 and package = ?2)";

/// A file of a mirror.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MirroredFile {
    /// Its package.
    pub package: Box<str>,
    /// What it is.
    pub kind: FileKind,
    /// Its path among the files of its kind.
    pub path: Box<str>,
    /// The version that it belongs to; empty: none.
    pub version: Box<str>,
    /// Its bytes.
    pub digest: Digest,
    /// Their size.
    pub size: u64,
    /// When these bytes came.
    pub created_at: Timestamp,
    /// When the upstream confirmed them last.
    pub checked_at: Timestamp,
    /// When they were read last, as far as that was noted; zero: never.
    pub used_at: Timestamp,
}

impl MirroredFile {
    /// When somebody last had a use for it: whoever had it fetched had one.
    pub fn last_used_at(&self) -> Timestamp {
        self.created_at.max(self.checked_at).max(self.used_at)
    }

    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            package: row.text(0)?,
            kind: row.parsed(1)?,
            path: row.text(2)?,
            version: row.text(3)?,
            digest: row.parsed(4)?,
            size: row.count(5)?,
            created_at: Timestamp(row.int(6)?),
            checked_at: Timestamp(row.int(7)?),
            used_at: Timestamp(row.int(8)?),
        })
    }
}

impl Metadata {
    /// Files of a mirror by package, kind and path, behind `after`, at most `limit`.
    pub async fn mirrored_files(
        &self,
        repo: i64,
        after: Option<&MirroredFile>,
        limit: u64,
    ) -> Result<Vec<MirroredFile>, Error> {
        let [package, kind, path] = match after {
            Some(file) => [&*file.package, file.kind.word(), &*file.path],
            None => ["", "", ""],
        };
        let values = vec![
            repo.into(),
            package.into(),
            kind.into(),
            path.into(),
            limit.into(),
        ];
        let mut rows = self.sql.scan(ALL, values).await?;
        rows.iter_mut().map(MirroredFile::read).collect()
    }

    /// All files of a mirror's package.
    pub async fn mirrored_package(
        &self,
        package: PackageKey<'_>,
    ) -> Result<Vec<MirroredFile>, Error> {
        let values = package.value().to_vec();
        let mut rows = self.sql.scan(OF_PACKAGE, values).await?;
        rows.iter_mut().map(MirroredFile::read).collect()
    }

    /// The bytes that all mirrors keep together, each counted once. Reads all their rows.
    pub async fn mirrored_bytes(&self) -> Result<u64, Error> {
        let mut rows = self.sql.scan(BYTES, Vec::new()).await?;
        rows.first_mut().map_or(Ok(0), |row| row.count(0))
    }

    /// Lets files of a mirror's package go together; their bytes are free at the collector's next run,
    /// if nothing else has them. `last`: only while there is nothing else of the package than
    /// documents. [`Error::Unmet`]: one of them is not as it was read ([`Requirement::File`]), or the
    /// job is another server's ([`Requirement::Job`]).
    pub async fn evict(
        &self,
        package: PackageKey<'_>,
        files: &[&MirroredFile],
        last: bool,
        held: &HeldJob,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(package);
        held.require(&mut batch);
        let now = self.now();
        for file in files {
            let key = package.file(file.kind, &file.path);
            if moves(file.kind) {
                Self::state_is_let_go(&mut batch, key, now);
            } else if file.kind == FileKind::Artifact {
                Self::artifact_is_let_go(&mut batch, key, now);
            }
            let [repo, name, kind, path] = key.value();
            let values = [
                repo,
                name,
                kind,
                path,
                file.digest.into(),
                file.used_at.into(),
                file.checked_at.into(),
            ];
            let text = if last { DROP_LAST } else { DROP };
            batch.require(Requirement::File, text, values);
        }
        for file in files {
            free_at_once(&mut batch, &file.digest);
        }
        batch.run(DROP_PACKAGE, package.value());
        self.sql.apply(batch).await
    }
}

/// All statements, with how many values each takes.
#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, usize)] = &[
    (ALL, 5),
    (OF_PACKAGE, 2),
    (DROP, 7),
    (DROP_LAST, 7),
    (DROP_PACKAGE, 2),
];
