use super::*;
use crate::Protocol as _;
use crate::publishing::Bytes as Stored;
use crate::publishing::PublishLimits;
use crate::pypi::Pypi;
use crate::pypi::testing::{PROJECT, SDIST, WHEEL, publish_file, sdist, stored, wheel};
use larder_model::{Algorithm, Digest, FileKind, Kind};
use serde_json::{Value, json};
use std::io::Cursor;

fn page(files: &[(&str, &[u8], Value)]) -> String {
    let file = |(name, content, yanked): &(&str, &[u8], Value)| {
        json!({"filename": name, "url": format!("https://files.example/{name}"),
            "hashes": {"sha256": Digest::of(Algorithm::Sha256, content).hex()},
            "requires-python": ">=2", "yanked": yanked})
    };
    let files: Vec<Value> = files.iter().map(file).collect();
    json!({"meta": {"api-version": "1.1"}, "name": PROJECT, "files": files}).to_string()
}

fn files_of(page: Option<&str>, version: &str) -> Vec<VersionFile> {
    let copying = Pypi.copying().expect("copies");
    let wanted = UpstreamVersion {
        package: PROJECT,
        version,
        documents: &[],
    };
    let plan = copying.files(&wanted, &[], &[]).expect("plan");
    assert_eq!(plan, Plan::Read(page_of(PROJECT)));
    let known = [page.map(|page| Bytes::from(page.to_owned()))];
    match copying.files(&wanted, &known, &[]).expect("plan") {
        Plan::Fetch(files) => files,
        plan => panic!("{plan:?}"),
    }
}

fn names(files: &[VersionFile]) -> Vec<&str> {
    files.iter().map(|file| &*file.artifact.path).collect()
}

fn copy(file: &VersionFile, content: &[u8], files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let copy = FileCopy {
        package: PROJECT,
        version: "1.0",
        file,
        digest: Digest::of(Algorithm::Sha256, content),
        size: content.len() as u64,
        limits: &PublishLimits::default(),
    };
    DistributionCopies.steps(&copy, &mut Cursor::new(content.to_vec()), files)
}

/// The steps, wherever the file is in the body.
fn anywhere(mut steps: Vec<Step>) -> Vec<Step> {
    for step in &mut steps {
        if let Step::Add {
            bytes: Stored::Part(start, _),
            ..
        } = step
        {
            *start = 0;
        }
    }
    steps
}

#[test]
fn a_copy_is_what_publishing_made_of_it() {
    let (wheel, sdist) = (wheel(), sdist());
    let all = [
        (WHEEL, &*wheel, json!(false)),
        (SDIST, &*sdist, json!(false)),
    ];
    let files = files_of(Some(&page(&all)), "1.0");
    assert_eq!(names(&files), [WHEEL, SDIST]);
    for (file, (name, content, _)) in files.iter().zip(&all) {
        let copied = copy(file, content, &[]).expect("copied");
        let published = publish_file(name, content, &[]).expect("published");
        assert_eq!(copied, anywhere(published), "{name}");
        assert_eq!(
            file.integrity.text(),
            Digest::of(Algorithm::Sha256, content).to_string()
        );
        let read = crate::testing::get(&Pypi, &format!("/packages/{PROJECT}/{name}"));
        let Ok(crate::ReadRequest::Artifact(artifact)) = read else {
            panic!("{name}")
        };
        assert_eq!(file.artifact, artifact);
    }
}

#[test]
fn all_files_of_a_version_go_but_those_that_nobody_publishes() {
    let other = "my_pkg_x-1.0-cp312-cp312-manylinux_2_17_x86_64.whl";
    let all = [
        WHEEL,
        other,
        SDIST,
        "my_pkg_x-1.0.0.zip",
        "my_pkg_x-1.0.0-py3.9.egg",
        "my_pkg_x-1.0.0.exe",
        "my_pkg_x-1.0.1-py3-none-any.whl",
        "my_pkg_x_more-1.0.0.tar.gz",
    ];
    let listed = all.map(|name| (name, &b""[..], json!(false)));
    let page = page(&listed);
    for version in ["1.0.0", "1.0", "v1"] {
        let files = files_of(Some(&page), version);
        assert_eq!(names(&files), [WHEEL, other, SDIST], "{version}");
    }
    let zip = files_of(Some(&page.replace(SDIST, "other-1.tar.gz")), "1.0.0");
    assert_eq!(names(&zip), [WHEEL, other, "my_pkg_x-1.0.0.zip"]);
    assert_eq!(files_of(Some(&page), "2.0"), []);
    assert_eq!(files_of(Some(&page), "none"), []);
    assert_eq!(files_of(None, "1.0"), []);
}

#[test]
fn what_is_yanked_stays_yanked() {
    let wheel = wheel();
    for (told, noted) in [
        (json!("it breaks"), json!("it breaks")),
        (json!(true), json!(true)),
        (json!(false), Value::Null),
    ] {
        let files = files_of(Some(&page(&[(WHEEL, &wheel, told)])), "1.0");
        let steps = copy(&files[0], &wheel, &[]).expect("copied");
        let Step::Add { metadata, .. } = &steps[0] else {
            panic!("{steps:?}")
        };
        let metadata: Value = serde_json::from_str(metadata).expect("metadata");
        assert_eq!(metadata["yanked"], noted);
        assert_eq!(metadata["requires_python"], ">=3.9, <4", "the file's own");
    }
}

#[test]
fn what_could_not_be_published_is_not_copied() {
    let (wheel, sdist) = (wheel(), sdist());
    let files = files_of(Some(&page(&[(WHEEL, &wheel, json!(false))])), "1.0");
    let problem = copy(&files[0], &sdist, &[]).expect_err("no wheel");
    assert_eq!(problem.kind, Kind::Invalid, "{problem}");
    let published = publish_file(WHEEL, &wheel, &[]).expect("published");
    let mut there = stored(&anywhere(published), &wheel);
    assert_eq!(copy(&files[0], &wheel, &there).expect("again"), []);
    there[0].path = "My.Pkg_X-1.0-py3-none-any.whl".into();
    let problem = copy(&files[0], &wheel, &there).expect_err("there");
    assert_eq!(problem.kind, Kind::Conflict, "{problem}");
    there[0].kind = FileKind::Tombstone;
    let problem = copy(&files[0], &wheel, &there).expect_err("deleted");
    assert!(problem.detail.contains("was deleted"), "{problem}");
    let publishing = Pypi.publishing().expect("publishing");
    assert!(publishing.is_same_version("1.0", "1.0.0"));
    assert!(!publishing.is_same_version("1.0", "1.0.1"));
    assert!(!publishing.is_same_version("none", "other"));
}
