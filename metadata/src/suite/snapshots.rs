//! Snapshots are one state of everything, fill an empty database with it, and holds keep what they
//! name.

use super::fixture::{Bed, NPM, Push, add_repo, assert_unmet, digest};
use crate::backups::HOLD;
use crate::database::Database;
use crate::snapshot::{LEFT_OUT, Snapshot};
use crate::{Error, Metadata, Requirement, Row, migrate};
use larder_model::{Clock, Digest, QuotaLimits, RepoKind, RepoSettings, System, Timestamp};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

checks![
    a_snapshot_does_not_see_what_is_written_later,
    a_snapshot_has_each_row_once,
    tables_stand_behind_those_that_they_refer_to,
    what_is_left_out_is_not_there,
    objects_are_held_until_the_hold_ends,
    a_hold_that_is_not_renewed_expires,
    a_renewed_hold_lasts,
    a_hold_that_is_gone_is_not_renewed,
];

/// All rows of a snapshot, by their table.
async fn all(mut snapshot: Snapshot) -> BTreeMap<String, Vec<Row>> {
    let names: Vec<String> = snapshot
        .tables
        .iter()
        .map(|it| it.name.to_string())
        .collect();
    let mut rows: BTreeMap<_, Vec<Row>> = names.iter().map(|it| (it.clone(), vec![])).collect();
    while let Some((at, page)) = snapshot.next_page().await.expect("page") {
        rows.get_mut(&names[at]).expect("table").extend(page);
    }
    rows
}

/// What the collector is to look at, and is not.
struct Queued {
    /// A blob that a manifest names.
    named: Digest,
    /// One that no manifest names.
    unnamed: Digest,
    /// One that no file has, and that is in no queue.
    lost: Digest,
}

impl Queued {
    async fn of(metadata: &Metadata) -> Self {
        let (bed, id) = (Bed::images(metadata).await, metadata.new_id());
        let named = bed.keep_blob("app", &format!("named {id}")).await;
        let unnamed = bed.keep_blob("app", &format!("unnamed {id}")).await;
        let lost = digest(&format!("lost {id}"));
        let text = format!("manifest {id}");
        let push = Push {
            blobs: &[named],
            ..Push::new(&text, &["v1"])
        };
        bed.try_push("app", push).await.expect("push");
        // What nothing names does not count, before and after.
        let quota = QuotaLimits {
            bytes: Some(1 << 20),
            versions: None,
        };
        let settings = RepoSettings {
            quota,
            ..RepoSettings::default()
        };
        let limited = metadata.change_repo(bed.repo.id, "", &settings, None, &System::Larder);
        limited.await.expect("a quota");
        let mut batch = crate::Batch::default();
        let text = "insert into blobs (digest, size, generation, state, touched_at) \
            values (?1, 1, ?2, 'kept', 0)";
        batch.run(text, [lost.into(), id.into()]);
        let text = "insert into gc_objects (digest, generation, size) values (?1, ?2, 1)";
        batch.run(text, [lost.into(), (id - 1).into()]);
        metadata.sql.apply(batch).await.expect("rows");
        Self {
            named,
            unnamed,
            lost,
        }
    }

    /// They are queued in a database that was filled with the rows, and no object is to be removed.
    async fn assert_in(&self, filled: &Metadata) {
        let (ever, all) = (Timestamp(i64::MAX), 100_000);
        let links = filled.queued_links(ever, None, all).await.expect("links");
        let link = |digest| links.iter().find(|link| link.digest == Some(digest));
        let unnamed = link(self.unnamed).expect("a link");
        assert_eq!(unnamed.told_at, Some(unnamed.since));
        assert_eq!((link(self.named), link(self.lost)), (None, None));
        let blobs = filled.queued_blobs(ever, None, all).await.expect("blobs");
        let blob = |digest| blobs.iter().find(|blob| blob.digest == digest);
        assert!(blob(self.lost).expect("a digest").since > Timestamp(0));
        assert_eq!((blob(self.named), blob(self.unnamed)), (None, None));
        let gone = filled.gone_objects(None, all).await;
        assert_eq!(gone.expect("objects"), []);
    }
}

/// Fills an empty database with what another has, and compares them.
pub async fn moves(from: &Metadata, into: Database) {
    let queued = Queued::of(from).await;
    let mut snapshot = from.snapshot().await.expect("snapshot");
    let tables = snapshot.tables.clone();
    let filling = into.fill(snapshot.schema, tables).await;
    let mut filling = filling.expect("an empty database");
    while let Some((at, page)) = snapshot.next_page().await.expect("page") {
        filling.rows(at, page).await.expect("rows");
    }
    filling.commit().await.expect("commit");
    drop(snapshot);
    let filled = Metadata::of(into).await.expect("open");
    queued.assert_in(&filled).await;
    let (from, into) = (from.snapshot().await, filled.snapshot().await);
    let (from, into) = (
        all(from.expect("snapshot")).await,
        all(into.expect("snapshot")).await,
    );
    for (table, rows) in from {
        let into = into.get(&table).map(|rows| settled(&table, rows));
        assert_eq!(into, Some(settled(&table, &rows)), "{table}");
    }
    let wrong = "select id from quotas where open <> 0 or bytes <> \
        (select coalesce(sum(i.bytes), 0) from quota_items i join quota_repos r on r.repo = i.repo \
        where r.quota = quotas.id) or versions <> (select count(*) from quota_items i \
        join quota_repos r on r.repo = i.repo where r.quota = quotas.id and i.kind = 'version')";
    assert_eq!(filled.sql.rows(wrong, &[]).await.expect("quotas"), []);
    // Of an image, what no manifest names does not count.
    let released = "select i.repo from quota_items i where i.kind = 'bytes' and i.refs <> \
        (select count(*) from files f join quota_repos q on q.repo = f.repo where f.repo = i.repo \
        and f.digest = i.name and f.kind in ('blob', 'manifest', 'artifact') and f.lifetime = '' \
        and f.owner = '' and not exists (select 1 from quota_released r where r.repo = f.repo \
        and r.package = f.package and r.digest = f.digest and f.kind = 'blob'))";
    assert_eq!(filled.sql.rows(released, &[]).await.expect("items"), []);
    let report = filled.verify_audit().await.expect("trail");
    assert_eq!(report.fault, None);
}

