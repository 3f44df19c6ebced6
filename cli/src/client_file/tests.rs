use super::*;
use crate::exit::Exit;

#[test]
fn a_secret_is_its_owners_alone() {
    for (before, secret, expected) in [
        (None, false, 0o644),
        (None, true, 0o600),
        (Some(0o664), false, 0o664),
        (Some(0o664), true, 0o600),
        (Some(0o400), true, 0o400),
    ] {
        assert_eq!(mode(before, secret), expected, "{before:?} {secret}");
    }
}

#[test]
fn a_file_behind_a_link_is_written_where_it_is() {
    let folder = tempfile::tempdir().expect("folder");
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    std::fs::write(&real, "old").expect("write");
    std::os::unix::fs::symlink(&real, &link).expect("link");
    let found = find(&link).expect("found");
    assert_eq!(found.text.as_deref(), Some("old"));
    write(&found.path, "new", 0o600).expect("write");
    assert!(link.is_symlink());
    let found = find(&link).expect("found");
    assert_eq!(
        (found.text.as_deref(), found.mode),
        (Some("new"), Some(0o600))
    );
    std::fs::remove_file(&real).expect("remove");
    assert!(find(&link).is_err(), "a link to nowhere");
}

#[test]
fn a_file_is_at_the_same_place_before_and_after_it_is_made() {
    let folder = tempfile::tempdir().expect("folder");
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    std::fs::create_dir(&real).expect("folder");
    std::os::unix::fs::symlink(&real, &link).expect("link");
    let file = link.join("a/file");
    let before = find(&file).expect("found").path;
    assert!(before.ends_with("real/a/file"), "{before:?}");
    write(&before, "x", 0o600).expect("write");
    assert_eq!(find(&file).expect("found").path, before);
}

#[test]
fn folders_that_were_made_go_with_the_file() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a/b/file");
    let made = missing_folders(&path);
    assert_eq!(made, [folder.path().join("a"), folder.path().join("a/b")]);
    write(&path, "x", 0o644).expect("write");
    std::fs::write(folder.path().join("a/other"), "y").expect("other");
    remove(&path, &made).expect("remove");
    assert!(!folder.path().join("a/b").exists() && folder.path().join("a/other").exists());
    remove(&path, &[]).expect("again");
}

#[test]
fn what_is_no_text_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("file");
    std::fs::write(&path, b"\xff\xfe").expect("write");
    for path in [&*path, folder.path()] {
        let failure = find(path).err().expect("refused");
        assert_eq!(failure.exit(), Exit::Conflict);
        assert!(
            failure.to_string().contains("cannot be edited safely"),
            "{failure}"
        );
    }
}
