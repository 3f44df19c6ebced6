use super::{Bed, BlobStore, all};

/// Runs one check on a folder of its own, where it leaves nothing staged.
pub(super) async fn on_disk(check: impl AsyncFnOnce(&Bed)) {
    let folder = tempfile::tempdir().expect("folder");
    let store = BlobStore::local(folder.path()).expect("store");
    let generation = 1;
    check(&Bed { store, generation }).await;
    let staging = folder.path().join("staging");
    let left = std::fs::read_dir(staging).expect("staging").count();
    assert_eq!(left, 0, "nothing may stay staged");
}

/// Runs one check in memory.
pub(super) async fn in_memory(check: impl AsyncFnOnce(&Bed)) {
    let folder = tempfile::tempdir().expect("folder");
    let store = BlobStore::memory(folder.path()).expect("store");
    let generation = 1;
    check(&Bed { store, generation }).await;
}

#[tokio::test]
async fn all_run_on_one_store() {
    let folder = tempfile::tempdir().expect("folder");
    all(&BlobStore::memory(folder.path()).expect("store"), 1).await;
}

#[test]
fn the_disk_has_room() {
    let folder = tempfile::tempdir().expect("folder");
    let store = BlobStore::local(folder.path()).expect("store");
    let (free, all) = store.disk_space().expect("space");
    assert!(0 < all && free <= all, "{free} of {all}");
    folder.close().expect("remove");
    assert!(store.disk_space().is_err(), "a folder that is gone");
}
