//! An audit trail whose waiting entries stood between the sealed ones.

use crate::audit::{AuditEntry, AuditFilter};
use crate::{Batch, Metadata, Sql, Value};
use larder_model::Timestamp;

/// The last schema with one table for all entries.
pub(super) const ONE_TABLE: usize = 12;

const ADD: &str = "insert into audit (id, at, actor, action, object, result, address, request_id, \
    details, count, open_until, seq, hash) \
    values (?1, ?1, 'user:alice', 'tag.set', 'oci/team/app', 'ok', '', '', '{}', 1, 0, ?2, ?3)";
const HEAD: &str = "update audit_chain set seq = ?1, hash = ?2";
/// The ids of entries in the order in which they were written, and the places of the sealed ones.
const ENTRIES: [(i64, Option<i64>); 4] = [
    (1 << 20, Some(1)),
    (2 << 20, None),
    (3 << 20, Some(2)),
    (4 << 20, None),
];

fn entry(id: i64) -> AuditEntry {
    AuditEntry {
        id,
        at: Timestamp(id),
        actor: "user:alice".into(),
        action: "tag.set".into(),
        object: "oci/team/app".into(),
        result: "ok".into(),
        address: "".into(),
        request_id: "".into(),
        details: "{}".into(),
        count: 1,
    }
}

/// Writes the trail as an older version did.
pub(super) async fn fill(sql: &dyn Sql) {
    let mut rows = sql
        .rows("select hash from audit_chain", &[])
        .await
        .expect("chain");
    let mut last = rows[0].text(0).expect("hash");
    let mut batch = Batch::default();
    for (id, seq) in ENTRIES {
        let sealed = match seq {
            Some(seq) => {
                last = entry(id).hash(&last, seq).to_string().into();
                [seq.into(), last.as_ref().into()]
            }
            None => [Value::Null, Value::Null],
        };
        let [seq, hash] = sealed;
        batch.run(ADD, [id.into(), seq, hash]);
    }
    batch.run(HEAD, [2_i64.into(), last.as_ref().into()]);
    sql.apply(batch).await.expect("fill");
}

/// All entries are there, those that waited behind the others, and the chain is whole.
pub(super) async fn assert_whole(metadata: &Metadata) {
    let all = metadata
        .audit(&AuditFilter::default(), None, 10)
        .await
        .expect("audit");
    let expected: Vec<AuditEntry> = ENTRIES.iter().rev().map(|(id, _)| entry(*id)).collect();
    assert_eq!(all, expected);
    let report = metadata.verify_audit().await.expect("verify");
    assert_eq!((report.entries, report.fault), (4, None));
}
