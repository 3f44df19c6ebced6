use super::fixture::digest;
use super::*;
use crate::database::Database;
use crate::migrate;

/// Runs a check on a database of its own.
pub(super) async fn on_sqlite(check: impl AsyncFnOnce(&Metadata)) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("larder.db");
    let metadata = Metadata::sqlite(&path, 2, clock()).await.expect("open");
    check(&metadata).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_database_passes_again() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, clock) = (folder.path().join("larder.db"), clock());
    for opening in ["open", "open again"] {
        let metadata = Metadata::sqlite(&path, 2, clock.clone()).await;
        all(&metadata.expect(opening)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_database_fills_an_empty_one() {
    on_sqlite(async |metadata| {
        all(metadata).await;
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("larder.db");
        moves(metadata, Database::sqlite(&path, 2, clock()).expect("open")).await;
    })
    .await;
}

/// A database of a schema before this one, with rows.
async fn used_before(path: &std::path::Path) -> (Database, crate::snapshot::Snapshot) {
    let database = Database::sqlite(path, 2, clock()).expect("open");
    one_before(&database).await;
    let mut batch = crate::Batch::default();
    batch.run("insert into settings (key, value) values ('a', 'b')", []);
    database.sql.apply(batch).await.expect("row");
    let snapshot = database.snapshot().await.expect("snapshot");
    (database, snapshot)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_of_an_older_schema_is_migrated() {
    let folder = tempfile::tempdir().expect("folder");
    let (database, mut snapshot) = used_before(&folder.path().join("before.db")).await;
    let found = database.version_before().await.expect("version");
    assert_eq!(found, Some(migrate::newest() - 1));
    let into = Database::sqlite(&folder.path().join("larder.db"), 2, clock()).expect("open");
    assert_eq!(into.version_before().await.expect("version"), None);
    let filling = into.fill(snapshot.schema, snapshot.tables.clone()).await;
    let mut filling = filling.expect("fill");
    while let Some((at, page)) = snapshot.next_page().await.expect("page") {
        filling.rows(at, page).await.expect("rows");
    }
    filling.commit().await.expect("commit");
    let filled = Metadata::of(into).await.expect("open");
    let rows = filled
        .sql
        .rows("select value from settings where key = 'a'", &[])
        .await;
    assert_eq!(rows.expect("rows").len(), 1);
    assert!(
        !filled
            .are_objects_held()
            .await
            .expect("a table of the newest schema")
    );
}

/// The last schema without queues of the collector.
const UNQUEUED: usize = 14;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nothing_names_is_queued_when_an_older_snapshot_is_migrated() {
    let folder = tempfile::tempdir().expect("folder");
    let open = |name: &str| Database::sqlite(&folder.path().join(name), 2, clock()).expect("open");
    let database = open("before.db");
    let migrated = migrate::to(database.sql.as_ref(), UNQUEUED).await;
    migrated.expect("migrate");
    let (mut batch, lost) = (crate::Batch::default(), digest("lost"));
    let text = "insert into blobs (digest, size, generation, state, touched_at) \
        values (?1, 1, 1, 'kept', 0)";
    batch.run(text, [lost.into()]);
    database.sql.apply(batch).await.expect("row");
    let mut snapshot = database.snapshot().await.expect("snapshot");
    let into = open("larder.db");
    let filling = into.fill(snapshot.schema, snapshot.tables.clone()).await;
    let mut filling = filling.expect("fill");
    while let Some((at, page)) = snapshot.next_page().await.expect("page") {
        filling.rows(at, page).await.expect("rows");
    }
    filling.commit().await.expect("commit");
    let filled = Metadata::of(into).await.expect("open");
    let queued = filled.queued_blobs(Timestamp(i64::MAX), None, 10).await;
    let queued: Vec<_> = queued.expect("queue").iter().map(|it| it.digest).collect();
    assert_eq!(queued, [lost]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_stays_of_rows_that_are_not_committed() {
    on_sqlite(async |metadata| {
        let snapshot = metadata.snapshot().await.expect("snapshot");
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("larder.db");
        let into = Database::sqlite(&path, 2, clock()).expect("open");
        let tables = snapshot.tables.clone();
        let at = tables
            .iter()
            .position(|table| &*table.name == "tokens")
            .expect("table");
        let stray = |id: i64| {
            let text = |text: &str| crate::Value::from(text);
            let values = tables[at].columns.iter().map(|column| match &*column.name {
                "id" => id.into(),
                "owner" => 7_i64.into(),
                "hash" => text(&id.to_string()),
                _ if column.kind == crate::snapshot::ColumnKind::Int => 0_i64.into(),
                _ => text(""),
            });
            crate::Row(values.collect())
        };
        for commits in [false, true] {
            let filling = into.fill(snapshot.schema, tables.clone()).await;
            let mut filling = filling.expect("fill");
            filling
                .rows(at, vec![stray(1), stray(2)])
                .await
                .expect("rows");
            if commits {
                let error = filling.commit().await.expect_err("owners are missing");
                let text = "a row of tokens refers to one of users that is not there";
                assert_eq!(error.to_string(), text);
            } else {
                drop(filling);
            }
            assert!(into.is_empty_for(snapshot.schema).await.expect("rows"));
            let tokens = into.sql.rows("select id from tokens", &[]).await;
            assert_eq!(tokens.expect("tokens"), []);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_or_newer_database_takes_no_backup() {
    on_sqlite(async |metadata| {
        let schema = migrate::newest();
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("larder.db");
        let open = || Database::sqlite(&path, 2, clock()).expect("open");
        assert!(open().is_empty_for(schema).await.expect("new"));
        let made = Metadata::of(open()).await.expect("migrate");
        assert!(open().is_empty_for(schema).await.expect("empty"));
        assert!(!open().is_empty_for(schema - 1).await.expect("newer"));
        let tables = metadata.snapshot().await.expect("snapshot").tables;
        let newer = open().fill(schema + 1, tables.clone()).await.err();
        assert!(
            matches!(newer, Some(crate::Error::TooNew { .. })),
            "{newer:?}"
        );
        let fewer = open().fill(schema, tables[1..].to_vec()).await.err();
        assert!(matches!(fewer, Some(crate::Error::Shape(_))), "{fewer:?}");
        let mut batch = crate::Batch::default();
        let text = "insert into blobs (digest, size, generation, state, touched_at) \
            values ('d', 0, 0, 'kept', 0)";
        batch.run(text, []);
        made.sql.apply(batch).await.expect("row");
        assert!(!open().is_empty_for(schema).await.expect("used"));
    })
    .await;
}

/// The longest that a first page may take.
const FIRST_PAGE: std::time::Duration = std::time::Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "a measurement is told")]
async fn a_million_entries_are_listed_fast() {
    if std::env::var_os("LARDER_TEST_LONG").is_none() {
        eprintln!("skipped: it takes a minute; LARDER_TEST_LONG=1 runs it");
        return;
    }
    on_sqlite(async |metadata| {
        let measures = million(metadata).await;
        eprintln!("{measures:#?}");
        assert!(measures.iter().all(|(_, _, took)| *took < FIRST_PAGE));
    })
    .await;
}
