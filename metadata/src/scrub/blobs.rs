//! Blobs as a scrub reads them, and what becomes of those that are damaged.

use crate::audit::Object;
use crate::blobs::{Bytestore, NewBlob};
use crate::jobs::HeldJob;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use bytes::Bytes;
use larder_model::{Action, Digest, FileKind, System, Timestamp};
use serde_json::json;
use std::fmt;

/// A blob's row with its bytes, where they are in it.
macro_rules! blobs {
    ($where:literal) => {
        concat!(
            "select digest, size, generation, touched_at, state, body from blobs where ",
            $where
        )
    };
}

const PAGE: &str = blobs!("digest > ?1 order by digest limit ?2");
const ONE: &str = blobs!("digest = ?1");
const TOTAL: &str = "select count(*) from blobs";
/// Whoever brought the bytes, or named them, since they were read has touched the row.
const DAMAGED: &str = "update blobs set \
    state = case when state in ('condemned', 'lost') then 'lost' else 'damaged' end \
    where digest = ?1 and generation = ?2 and touched_at = ?3";
/// Where the same object is still the row's, nobody brought other bytes since.
const LOST: &str = "update blobs set \
    state = case when state = 'condemned' then 'lost' else 'damaged' end \
    where digest = ?1 and generation = ?2 and state in ('kept', 'condemned')";
const QUARANTINE: &str = "insert into quarantine (digest, since, damage) values (?1, ?2, ?3) \
    on conflict (digest) do update set damage = case when quarantine.damage = 'deleted' \
    and excluded.damage = 'missing' then 'deleted' else excluded.damage end";
const RIGHT: &str = "update blobs set \
    state = case when state in ('condemned', 'lost') then 'condemned' else 'kept' end \
    where digest = ?1 and generation = ?2 and state in ('damaged', 'lost')";
const HEAL: &str = "update blobs set size = ?2, generation = ?3, body = ?4, touched_at = ?5, \
    state = case when state in ('condemned', 'lost') then 'condemned' else 'kept' end \
    where digest = ?1 and state in ('damaged', 'lost')";
const MIRRORED: &str = "select f.repo, f.package, f.kind, f.path, f.version from files f \
    join repos r on r.id = f.repo where f.digest = ?1 and r.kind = 'mirror' \
    and f.kind in ('artifact', 'blob', 'manifest', 'document', 'tag') \
    order by f.repo, f.package, f.kind, f.path limit ?2";
const IS_NAMED: &str = "select 1 where exists (select 1 from files where digest = ?1) \
    or exists (select 1 from trash_files where digest = ?1)";
const DROP_FORMS: &str = "delete from files where digest = ?1 and kind = 'representation'";
/// All that was composed together is composed anew together.
const DROP_STATE: &str = "delete from files where package = '' \
    and lifetime in ('until_change', 'until_next') \
    and repo in (select f.repo from files f where f.digest = ?1 and f.package = '' \
    and f.lifetime <> '')";
const DROP_COMPOSED: &str = "delete from files where digest = ?1 and lifetime <> ''";

/// What is wrong with the bytes of a blob.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// They are as many as they should be, and others.
    Changed,
    /// They are more or fewer.
    Size,
    /// They are not there.
    Missing,
    /// The disk cannot read them.
    Unreadable,
    /// An administrator gave them up.
    Deleted,
}

impl Damage {
    const ALL: [Self; 5] = [
        Self::Changed,
        Self::Size,
        Self::Missing,
        Self::Unreadable,
        Self::Deleted,
    ];

    /// Its word, in the database and in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Size => "size",
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Deleted => "deleted",
        }
    }

    pub(super) fn read(word: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|it| it.word() == word);
        found.ok_or_else(|| Error::Shape(format!("a blob's damage is {word}")))
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "its bytes are not those of its digest",
            Self::Size => "it has more or fewer bytes than it should",
            Self::Missing => "its bytes are not in the store",
            Self::Unreadable => "the disk cannot read its bytes",
            Self::Deleted => "an administrator gave its bytes up",
        })
    }
}

/// A blob to look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScrubBlob {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The generation of its object.
    pub generation: i64,
    /// When it was brought or named last, as far as that was noted.
    pub touched_at: Timestamp,
    /// It was found damaged before.
    pub damaged: bool,
    /// Its bytes, where they are in the row.
    pub body: Option<Bytes>,
}

impl ScrubBlob {
    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            digest: row.parsed(0)?,
            size: row.count(1)?,
            generation: row.int(2)?,
            touched_at: Timestamp(row.int(3)?),
            damaged: matches!(&*row.text(4)?, "damaged" | "lost"),
            body: row.optional_bytes(5)?,
        })
    }
}

/// A file of a mirror: its upstream has its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MirrorFile {
    /// The mirror's id.
    pub repo: i64,
    /// The package; empty: a file of the whole repository.
    pub package: Box<str>,
    /// What it is.
    pub kind: FileKind,
    /// Its path among the files of its kind.
    pub path: Box<str>,
    /// The version that it belongs to; empty: none.
    pub version: Box<str>,
}

impl Metadata {
    /// Blobs in the order of their digests, behind the text `after`.
    pub async fn blobs_to_scrub(&self, after: &str, limit: u64) -> Result<Vec<ScrubBlob>, Error> {
        let values = vec![after.into(), limit.into()];
        let mut rows = self.sql.scan(PAGE, values).await?;
        rows.iter_mut().map(ScrubBlob::read).collect()
    }

