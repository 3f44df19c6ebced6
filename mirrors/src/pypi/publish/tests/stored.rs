//! What is published beside what is there already, and the page of it.

use super::*;
use crate::pypi::page::page_of;
use crate::pypi::routes::{JSON, TEXT, file_of};
use crate::resource::Plan;
use crate::{Integrity, testing::render};
use larder_model::{FileKind, Timestamp};
use serde_json::json;

fn publish(file: &str, content: &[u8], files: &[StoredFile]) -> Vec<StoredFile> {
    let body = body_of(&fields(file, content), file, content);
    let mut all = files.to_vec();
    all.extend(stored(&steps(&body, files).expect(file), &body));
    all
}

fn conflict(outcome: Result<Vec<Step>, Problem>) -> String {
    let problem = outcome.expect_err("refused");
    assert_eq!(problem.kind, Kind::Conflict, "{problem}");
    assert!(problem.detail.contains("already exists"), "{problem}");
    problem.detail.into_owned()
}

#[test]
fn publishing_again_needs_the_same_bytes() {
    let files = publish(WHEEL, &wheel(), &[]);
    assert_eq!(files.len(), 2);
    assert_eq!(publish_file(WHEEL, &wheel(), &files).expect("again"), []);
    let mut other = wheel_entries("my_pkg_x-1.0.0.dist-info", INFO);
    other.push(entry("more.py", ""));
    let other = zipped(&other);
    assert!(conflict(publish_file(WHEEL, &other, &files)).contains(WHEEL));
    let spelt = "My_Pkg.x-1.0-py3-none-ANY.whl";
    assert!(conflict(publish_file(spelt, &wheel(), &files)).contains(WHEEL));
    let files = publish("my_pkg_x-1.0.0-1-py3-none-any.whl", &wheel(), &files);
    let files = publish("my_pkg_x-1.0.0-cp312-cp312-any.whl", &wheel(), &files);
    let files = publish(SDIST, &sdist(), &files);
    assert_eq!(publish_file(SDIST, &sdist(), &files).expect("again"), []);
    let zip = zipped(&[entry("my_pkg_x-1.0.0/PKG-INFO", INFO)]);
    for second in [
        "my_pkg_x-1.0.0.zip",
        "my-pkg-x-1.0.0.zip",
        "my_pkg_x-1.0.zip",
    ] {
        assert!(conflict(publish_file(second, &zip, &files)).contains(SDIST));
    }
    assert!(conflict(publish_file("my_pkg_x-1.0.tar.gz", &sdist(), &files)).contains(SDIST));
}

#[test]
fn the_name_of_a_deleted_file_stays_reserved() {
    let mut files = publish(WHEEL, &wheel(), &publish(SDIST, &sdist(), &[]));
    files.retain(|file| !file.path.ends_with(METADATA));
    for file in &mut files {
        file.kind = FileKind::Tombstone;
    }
    conflict(publish_file(WHEEL, &wheel(), &files));
    conflict(publish_file(
        "My_pkg_x-1.0-py3-none-any.whl",
        &wheel(),
        &files,
    ));
    conflict(publish_file(SDIST, &sdist(), &files));
    assert_eq!(
        Pypi.publishing()
            .expect("hosted")
            .compose(&page_of(PROJECT), &files)
            .expect("page"),
        None
    );
    let zip = zipped(&[entry("my_pkg_x-1.0.0/PKG-INFO", INFO)]);
    assert_eq!(
        publish_file("my_pkg_x-1.0.0.zip", &zip, &files)
            .expect("another kind")
            .len(),
        1
    );
}

/// Files of five distributions, two of which are yanked.
fn release_files() -> Vec<StoredFile> {
    let mut files = publish(WHEEL, &wheel(), &[]);
    files.extend(publish(SDIST, &sdist(), &files).drain(2..));
    let mut later = files[0].clone();
    (later.path, later.version) = (
        "my_pkg_x-1.0.0.dev3+x.1-py3-none-any.whl".into(),
        "1.0.0.dev3+x.1".into(),
    );
    later.metadata = with_yank(&later.metadata, Some("b<r>oken")).into();
    let mut last = files[0].clone();
    (last.path, last.version) = ("my_pkg_x-1.10-py3-none-any.whl".into(), "1.10".into());
    last.metadata = with_yank(&last.metadata, Some("")).into();
    let mut before = last.clone();
    (before.path, before.version) = ("my_pkg_x-1.9-py3-none-any.whl".into(), "1.9".into());
    before.metadata = with_yank(&before.metadata, None).into();
    before.created_at = Timestamp(1_772_366_645_000_000);
    files.extend([last, later, before]);
    files
}

/// The page of the project, composed of these files.
fn page_with(files: &[StoredFile]) -> Vec<u8> {
    let hosted = Pypi.publishing().expect("hosted");
    let page = hosted.compose(&page_of(PROJECT), files).expect("page");
    let page = page.expect("a page");
    Pypi.check(&page_of(PROJECT), &page).expect("checked");
    page
}

