//! That the audit trail is one chain, and that nothing of it can be changed unseen.

use super::audit::refused;
use super::fixture::{Bed, digest};
use crate::audit::{AuditFault, AuditFilter, AuditReport, FaultKind};
use crate::{Metadata, Value};
use larder_model::{System, Timestamp};
use tokio::task::JoinSet;

checks![
    an_empty_trail_is_in_order,
    many_writers_make_one_chain,
    an_event_waits_for_the_end_of_its_minute,
    a_changed_entry_is_found,
    a_rewritten_hash_is_found,
    a_removed_entry_is_found,
    a_cut_tail_is_found,
    an_inserted_entry_is_found,
    entries_that_changed_places_are_found,
    a_moved_head_is_found,
    the_oldest_go_and_the_rest_is_proved,
    nothing_that_waits_is_pruned,
];

async fn verify(metadata: &Metadata) -> AuditReport {
    metadata.verify_audit().await.expect("verify")
}

async fn assert_in_order(metadata: &Metadata) -> AuditReport {
    let report = verify(metadata).await;
    assert_eq!(report.fault, None);
    report
}

async fn script(metadata: &Metadata, text: &str) {
    metadata.sql.script(text.to_owned()).await.expect("script");
}

/// Sealed entries of pushes: the places and ids of the last three.
async fn three(metadata: &Metadata) -> [(i64, i64); 3] {
    let bed = Bed::images(metadata).await;
    for text in ["one", "two", "three"] {
        bed.push("app", text, &["v1"]).await;
    }
    assert_in_order(metadata).await;
    let text = "select seq, id from audit order by seq desc limit 3";
    let mut rows = metadata.sql.rows(text, &[]).await.expect("rows");
    let mut read = |row: usize| {
        let row = &mut rows[row];
        (row.int(0).expect("seq"), row.int(1).expect("id"))
    };
    [read(2), read(1), read(0)]
}

/// What is found after a script, which is undone.
async fn found(metadata: &Metadata, tamper: &str, undo: &str) -> Option<AuditFault> {
    script(metadata, tamper).await;
    let report = verify(metadata).await;
    script(metadata, undo).await;
    assert_in_order(metadata).await;
    report.fault
}

const fn changed((seq, id): (i64, i64)) -> AuditFault {
    AuditFault {
        kind: FaultKind::Changed,
        seq,
        id: Some(id),
    }
}

async fn an_empty_trail_is_in_order(metadata: &Metadata) {
    let report = assert_in_order(metadata).await;
    if report.entries == 0 {
        assert_eq!(report.head, digest(""));
    }
}

