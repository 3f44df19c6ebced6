use super::*;

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
