use super::*;
use crate::Protocol as _;
use crate::protocol::Tables as _;
use crate::publishing::PublishLimits;
use crate::rpm::{PackageLists, Rpm};
use crate::testing::{publish_request, stored};
use http::Method;
use larder_model::{Algorithm, Digest, FileKind, Kind};
use std::io::Cursor;

/// A package with a value of every metadata field, made by rpmbuild.
const EVERYTHING: &[u8] = include_bytes!("../testdata/everything.rpm");
const REPOMD: &str = include_str!("../testdata/repomd.xml");
const PRIMARY: &[u8] = include_bytes!("../testdata/primary.xml.gz");
const PATH: &str = "Packages/everything-1.0~rc1^git2-4.el9.noarch.rpm";
const VERSION: &str = "3:1.0~rc1^git2-4.el9.noarch";

fn plan(
    (package, version): (&str, &str),
    documents: &[Box<str>],
    known: &[Option<Bytes>],
    tables: &[Arc<dyn Table>],
) -> Plan<Vec<VersionFile>> {
    let wanted = UpstreamVersion {
        package,
        version,
        documents,
    };
    let copying = Rpm.copying().expect("copies");
    copying.files(&wanted, known, tables).expect("plan")
}

fn copy(version: &str, path: &str, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    let digest = Digest::of(Algorithm::Sha256, EVERYTHING);
    let file = VersionFile {
        artifact: Artifact::new("", None, path),
        integrity: larder_model::Integrity::Digest(digest),
        statement: String::new(),
    };
    let copy = FileCopy {
        package: "everything",
        version,
        file: &file,
        digest,
        size: EVERYTHING.len() as u64,
        limits: &PublishLimits::default(),
    };
    PackageCopies.steps(&copy, &mut Cursor::new(EVERYTHING), files)
}

#[test]
fn a_copy_is_what_publishing_made_of_it() {
    let request = publish_request(&Rpm, &Method::PUT, &format!("/{PATH}")).expect("request");
    let published =
        request
            .action
            .steps(&mut Cursor::new(EVERYTHING), &[], &PublishLimits::default());
    let published = published.expect("published");
    assert_eq!(copy(VERSION, PATH, &[]).expect("copied"), published);
}

#[test]
fn a_package_is_found_by_the_name_of_its_file() {
    let tiny = ("tiny", "1.0~rc1^git2-1.noarch");
    let known = [Some(Bytes::from_static(REPOMD.as_bytes()))];
    let Plan::Read(document) = plan(tiny, &[], &[], &[]) else {
        panic!("no document")
    };
    assert_eq!(document, repomd_of(""));
    let Plan::Consult(list, _) = plan(tiny, &[], &known, &[]) else {
        panic!("no list")
    };
    let table = PackageLists.read(&list, PRIMARY).expect("a list");
    let tables = [table];
    let Plan::Fetch(files) = plan(tiny, &[], &known, &tables) else {
        panic!("no files")
    };
    let path = "Packages/t/tiny-1.0~rc1^git2-1.noarch.rpm";
    assert_eq!(&*files[0].artifact.path, path);
    let read = crate::testing::get(&Rpm, &format!("/{path}")).expect("path");
    let crate::ReadRequest::Artifact(artifact) = read else {
        panic!("{read:?}")
    };
    assert_eq!((files.len(), &files[0].artifact), (1, &artifact));
    let sum = "sha256:8d2b32b93b1f0650b7f4d4db05dea60be73ea65f9537ed8473a5cc7f39802cb1";
    assert_eq!(files[0].integrity.text(), sum);
    for other in [("tiny", "1.0-1.noarch"), ("iny", "1.0~rc1^git2-1.noarch")] {
        assert_eq!(plan(other, &[], &known, &tables), Plan::Fetch(Vec::new()));
    }
    // An epoch is in no file's name.
    let epoch = ("tiny", "1:1.0~rc1^git2-1.noarch");
    let Plan::Fetch(same) = plan(epoch, &[], &known, &tables) else {
        panic!("no files")
    };
    assert_eq!(same, files);
}

#[test]
fn a_package_is_found_in_every_repository_that_is_known() {
    let tiny = ("tiny", "1.0~rc1^git2-1.noarch");
    let kept: [Box<str>; 3] = [
        "RPM-GPG-KEY".into(),
        "os/9/repodata/repomd.xml".into(),
        "os/9/repodata/repomd.xml.asc".into(),
    ];
    let repomd = Bytes::from_static(REPOMD.as_bytes());
    let Plan::Read(document) = plan(tiny, &kept, &[None], &[]) else {
        panic!("no document")
    };
    assert_eq!(document, repomd_of("os/9/"));
    let known = [None, Some(repomd)];
    let Plan::Consult(list, _) = plan(tiny, &kept, &known, &[]) else {
        panic!("no list")
    };
    assert!(list.path.starts_with("os/9/repodata/"), "{list:?}");
    let tables = [PackageLists.read(&list, PRIMARY).expect("a list")];
    let Plan::Fetch(files) = plan(tiny, &kept, &known, &tables) else {
        panic!("no files")
    };
    let path = "os/9/Packages/t/tiny-1.0~rc1^git2-1.noarch.rpm";
    assert_eq!(&*files[0].artifact.path, path);
    assert_eq!(plan(tiny, &kept, &[None, None], &[]), Plan::Fetch(vec![]));
}

#[test]
fn what_could_not_be_published_is_not_copied() {
    let without_epoch = VERSION.trim_start_matches("3:");
    let problem = copy(without_epoch, PATH, &[]).expect_err("another version");
    assert_eq!((problem.kind, problem.about), (Kind::NotFound, "version"));
    let problem = copy(VERSION, "repodata/everything.rpm", &[]).expect_err("a place of ours");
    assert_eq!(problem.kind, Kind::Invalid);
    let tombstone = StoredFile {
        kind: FileKind::Tombstone,
        ..stored(&format!("everything-{VERSION}"), "", "")
    };
    let publishing = Rpm.publishing().expect("publishing");
    assert!(publishing.is_tombstone_of("everything", VERSION, &tombstone.path));
    assert!(!publishing.is_tombstone_of("everything", without_epoch, &tombstone.path));
    let problem = copy(VERSION, PATH, &[tombstone]).expect_err("deleted");
    assert_eq!(problem.kind, Kind::Conflict);
    assert!(problem.detail.contains("stays reserved"), "{problem}");
}
