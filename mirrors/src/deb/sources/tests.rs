use super::*;
use crate::Protocol as _;
use crate::deb::Deb;
use crate::deb::description::Description;
use crate::deb::testing::{DSC, dsc};
use crate::publishing::{FileUpload, PublishLimits};
use crate::testing::{publish_request, stored};
use http::Method;
use larder_model::{Algorithm, Kind};
use std::io::Cursor;

const PLACE: &str = "pool/stable/main/";
/// The bytes of the files that the description names.
const ORIG: (&str, &[u8]) = ("hello_2.10.orig.tar.gz", b"x");
const CHANGES: (&str, &[u8]) = ("hello_2.10-3.debian.tar.xz", b"y");

fn steps(
    method: &Method,
    path: &str,
    body: &[u8],
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    let request = publish_request(&Deb, method, path)?;
    let mut body = Cursor::new(body);
    let limits = PublishLimits::default();
    if request.package.is_empty() && request.action.address().is_none() {
        assert_eq!(&*request.action.package_in(&mut body, &limits)?, "hello");
    }
    request.action.steps(&mut body, files, &limits)
}

/// Sends a file to a folder, and stores what comes of it.
fn put(
    folder: &str,
    (name, body): (&str, &[u8]),
    files: &mut Vec<StoredFile>,
) -> Result<usize, Problem> {
    let steps = steps(&Method::PUT, &format!("{folder}{name}"), body, files)?;
    let count = steps.len();
    for step in steps {
        let Step::Add {
            kind,
            path,
            version,
            metadata,
            bytes,
            ..
        } = step
        else {
            continue;
        };
        let (digest, size) = match bytes {
            Bytes::Same(there) => {
                let there = artifact_at(&there, files).expect("it is there");
                (there.digest, there.size)
            }
            _ => (Digest::of(Algorithm::Sha256, body), body.len() as u64),
        };
        files.push(StoredFile {
            kind,
            digest,
            size,
            ..stored(&path, &version, &metadata)
        });
    }
    Ok(count)
}

fn description() -> (&'static str, &'static [u8]) {
    ("hello_2.10-3.dsc", DSC.as_bytes())
}

fn paths(files: &[StoredFile]) -> Vec<&str> {
    files.iter().map(|file| &*file.path).collect()
}

#[test]
fn a_source_package_comes_as_its_description_and_then_its_files() {
    let mut files = Vec::new();
    for file in [description(), ORIG, CHANGES] {
        assert_eq!(put(PLACE, file, &mut files).expect(file.0), 2, "{}", file.0);
        assert_eq!(
            put(PLACE, file, &mut files).expect("again"),
            0,
            "{}",
            file.0
        );
    }
    let folder = "pool/stable/main/hello_2.10-3/";
    let expected = [description(), ORIG, CHANGES].map(|(name, _)| format!("{folder}{name}"));
    assert_eq!(paths(&files), expected);
    assert!(files.iter().all(|file| &*file.version == "1:2.10-3"));
    // A signed description is the one that is signed.
    let told = Description::read(DSC.as_bytes()).expect("a description");
    assert_eq!(
        PublishedSource::read(&files[0].metadata)
            .expect("metadata")
            .parts,
        told.parts
    );
}

#[test]
fn a_file_that_nothing_names_or_that_is_another_is_refused() {
    let mut files = Vec::new();
    let problem = put(PLACE, ORIG, &mut files).expect_err("before its description");
    assert_eq!(problem.kind, Kind::Conflict);
    assert!(
        problem.detail.contains("send the .dsc"),
        "{}",
        problem.detail
    );
    put(PLACE, description(), &mut files).expect("its description");
    put("pool/testing/main/", ORIG, &mut files).expect_err("in another suite");
    put("pool/stable/extra/", ORIG, &mut files).expect_err("in another component");
    put(PLACE, ("hello_2.11.orig.tar.gz", b"x"), &mut files).expect_err("another name");
    let problem = put(PLACE, (ORIG.0, b"z"), &mut files).expect_err("other bytes");
    assert_eq!(problem.kind, Kind::Invalid);
    assert!(problem.detail.contains("2d711642"), "{}", problem.detail);
    let other = ("hello_2.10-4.dsc", DSC.as_bytes());
    let problem = put(PLACE, other, &mut files).expect_err("another name");
    assert!(
        problem.detail.contains("hello_2.10-3.dsc"),
        "{}",
        problem.detail
    );
    let other = DSC.replace("gcc", "cc");
    let problem = put(PLACE, ("hello_2.10-3.dsc", other.as_bytes()), &mut files);
    assert_eq!(problem.expect_err("another one").kind, Kind::Conflict);
    assert_eq!(files.len(), 1);
}

