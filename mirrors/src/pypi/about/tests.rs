use super::*;
use crate::pypi::page::page_of;
use crate::pypi::testing::{tarred, wheel_entries, zipped};
use crate::testing::needs;
use crate::testing::stored;
use std::io::Cursor;

const INFO: &str = "Metadata-Version: 2.4\nName: my-pkg\nVersion: 1.0.0\nSummary: It works.\n\
License-Expression: MIT\nAuthor: Ann\nAuthor-email: a@x.example\nMaintainer-email: Ben <b@x.example>\n\
Project-URL: Source Code, https://x.example/src\nProject-URL: Sponsor, https://x.example/give\n\
Project-URL: Evil, javascript:alert(1)\nHome-page: UNKNOWN\nRequires-Python: >=3.9\n\
Requires-Dist: Left.Pad[fast,big] (>=1.0,<2); python_version < \"3.11\"\n\
Requires-Dist: pytest>=7; extra == \"test\"\nRequires-Dist: far @ https://x.example/far.whl\n\
Requires-Dist: plain\nProvides-Extra: test\nDescription-Content-Type: text/markdown; charset=UTF-8\n\
\n# Hello\n\nworld\n";

fn of(path: &str, bytes: Vec<u8>) -> Result<About, Problem> {
    let file = DescribedFile {
        package: "my-pkg",
        version: "1.0.0",
        path,
        size: bytes.len() as u64,
    };
    ProjectAbouts.of_file(&file, &mut Cursor::new(bytes))
}

#[test]
fn metadata_tells_all_of_a_version() {
    let about = of("my_pkg-1.0.0-py3-none-any.whl.metadata", INFO.into()).expect("metadata");
    let readme = about.readme.expect("a readme");
    assert_eq!(
        (readme.format, &*readme.text),
        (ReadmeFormat::Markdown, "# Hello\n\nworld\n")
    );
    assert_eq!(about.license.as_deref(), Some("MIT"));
    assert_eq!(about.authors, ["Ann <a@x.example>", "Ben <b@x.example>"]);
    let links: Vec<_> = about
        .links
        .iter()
        .map(|link| (&*link.label, &*link.url))
        .collect();
    assert_eq!(
        links,
        [
            ("repository", "https://x.example/src"),
            ("Sponsor", "https://x.example/give"),
        ]
    );
    let told = needs(&about.dependencies);
    assert_eq!(
        told,
        [
            (
                "Left.Pad",
                Some("left-pad"),
                "runtime",
                ">=1.0,<2",
                "python_version < \"3.11\""
            ),
            (
                "pytest",
                Some("pytest"),
                "optional",
                ">=7",
                "extra == \"test\""
            ),
            ("far", None, "runtime", "@ https://x.example/far.whl", ""),
            ("plain", Some("plain"), "runtime", "", ""),
        ]
    );
    assert_eq!(about.dependencies[0].features, ["fast", "big"]);
}

#[test]
fn wheels_and_source_archives_hold_the_metadata() {
    let wheel = zipped(&wheel_entries("my_pkg-1.0.0.dist-info", INFO));
    let sdist = tarred(&[("my_pkg-1.0.0/PKG-INFO", b'0', INFO)]);
    for (path, bytes) in [
        ("my_pkg-1.0.0-py3-none-any.whl", wheel),
        ("my_pkg-1.0.0.tar.gz", sdist),
    ] {
        let about = of(path, bytes).expect(path);
        assert_eq!(about.summary.as_deref(), Some("It works."), "{path}");
    }
    of("my_pkg-1.0.0.tar.gz", b"junk".to_vec()).expect_err("no archive");
}

#[test]
fn old_metadata_has_its_description_in_the_header() {
    let info = "Name: my-pkg\nVersion: 1.0.0\nLicense: UNKNOWN\nDescription: Title\n        =====\n\
        \x20       \n        text\nClassifier: License :: OSI Approved :: BSD License\n";
    let about = of("x.metadata", info.into()).expect("metadata");
    let readme = about.readme.expect("a readme");
    assert_eq!(readme.format, ReadmeFormat::RestructuredText);
    assert_eq!(readme.text, "Title\n=====\n\ntext");
    assert_eq!(about.license.as_deref(), Some("BSD License"));
}

#[test]
fn the_smallest_file_that_tells_is_read() {
    let files = [
        "p-1.tar.gz",
        "p-1-py3-none-any.whl",
        "p-1-py3-none-any.whl.metadata",
    ];
    let files = files.map(|path| stored(path, "1", ""));
    let chosen = ProjectAbouts.choose(&files).expect("a file");
    assert_eq!(&*chosen.path, "p-1-py3-none-any.whl.metadata");
    let chosen = ProjectAbouts.choose(&files[..2]).expect("a file");
    assert_eq!(&*chosen.path, "p-1-py3-none-any.whl");
}

#[test]
fn a_version_is_yanked_if_all_its_files_are() {
    let page = br#"{"meta":{"api-version":"1.1"},"name":"my-pkg","files":[
        {"filename":"my_pkg-1.0.0.tar.gz","url":"x","hashes":{},"yanked":"broken"},
        {"filename":"my_pkg-1.1.0.tar.gz","url":"x","hashes":{},"yanked":true},
        {"filename":"my_pkg-1.1.0-py3-none-any.whl","url":"x","hashes":{}}]}"#;
    let marks = ProjectAbouts
        .marks(&page_of("my-pkg"), page)
        .expect("a page");
    let yanked: Vec<_> = marks.yanked.iter().collect();
    assert_eq!(yanked, [(&"1.0.0".to_owned(), &"broken".to_owned())]);
}
