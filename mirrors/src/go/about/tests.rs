use super::*;
use std::io::Cursor;

const ZIP: &[u8] = include_bytes!("../testdata/module.zip");

#[test]
fn a_version_is_described_by_its_files() {
    let file = DescribedFile {
        package: "example.com/Azure/thing",
        version: "v1.2.3",
        path: "v1.2.3.zip",
        size: ZIP.len() as u64,
    };
    let about = ModuleAbouts
        .of_file(&file, &mut Cursor::new(ZIP.to_vec()))
        .expect("an about");
    assert_eq!(
        about.readme.map(|it| it.text).as_deref(),
        Some("# Thing\n\nA thing.\n")
    );
    let needs = crate::testing::needs(&about.dependencies);
    let name = "example.com/other";
    assert_eq!(needs, [(name, Some(name), "runtime", "v1.2.3", "indirect")]);
    let facts: Vec<_> = about
        .facts
        .iter()
        .map(|it| (it.name, &*it.values[0]))
        .collect();
    assert_eq!(facts, [("language", "1.21")]);
}