    /// One blob; `None`: it is not there.
    pub async fn blob_to_scrub(&self, digest: &Digest) -> Result<Option<ScrubBlob>, Error> {
        let mut rows = self.sql.rows(ONE, &[digest.into()]).await?;
        rows.first_mut().map(ScrubBlob::read).transpose()
    }

    /// How many blobs there are.
    pub async fn count_blobs(&self) -> Result<u64, Error> {
        let mut rows = self.sql.scan(TOTAL, Vec::new()).await?;
        rows.first_mut().map_or(Ok(0), |row| row.count(0))
    }

    /// Notes that a blob is damaged: from now on nobody reads it. [`Error::Unmet`]: the
    /// [`Requirement::Blob`] is not as it was read, or the job is another server's
    /// ([`Requirement::Job`]).
    pub async fn quarantine_blob(
        &self,
        held: &HeldJob,
        blob: &ScrubBlob,
        damage: Damage,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        let read = [
            Value::from(blob.digest),
            blob.generation.into(),
            blob.touched_at.into(),
        ];
        batch.require(Requirement::Blob, DAMAGED, read);
        self.quarantine(&mut batch, &blob.digest, damage, !blob.damaged);
        self.sql.apply(batch).await
    }

    /// Notes that a reader did not find an object in the store, or not with its size. Whether that is
    /// news: not where another was first, or the bytes were brought again since.
    pub async fn quarantine_object(
        &self,
        digest: &Digest,
        generation: i64,
        damage: Damage,
    ) -> Result<bool, Error> {
        let mut batch = Batch::default();
        let read = [digest.into(), generation.into()];
        batch.require(Requirement::Blob, LOST, read);
        self.quarantine(&mut batch, digest, damage, true);
        match self.sql.apply(batch).await {
            Err(Error::Unmet(Requirement::Blob)) => Ok(false),
            noted => noted.map(|()| true),
        }
    }

    fn quarantine(&self, batch: &mut Batch, digest: &Digest, damage: Damage, is_news: bool) {
        let now = self.shared_now_estimate();
        batch.run(
            QUARANTINE,
            [digest.into(), now.into(), damage.word().into()],
        );
        if is_news {
            let details = json!({"digest": digest.to_string(), "damage": damage.word()});
            let object = Object::Named("server");
            let by = &System::Housekeeping;
            self.note(batch, by, Action::BlobQuarantine, object, &details);
        }
        // Memory has it as it was.
        batch.touch_everything();
    }

    /// Notes that the bytes of a damaged blob are right where they are. [`Error::Unmet`]: the
    /// [`Requirement::Blob`] is not damaged any more, or the job is another server's
    /// ([`Requirement::Job`]).
    pub async fn release_blob(&self, held: &HeldJob, blob: &ScrubBlob) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        let values = [blob.digest.into(), blob.generation.into()];
        batch.require(Requirement::Blob, RIGHT, values);
        self.sql.apply(batch).await
    }

    /// Gives a damaged blob the right bytes. [`Error::Unmet`] as for [`Self::release_blob`].
    pub async fn heal_blob(&self, held: &HeldJob, blob: NewBlob) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        self.heal(batch, blob).await
    }

    /// Gives a blob that is damaged the right bytes, which somebody brought for a file that is here already.
    /// [`Error::Unmet`]: the [`Requirement::Blob`] is not damaged any more.
    pub async fn heal_kept(&self, blob: NewBlob) -> Result<(), Error> {
        self.heal(Batch::default(), blob).await
    }

    async fn heal(&self, mut batch: Batch, blob: NewBlob) -> Result<(), Error> {
        let (generation, body) = match blob.bytes {
            Bytestore::Inline(body) => (0, Value::Bytes(body)),
            Bytestore::Object(generation) => (generation, Value::Null),
        };
        let values = [
            blob.digest.into(),
            blob.size.into(),
            generation.into(),
            body,
            self.now().into(),
        ];
        batch.require(Requirement::Blob, HEAL, values);
        self.sql.apply(batch).await
    }

    /// Files of mirrors that have a digest, at most `limit`.
    pub async fn mirror_files(
        &self,
        digest: &Digest,
        limit: u64,
    ) -> Result<Vec<MirrorFile>, Error> {
        let read = |row: &mut Row| {
            Ok(MirrorFile {
                repo: row.int(0)?,
                package: row.text(1)?,
                kind: row.parsed(2)?,
                path: row.text(3)?,
                version: row.text(4)?,
            })
        };
        let values = vec![digest.into(), limit.into()];
        let mut rows = self.sql.scan(MIRRORED, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Whether a file has a digest, or something in the trash.
    pub async fn is_blob_named(&self, digest: &Digest) -> Result<bool, Error> {
        let rows = self.sql.rows(IS_NAMED, &[digest.into()]).await?;
        Ok(!rows.is_empty())
    }

    /// Lets go what was made here of other things and has a digest: representations, and documents
    /// that were composed with all that was composed beside them. Whoever asks next has them made anew.
    /// [`Error::Unmet`]: the job is another server's ([`Requirement::Job`]).
    pub async fn drop_made(&self, held: &HeldJob, digest: &Digest) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        batch.run(DROP_FORMS, [digest.into()]);
        batch.run(DROP_STATE, [digest.into()]);
        batch.run(DROP_COMPOSED, [digest.into()]);
        batch.touch_everything();
        self.sql.apply(batch).await
    }
}

/// All statements that are looked for by key, with how many values each takes.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, usize)] = &[
    (PAGE, 2),
    (ONE, 1),
    (DAMAGED, 3),
    (RIGHT, 2),
    (HEAL, 5),
    (IS_NAMED, 1),
    (DROP_FORMS, 1),
    (DROP_COMPOSED, 1),
];
