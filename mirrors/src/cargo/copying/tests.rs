use super::*;
use crate::Protocol as _;
use crate::cargo::Cargo;
use crate::cargo::index::CrateMetadata;
use crate::publishing::PublishLimits;
use crate::testing::{publish_request, stored};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use larder_model::{Algorithm, FileKind, Kind};
use serde_json::{Value, json};
use std::io::Cursor;

const MANIFEST: &str = "[package]\nname = \"My_Probe\"\nversion = \"1.0.0+b.1\"\n\
    description = \"a probe\"\nrust-version = \"1.60\"\nlinks = \"probe\"\n\
    [dependencies.rt]\nversion = \"1\"\npackage = \"real\"\nfeatures = [\"b\", \"a\"]\noptional = true\n\
    [target.'cfg(unix)'.build-dependencies]\ncc = \"^1.2\"\n\
    [features]\nx = [\"dep:rt\"]\ndefault = []\n";
/// The line that an upstream has of it.
const LINE: &str = include_str!("../testdata/copied.index");
/// What is stored of it.
const COPIED: &str = include_str!("../testdata/copied.json");

fn crate_of(manifest: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(manifest.len() as u64);
    header.set_mode(0o644);
    let path = "My_Probe-1.0.0+b.1/Cargo.toml";
    archive
        .append_data(&mut header, path, manifest.as_bytes())
        .expect("entry");
    archive.into_inner().expect("tar").finish().expect("gzip")
}

/// The line with the checksum of these bytes.
fn line_of(bytes: &[u8]) -> String {
    LINE.replace("{cksum}", &Digest::of(Algorithm::Sha256, bytes).hex())
}

fn plan(documents: &[Box<str>], known: &[Option<&str>]) -> Plan<Vec<VersionFile>> {
    let copying = Cargo.copying().expect("copies");
    let wanted = UpstreamVersion {
        package: "my-probe",
        version: "1.0.0+b.1",
        documents,
    };
    let known = known
        .iter()
        .map(|text| text.map(|text| Bytes::from(text.to_owned())));
    let known: Vec<_> = known.collect();
    copying.files(&wanted, &known, &[]).expect("plan")
}

fn file_in(index: &str) -> VersionFile {
    match plan(&[], &[Some(index)]) {
        Plan::Fetch(files) => files.into_iter().next().expect("a file"),
        plan => panic!("{plan:?}"),
    }
}

fn copy(index: &str, bytes: &[u8], files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let file = file_in(index);
    let copy = FileCopy {
        package: "my-probe",
        version: "1.0.0+b.1",
        file: &file,
        digest: Digest::of(Algorithm::Sha256, bytes),
        size: bytes.len() as u64,
        limits: &PublishLimits::default(),
    };
    CrateCopies.steps(&copy, &mut Cursor::new(bytes.to_vec()), files)
}

/// The step of cargo's own request.
fn publish(bytes: &[u8]) -> Step {
    let description = json!({
        "name": "My_Probe", "vers": "1.0.0+b.1", "description": "a probe", "links": "probe",
        "features": {"x": ["dep:rt"], "default": []}, "rust_version": "1.60",
        "deps": [
            {"name": "real", "explicit_name_in_toml": "rt", "version_req": "^1",
                "features": ["a", "b"], "optional": true, "default_features": true,
                "target": null, "kind": "normal", "registry": null},
            {"name": "cc", "version_req": "^1.2", "features": [], "optional": false,
                "default_features": true, "target": "cfg(unix)", "kind": "build",
                "registry": "https://index.example/"},
        ],
    });
    let description = description.to_string();
    let length = |count: usize| u32::try_from(count).expect("small").to_le_bytes();
    let body = [
        &length(description.len())[..],
        description.as_bytes(),
        &length(bytes.len()),
        bytes,
    ]
    .concat();
    let request = publish_request(&Cargo, &Method::PUT, "/api/v1/crates/new").expect("request");
    let steps = request
        .action
        .steps(&mut Cursor::new(body), &[], &PublishLimits::default());
    steps.expect("published").remove(0)
}

