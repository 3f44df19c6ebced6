use super::*;
use crate::composer::Composer;
use crate::composer::metadata::document_of;
use crate::composer::testing::{FILE, LINK, after, archives, package, publish, zip};
use crate::protocol::Protocol;
use serde_json::Value;

fn manifest(version: &str) -> Value {
    json!({"name": "acme/demo", "version": version, "description": "A demo", "license": "MIT",
        "require": {"php": ">=8.1"}, "scripts": {"test": "true"}, "repositories": []})
}

fn refused(query: &str, body: &[u8], files: &[StoredFile]) -> Problem {
    publish(query, body, files).expect_err("it is refused")
}

fn composed(files: &[StoredFile], branches: bool) -> Option<Value> {
    let document = document_of("acme/demo", branches);
    let body = Packages.compose(&document, files).expect("composed")?;
    Composer.check(&document, &body).expect("a document");
    Some(serde_json::from_slice(&body).expect("JSON"))
}

fn versions(files: &[StoredFile], branches: bool) -> Vec<String> {
    let Some(document) = composed(files, branches) else {
        return Vec::new();
    };
    let entries = document["packages"]["acme/demo"]
        .as_array()
        .expect("a list");
    let version = |entry: &Value| entry["version"].as_str().expect("a version").to_owned();
    entries.iter().map(version).collect()
}

#[test]
fn a_zip_file_is_published_by_its_manifest() {
    let body = package(&manifest("v1.2"));
    let files = after(Vec::new(), publish("", &body, &[]).expect("steps"), 1);
    let [file] = files.as_slice() else {
        panic!("{files:?}")
    };
    assert_eq!(
        (&*file.version, &*file.content_type),
        ("v1.2", "application/zip")
    );
    let document = composed(&files, false).expect("a document");
    let entry = &document["packages"]["acme/demo"][0];
    assert_eq!(entry["version_normalized"], "1.2.0.0");
    assert_eq!(entry["type"], "library");
    assert_eq!(entry["time"], "1970-01-01T00:00:01Z");
    assert_eq!(entry["require"], json!({"php": ">=8.1"}));
    assert_eq!(entry["dist"]["shasum"], entry["dist"]["reference"]);
    let shasum = entry["dist"]["shasum"].as_str().expect("a sum");
    assert_eq!(*file.path, *format!("dist/v1.2/{shasum}.zip"));
    // What is of the root package alone is not told.
    assert!(entry.get("scripts").is_none() && entry.get("repositories").is_none());
    assert!(composed(&files, true).is_none());
}

#[test]
fn the_address_where_clients_get_it_is_that_of_its_file() {
    let body = package(&manifest("1.0"));
    let files = after(Vec::new(), publish("", &body, &[]).expect("steps"), 1);
    let document = document_of("acme/demo", false);
    let composed = Packages
        .compose(&document, &files)
        .expect("composed")
        .expect("a document");
    let form = crate::composer::routes::METADATA;
    let bytes = crate::testing::render(&Composer, &document, form, &composed).expect("rendered");
    let rendered: Value = serde_json::from_slice(&bytes).expect("JSON");
    let url = rendered["packages"]["acme/demo"][0]["dist"]["url"]
        .as_str()
        .expect("an address");
    let path = url
        .strip_prefix("https://r.example/npm/main")
        .expect("an address of ours");
    let read = crate::testing::get(&Composer, path).expect("path");
    let crate::ReadRequest::Artifact(artifact) = read else {
        panic!("{path}")
    };
    assert_eq!(artifact.path, files[0].path);
}