#[test]
fn what_comes_last_says_what_lacks() {
    let mut files = Vec::new();
    let text = "Format: 1.8\nSource: hello\nArchitecture: source\nFiles:\n \
                00 1 tests optional hello_2.10-3.dsc\n";
    let changes = ("hello_2.10-3_source.changes", text.as_bytes());
    put(PLACE, description(), &mut files).expect("its description");
    put(PLACE, CHANGES, &mut files).expect("a file");
    let problem = put(PLACE, changes, &mut files).expect_err("one lacks");
    assert_eq!(problem.kind, Kind::Conflict);
    assert!(problem.detail.contains(ORIG.0), "{}", problem.detail);
    assert!(!problem.detail.contains(CHANGES.0), "{}", problem.detail);
    // Another upload of the package has nothing to do with it.
    let other = (
        "hello_2.10-2_source.changes",
        &b"Source: hello\nFiles:\n 0 1 t o hello_2.10-2.dsc\n"[..],
    );
    put(PLACE, other, &mut files).expect("another");
    put(PLACE, ORIG, &mut files).expect("the last");
    assert_eq!(put(PLACE, changes, &mut files).expect("whole"), 0);
}

#[test]
fn what_another_version_or_suite_has_need_not_come_again() {
    let mut files = Vec::new();
    for file in [description(), ORIG, CHANGES] {
        put(PLACE, file, &mut files).expect(file.0);
    }
    let sum = Digest::of(Algorithm::Sha256, ORIG.1).hex();
    let next = dsc("hello", "1:2.10-4", &[(ORIG.0, &sum, 1)]);
    let next = ("hello_2.10-4.dsc", next.as_bytes());
    assert_eq!(put(PLACE, next, &mut files).expect("the next"), 4);
    assert!(paths(&files).contains(&"pool/stable/main/hello_2.10-4/hello_2.10.orig.tar.gz"));
    assert_eq!(
        put("pool/testing/main/", description(), &mut files).expect("elsewhere"),
        6
    );
    // An upstream's archive is one for all versions.
    let other = dsc("hello", "1:2.10-5", &[(ORIG.0, &"0".repeat(64), 1)]);
    let problem = put(PLACE, ("hello_2.10-5.dsc", other.as_bytes()), &mut files);
    let problem = problem.expect_err("another archive");
    assert_eq!(problem.kind, Kind::Conflict);
    assert!(problem.detail.contains(&sum), "{}", problem.detail);
}

#[test]
fn a_source_package_is_deleted_as_a_whole() {
    let mut files = Vec::new();
    for file in [description(), ORIG, CHANGES] {
        put(PLACE, file, &mut files).expect(file.0);
    }
    let at = |name: &str| format!("{PLACE}hello_2.10-3/{name}");
    let problem = steps(&Method::DELETE, &at(ORIG.0), b"", &files).expect_err("a part");
    assert_eq!(problem.kind, Kind::Conflict);
    for path in [at(description().0), format!("{PLACE}{}", description().0)] {
        let request = publish_request(&Deb, &Method::DELETE, &path).expect("a place");
        assert_eq!(request.action.address(), Some(&*at(description().0)));
        let done = steps(&Method::DELETE, &path, b"", &files).expect("all of it");
        let removed = |step: &&Step| matches!(step, Step::Remove { .. });
        assert_eq!(done.iter().filter(removed).count(), 3);
        let reserved: Vec<&str> = done
            .iter()
            .filter_map(|step| match step {
                Step::Add {
                    kind: FileKind::Tombstone,
                    path,
                    ..
                } => Some(&**path),
                _ => None,
            })
            .collect();
        assert_eq!(
            reserved,
            ["hello_2.10-3.dsc"],
            "its archive may be another version's"
        );
    }
    let publishing = Deb.publishing().expect("it has");
    assert!(publishing.is_tombstone_of("hello", "1:2.10-3", "hello_2.10-3.dsc"));
    assert!(!publishing.is_tombstone_of("hello", "2.10", "hello_2.10-3.dsc"));
    let mut gone = vec![StoredFile {
        kind: FileKind::Tombstone,
        ..stored("hello_2.10-3.dsc", "", "")
    }];
    let problem = put(PLACE, description(), &mut gone).expect_err("reserved");
    assert!(problem.detail.contains("was deleted"), "{}", problem.detail);
}

#[test]
fn a_file_by_the_api_is_where_its_suite_and_component_are() {
    let publishing = Deb.publishing().expect("it has");
    let of = |file: &str, suite: Option<&str>, component: Option<&str>| {
        let upload = FileUpload {
            file: file.into(),
            suite: suite.map(Into::into),
            component: component.map(Into::into),
        };
        let request = publishing.upload(&upload)?;
        let mut body = Cursor::new(DSC);
        let steps = request
            .action
            .steps(&mut body, &[], &PublishLimits::default())?;
        Ok::<_, Problem>(match &steps[0] {
            Step::Add { path, .. } => path.clone(),
            step => panic!("{step:?}"),
        })
    };
    let name = description().0;
    assert_eq!(
        of(name, None, None).expect("the usual place"),
        format!("{PLACE}hello_2.10-3/{name}")
    );
    assert_eq!(
        of(name, Some("testing"), Some("extra")).expect("another"),
        format!("pool/testing/extra/hello_2.10-3/{name}")
    );
    for (file, suite) in [
        ("x.zip", None),
        (name, Some("a/b")),
        (name, Some("")),
        ("a/b_1.dsc", None),
    ] {
        assert_eq!(of(file, suite, None).expect_err(file).kind, Kind::Invalid);
    }
}
