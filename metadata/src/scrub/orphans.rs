//! Objects of the store that no row names. Between an object and its row lies a moment, so one is let
//! go only when it was seen twice, a grace apart.

use crate::jobs::HeldJob;
use crate::{Batch, Error, Metadata, Requirement, Value};
use larder_model::{Digest, Timestamp};
use std::collections::HashSet;

/// Digests in a range, each with a generation: of rows, and of what the collector removes anyway.
const NAMED: &str = "select digest, generation from blobs \
    where digest >= ?1 and digest < ?2 and body is null";
const QUEUED: &str = "select digest, generation from gc_objects where digest >= ?1 and digest < ?2";
const SEEN: &str = "insert into scrub_orphans (digest, generation, size, since, seen_at) \
    values (?1, ?2, ?3, ?4, ?4) on conflict (digest, generation) do update set \
    seen_at = excluded.seen_at";
/// The row is looked up once more, in the commit that lets the object go.
const LET_GO: &str = "insert into gc_objects (digest, generation, size) \
    select o.digest, o.generation, o.size from scrub_orphans o \
    where o.digest = ?1 and o.generation = ?2 and o.since <= ?3 and not exists \
    (select 1 from blobs b where b.digest = o.digest and b.generation = o.generation \
    and b.body is null) on conflict (digest, generation) do nothing";
const FORGET: &str = "delete from scrub_orphans where digest = ?1 and generation = ?2";
const FORGET_UNSEEN: &str = "delete from scrub_orphans where seen_at < ?1";

/// An object that no row names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Orphan {
    /// The digest in its key.
    pub digest: Digest,
    /// Its generation.
    pub generation: i64,
    /// Its size in bytes.
    pub size: u64,
}

impl Orphan {
    fn key(&self) -> [Value; 2] {
        [self.digest.into(), self.generation.into()]
    }
}

impl Metadata {
    /// The objects that rows name, or that the collector is to remove, with digests from the text
    /// `from` on and before `end`: digests with generations.
    pub async fn known_objects(
        &self,
        from: &str,
        end: &str,
    ) -> Result<HashSet<(Digest, i64)>, Error> {
        let mut known = HashSet::new();
        for text in [NAMED, QUEUED] {
            let values = vec![from.into(), end.into()];
            for row in &mut self.sql.scan(text, values).await? {
                known.insert((row.parsed(0)?, row.int(1)?));
            }
        }
        Ok(known)
    }

    /// Looks at an orphan at `now`: one that was seen at `until` or before is handed to the collector,
    /// which removes it unless a backup holds all objects. Whether it was. [`Error::Unmet`]: the job is
    /// another server's ([`Requirement::Job`]).
    pub async fn settle_orphan(
        &self,
        held: &HeldJob,
        orphan: &Orphan,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<bool, Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        let [digest, generation] = orphan.key();
        let seen = [digest, generation, orphan.size.into(), now.into()];
        batch.run(SEEN, seen);
        self.sql.apply(batch).await?;
        let mut batch = Batch::default();
        held.require(&mut batch);
        let [digest, generation] = orphan.key();
        batch.require(
            Requirement::Blob,
            LET_GO,
            [digest, generation, until.into()],
        );
        batch.run(FORGET, orphan.key());
        match self.sql.apply(batch).await {
            Ok(()) => Ok(true),
            // It is seen for the first time, or has a row by now.
            Err(Error::Unmet(Requirement::Blob)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forgets orphans that were not seen since `since`: they have a row, or are gone.
    pub async fn forget_orphans(&self, held: &HeldJob, since: Timestamp) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        batch.run(FORGET_UNSEEN, [since.into()]);
        self.sql.apply(batch).await
    }
}

/// All statements that are looked for by key, with how many values each takes.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, usize)] =
    &[(NAMED, 2), (QUEUED, 2), (LET_GO, 3), (FORGET, 2)];
