//! A row of the audit trail as it is read.

use crate::{Error, Row};
use larder_model::{Algorithm, Digest, Timestamp};
use serde_json::json;

/// The columns that [`AuditEntry::read`] reads.
macro_rules! columns {
    () => {
        "id, at, actor, action, object, result, address, request_id, details, count"
    };
}
pub(super) use columns;

/// An entry. Its texts are kept as they are in the row, whoever wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id; a later entry has a larger one.
    pub id: i64,
    /// When it was.
    pub at: Timestamp,
    /// Who: `user:alice`, `robot:ci`, `anonymous`, `first start`, `larder`.
    pub actor: Box<str>,
    /// What was done: the word of an [`Action`](larder_model::Action).
    pub action: Box<str>,
    /// To what: `npm/local/left-pad`, `oci/team`, `user:alice`, `settings`.
    pub object: Box<str>,
    /// How it ended: the word of an [`Outcome`](larder_model::Outcome).
    pub result: Box<str>,
    /// From which address; empty: by the server itself.
    pub address: Box<str>,
    /// The id of the request, the first of the like; empty: there was none.
    pub request_id: Box<str>,
    /// What else is told of it: a JSON object.
    pub details: Box<str>,
    /// For how many of the like it stands.
    pub count: u64,
}

impl AuditEntry {
    pub(super) fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            at: Timestamp(row.int(1)?),
            actor: row.text(2)?,
            action: row.text(3)?,
            object: row.text(4)?,
            result: row.text(5)?,
            address: row.text(6)?,
            request_id: row.text(7)?,
            details: row.text(8)?,
            count: row.count(9)?,
        })
    }

    /// Its hash in the chain at `seq`, where the entry before it has the hash `previous`: over the
    /// JSON array of both and all its columns, without white space.
    pub(crate) fn hash(&self, previous: &str, seq: i64) -> Digest {
        let text = json!([
            previous,
            seq,
            self.id,
            self.at.0,
            self.actor,
            self.action,
            self.object,
            self.result,
            self.address,
            self.request_id,
            self.details,
            self.count,
        ]);
        Digest::of(Algorithm::Sha256, text.to_string().as_bytes())
    }
}
