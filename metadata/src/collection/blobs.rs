//! Digests that a file had: their bytes go once no file has them, at the second look.

use crate::jobs::HeldJob;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Digest, Timestamp};

const DUE: &str = "select q.since, q.digest, b.size, b.generation, b.state, \
    case when b.body is null then 0 else 1 end, \
    coalesce((select max(f.kind) from files f where f.digest = q.digest), \
    (select 'trash' from trash_files t where t.digest = q.digest limit 1)) \
    from gc_blobs q left join blobs b on b.digest = q.digest \
    where q.since <= ?1 and (q.since, q.digest) > (?2, ?3) order by q.since, q.digest limit ?4";
const DONE: &str = "delete from gc_blobs where digest = ?1 and since = ?2";
/// The file that was seen may be gone by now, and that queued the digest for the same moment.
const HELD: &str = "delete from gc_blobs where digest = ?1 and since = ?2 \
    and (exists (select 1 from files where digest = ?1) \
    or exists (select 1 from trash_files where digest = ?1))";
const TAKE_BACK: &str = "update blobs set \
    state = case state when 'lost' then 'damaged' else 'kept' end \
    where digest = ?1 and state in ('condemned', 'lost')";
const CONDEMN: &str = "update blobs set \
    state = case state when 'damaged' then 'lost' else 'condemned' end \
    where digest = ?1 and state in ('kept', 'damaged') and generation = ?2 \
    and not exists (select 1 from files where digest = ?1) \
    and not exists (select 1 from trash_files where digest = ?1)";
const LOOK_AGAIN: &str = "update gc_blobs set since = ?3 where digest = ?1 and since = ?2";
/// Takes the row's lock: a file of the digest that is there by then is seen by the next statement.
const LOCK: &str = "update blobs set state = state \
    where digest = ?1 and state in ('condemned', 'lost') and generation = ?2";
const ADD_OBJECT: &str = "insert into gc_objects (digest, generation, size) values (?1, ?2, ?3)";
const DROP: &str = "delete from blobs where digest = ?1 and state in ('condemned', 'lost') \
    and generation = ?2 and not exists (select 1 from files where digest = ?1) \
    and not exists (select 1 from trash_files where digest = ?1)";

/// Nobody relies on the bytes: the next run looks at them, whatever its grace is,
const AT_ONCE: &str = "update gc_blobs set since = 0 where digest = ?1 \
    and not exists (select 1 from files where digest = ?1) \
    and not exists (select 1 from trash_files where digest = ?1)";
/// and that look is the second.
const CONDEMN_AT_ONCE: &str = "update blobs set state = 'condemned' where digest = ?1 \
    and state = 'kept' and not exists (select 1 from files where digest = ?1) \
    and not exists (select 1 from trash_files where digest = ?1)";

/// A digest to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueBlob {
    /// Since when no name of it was seen.
    pub since: Timestamp,
    /// The digest.
    pub digest: Digest,
    /// Its row; `None`: it is gone.
    pub row: Option<BlobRow>,
    /// The kind of a file that has it; `trash`: one that was deleted and can be restored.
    pub held_by: Option<Box<str>>,
}

/// A blob's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobRow {
    /// Its size in bytes.
    pub size: u64,
    /// The generation of its object.
    pub generation: i64,
    /// A look has found that no file has it.
    pub condemned: bool,
    /// Its bytes are in the row.
    pub inline: bool,
}

/// What is to become of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobPlan {
    /// There is nothing to look at any more.
    Forget,
    /// A file has it.
    Held,
    /// No file has it: the next look decides.
    Condemn,
    /// Its bytes go.
    Delete(BlobRow),
}

impl DueBlob {
    /// What is to become of it.
    pub const fn plan(&self) -> BlobPlan {
        match (&self.row, &self.held_by) {
            (None, _) => BlobPlan::Forget,
            (Some(_), Some(_)) => BlobPlan::Held,
            (Some(row), None) if row.condemned => BlobPlan::Delete(*row),
            (Some(_), None) => BlobPlan::Condemn,
        }
    }

    fn read(row: &mut Row) -> Result<Self, Error> {
        let size = row.optional_int(2)?;
        let blob = match size {
            None => None,
            Some(size) => Some(BlobRow {
                size: size.unsigned_abs(),
                generation: row.int(3)?,
                condemned: matches!(&*row.text(4)?, "condemned" | "lost"),
                inline: row.int(5)? != 0,
            }),
        };
        Ok(Self {
            since: Timestamp(row.int(0)?),
            digest: row.parsed(1)?,
            row: blob,
            held_by: row.optional_text(6)?,
        })
    }
}

/// Has the next run of the collector free bytes that no client was told of and that can be made or
/// fetched again, if the batch took their last name: it waits for no grace. Who names them by then
/// keeps them.
pub(crate) fn free_at_once(batch: &mut Batch, digest: &Digest) {
    for text in [AT_ONCE, CONDEMN_AT_ONCE] {
        batch.run(text, [digest.into()]);
    }
}

impl Metadata {
    /// Digests that were queued at `until` or before, the oldest first, behind `after`.
    pub async fn queued_blobs(
        &self,
        until: Timestamp,
        after: Option<&DueBlob>,
        limit: u64,
    ) -> Result<Vec<DueBlob>, Error> {
        let since = after.map_or(Timestamp(i64::MIN), |it| it.since);
        let digest = after.map_or(Value::from(""), |it| it.digest.into());
        let values = vec![until.into(), since.into(), digest, limit.into()];
        let mut rows = self.sql.scan(DUE, values).await?;
        rows.iter_mut().map(DueBlob::read).collect()
    }

    /// Does what was planned for a digest; `now` is when the second look begins to wait.
    /// [`Error::Unmet`]: it is not as it was read ([`Requirement::Blob`]), or the job is another
    /// server's ([`Requirement::Job`]).
    pub async fn settle_blob(
        &self,
        held: &HeldJob,
        blob: &DueBlob,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        let digest = Value::from(blob.digest);
        let queued = [digest.clone(), blob.since.into()];
        match blob.plan() {
            BlobPlan::Forget => batch.run(DONE, queued),
            BlobPlan::Held => {
                batch.require(Requirement::Blob, HELD, queued);
                batch.run(TAKE_BACK, [digest]);
            }
            BlobPlan::Condemn => {
                let generation = blob.row.map_or(0, |row| row.generation);
                let values = [digest.clone(), generation.into()];
                batch.require(Requirement::Blob, CONDEMN, values);
                let again = [digest, blob.since.into(), now.into()];
                batch.require(Requirement::Blob, LOOK_AGAIN, again);
            }
            BlobPlan::Delete(row) => {
                let values = [digest.clone(), row.generation.into()];
                batch.require(Requirement::Blob, LOCK, values.clone());
                if !row.inline {
                    let object = [digest, row.generation.into(), row.size.into()];
                    batch.run(ADD_OBJECT, object);
                }
                batch.require(Requirement::Blob, DROP, values);
                batch.require(Requirement::Blob, DONE, queued);
            }
        }
        self.sql.apply(batch).await
    }
}

/// All statements, with how many values each takes.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, usize)] = &[
    (DUE, 4),
    (DONE, 2),
    (HELD, 2),
    (TAKE_BACK, 1),
    (CONDEMN, 2),
    (LOOK_AGAIN, 3),
    (LOCK, 2),
    (DROP, 2),
    (AT_ONCE, 1),
    (CONDEMN_AT_ONCE, 1),
];