#[test]
fn a_page_is_composed_of_stored_files() {
    let body = page_with(&release_files());
    let page: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(
        (&page["meta"]["api-version"], &page["name"]),
        (&json!("1.1"), &json!(PROJECT))
    );
    assert_eq!(
        page["versions"],
        json!(["1.0.0.dev3+x.1", "1.0.0", "1.9", "1.10"])
    );
    let names: Vec<&str> = page["files"]
        .as_array()
        .expect("files")
        .iter()
        .filter_map(|f| f["filename"].as_str())
        .collect();
    let dev = "my_pkg_x-1.0.0.dev3+x.1-py3-none-any.whl";
    assert_eq!(
        names,
        [
            dev,
            WHEEL,
            SDIST,
            "my_pkg_x-1.9-py3-none-any.whl",
            "my_pkg_x-1.10-py3-none-any.whl"
        ]
    );
}

#[test]
fn files_on_a_page_have_their_metadata() {
    let page: Value = serde_json::from_slice(&page_with(&release_files())).expect("JSON");
    let metadata = Digest::of(Algorithm::Sha256, INFO.as_bytes());
    let digest = Digest::of(Algorithm::Sha256, &wheel());
    let whole = json!({
        "filename": WHEEL, "url": WHEEL, "hashes": {"sha256": digest.hex()},
        "size": wheel().len(), "yanked": false,
        "upload-time": "2026-03-01T12:04:05.000006Z", "requires-python": ">=3.9, <4",
        "core-metadata": {"sha256": metadata.hex()},
    });
    assert_eq!(page["files"][1], whole);
    assert!(page["files"][2].get("core-metadata").is_none());
    assert_eq!(page["files"][3]["upload-time"], "2026-03-01T12:04:05Z");
    let flags: Vec<_> = page["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| &file["yanked"])
        .collect();
    assert_eq!(
        flags,
        [
            &json!("b<r>oken"),
            &json!(false),
            &json!(false),
            &json!(false),
            &json!(true)
        ]
    );
}

#[test]
fn a_composed_page_is_rendered() {
    let body = page_with(&release_files());
    let digest = Digest::of(Algorithm::Sha256, &wheel());
    let served = render(&Pypi, &page_of(PROJECT), JSON, &body).expect("rendered");
    let served: Value = serde_json::from_slice(&served).expect("JSON");
    assert_eq!(
        served["files"][1]["url"],
        format!("../../packages/{PROJECT}/{WHEEL}")
    );
    let served = render(&Pypi, &page_of(PROJECT), TEXT, &body).expect("rendered");
    let served = String::from_utf8(served).expect("UTF-8");
    assert_eq!(served.matches("<a href=").count(), 5);
    let link = format!("../../packages/{PROJECT}/{WHEEL}#sha256={}\"", digest.hex());
    assert!(
        served.contains(&link) && served.contains("data-yanked=\"b&lt;r&gt;oken\""),
        "{served}"
    );
}

#[test]
fn files_are_found_on_a_composed_page() {
    let body = page_with(&release_files());
    let metadata = Digest::of(Algorithm::Sha256, INFO.as_bytes());
    let digest = Digest::of(Algorithm::Sha256, &wheel());
    let outlines = Pypi.outlines().expect("outlines");
    let outline = outlines.outline(&page_of(PROJECT), &body);
    let outline = [outline.expect("an outline")];
    let plan = |path: &str| {
        let artifact = file_of(PROJECT, path).expect("artifact");
        match Pypi.plan(&artifact, &[], &outline).expect("plan") {
            Plan::Fetch(fetch) => (fetch.url, fetch.integrity, fetch.size),
            other => panic!("{other:?}"),
        }
    };
    let size = Some(wheel().len() as u64);
    assert_eq!(
        plan(WHEEL),
        (
            format!("{PROJECT}/{WHEEL}"),
            Integrity::Digest(digest),
            size
        )
    );
    let url = format!("{PROJECT}/{WHEEL}.metadata");
    assert_eq!(
        plan(&format!("{WHEEL}.metadata")),
        (url, Integrity::Digest(metadata), None)
    );
}

#[test]
fn other_documents_are_not_composed() {
    let hosted = Pypi.publishing().expect("hosted");
    let list = hosted.compose(&Document::new("", PROJECTS), &release_files());
    assert_eq!(list.expect("no list"), None);
    let provenance = Document::new(PROJECT, "provenance/1/a");
    assert!(hosted.compose(&provenance, &release_files()).is_err());
}

#[test]
fn yanked_versions_have_their_reason() {
    let metadata = r#"{"size":1,"yanked":null}"#;
    assert_eq!(with_yank(metadata, Some("")), r#"{"size":1,"yanked":true}"#);
    assert_eq!(
        with_yank(metadata, Some("a\"b")),
        r#"{"size":1,"yanked":"a\"b"}"#
    );
    assert_eq!(with_yank(&with_yank(metadata, Some("why")), None), metadata);
    assert_eq!(with_yank("", Some("")), r#"{"yanked":true}"#);
}

#[test]
fn a_version_has_one_spelling() {
    let mut files = publish(SDIST, &sdist(), &[]);
    files[0].version = "1.0".into();
    let steps = publish_file(WHEEL, &wheel(), &files).expect("steps");
    assert!(matches!(&steps[0], Step::Add { version, .. } if version == "1.0"));
}
