use super::*;

#[test]
fn more_is_taken_in_while_enough_stays_free() {
    let folder = tempfile::tempdir().expect("folder");
    let room = Room::new(folder.path(), Some(0));
    room.require().expect("room");
    let (free, all) = room.space().expect("space");
    assert!(free <= all);
    let full = room.keeping(Some(all)).require();
    assert!(matches!(full, Err(Error::Full(_))), "{full:?}");
    let detail = full.expect_err("full").to_string();
    assert!(detail.contains("storage.keep_free"), "{detail}");
}

#[test]
fn a_disk_that_cannot_be_asked_takes_more() {
    let room = Room::new(Path::new("/nowhere/at/all"), None);
    room.require().expect("room");
    assert!(room.space().is_err());
}
