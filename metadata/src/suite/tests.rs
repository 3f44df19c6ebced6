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
