use super::*;
use crate::npm::packument::packument_of;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Cursor;

const PACKUMENT: &str = include_str!("../testdata/about.json");

fn of(version: &str) -> About {
    let document = packument_of("@acme/w");
    let about = PackageAbouts.of_document(&document, version, PACKUMENT.as_bytes());
    about.expect("a packument").expect("a version")
}

#[test]
fn a_packument_tells_tags_and_what_is_deprecated() {
    let marks = PackageAbouts.marks(&packument_of("@acme/w"), PACKUMENT.as_bytes());
    let marks = marks.expect("a packument");
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(one, other)| ((*one).to_owned(), (*other).to_owned()))
            .collect()
    };
    assert_eq!(
        marks.tags,
        pairs(&[("latest", "2.0.0"), ("next", "3.0.0-rc.1")])
    );
    assert_eq!(
        marks.deprecated,
        pairs(&[("1.0.0", "use 2"), ("3.0.0-rc.1", "")])
    );
}

#[test]
fn a_packument_tells_what_a_version_needs_and_in_which_way() {
    let about = of("2.0.0");
    let told: Vec<_> = about
        .dependencies
        .iter()
        .map(|one| {
            (
                &*one.name,
                one.package.as_deref(),
                one.kind,
                &*one.requirement,
                one.optional,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("@other/real", Some("@other/real"), "runtime", "^3", false),
            ("file", None, "runtime", "file:../x", false),
            ("left", Some("left"), "runtime", "^1", false),
            ("fast", Some("fast"), "optional", "2", true),
            ("host", Some("host"), "peer", ">=4", true),
            ("tap", Some("tap"), "development", "*", false),
        ]
    );
    assert_eq!(about.authors, ["Ann <a@x.example>", "Ben"]);
    let links: Vec<_> = about
        .links
        .iter()
        .map(|link| (&*link.label, &*link.url))
        .collect();
    assert_eq!(
        links,
        [
            ("repository", "https://x.example/w"),
            ("issues", "https://x.example/w/issues"),
        ]
    );
    let scripts = about
        .facts
        .iter()
        .find(|fact| fact.name == "install_scripts");
    assert_eq!(scripts.expect("a fact").values, ["postinstall: node x.js"]);
    assert_eq!(of("1.0.0").license.as_deref(), Some("MIT OR ISC"));
}

#[test]
fn the_readme_at_the_top_is_that_of_the_latest_version() {
    let text = |version| of(version).readme.map(|readme| readme.text);
    assert_eq!(text("2.0.0").as_deref(), Some("# of the latest"));
    assert_eq!(text("1.0.0").as_deref(), Some("# of this one"));
    assert_eq!(text("3.0.0-rc.1"), None);
    assert_eq!(readme(NO_README), None);
}

#[test]
fn the_tarball_has_the_readme_of_its_version() {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in [
        (
            "package/package.json",
            r#"{"name":"@acme/w","version":"1.0.0","license":"MIT"}"#,
        ),
        ("package/lib/README.md", "not this"),
        ("package/readme.markdown", "nor this"),
        ("package/README.md", "this"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, path, text.as_bytes())
            .expect("entry");
    }
    let bytes = archive.into_inner().expect("tar").finish().expect("gzip");
    let file = DescribedFile {
        package: "@acme/w",
        version: "1.0.0",
        path: "-/w-1.0.0.tgz",
        size: bytes.len() as u64,
    };
    let about = PackageAbouts
        .of_file(&file, &mut Cursor::new(bytes))
        .expect("a tarball");
    assert_eq!(
        about.readme.map(|readme| readme.text).as_deref(),
        Some("this")
    );
    assert_eq!(about.license.as_deref(), Some("MIT"));
}
