//! Retention: the oldest entries go, and the chain stays provable.

use super::chain::Link;
use super::note::Object;
use crate::{Batch, Error, Metadata, Requirement};
use larder_model::{Action, Author, Timestamp};
use serde_json::json;

const OLDEST: &str = "select seq, hash, at from audit where seq > ?1 order by seq limit ?2";
const MOVE_ANCHOR: &str = "update audit_chain set anchor_seq = ?3, anchor_hash = ?4 \
    where one = 1 and anchor_seq = ?1 and anchor_hash = ?2";
const DELETE: &str = "delete from audit where seq <= ?1";

/// Entries deleted in one batch.
const BATCH: usize = 5000;

impl Metadata {
    /// Deletes the sealed entries before the first one that was not `before`, and notes each batch
    /// of it. The chain begins at the last one deleted from then on. How many there were.
    pub async fn prune_audit(&self, before: Timestamp, by: &dyn Author) -> Result<u64, Error> {
        let mut deleted = 0;
        loop {
            let anchor = self.chain().await?.anchor;
            let values = vec![anchor.seq.into(), (BATCH as u64).into()];
            let mut rows = self.sql.scan(OLDEST, values).await?;
            let (mut last, mut count) = (None, 0_u64);
            for row in &mut rows {
                let (seq, hash) = (row.int(0)?, row.text(1)?);
                if Timestamp(row.int(2)?) >= before {
                    break;
                }
                last = Some(Link { seq, hash });
                count += 1;
            }
            let Some(last) = last else {
                return Ok(deleted);
            };
            let mut batch = Batch::default();
            let moved = [
                anchor.seq.into(),
                anchor.hash.as_ref().into(),
                last.seq.into(),
                last.hash.as_ref().into(),
            ];
            batch.require(Requirement::Audit, MOVE_ANCHOR, moved);
            batch.run(DELETE, [last.seq.into()]);
            let details = json!({"entries": count, "before": before, "last": &*last.hash});
            let object = Object::Named("audit");
            self.note(&mut batch, by, Action::AuditPrune, object, &details);
            match self.sql.apply(batch).await {
                Ok(()) => deleted += count,
                Err(Error::Unmet(Requirement::Audit)) => {} // another server was first
                Err(error) => return Err(error),
            }
        }
    }
}
