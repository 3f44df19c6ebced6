//! What is left of documents that went on: other forms of them, what past states of an index named,
//! and the past of names that an upstream moved. Each is found along an index that has nothing else,
//! and goes only while it is as it was read.

use crate::collection::{DueBlob, free_at_once};
use crate::jobs::HeldJob;
use crate::keys::PackageKey;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Digest, FileKind, Timestamp};

macro_rules! leftovers {
    ($from:literal) => {
        concat!(
            "select f.repo, f.package, f.kind, f.path, f.digest, b.size, f.used_at, f.retired_at, \
             f.version from ",
            $from
        )
    };
}

/// Forms that nobody has asked for.
const IDLE: &str = leftovers!(
    "files f join blobs b on b.digest = f.digest where f.kind = 'representation' \
     and f.used_at <= ?1 and (f.used_at, f.repo, f.package, f.path) > (?2, ?3, ?4, ?5) \
     order by f.used_at, f.repo, f.package, f.path limit ?6"
);
/// Forms of states that no document has any more: what they were made from is queued. The page of the
/// queue is cut before anything is joined: of two bounds on a pair of columns SQLite uses one. Whether
/// a file still has a digest is looked up for those alone that have forms. SQLite is told the index: it
/// would make one of its own, of all files, for each page.
const OF_PAST: &str = leftovers!(
    "(select since, digest from gc_blobs where since <= ?1 and (since, digest) > (?2, ?3) \
     order by since, digest limit ?4) q \
     join files f indexed by files_forms_of on f.kind = 'representation' and f.derived_from >= q.digest || '#' \
     and f.derived_from < q.digest || '$' join blobs b on b.digest = f.digest \
     where not exists (select 1 from files d where d.digest = q.digest and f.path <> '')"
);
/// What a state of an index named that is past.
const RETIRED: &str = leftovers!(
    "files f join blobs b on b.digest = f.digest where f.retired_at > 0 \
     and f.lifetime in ('', 'immutable') and f.retired_at <= ?1 \
     and (f.retired_at, f.repo, f.package, f.kind, f.path) > (?2, ?3, ?4, ?5, ?6) \
     order by f.retired_at, f.repo, f.package, f.kind, f.path limit ?7"
);
const DROP: &str = "delete from files where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 \
    and digest = ?5 and used_at <= ?6 and retired_at = ?7";
/// How many files and entries of the trash have a digest.
const HOLDERS: &str = "select (select count(*) from files where digest = ?1) \
    + (select count(*) from trash_files where digest = ?1)";

macro_rules! past {
    ($what:literal, $end:literal) => {
        concat!(
            "select ",
            $what,
            " from history where created_by = 'upstream' and (digest = '' or checked_at > 0) \
             and (case digest when '' then seen_at else checked_at end) <= ?1 ",
            $end
        )
    };
}

const PAST: &str = past!(
    "repo, package, kind, path, seen_at",
    "order by (case digest when '' then seen_at else checked_at end), repo, package, kind, path, \
     seen_at limit ?2"
);
const PAST_COUNTS: &str = past!("repo, count(*)", "group by repo order by repo");
const FORGET: &str = "delete from history where repo = ?1 and package = ?2 and kind = ?3 \
    and path = ?4 and seen_at = ?5 and (digest = '' or checked_at > 0)";

/// A file that is left over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leftover {
    /// The repository's id.
    pub repo: i64,
    /// Its package; empty: the whole repository.
    pub package: Box<str>,
    /// What it is.
    pub kind: FileKind,
    /// Its path among the files of its kind.
    pub path: Box<str>,
    /// Its bytes.
    pub digest: Digest,
    /// Their size.
    pub size: u64,
    /// When it was asked for last.
    pub used_at: Timestamp,
    /// When the state that named it was past; zero: it is no part of an index that is.
    pub retired_at: Timestamp,
    /// The version that it belongs to; empty: none.
    pub version: Box<str>,
}

/// A past state of a name of an upstream.
#[derive(Clone, PartialEq, Debug)]
pub struct PastName([Value; 5]);

impl Leftover {
    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            repo: row.int(0)?,
            package: row.text(1)?,
            kind: row.parsed(2)?,
            path: row.text(3)?,
            digest: row.parsed(4)?,
            size: row.count(5)?,
            used_at: Timestamp(row.int(6)?),
            retired_at: Timestamp(row.int(7)?),
            version: row.text(8)?,
        })
    }
}

