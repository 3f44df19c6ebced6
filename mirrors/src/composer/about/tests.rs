use super::*;
use crate::composer::metadata::document_of;
use crate::composer::testing::{FILE, zip};
use crate::testing::needs;
use serde_json::json;
use std::io::Cursor;

fn body() -> Vec<u8> {
    let version = |version: &str| {
        json!({"name": "acme/demo", "version": version, "description": "A demo", "license": ["MIT", "GPL-2.0"],
        "homepage": "https://acme.example", "keywords": ["a", "b"], "type": "library",
        "authors": [{"name": "Ann", "email": "ann@acme.example"}, {"role": "none"}, {"name": "Bob"}],
        "support": {"source": "https://git.example/demo", "issues": "javascript:x"},
        "require": {"php": ">=8.1", "Acme/Log": "^1.0"}, "require-dev": {"acme/test": "*"}})
    };
    let mut old = version("1.0");
    old["abandoned"] = json!("acme/new");
    let mut older = version("0.9");
    older["abandoned"] = json!(true);
    json!({"packages": {"acme/demo": [version("2.0"), old, older]}})
        .to_string()
        .into_bytes()
}

#[test]
fn metadata_tells_of_a_version() {
    let document = document_of("acme/demo", false);
    let about = PackageAbouts
        .of_document(&document, "v2.0.0", &body())
        .expect("read");
    let about = about.expect("a version");
    assert_eq!(about.summary.as_deref(), Some("A demo"));
    assert_eq!(about.license.as_deref(), Some("MIT OR GPL-2.0"));
    assert_eq!(about.authors, ["Ann <ann@acme.example>", "Bob"]);
    let links: Vec<_> = about
        .links
        .iter()
        .map(|link| (&*link.label, &*link.url))
        .collect();
    assert_eq!(
        links,
        [
            ("homepage", "https://acme.example"),
            ("repository", "https://git.example/demo")
        ]
    );
    assert_eq!(
        needs(&about.dependencies),
        [
            ("Acme/Log", Some("acme/log"), "runtime", "^1.0", ""),
            ("php", None, "runtime", ">=8.1", ""),
            ("acme/test", Some("acme/test"), "development", "*", ""),
        ]
    );
    let none = PackageAbouts
        .of_document(&document, "3.0", &body())
        .expect("read");
    assert!(none.is_none());
}

#[test]
fn abandoned_versions_are_marked() {
    let marks = PackageAbouts
        .marks(&document_of("acme/demo", false), &body())
        .expect("read");
    let marks: Vec<_> = marks
        .deprecated
        .iter()
        .map(|(one, other)| (&**one, &**other))
        .collect();
    assert_eq!(
        marks,
        [
            ("0.9", "abandoned"),
            ("1.0", "abandoned: use acme/new instead")
        ]
    );
}

#[test]
fn the_readme_is_that_of_the_archive() {
    let read = |entries: &[(u32, &str, &str)]| {
        let body = zip(entries);
        let file = DescribedFile {
            package: "acme/demo",
            version: "1.0",
            path: "dist/1.0/a.zip",
            size: body.len() as u64,
        };
        let about = PackageAbouts
            .of_file(&file, &mut Cursor::new(body))
            .expect("read");
        about.readme.map(|readme| readme.text)
    };
    let nested = (FILE, "demo-1/README.md", "nested");
    assert_eq!(
        read(&[nested, (FILE, "demo-1/a/README.md", "deep")]).as_deref(),
        Some("nested")
    );
    assert_eq!(
        read(&[nested, (FILE, "readme.txt", "top")]).as_deref(),
        Some("top")
    );
    assert_eq!(read(&[(FILE, "a/b/README", "deep")]), None);
}
