//! Objects whose row is gone.

use crate::jobs::HeldJob;
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::Digest;

const GONE: &str = "select digest, generation, size from gc_objects \
    where (digest, generation) > (?1, ?2) order by digest, generation limit ?3";
const REMOVED: &str = "delete from gc_objects where digest = ?1 and generation = ?2";

/// An object that no row names, nor ever will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoneObject {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its generation.
    pub generation: i64,
    /// Its size in bytes.
    pub size: u64,
}

impl Metadata {
    /// Objects to remove, behind `after`.
    pub async fn gone_objects(
        &self,
        after: Option<&GoneObject>,
        limit: u64,
    ) -> Result<Vec<GoneObject>, Error> {
        let digest = after.map_or_else(|| "".into(), |it| it.digest.into());
        let generation = after.map_or(i64::MIN, |it| it.generation);
        let values = vec![digest, generation.into(), limit.into()];
        let read = |row: &mut Row| {
            Ok(GoneObject {
                digest: row.parsed(0)?,
                generation: row.int(1)?,
                size: row.count(2)?,
            })
        };
        let mut rows = self.sql.scan(GONE, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Notes that an object was removed. [`Error::Unmet`]: somebody else noted it
    /// ([`Requirement::Blob`]), or the job is another server's ([`Requirement::Job`]).
    pub async fn object_removed(&self, held: &HeldJob, object: &GoneObject) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        let values = [object.digest.into(), object.generation.into()];
        batch.require(Requirement::Blob, REMOVED, values);
        self.sql.apply(batch).await
    }
}

/// All statements, with how many values each takes.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, usize)] = &[(GONE, 3), (REMOVED, 2)];