#[test]
fn a_version_is_told_by_the_manifest_or_the_address() {
    let mut bare = manifest("");
    bare.as_object_mut().expect("an object").remove("version");
    let body = package(&bare);
    let files = after(
        Vec::new(),
        publish("?version=1.0.0", &body, &[]).expect("steps"),
        1,
    );
    assert_eq!(&*files[0].version, "1.0.0");
    let again = publish("?version=v1.0", &body, &files);
    assert_eq!(again.expect("the same in another spelling"), []);
    assert!(
        refused("", &body, &[])
            .detail
            .contains("upload?version=1.2.3")
    );
    let body = package(&manifest("1.0"));
    assert!(
        publish("?version=v1.0.0", &body, &[]).is_ok(),
        "they are the same"
    );
    assert!(refused("?version=1.1", &body, &[]).detail.contains("1.1"));
}

#[test]
fn a_published_version_stays_as_it_is() {
    let body = package(&manifest("1.0"));
    let files = after(Vec::new(), publish("", &body, &[]).expect("steps"), 1);
    assert_eq!(publish("", &body, &files).expect("the same"), []);
    let mut other = manifest("v1.0.0");
    other["description"] = json!("another");
    let problem = refused("", &package(&other), &files);
    assert_eq!(problem.kind, Kind::Conflict, "{problem}");
    // A deleted one is not published again, in no spelling.
    let change = Change::Remove {
        version: Some("v1".into()),
    };
    let request = Packages.change("acme/demo", change).expect("a change");
    let mut nothing = std::io::Cursor::new(Vec::new());
    let limits = PublishLimits::default();
    let steps = request
        .action
        .steps(&mut nothing, &files, &limits)
        .expect("steps");
    let files = after(files, steps, 2);
    assert_eq!((archives(&files), files.len()), (0, 1));
    assert_eq!(refused("", &body, &files).kind, Kind::Conflict);
    assert!(composed(&files, false).is_none());
    let again = request.action.steps(&mut nothing, &files, &limits);
    assert_eq!(again.expect_err("gone").kind, Kind::NotFound);
    assert!(Packages.is_tombstone_of("acme/demo", "1.0", &files[0].path));
    assert!(Packages.is_same_version("1.0", "v1.0.0") && !Packages.is_same_version("1.0", "1.1"));
}

#[test]
fn a_branch_moves_and_its_archives_stay() {
    let first = package(&manifest("dev-main"));
    let mut moved = manifest("dev-main");
    moved["description"] = json!("newer");
    let second = package(&moved);
    let files = after(Vec::new(), publish("", &first, &[]).expect("steps"), 1);
    let files = after(
        files.clone(),
        publish("", &second, &files).expect("steps"),
        2,
    );
    assert_eq!(archives(&files), 2);
    assert_eq!(versions(&files, true), ["dev-main"]);
    let document = composed(&files, true).expect("a document");
    assert_eq!(document["packages"]["acme/demo"][0]["description"], "newer");
    assert_eq!(publish("", &second, &files).expect("the same"), []);
    assert_eq!(refused("", &first, &files).kind, Kind::Conflict);
    assert!(versions(&files, false).is_empty());
}

#[test]
fn versions_are_told_with_the_highest_first() {
    let mut files = Vec::new();
    for (at, version) in ["1.2", "1.10.0", "1.10.0-RC1", "0.9", "dev-main"]
        .into_iter()
        .enumerate()
    {
        let steps = publish("", &package(&manifest(version)), &files).expect("steps");
        files = after(files, steps, i64::try_from(at).expect("small"));
    }
    assert_eq!(
        versions(&files, false),
        ["1.10.0", "1.10.0-RC1", "1.2", "0.9"]
    );
    assert_eq!(versions(&files, true), ["dev-main"]);
}

#[test]
fn archives_of_other_programs_are_read() {
    // Of PHP's own library, and of a host of source code, which has a link in it.
    for (body, query) in [
        (&include_bytes!("../testdata/package.zip")[..], ""),
        (include_bytes!("../testdata/archive.zip"), "?version=1.0.0"),
    ] {
        let files = after(Vec::new(), publish(query, body, &[]).expect("steps"), 1);
        assert_eq!(versions(&files, false), ["1.0.0"]);
    }
}

