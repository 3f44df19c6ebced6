//! The blobs that are damaged.

use super::blobs::Damage;
use crate::audit::Object;
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::{Action, Author, Digest, Timestamp};
use serde_json::json;

macro_rules! quarantined {
    ($where:literal) => {
        concat!(
            "select q.digest, q.since, q.damage, b.size from quarantine q \
             join blobs b on b.digest = q.digest where ",
            $where
        )
    };
}

const LIST: &str = quarantined!("q.digest > ?1 order by q.digest limit ?2");
const ONE: &str = quarantined!("q.digest = ?1");
const COUNT: &str = "select count(*) from quarantine";
/// Its object is removed as any that no row names.
const ADD_OBJECT: &str = "insert into gc_objects (digest, generation, size) \
    select b.digest, b.generation, b.size from blobs b join quarantine q on q.digest = b.digest \
    where b.digest = ?1 and b.body is null and q.damage not in ('missing', 'deleted') \
    on conflict (digest, generation) do nothing";
/// No object has the generation 0.
const GIVE_UP: &str = "update blobs set generation = 0, body = null \
    where digest = ?1 and state in ('damaged', 'lost')";
const GIVEN_UP: &str = "update quarantine set damage = 'deleted' where digest = ?1";

/// A blob that is damaged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quarantined {
    /// Its digest.
    pub digest: Digest,
    /// Since when that is known.
    pub since: Timestamp,
    /// What is wrong with it.
    pub damage: Damage,
    /// The size in bytes that it should have.
    pub size: u64,
}

impl Quarantined {
    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            digest: row.parsed(0)?,
            since: Timestamp(row.int(1)?),
            damage: Damage::read(&row.text(2)?)?,
            size: row.count(3)?,
        })
    }
}

impl Metadata {
    /// Damaged blobs in the order of their digests, behind the text `after`.
    pub async fn quarantined(&self, after: &str, limit: u64) -> Result<Vec<Quarantined>, Error> {
        let values = vec![after.into(), limit.into()];
        let mut rows = self.sql.scan(LIST, values).await?;
        rows.iter_mut().map(Quarantined::read).collect()
    }

    /// What is known of a damaged blob; `None`: it is not damaged, or not there.
    pub async fn quarantined_blob(&self, digest: &Digest) -> Result<Option<Quarantined>, Error> {
        let mut rows = self.sql.rows(ONE, &[digest.into()]).await?;
        rows.first_mut().map(Quarantined::read).transpose()
    }

    /// How many blobs are damaged.
    pub async fn count_quarantined(&self) -> Result<u64, Error> {
        let mut rows = self.sql.scan(COUNT, Vec::new()).await?;
        rows.first_mut().map_or(Ok(0), |row| row.count(0))
    }

    /// Gives up what was kept aside of a damaged blob. Whatever names it stays, and is answered with
    /// its damage until somebody brings the bytes again. [`Error::Unmet`]: the [`Requirement::Blob`] is
    /// not damaged.
    pub async fn give_up_blob(&self, digest: &Digest, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.run(ADD_OBJECT, [digest.into()]);
        batch.require(Requirement::Blob, GIVE_UP, [digest.into()]);
        batch.require(Requirement::Blob, GIVEN_UP, [digest.into()]);
        let details = json!({"digest": digest.to_string()});
        let object = Object::Named("server");
        self.note(&mut batch, by, Action::QuarantineDelete, object, &details);
        self.sql.apply(batch).await
    }
}

/// All statements, with how many values each takes.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, usize)] = &[
    (LIST, 2),
    (ONE, 1),
    (GIVE_UP, 1),
    (GIVEN_UP, 1),
    (ADD_OBJECT, 1),
];