async fn many_writers_make_one_chain(metadata: &Metadata) {
    const WRITERS: u64 = 8;
    const PUSHES: u64 = 10;
    let before = assert_in_order(metadata).await.entries;
    let mut running = JoinSet::new();
    for writer in 0..WRITERS {
        let metadata = metadata.clone();
        running.spawn(async move {
            let bed = Bed::images(&metadata).await;
            let mut events = [refused(&format!("user:{}", bed.full_name("x")), 0)];
            for number in 0..PUSHES {
                bed.push("app", &format!("{writer} {number}"), &["v"]).await;
                events[0].count = 1;
                metadata.write_events(&mut events).await.expect("events");
                metadata.seal(number % 2 == 0).await.expect("seal");
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done.expect("writer");
    }
    let after = assert_in_order(metadata).await;
    // For each writer a repository and its pushes, and at most as many events as pushes.
    let changes = WRITERS * (1 + PUSHES);
    let new = after.entries - before;
    assert!(
        (changes + 1..=changes + WRITERS * PUSHES).contains(&new),
        "{new}"
    );
    let waiting = "select id from audit_waiting";
    assert_eq!(
        metadata.sql.rows(waiting, &[]).await.expect("rows").len(),
        0
    );
}

async fn an_event_waits_for_the_end_of_its_minute(metadata: &Metadata) {
    let who = format!("user:{:x}", metadata.new_id());
    let mut events = [refused(&who, 1)];
    metadata.write_events(&mut events).await.expect("write");
    let id = events[0].entry.expect("an entry");
    let text = "select id from audit_waiting where id = ?1 and open_until > at";
    let waits = async || {
        let rows = metadata.sql.rows(text, &[id.into()]).await;
        !rows.expect("rows").is_empty()
    };
    assert!(waits().await);
    // The clock moves on by a millisecond whenever it is read.
    while metadata.seal(false).await.expect("seal") == 0 {
        assert!(metadata.now() < crate::ids::made_at(id).after(std::time::Duration::from_mins(2)));
    }
    assert!(!waits().await);
}

async fn a_changed_entry_is_found(metadata: &Metadata) {
    let [_, (seq, id), _] = three(metadata).await;
    for column in [
        "actor",
        "action",
        "object",
        "result",
        "address",
        "request_id",
        "details",
    ] {
        let text = format!("select {column} from audit where id = {id}");
        let text: &'static str = text.leak();
        let mut rows = metadata.sql.rows(text, &[]).await.expect("rows");
        let was = rows[0].text(0).expect("text");
        let set = |value: &str| format!("update audit set {column} = '{value}' where id = {id}");
        let found = found(metadata, &set("other"), &set(&was)).await;
        assert_eq!(found, Some(changed((seq, id))), "{column}");
    }
    for column in ["at", "count"] {
        let add = |by: i64| format!("update audit set {column} = {column} + {by} where id = {id}");
        let found = found(metadata, &add(1), &add(-1)).await;
        assert_eq!(found, Some(changed((seq, id))), "{column}");
    }
    let other = id - 1;
    let set = |from: i64, to: i64| format!("update audit set id = {to} where id = {from}");
    let found = found(metadata, &set(id, other), &set(other, id)).await;
    assert_eq!(found, Some(changed((seq, other))));
}

/// Whoever changes an entry and its hash has to change all hashes behind it.
async fn a_rewritten_hash_is_found(metadata: &Metadata) {
    let [(seq, id), next, _] = three(metadata).await;
    let entry = metadata
        .audit(&AuditFilter::default(), Some(id + 1), 1)
        .await;
    let mut entry = entry.expect("audit").remove(0);
    assert_eq!(entry.id, id);
    let text =
        "select p.hash, a.hash from audit a join audit p on p.seq = a.seq - 1 where a.id = ?1";
    let mut rows = metadata.sql.rows(text, &[id.into()]).await.expect("rows");
    let (previous, hash) = (
        rows[0].text(0).expect("hash"),
        rows[0].text(1).expect("hash"),
    );
    let was = std::mem::replace(&mut entry.actor, "user:mallory".into());
    let forged = entry.hash(&previous, seq).to_string();
    let set = |actor: &str, hash: &str| {
        format!("update audit set actor = '{actor}', hash = '{hash}' where id = {id}")
    };
    let found = found(metadata, &set("user:mallory", &forged), &set(&was, &hash)).await;
    assert_eq!(found, Some(changed(next)));
}

/// Scripts that take entries away and put them back.
fn away(which: &str) -> (String, String) {
    (
        format!(
            "create table audit_away as select * from audit where {which}; \
            delete from audit where {which}"
        ),
        "insert into audit select * from audit_away; drop table audit_away".to_owned(),
    )
}

async fn a_removed_entry_is_found(metadata: &Metadata) {
    let [_, (seq, id), _] = three(metadata).await;
    let (take, give_back) = away(&format!("id = {id}"));
    let found = found(metadata, &take, &give_back).await;
    assert_eq!(
        found,
        Some(AuditFault {
            kind: FaultKind::Removed,
            seq,
            id: None
        })
    );
}

async fn a_cut_tail_is_found(metadata: &Metadata) {
    let [_, (seq, _), _] = three(metadata).await;
    let noted = verify(metadata).await.head;
    let (take, give_back) = away(&format!("seq >= {seq}"));
    let gone = found(metadata, &take, &give_back).await;
    assert_eq!(
        gone,
        Some(AuditFault {
            kind: FaultKind::Removed,
            seq,
            id: None
        })
    );
    // Whoever moves the head too has another head than the one that was noted.
    let chain = metadata.chain().await.expect("chain").head;
    script(metadata, &take).await;
    let last = seq - 1;
    let head = format!("(select hash from audit where seq = {last})");
    script(
        metadata,
        &format!("update audit_chain set seq = {last}, hash = {head}"),
    )
    .await;
    let report = verify(metadata).await;
    assert!(report.fault.is_none() && report.head != noted);
    let (seq, hash) = (chain.seq, chain.hash);
    script(metadata, &give_back).await;
    script(
        metadata,
        &format!("update audit_chain set seq = {seq}, hash = '{hash}'"),
    )
    .await;
    assert_eq!(assert_in_order(metadata).await.head, noted);
}

async fn an_inserted_entry_is_found(metadata: &Metadata) {
    let [_, _, (seq, id)] = three(metadata).await;
    let columns = "at, actor, action, object, result, address, request_id, details, count";
    for place in [seq + 1, seq + 7, 0, -3] {
        let new = id + 1;
        let put = format!(
            "insert into audit (id, {columns}, seq, hash) \
             select {new}, {columns}, {place}, hash from audit where id = {id}"
        );
        let undo = format!("delete from audit where id = {new}");
        let found = found(metadata, &put, &undo).await;
        assert_eq!(
            found,
            Some(AuditFault {
                kind: FaultKind::Inserted,
                seq: place,
                id: Some(new)
            })
        );
    }
}

async fn entries_that_changed_places_are_found(metadata: &Metadata) {
    let [(first, a), (second, b), _] = three(metadata).await;
    let swap = |a: i64, b: i64| {
        format!(
            "update audit set seq = -1 where id = {a}; \
             update audit set seq = {first} where id = {b}; \
             update audit set seq = {second} where id = {a}"
        )
    };
    let found = found(metadata, &swap(a, b), &swap(b, a)).await;
    assert_eq!(found, Some(changed((first, b))));
}

async fn a_moved_head_is_found(metadata: &Metadata) {
    let [_, _, (seq, _)] = three(metadata).await;
    let hash = metadata.chain().await.expect("chain").head.hash;
    let set = |seq: i64, hash: &str| format!("update audit_chain set seq = {seq}, hash = '{hash}'");
    let other = digest("another").to_string();
    let forged = found(metadata, &set(seq, &other), &set(seq, &hash)).await;
    assert_eq!(
        forged,
        Some(AuditFault {
            kind: FaultKind::Changed,
            seq,
            id: None
        })
    );
    let ahead = found(metadata, &set(seq + 1, &hash), &set(seq, &hash)).await;
    assert_eq!(
        ahead,
        Some(AuditFault {
            kind: FaultKind::Removed,
            seq: seq + 1,
            id: None
        })
    );
}

async fn ids_of(metadata: &Metadata) -> Vec<i64> {
    let text = "select id from audit union all select id from audit_waiting order by id";
    let rows = metadata.sql.rows(text, &[]).await.expect("rows");
    let id = |row: &crate::Row| match row.0[0] {
        Value::Int(id) => id,
        _ => panic!("an id"),
    };
    rows.iter().map(id).collect()
}

async fn the_oldest_go_and_the_rest_is_proved(metadata: &Metadata) {
    three(metadata).await;
    let before = metadata.now();
    let [_, (seq, id), _] = three(metadata).await;
    let pruned = metadata.prune_audit(before, &System::Housekeeping).await;
    assert!(pruned.expect("prune") >= 3);
    let ids = ids_of(metadata).await;
    assert!(ids.iter().all(|id| crate::ids::made_at(*id) >= before));
    let report = assert_in_order(metadata).await;
    assert_eq!(report.entries, ids.len() as u64);
    // The pruning is an entry, and what stays is as well proved as before.
    let filter = AuditFilter {
        action: Some("audit.prune".to_owned()),
        ..AuditFilter::default()
    };
    let noted = metadata
        .audit(&filter, None, 1)
        .await
        .expect("audit")
        .remove(0);
    assert_eq!((&*noted.actor, &*noted.object), ("larder", "audit"));
    let (take, give_back) = away(&format!("id = {id}"));
    let gone = found(metadata, &take, &give_back).await;
    assert_eq!(
        gone,
        Some(AuditFault {
            kind: FaultKind::Removed,
            seq,
            id: None
        })
    );
    let (take, give_back) = away(&format!("id = {}", ids[0]));
    let gone = found(metadata, &take, &give_back).await.expect("a fault");
    assert_eq!((gone.kind, gone.id), (FaultKind::Removed, None));
    let again = metadata.prune_audit(before, &System::Housekeeping).await;
    assert_eq!(again.expect("prune"), 0);
}

async fn nothing_that_waits_is_pruned(metadata: &Metadata) {
    let end = Timestamp(i64::MAX);
    let bed = Bed::images(metadata).await;
    bed.push("app", "one", &["v1"]).await;
    metadata
        .prune_audit(end, &System::Housekeeping)
        .await
        .expect("prune");
    let filter = AuditFilter {
        object: Some(bed.full_name("app")),
        ..AuditFilter::default()
    };
    let found = metadata.audit(&filter, None, 10).await.expect("audit");
    assert_eq!(found.len(), 1);
    assert_in_order(metadata).await;
}
