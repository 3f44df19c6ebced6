use super::*;
use serde_json::json;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "89abcdef0123456789abcdef0123456789abcdef";
const SUM: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

fn with<T>(value: &serde_json::Value, then: impl FnOnce(Option<Dist<'_>>) -> T) -> T {
    let text = value.to_string();
    let object: Object<'_> = serde_json::from_str(&text).expect("an object");
    then(Dist::read(&object))
}

fn file(value: &serde_json::Value) -> Option<String> {
    with(value, |dist| dist.map(|dist| dist.file()))
}

#[test]
fn an_address_tells_all_that_an_index_tells_of_the_bytes() {
    let url = "https://up.example/a.zip";
    for (dist, expected) in [
        (
            json!({"type": "zip", "url": url, "reference": COMMIT, "shasum": ""}),
            format!("{COMMIT}.zip"),
        ),
        (
            json!({"type": "zip", "url": url, "reference": COMMIT}),
            format!("{COMMIT}.zip"),
        ),
        (
            json!({"type": "zip", "url": url, "reference": COMMIT, "shasum": SUM}),
            format!("{COMMIT}-{SUM}.zip"),
        ),
        (
            json!({"type": "zip", "url": url, "reference": SUM, "shasum": SUM}),
            format!("{SUM}.zip"),
        ),
        (
            json!({"type": "zip", "url": url, "reference": null, "shasum": SUM}),
            format!("{SUM}.zip"),
        ),
        (
            json!({"type": "tar", "url": url, "reference": "1.0", "shasum": ""}),
            "1.0.tar".to_owned(),
        ),
    ] {
        assert_eq!(file(&dist), Some(expected), "{dist}");
    }
    let of_url = |url: &str| file(&json!({"type": "zip", "url": url})).expect("a file");
    assert_ne!(
        of_url("https://up.example/a.zip"),
        of_url("https://up.example/b.zip")
    );
    let reference = json!({"type": "zip", "url": url, "reference": "tags/1.0"});
    assert!(file(&reference).expect("a file").starts_with('x'));
}

#[test]
fn what_is_no_archive_has_no_address() {
    for dist in [
        json!({"type": "path", "url": "../local"}),
        json!({"type": "zip", "url": ""}),
        json!({"type": "zip"}),
        json!({"url": "https://up.example/a.zip"}),
        json!({"type": "git", "url": "https://up.example/a.git"}),
    ] {
        assert_eq!(file(&dist), None, "{dist}");
    }
}

#[test]
fn a_checksum_is_what_the_bytes_have_to_have() {
    let dist =
        json!({"type": "zip", "url": "https://up.example/a.zip", "shasum": SUM.to_uppercase()});
    let fetch = with(&dist, |dist| dist.expect("a dist").fetch());
    assert_eq!(fetch.integrity.text(), format!("sha1:{SUM}"));
    let dist = json!({"type": "zip", "url": "https://up.example/a.zip", "shasum": ""});
    let fetch = with(&dist, |dist| dist.expect("a dist").fetch());
    assert_eq!(fetch.integrity, Integrity::None);
}

#[test]
fn a_commit_that_is_not_listed_any_more_is_at_its_own_address() {
    let of = |url: &str, shasum: &str, wanted: &str| {
        let dist = json!({"type": "zip", "url": url, "reference": COMMIT, "shasum": shasum});
        with(&dist, |dist| {
            let fetch = dist.expect("a dist").fetch_of_commit(wanted);
            fetch.map(|fetch| fetch.url)
        })
    };
    let (url, wanted) = (
        format!("https://up.example/zipball/{COMMIT}"),
        format!("{OTHER}.zip"),
    );
    assert_eq!(
        of(&url, "", &wanted),
        Some(format!("https://up.example/zipball/{OTHER}"))
    );
    let query = format!("https://up.example/archive.zip?sha={COMMIT}&x=1");
    let expected = format!("https://up.example/archive.zip?sha={OTHER}&x=1");
    assert_eq!(of(&query, "", &wanted), Some(expected));
    // Only whole parts that are there once, of commits, and of what no checksum is told.
    for (url, shasum, wanted) in [
        (&*url, SUM, &*wanted),
        (&*url, "", "main.zip"),
        (&*url, "", &*format!("{OTHER}.tar")),
        (&*format!("https://up.example/x{COMMIT}"), "", &*wanted),
        (&*format!("https://up.example/{COMMIT}x"), "", &*wanted),
        (
            &*format!("https://up.example/{COMMIT}/{COMMIT}"),
            "",
            &*wanted,
        ),
        ("https://up.example/latest.zip", "", &*wanted),
    ] {
        assert_eq!(of(url, shasum, wanted), None, "{url} {wanted}");
    }
}

#[test]
fn a_page_is_no_archive() {
    for (path, first) in [
        ("dist/1/a.zip", &b"PK\x03\x04ab"[..]),
        ("dist/1/a.zip", b"PK\x05\x06\0\0"),
        ("dist/1/a.gzip", b"\x1f\x8b\x08\0\0\0"),
        ("dist/1/a.tar", b"a/b/c\0"),
    ] {
        assert!(can_begin(path, first), "{path}");
    }
    for (path, first) in [
        ("dist/1/a.zip", &b"<!doct"[..]),
        ("dist/1/a.zip", b""),
        ("dist/1/a.zip", b"PK"),
        ("dist/1/a.tar", b"\n <htm"),
        ("dist/1/a.gzip", b"{\"err"),
    ] {
        assert!(!can_begin(path, first), "{path}");
    }
}