#[test]
fn hostile_archives_are_refused() {
    let text = manifest("1.0").to_string();
    let own = (FILE, "composer.json", &*text);
    for entries in [
        &[(FILE, "src/a.php", "")][..],
        &[(FILE, "a/composer.json", &*text), (FILE, "b/x", "")],
        &[(FILE, "a/b/composer.json", &*text)],
        &[own, (FILE, "../x", "")],
        &[own, (FILE, "/etc/x", "")],
        &[own, (FILE, "a\\b", "")],
        &[own, (FILE, "x", ""), (FILE, "x", "")],
        &[own, own],
        &[own, (LINK, "l", "/etc/passwd")],
        &[own, (LINK, "a/l", "../../x")],
        &[own, (LINK, "l", "src"), (FILE, "l/x", "")],
        &[own, (LINK, "l", "")],
        &[(FILE, "composer.json", "not JSON")],
        &[(FILE, "composer.json", "[]")],
        &[(
            FILE,
            "composer.json",
            r#"{"name":"acme/demo","name":"acme/x","version":"1"}"#,
        )],
    ] {
        let problem = refused("", &zip(entries), &[]);
        assert_eq!(problem.kind, Kind::Invalid, "{entries:?}: {problem}");
    }
    for body in [&b""[..], b"PK", b"<html>", &zip(&[own])[..60]] {
        assert!(publish("", body, &[]).is_err());
    }
    for good in [
        &[
            (FILE, "demo-1.0/composer.json", &*text),
            (FILE, "demo-1.0/a", ""),
        ][..],
        &[own, (LINK, "a/l", "../src/a"), (LINK, "m", "a/./b")],
        &[(FILE, "__MACOSX/x", ""), (FILE, "d/composer.json", &*text)],
    ] {
        publish("", &zip(good), &[]).expect("a package");
    }
}

#[test]
fn manifests_that_would_stop_clients_are_refused() {
    for (field, value) in [
        ("name", json!("Acme/Demo")),
        ("name", json!("demo")),
        ("name", json!(7)),
        ("version", json!("nonsense")),
        ("version", json!(1)),
        ("version", json!("dev-a b")),
        ("description", json!(["a"])),
        ("require", json!("php")),
        ("require", json!({"php": 8})),
        ("keywords", json!("a")),
        ("keywords", json!([1])),
        ("autoload", json!("src")),
        ("authors", json!({})),
        ("abandoned", json!([])),
        ("extra", json!("x")),
    ] {
        let mut changed = manifest("1.0");
        changed[field] = value.clone();
        let problem = refused("", &package(&changed), &[]);
        assert_eq!(problem.kind, Kind::Invalid, "{field} {value}: {problem}");
    }
    // PHP writes an empty object as a list.
    let mut empty = manifest("1.0");
    (empty["require"], empty["autoload"], empty["extra"]) = (json!([]), json!([]), json!([]));
    publish("", &package(&empty), &[]).expect("a package");
}

#[test]
fn placeholders_in_a_manifest_are_text() {
    let mut tricky = manifest("1.0");
    tricky["description"] = json!("{sha256}");
    let steps = publish("", &package(&tricky), &[]).expect("steps");
    let [Step::Add { metadata, .. }] = steps.as_slice() else {
        panic!("{steps:?}")
    };
    assert!(!metadata.contains("{sha256}"));
    let files = after(Vec::new(), steps, 1);
    let document = composed(&files, false).expect("a document");
    assert_eq!(
        document["packages"]["acme/demo"][0]["description"],
        "{sha256}"
    );
}

#[test]
fn nothing_is_yanked() {
    let (version, reason): (Box<str>, Box<str>) = ("1.0".into(), "".into());
    let refused = Packages.change("acme/demo", Change::Yank { version, reason });
    assert_eq!(refused.expect_err("no yanks").kind, Kind::Unsupported);
}
