use super::*;
use crate::deb::testing::{control, package};
use crate::deb::{Deb, Listing};
use crate::protocol::Protocol as _;
use crate::publishing::PublishLimits;
use crate::testing::publish_request;
use http::Method;
use larder_model::{Algorithm, Digest, Integrity, Kind};
use std::io::Cursor;

const PATH: &str = "pool/main/d/demo/demo_1.0_amd64.deb";
const PLACE: &str = "pool/bookworm/main/demo_1.0_amd64.deb";

fn plan(documents: &[&str], tables: &[Arc<dyn Table>]) -> Plan<Vec<VersionFile>> {
    let documents: Vec<Box<str>> = documents.iter().map(|path| (*path).into()).collect();
    let wanted = UpstreamVersion {
        package: "demo",
        version: "2:1.0",
        documents: &documents,
    };
    PackageCopies.files(&wanted, &[], tables).expect("plan")
}

/// The list of a suite with these lists of packages.
fn suite(head: &str, lists: &[&str]) -> Arc<dyn Table> {
    let sum = Digest::of(Algorithm::Sha256, b"").hex();
    let release = lists
        .iter()
        .fold("Suite: x\nSHA256:\n".to_owned(), |text, path| {
            text + &format!(" {sum} 0 {path}\n")
        });
    let document = Document::new("", head);
    let outlines = Deb.outlines().expect("outlines");
    outlines
        .outline(&document, release.as_bytes())
        .expect("suite")
}

fn listing(paths: &[&str]) -> Arc<dyn Table> {
    let stanza = |path: &&str| {
        let sum = Digest::of(Algorithm::Sha256, path.as_bytes()).hex();
        format!("Filename: {path}\nSize: 1\nSHA256: {sum}\n\n")
    };
    let text: String = paths.iter().map(stanza).collect();
    Arc::new(Listing::read(text.as_bytes()).expect("list"))
}

#[test]
fn a_version_is_what_kept_lists_name_of_each_architecture() {
    let kept = [
        "dists/bookworm/Release",
        "dists/bookworm/InRelease",
        "dists/stable/updates/InRelease",
    ];
    let Plan::Outline(first) = plan(&kept, &[]) else {
        panic!("no suite")
    };
    assert_eq!(&*first.path, "dists/bookworm/InRelease");
    let lists = [
        "main/binary-amd64/Packages.xz",
        "main/binary-mips/Packages.xz",
    ];
    let mut tables = vec![suite(&first.path, &lists)];
    let Plan::Kept(wanted) = plan(&kept, &tables) else {
        panic!("no lists")
    };
    assert_eq!(wanted.len(), 2);
    let other = "pool/main/d/demo/demo_1.0_mips.deb";
    let more = "pool/main/d/demo/demo_1.0-1_amd64.deb";
    tables.push(listing(&[PATH, other, more]));
    let Plan::Outline(second) = plan(&kept, &tables) else {
        panic!("no second suite")
    };
    assert_eq!(&*second.path, "dists/stable/updates/InRelease");
    tables.push(suite(&second.path, &lists));
    tables.push(listing(&[PATH]));
    let Plan::Fetch(files) = plan(&kept, &tables) else {
        panic!("no files")
    };
    let told: Vec<(&str, &str)> = files
        .iter()
        .map(|file| (&*file.artifact.path, &*file.statement))
        .collect();
    assert_eq!(
        told,
        [
            (PATH, PLACE),
            (other, "pool/bookworm/main/demo_1.0_mips.deb"),
            (PATH, "pool/stable-updates/main/demo_1.0_amd64.deb"),
        ]
    );
    let sum = Digest::of(Algorithm::Sha256, PATH.as_bytes());
    assert_eq!(files[0].integrity, Integrity::Digest(sum));
}

#[test]
fn flat_repositories_are_copied_to_a_suite() {
    let Plan::Outline(head) = plan(&[], &[]) else {
        panic!("no suite")
    };
    assert_eq!(&*head.path, "InRelease");
    let tables = [
        suite(&head.path, &["Packages.gz"]),
        listing(&["demo_1.0_all.deb"]),
    ];
    let Plan::Fetch(files) = plan(&[], &tables) else {
        panic!("no files")
    };
    assert_eq!(files[0].statement, "pool/stable/main/demo_1.0_all.deb");
}

#[test]
fn a_copy_is_what_publishing_made_of_it() {
    let body = package(&control("demo", "2:1.0", "amd64"), &[("usr/demo", b"x")]);
    let request = publish_request(&Deb, &Method::PUT, &format!("/{PLACE}")).expect("request");
    let limits = PublishLimits::default();
    let published = request
        .action
        .steps(&mut Cursor::new(&body), &[], &limits)
        .expect("published");
    let digest = Digest::of(Algorithm::Sha256, &body);
    let file = VersionFile {
        artifact: Artifact::new("", None, PATH),
        integrity: Integrity::Digest(digest),
        statement: PLACE.to_owned(),
    };
    let copy = |version| {
        let copy = FileCopy {
            package: "demo",
            version,
            file: &file,
            digest,
            size: body.len() as u64,
            limits: &limits,
        };
        PackageCopies.steps(&copy, &mut Cursor::new(&body), &[])
    };
    assert_eq!(copy("2:1.0").expect("copied"), published);
    assert_eq!(copy("1.0").expect_err("another").kind, Kind::NotFound);
}