/// Rows without counts, which are made anew: what no manifest names does not count any more.
fn settled(table: &str, rows: &[Row]) -> Vec<Row> {
    const LIMITS: usize = 5;
    let told = |row: &Row| match table {
        "quotas" => Row(row.0[..LIMITS].to_vec()),
        _ => row.clone(),
    };
    rows.iter().map(told).collect()
}

/// Brings an empty database to the version before the newest; that version.
pub async fn one_before(database: &Database) -> i64 {
    let before = migrate::newest() - 1;
    let schema = usize::try_from(before).expect("version");
    let migrated = migrate::to(database.sql.as_ref(), schema).await;
    migrated.expect("migrate");
    before
}

async fn a_snapshot_does_not_see_what_is_written_later(metadata: &Metadata) {
    let snapshot = metadata.snapshot().await.expect("snapshot");
    let later = add_repo(metadata, NPM, RepoKind::Hosted, &[]).await;
    let has = |rows: &BTreeMap<String, Vec<Row>>| {
        let ids = rows["repos"].iter().map(|row| row.0[0].clone());
        ids.into_iter().any(|id| id == later.id.into())
    };
    assert!(!has(&all(snapshot).await));
    assert!(has(&all(metadata.snapshot().await.expect("snapshot")).await));
}

async fn a_snapshot_has_each_row_once(metadata: &Metadata) {
    // More than a page has, of a table with a key of several columns.
    let bed = Bed::images(metadata).await;
    for number in 0..600 {
        let mut batch = crate::Batch::default();
        let values = [bed.repo.id.into(), format!("child-{number:04}").into()];
        let text = "insert into edges (repo, package, parent, child, kind) \
            values (?1, 'many', 'p', ?2, 'blob')";
        batch.run(text, values);
        metadata.sql.apply(batch).await.expect("edge");
    }
    let rows = all(metadata.snapshot().await.expect("snapshot")).await;
    let of_bed = |row: &&Row| row.0[0] == bed.repo.id.into();
    let mut children: Vec<_> = rows["edges"].iter().filter(of_bed).collect();
    assert_eq!(children.len(), 600);
    children.dedup();
    assert_eq!(children.len(), 600);
}

async fn tables_stand_behind_those_that_they_refer_to(metadata: &Metadata) {
    let snapshot = metadata.snapshot().await.expect("snapshot");
    let place = |name: &str| {
        let place = snapshot
            .tables
            .iter()
            .position(|table| &*table.name == name);
        place.expect("table")
    };
    for (table, other) in [
        ("files", "repos"),
        ("files", "blobs"),
        ("tokens", "users"),
        ("group_members", "groups"),
        ("repo_members", "repos"),
        ("packages", "repos"),
    ] {
        assert!(place(other) < place(table), "{table} refers to {other}");
    }
}

async fn what_is_left_out_is_not_there(metadata: &Metadata) {
    let snapshot = metadata.snapshot().await.expect("snapshot");
    let names: Vec<&str> = snapshot.tables.iter().map(|table| &*table.name).collect();
    assert!(
        !names.iter().any(|name| LEFT_OUT.contains(name)),
        "{names:?}"
    );
    assert!(names.contains(&"audit_chain"), "{names:?}");
}

async fn hold(metadata: &Metadata) -> i64 {
    // Not of a person: the trail has no entries of other times.
    let held = metadata.hold_objects(&System::Larder, &json!({})).await;
    held.expect("hold")
}

/// The same database `passed` later than `from`.
fn later(metadata: &Metadata, from: Timestamp, passed: Duration) -> Metadata {
    metadata.with_clock(Clock::new(move || from.after(passed)))
}

async fn are_held(metadata: &Metadata) -> bool {
    metadata.are_objects_held().await.expect("holds")
}

async fn objects_are_held_until_the_hold_ends(metadata: &Metadata) {
    let (one, other) = (hold(metadata).await, hold(metadata).await);
    for (id, held) in [(one, true), (other, false)] {
        metadata.end_hold(id).await.expect("end");
        assert_eq!(are_held(metadata).await, held);
    }
}

async fn a_hold_that_is_not_renewed_expires(metadata: &Metadata) {
    let id = hold(metadata).await;
    let now = metadata.now();
    assert!(are_held(&later(metadata, now, HOLD / 2)).await);
    let after = later(metadata, now, HOLD);
    assert!(!are_held(&after).await);
    // The next one clears it away.
    let next = hold(&after).await;
    assert_unmet(metadata.renew_hold(id).await, Requirement::Hold);
    metadata.end_hold(next).await.expect("end");
}

async fn a_renewed_hold_lasts(metadata: &Metadata) {
    let id = hold(metadata).await;
    let now = metadata.now();
    let half = later(metadata, now, HOLD / 2);
    half.renew_hold(id).await.expect("renew");
    assert!(are_held(&later(metadata, now, HOLD)).await);
    metadata.end_hold(id).await.expect("end");
}

async fn a_hold_that_is_gone_is_not_renewed(metadata: &Metadata) {
    let id = hold(metadata).await;
    metadata.end_hold(id).await.expect("end");
    let renewed: Result<(), Error> = metadata.renew_hold(id).await;
    assert_unmet(renewed, Requirement::Hold);
}
