use super::*;
use crate::deb::testing::{control, package};
use crate::testing::needs;
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
