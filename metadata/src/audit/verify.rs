//! Proof that no sealed entry was changed, removed or put between others.

use super::chain::{Chain, Link};
use super::entry::{AuditEntry, columns};
use crate::{Error, Metadata};
use larder_model::Digest;
use std::fmt;

const PAGE: &str = concat!(
    "select ",
    columns!(),
    ", seq, hash from audit where seq > ?1 and seq <= ?2 order by seq limit 1000"
);
/// Entries outside of the chain's ends, which move in the same commits as the entries.
const OUTSIDE: &str = "select a.seq, a.id from audit a, audit_chain c \
    where c.one = 1 and (a.seq > c.seq or a.seq <= c.anchor_seq) order by a.seq limit 1";
/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It is not what was sealed, or stands at another place.
    Changed,
    /// There is none at its place.
    Removed,
    /// It stands outside of the chain.
    Inserted,
}

/// The first fault of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The place in the chain.
    pub seq: i64,
    /// The id of the entry that stands there; `None`: there is none.
    pub id: Option<i64>,
}

impl fmt::Display for AuditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, seq, id } = self;
        let what = match kind {
            FaultKind::Changed => "was changed after it was sealed",
            FaultKind::Removed => "is missing",
            FaultKind::Inserted => "was put where the chain has none",
        };
        match id {
            Some(id) => write!(f, "entry {seq} (id {id}) {what}"),
            None => write!(f, "entry {seq} {what}"),
        }
    }
}

/// What was found of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// Entries that are in order, from the first that is kept.
    pub entries: u64,
    /// The hash of the newest sealed entry. Whoever notes it elsewhere can tell later that nothing
    /// before it was changed.
    pub head: Digest,
    /// The first thing that is wrong.
    pub fault: Option<AuditFault>,
}

impl Metadata {
    /// Seals what waits, then walks the whole trail, page by page.
    pub async fn verify_audit(&self) -> Result<AuditReport, Error> {
        self.seal(true).await?;
        loop {
            let chain = self.chain().await?;
            let (entries, mut fault) = self.walk(&chain).await?;
            if fault.is_none() {
                fault = self.outside().await?;
            }
            // The oldest may have been deleted while they were read.
            if fault.is_some() && self.chain().await?.anchor != chain.anchor {
                continue;
            }
            let unreadable = |_| Error::Shape("the audit trail's head is no digest".to_owned());
            let head = chain.head.hash.parse().map_err(unreadable)?;
            return Ok(AuditReport {
                entries,
                head,
                fault,
            });
        }
    }

    /// How many entries are in order from the anchor to the head, and what is wrong with the next.
    async fn walk(&self, chain: &Chain) -> Result<(u64, Option<AuditFault>), Error> {
        let mut last = chain.anchor.clone();
        let mut entries = 0;
        while last.seq < chain.head.seq {
            let values = vec![last.seq.into(), chain.head.seq.into()];
            let mut rows = self.sql.scan(PAGE, values).await?;
            if rows.is_empty() {
                return Ok((entries, Some(missing(last.seq + 1))));
            }
            for row in &mut rows {
                let expected = last.seq + 1;
                let seq = row.int(10)?;
                if seq != expected {
                    return Ok((entries, Some(missing(expected))));
                }
                let hash = row.text(11);
                let (id, entry) = (row.0.first().cloned(), AuditEntry::read(row));
                let right = match (&entry, &hash) {
                    (Ok(entry), Ok(hash)) => *entry.hash(&last.hash, seq).to_string() == **hash,
                    _ => false, // SQLite keeps anything in any column
                };
                if !right {
                    let id = match id {
                        Some(crate::Value::Int(id)) => Some(id),
                        _ => None,
                    };
                    return Ok((entries, Some(changed(seq, id))));
                }
                last = Link { seq, hash: hash? };
                entries += 1;
            }
        }
        let fits = last == chain.head;
        Ok((entries, (!fits).then(|| changed(last.seq, None))))
    }

    async fn outside(&self) -> Result<Option<AuditFault>, Error> {
        let mut rows = self.sql.scan(OUTSIDE, Vec::new()).await?;
        let Some(row) = rows.first_mut() else {
            return Ok(None);
        };
        Ok(Some(AuditFault {
            kind: FaultKind::Inserted,
            seq: row.int(0)?,
            id: Some(row.int(1)?),
        }))
    }
}

const fn missing(seq: i64) -> AuditFault {
    AuditFault {
        kind: FaultKind::Removed,
        seq,
        id: None,
    }
}

const fn changed(seq: i64, id: Option<i64>) -> AuditFault {
    AuditFault {
        kind: FaultKind::Changed,
        seq,
        id,
    }
}
