use super::*;
use std::os::unix::fs::PermissionsExt as _;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("file").permissions().mode() & 0o777
}

#[test]
fn a_file_is_replaced_whole_with_its_permissions() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("key");
    write(&path, b"one", PUBLIC).expect("written");
    assert_eq!(mode(&path), PUBLIC);
    // What a crash left of an earlier try is in nobody's way.
    std::fs::write(folder.path().join("key.part"), b"tor").expect("written");
    write(&path, b"two", SECRET).expect("written");
    assert_eq!(std::fs::read(&path).expect("file"), b"two");
    assert_eq!(mode(&path), SECRET);
    let names = std::fs::read_dir(folder.path()).expect("folder").count();
    assert_eq!(names, 1);
}

#[test]
fn a_file_that_is_there_is_not_made_anew() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("key");
    create(&path, b"one", SECRET).expect("made");
    let again = create(&path, b"two", SECRET).expect_err("it is there");
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).expect("file"), b"one");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("nowhere"), &link).expect("link");
    let led = create(&link, b"two", SECRET).expect_err("it is there");
    assert_eq!(led.kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn folders_are_made_with_those_above_them() {
    let folder = tempfile::tempdir().expect("folder");
    let deep = folder.path().join("a/b/c");
    for _ in 0..2 {
        make_folder(&deep, 0o750).expect("made");
    }
    for made in deep.ancestors().take(3) {
        assert_eq!(mode(made), 0o750);
    }
}