impl Metadata {
    async fn leftovers(
        &self,
        text: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Leftover>, Error> {
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(Leftover::read).collect()
    }

    /// Other forms of documents that nobody has asked for since `until`, behind `after`, at most
    /// `limit`.
    pub async fn idle_forms(
        &self,
        until: Timestamp,
        after: Option<&Leftover>,
        limit: u64,
    ) -> Result<Vec<Leftover>, Error> {
        let [at, repo, package, path] = match after {
            Some(it) => [
                it.used_at.into(),
                it.repo.into(),
                (&*it.package).into(),
                (&*it.path).into(),
            ],
            None => [i64::MIN.into(), i64::MIN.into(), "".into(), "".into()],
        };
        let values = vec![until.into(), at, repo, package, path, limit.into()];
        self.leftovers(IDLE, values).await
    }

    /// Forms of documents' states that no file has any more, of the first `limit` that were queued
    /// at `until` or before, behind `after`.
    pub async fn forms_of_past(
        &self,
        until: Timestamp,
        after: Option<&DueBlob>,
        limit: u64,
    ) -> Result<Vec<Leftover>, Error> {
        let [since, digest]: [Value; 2] = match after {
            Some(it) => [it.since.into(), it.digest.into()],
            None => [i64::MIN.into(), "".into()],
        };
        let values = vec![until.into(), since, digest, limit.into()];
        self.leftovers(OF_PAST, values).await
    }

    /// What past states of indexes named that ended at `until` or before, behind `after`, at most
    /// `limit`.
    pub async fn retired_files(
        &self,
        until: Timestamp,
        after: Option<&Leftover>,
        limit: u64,
    ) -> Result<Vec<Leftover>, Error> {
        let [at, repo, package, kind, path] = match after {
            Some(it) => [
                it.retired_at.into(),
                it.repo.into(),
                (&*it.package).into(),
                it.kind.into(),
                (&*it.path).into(),
            ],
            None => [
                0_i64.into(),
                i64::MIN.into(),
                "".into(),
                "".into(),
                "".into(),
            ],
        };
        let values = vec![until.into(), at, repo, package, kind, path, limit.into()];
        self.leftovers(RETIRED, values).await
    }

    /// Lets a leftover go; its bytes are free at the collector's next look, if nothing else has them.
    /// [`Error::Unmet`]: it is not as it was read ([`Requirement::File`]), or the job is another
    /// server's ([`Requirement::Job`]).
    pub async fn drop_leftover(&self, held: &HeldJob, leftover: &Leftover) -> Result<(), Error> {
        let package = PackageKey {
            repo: leftover.repo,
            package: &leftover.package,
        };
        let mut batch = Batch::at(package);
        held.require(&mut batch);
        let [repo, name, kind, path] = package.file(leftover.kind, &leftover.path).value();
        let values = [
            repo,
            name,
            kind,
            path,
            leftover.digest.into(),
            leftover.used_at.into(),
            leftover.retired_at.into(),
        ];
        batch.require(Requirement::File, DROP, values);
        free_at_once(&mut batch, &leftover.digest);
        self.sql.apply(batch).await
    }

    /// How many files, and rows of the trash, have a digest.
    pub async fn count_holders(&self, digest: &Digest) -> Result<u64, Error> {
        let mut rows = self.sql.rows(HOLDERS, &[digest.into()]).await?;
        rows.first_mut().map_or(Ok(0), |row| row.count(0))
    }

    /// How many past states of upstreams' names ended at `until` or before, by repository.
    pub async fn count_past(&self, until: Timestamp) -> Result<Vec<(i64, u64)>, Error> {
        let mut rows = self.sql.scan(PAST_COUNTS, vec![until.into()]).await?;
        rows.iter_mut()
            .map(|row| Ok((row.int(0)?, row.count(1)?)))
            .collect()
    }

    /// Those states, the oldest first, at most `limit`.
    pub async fn past_names(&self, until: Timestamp, limit: u64) -> Result<Vec<PastName>, Error> {
        let read = |row: &mut Row| {
            let [package, kind, path] = [row.text(1)?, row.text(2)?, row.text(3)?];
            let [package, kind, path] = [&*package, &*kind, &*path].map(Value::from);
            let (repo, seen_at) = (row.int(0)?.into(), row.int(4)?.into());
            Ok(PastName([repo, package, kind, path, seen_at]))
        };
        let values = vec![until.into(), limit.into()];
        let mut rows = self.sql.scan(PAST, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Forgets past states. [`Error::Unmet`]: the job is another server's ([`Requirement::Job`]).
    pub async fn forget_past(&self, held: &HeldJob, past: Vec<PastName>) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        for PastName(key) in past {
            batch.run(FORGET, key);
        }
        self.sql.apply(batch).await
    }
}

/// All statements, with how many values each takes.
#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, usize)] = &[
    (IDLE, 6),
    (OF_PAST, 4),
    (RETIRED, 7),
    (DROP, 7),
    (HOLDERS, 1),
    (PAST, 2),
    (FORGET, 5),
];
