use super::*;
use crate::describing::{Fact, Link, Readme, ReadmeFormat};
use crate::testing::needs;
use crate::testing::stored;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Cursor;

const INDEX: &[u8] = include_bytes!("../testdata/about.index");

fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, path, text.as_bytes())
            .expect("entry");
    }
    archive.into_inner().expect("tar").finish().expect("gzip")
}

fn of_file(files: &[(&str, &str)]) -> Result<About, Problem> {
    let bytes = packed(files);
    let file = DescribedFile {
        package: "probe",
        version: "1.1.0",
        path: "probe-1.1.0.crate",
        size: bytes.len() as u64,
    };
    CrateAbouts.of_file(&file, &mut Cursor::new(bytes))
}

#[test]
fn the_index_tells_what_a_version_needs() {
    let document = Document::new("probe", "index/probe");
    let about = CrateAbouts.of_document(&document, "1.1.0", INDEX);
    let about = about.expect("an index").expect("a version");
    let told = needs(&about.dependencies);
    assert_eq!(
        told,
        [
            ("Real_Name", Some("real-name"), "runtime", "^1", ""),
            ("cc", Some("cc"), "build", "^1.2", "cfg(unix)"),
            ("far", None, "development", "*", ""),
        ]
    );
    assert!(about.dependencies[0].optional);
    assert_eq!(about.dependencies[0].features, ["a"]);
    let fact = |name, value: &str| Fact {
        name,
        values: vec![value.to_owned()],
    };
    assert_eq!(
        about.facts,
        [fact("features", "x"), fact("rust_version", "1.60")]
    );
    assert_eq!(
        CrateAbouts
            .of_document(&document, "2.0.0", INDEX)
            .expect("an index"),
        None
    );
}

#[test]
fn the_index_tells_what_is_yanked() {
    let marks = CrateAbouts.marks(&Document::new("probe", "index/probe"), INDEX);
    let marks = marks.expect("an index");
    assert_eq!(marks.yanked.keys().collect::<Vec<_>>(), ["1.0.0"]);
}

#[test]
fn the_manifest_tells_the_rest_and_where_the_readme_is() {
    let manifest = "[package]\nname = \"probe\"\nversion = \"1.1.0\"\nauthors = [\"Ann <a@x.example>\"]\n\
        description = \"It probes.\"\nlicense = \"MIT OR Apache-2.0\"\nreadme = \"docs/INTRO.rst\"\n\
        repository = \"https://x.example/probe\"\nhomepage = \"javascript:alert(1)\"\n";
    let about = of_file(&[
        ("probe-1.1.0/Cargo.toml", manifest),
        ("probe-1.1.0/README.md", "# not this"),
        ("probe-1.1.0/docs/INTRO.rst", "Probe\n====="),
    ])
    .expect("a crate");
    assert_eq!(
        about.readme,
        Some(Readme {
            format: ReadmeFormat::RestructuredText,
            text: "Probe\n=====".to_owned(),
            truncated: false,
        })
    );
    assert_eq!(about.license.as_deref(), Some("MIT OR Apache-2.0"));
    assert_eq!(about.authors, ["Ann <a@x.example>"]);
    let repository = Link {
        label: "repository".to_owned(),
        url: "https://x.example/probe".to_owned(),
    };
    assert_eq!(about.links, [repository]);
}

#[test]
fn without_a_field_the_readme_is_the_one_at_the_top() {
    let plain = "[package]\nname = \"probe\"\nversion = \"1.1.0\"\n";
    let files = [
        ("probe-1.1.0/Cargo.toml", plain),
        ("probe-1.1.0/Readme.md", "# hello"),
    ];
    let about = of_file(&files).expect("a crate");
    assert_eq!(about.readme.expect("a readme").text, "# hello");
    let none = format!("{plain}readme = false\n");
    let files = [
        ("probe-1.1.0/Cargo.toml", &*none),
        ("probe-1.1.0/README.md", "# hello"),
    ];
    assert_eq!(of_file(&files).expect("a crate").readme, None);
}

#[test]
fn what_is_no_crate_is_told_as_such() {
    let problem = of_file(&[("probe-1.1.0/src/lib.rs", "")]).expect_err("no manifest");
    assert!(
        problem.detail.contains("no Cargo.toml"),
        "{}",
        problem.detail
    );
    let file = DescribedFile {
        package: "probe",
        version: "1",
        path: "x",
        size: 4,
    };
    CrateAbouts
        .of_file(&file, &mut Cursor::new(b"junk".to_vec()))
        .expect_err("no archive");
    assert_eq!(
        CrateAbouts
            .choose(&[stored("probe-1.1.0.crate", "1.1.0", "")])
            .map(|file| &*file.path),
        Some("probe-1.1.0.crate")
    );
}
