use super::*;

/// Runs a check on a database of the schema before.
pub(super) async fn on_sqlite(check: impl AsyncFnOnce(&Metadata)) {
    let folder = tempfile::tempdir().expect("folder");
    let database = Database::Sqlite(folder.path().join("larder.db"));
    drop(database.fill(UNTYPED).await);
    check(&database.open().await).await;
}
