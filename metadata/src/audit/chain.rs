//! Sealing: entries that wait get their place in the chain.

use super::entry::{AuditEntry, columns};
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::Timestamp;

const CHAIN: &str = "select seq, hash, anchor_seq, anchor_hash from audit_chain where one = 1";
const WAITING: &str = concat!(
    "select ",
    columns!(),
    ", open_until from audit_waiting where open_until <= ?1 order by id limit ?2"
);
/// Of several servers that seal at once one finds the head as it was.
const MOVE_HEAD: &str = "update audit_chain set seq = ?3, hash = ?4 \
    where one = 1 and seq = ?1 and hash = ?2";
/// Changes that were sealed: their entries stay as they were read.
const TAKE_CHANGES: &str = "delete from audit_waiting where open_until = 0 \
    and id in (select id from audit where seq >= ?1 and seq <= ?2)";
/// An event may have been counted into the entry since it was read.
const TAKE: &str = "delete from audit_waiting where id = ?1 and count = ?2";
const SEAL: &str = concat!(
    "insert into audit (seq, hash, ",
    columns!(),
    ") values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
);

/// Entries sealed in one batch.
const BATCH: u64 = 1000;
/// How often it is tried to be the one of several servers that seals.
const TRIES: u32 = 100;

/// Both ends of the chain: where its entries begin and end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The newest sealed entry.
    pub(crate) head: Link,
    /// The last entry that was deleted.
    pub(crate) anchor: Link,
}

/// A place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) seq: i64,
    pub(crate) hash: Box<str>,
}

impl Metadata {
    pub(crate) async fn chain(&self) -> Result<Chain, Error> {
        let mut rows = self.sql.rows(CHAIN, &[]).await?;
        let missing = || Error::Shape("the audit trail's ends are missing".to_owned());
        let row = rows.first_mut().ok_or_else(missing)?;
        let (head, hash) = (row.int(0)?, row.text(1)?);
        let (anchor, anchor_hash) = (row.int(2)?, row.text(3)?);
        Ok(Chain {
            head: Link { seq: head, hash },
            anchor: Link {
                seq: anchor,
                hash: anchor_hash,
            },
        })
    }

    /// Seals entries that wait and take no more events; all that wait if it is `forced`. How many
    /// there were.
    pub async fn seal(&self, forced: bool) -> Result<usize, Error> {
        let now = self.now();
        let until = if forced { Timestamp(i64::MAX) } else { now };
        let (mut sealed, mut tries) = (0, 0);
        loop {
            let head = self.chain().await?.head;
            let values = vec![until.into(), BATCH.into()];
            let mut rows = self.sql.scan(WAITING, values).await?;
            let read = |row: &mut Row| Ok((AuditEntry::read(row)?, row.int(10)? == 0));
            let waiting: Vec<(AuditEntry, bool)> =
                rows.iter_mut().map(read).collect::<Result<_, Error>>()?;
            if waiting.is_empty() {
                return Ok(sealed);
            }
            match self.sql.apply(seal_batch(&head, &waiting)).await {
                Ok(()) => {
                    sealed += waiting.len();
                    tries = 0;
                }
                Err(Error::Unmet(Requirement::Audit)) if tries < TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

/// Seals entries, of each of which is said whether it tells of a change.
fn seal_batch(head: &Link, waiting: &[(AuditEntry, bool)]) -> Batch {
    let mut batch = Batch::default();
    let mut last = head.clone();
    let mut seals = Vec::with_capacity(waiting.len());
    for (entry, is_change) in waiting {
        let seq = last.seq + 1;
        let hash = entry.hash(&last.hash, seq).to_string();
        last = Link {
            seq,
            hash: hash.into(),
        };
        seals.push((entry, *is_change, last.clone()));
    }
    // The head is moved first: whoever else seals waits for it, or finds it moved.
    let moved = [
        head.seq.into(),
        head.hash.as_ref().into(),
        last.seq.into(),
        last.hash.as_ref().into(),
    ];
    batch.require(Requirement::Audit, MOVE_HEAD, moved);
    for (entry, is_change, link) in seals {
        let as_read = [entry.id.into(), entry.count.into()];
        if !is_change {
            batch.require(Requirement::Audit, TAKE, as_read);
        }
        let sealed = [
            link.seq.into(),
            link.hash.as_ref().into(),
            entry.id.into(),
            entry.at.into(),
            entry.actor.as_ref().into(),
            entry.action.as_ref().into(),
            entry.object.as_ref().into(),
            entry.result.as_ref().into(),
            entry.address.as_ref().into(),
            entry.request_id.as_ref().into(),
            entry.details.as_ref().into(),
            entry.count.into(),
        ];
        batch.run(SEAL, sealed);
    }
    batch.run(TAKE_CHANGES, [(head.seq + 1).into(), last.seq.into()]);
    batch
}

#[cfg(test)]
mod tests;
