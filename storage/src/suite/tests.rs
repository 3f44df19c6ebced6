use super::*;

#[tokio::test]
async fn disk() {
    let folder = tempfile::tempdir().expect("folder");
    let store = BlobStore::local(folder.path()).expect("store");
    all(&store, 1).await;
    let left = std::fs::read_dir(folder.path().join("staging"))
        .expect("staging")
        .count();
    assert_eq!(left, 0, "nothing may stay staged");
}

#[tokio::test]
async fn memory() {
    let folder = tempfile::tempdir().expect("folder");
    all(&BlobStore::memory(folder.path()).expect("store"), 1).await;
}
