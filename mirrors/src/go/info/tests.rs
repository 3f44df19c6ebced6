use super::*;
use crate::testing::stored;

fn zip(version: &str) -> StoredFile {
    stored(&format!("{version}.zip"), version, "{}")
}

#[test]
fn a_list_has_versions_with_tags_in_their_order() {
    let versions = [
        "v1.10.0",
        "v1.9.0",
        "v0.0.0-20191109021931-daa7c04131f5",
        "v2.0.0+incompatible",
        "v1.10.0-rc.1",
    ];
    let files: Vec<StoredFile> = versions.into_iter().map(zip).collect();
    let files: Vec<&StoredFile> = files.iter().collect();
    let list = String::from_utf8(compose_list(&files)).expect("text");
    assert_eq!(list, "v1.9.0\nv1.10.0-rc.1\nv1.10.0\nv2.0.0+incompatible\n");
    // A commit alone is in no list, and is the latest all the same.
    let latest = |files: &[StoredFile]| {
        let files: Vec<&StoredFile> = files.iter().collect();
        version_of(&compose_latest(&files).expect("a version")).expect("a document")
    };
    assert_eq!(compose_list(&files[2..3]), b"");
    assert_eq!(latest(&[zip(versions[2])]), versions[2]);
    assert_eq!(latest(&[zip(versions[2]), zip(versions[4])]), versions[4]);
    assert_eq!(latest(&[zip(versions[1]), zip(versions[4])]), versions[1]);
    assert!(compose_latest(&[]).is_none());
}

#[test]
fn what_is_no_list_is_refused() {
    assert_eq!(check_list(b"").ok(), Some(0));
    assert_eq!(
        check_list(b"v1.0.0\nv1.1.0 2019-11-09T02:19:31Z\n\nodd\n").ok(),
        Some(1)
    );
    assert!(check_list(b"<html>\n<body>Sign in</body>\n").is_err());
    assert!(check_list(&[0xff, 0xfe]).is_err());
}

#[test]
fn a_version_is_told_with_its_time() {
    let at: Timestamp = "2026-11-29T10:11:12.345Z".parse().expect("a time");
    let body = write("v1.2.3", at);
    assert_eq!(
        String::from_utf8_lossy(&body),
        r#"{"Time":"2026-11-29T10:11:12Z","Version":"v1.2.3"}"#
    );
    assert_eq!(version_of(&body).ok().as_deref(), Some("v1.2.3"));
    for other in [
        "<html></html>",
        "{}",
        r#"{"Version":"main"}"#,
        "[]",
        r#"{"Version":7}"#,
    ] {
        assert!(version_of(other.as_bytes()).is_err(), "{other}");
    }
}
