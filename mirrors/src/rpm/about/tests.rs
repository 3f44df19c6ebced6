use super::*;
use std::io::Cursor;

const EVERYTHING: &[u8] = include_bytes!("../testdata/everything.rpm");

fn of(bytes: &[u8]) -> Result<About, Problem> {
    let file = DescribedFile {
        package: "everything",
        version: "1.0",
        path: "everything.rpm",
        size: bytes.len() as u64,
    };
    PackageAbouts.of_file(&file, &mut Cursor::new(bytes))
}

#[test]
fn the_header_tells_all_of_it() {
    let about = of(EVERYTHING).expect("a package");
    assert!(about.summary.is_some_and(|text| !text.is_empty()));
    assert!(
        about
            .readme
            .is_some_and(|readme| readme.format == ReadmeFormat::Plain)
    );
    assert!(about.license.is_some_and(|text| !text.is_empty()));
    let kinds: Vec<_> = about.dependencies.iter().map(|one| one.kind).collect();
    assert!(
        kinds.contains(&"requires") && kinds.contains(&"provides"),
        "{kinds:?}"
    );
    assert_eq!(kinds.last(), Some(&"provides"));
    let ranged = about
        .dependencies
        .iter()
        .find(|one| one.requirement.starts_with(">= "));
    assert!(ranged.is_some(), "{:?}", about.dependencies);
    assert!(about.facts.iter().any(|fact| fact.name == "architecture"));
}

#[test]
fn a_changed_header_is_not_read() {
    let mut bytes = EVERYTHING.to_vec();
    let at = bytes.windows(8).position(|window| window == b"metadata");
    bytes[at.expect("the summary")] ^= 1;
    of(&bytes).expect_err("another digest");
    of(&EVERYTHING[..200]).expect_err("cut short");
}