#[test]
fn a_copy_is_what_publishing_made_of_it() {
    let bytes = crate_of(MANIFEST);
    let copied = copy(&line_of(&bytes), &bytes, &[]).expect("copied");
    let [Step::Add { metadata, .. }] = &*copied else {
        panic!("{copied:?}")
    };
    assert_eq!(metadata, COPIED.trim_end());
    let mut published = publish(&bytes);
    let Step::Add { bytes: part, .. } = &mut published else {
        panic!("{published:?}")
    };
    *part = Stored::Part(0, bytes.len() as u64); // there, a description is before it
    assert_eq!(copied, [published]);
}

#[test]
fn the_file_is_the_one_that_the_mirror_serves() {
    let bytes = crate_of(MANIFEST);
    let file = file_in(&line_of(&bytes));
    let path = "/api/v1/crates/My_Probe/1.0.0+b.1/download";
    let read = crate::testing::get(&Cargo, path).expect("path");
    let crate::ReadRequest::Artifact(artifact) = read else {
        panic!("{read:?}")
    };
    assert_eq!(file.artifact, artifact);
    let digest = Digest::of(Algorithm::Sha256, &bytes);
    assert_eq!(file.integrity, Integrity::Digest(digest));
}

#[test]
fn a_crate_is_found_in_the_spelling_of_the_upstream() {
    let read = |name: &str| Plan::Read(index_of(name));
    assert_eq!(plan(&[], &[]), read("my-probe"));
    assert_eq!(plan(&[], &[None]), read("my_probe"));
    assert_eq!(plan(&[], &[None, None]), Plan::Fetch(Vec::new()));
    let other = LINE.replace("1.0.0+b.1", "2.0.0");
    assert_eq!(plan(&[], &[Some(&other)]), read("my_probe"));
    let kept = ["index/my_probe".into()];
    assert_eq!(plan(&kept, &[]), read("my_probe"));
    assert_eq!(plan(&kept, &[None]), read("my-probe"));
}

#[test]
fn what_is_yanked_stays_yanked() {
    let bytes = crate_of(MANIFEST);
    let line = line_of(&bytes).replace("\"yanked\":false", "\"yanked\":true");
    let steps = copy(&line, &bytes, &[]).expect("copied");
    let [Step::Add { metadata, .. }] = &*steps else {
        panic!("{steps:?}")
    };
    let metadata: CrateMetadata = serde_json::from_str(metadata).expect("metadata");
    assert!(metadata.line.yanked);
}

#[test]
fn what_could_not_be_published_is_not_copied() {
    let bytes = crate_of(MANIFEST);
    let line = line_of(&bytes);
    let refused = |outcome: Result<Vec<Step>, Problem>, kind: Kind, why: &str| {
        let problem = outcome.expect_err(why);
        assert_eq!(problem.kind, kind, "{problem}");
        assert!(problem.detail.contains(why), "{problem}");
    };
    let other = crate_of(&MANIFEST.replace("^1.2", "^1.3"));
    refused(copy(&line, &other, &[]), Kind::Invalid, "the dependency");
    let odd = line.replace("\"My_Probe\"", "\"_My_Probe\"");
    let lines = [Some(&*odd), Some(&*odd)];
    assert_eq!(plan(&[], &lines), Plan::Fetch(Vec::new()), "another crate");
    let tombstone = StoredFile {
        kind: FileKind::Tombstone,
        ..stored("1.0.0", "", "")
    };
    let outcome = copy(&line, &bytes, &[tombstone]);
    refused(outcome, Kind::Conflict, "was deleted");
    let metadata = COPIED
        .replace("My_Probe", "my-probe")
        .replace("1.0.0+b.1", "0.9.0");
    let spelt = stored("crates/my-probe/0.9.0", "0.9.0", metadata.trim_end());
    let outcome = copy(&line, &bytes, &[spelt]);
    refused(outcome, Kind::Conflict, "published as `my-probe`");
    let line: Value = serde_json::from_str(&line).expect("a line of JSON");
    assert_eq!(line["v"], 2);
}
