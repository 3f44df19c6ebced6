use super::*;
use crate::deb::testing::{DSC, control, package};
use crate::testing::{needs, stored};
use std::io::Cursor;

#[test]
fn the_control_file_tells_what_a_package_is() {
    let body = package(&control("hello", "1", "amd64"), &[]);
    let file = DescribedFile {
        package: "hello",
        version: "1",
        path: "pool/stable/main/hello_1_amd64.deb",
        size: body.len() as u64,
    };
    let about = PackageAbouts
        .of_file(&file, &mut Cursor::new(body))
        .expect("about");
    assert_eq!(about.summary.as_deref(), Some("greets"));
    let readme = about.readme.expect("text");
    assert_eq!(readme.text, "It does.\n\nReally.");
    assert_eq!(about.links[0].url, "https://registry.example/");
    assert_eq!(
        needs(&about.dependencies),
        [
            ("libc6", Some("libc6"), "depends", ">= 2.34", ""),
            ("one", Some("one"), "depends", "", "or two [amd64]"),
        ]
    );
    let facts: Vec<&str> = about.facts.iter().map(|fact| fact.name).collect();
    assert_eq!(facts, ["architecture", "section"]);
}

#[test]
fn the_description_tells_what_a_source_package_needs() {
    let file = DescribedFile {
        package: "hello",
        version: "1:2.10-3",
        path: "pool/stable/main/hello_2.10-3/hello_2.10-3.dsc",
        size: DSC.len() as u64,
    };
    let about = PackageAbouts
        .of_file(&file, &mut Cursor::new(DSC))
        .expect("about");
    assert_eq!(
        needs(&about.dependencies),
        [
            ("debhelper", Some("debhelper"), "build", ">= 13", ""),
            ("gcc", Some("gcc"), "build", "", ""),
        ]
    );
    let files = [
        "hello_2.10-3/hello_2.10.orig.tar.gz",
        "hello_2.10-3/hello_2.10-3.dsc",
        "hello_2.10-3_amd64.deb",
    ];
    let files = files.map(|path| stored(&format!("pool/stable/main/{path}"), "1:2.10-3", ""));
    let chosen = |files: &[StoredFile]| PackageAbouts.choose(files).map(|it| it.path.clone());
    assert_eq!(chosen(&files), Some(files[2].path.clone()));
    assert_eq!(chosen(&files[..2]), Some(files[1].path.clone()));
}
