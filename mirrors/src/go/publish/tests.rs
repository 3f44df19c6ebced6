use super::super::testing::{module_zip, zip_of};
use super::*;
use crate::testing::stored;
use std::io::Cursor;

const MODULE: &str = "example.com/Azure/thing";

fn steps(
    module: &str,
    version: &str,
    body: &[u8],
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    let request = upload(module, version.to_owned());
    let limits = PublishLimits::default();
    let mut body = Cursor::new(body.to_vec());
    request.action.steps(&mut body, files, &limits)
}

/// The zip file that steps publish, as it is there afterwards.
fn published(steps: &[Step], body: &[u8]) -> StoredFile {
    let Some(Step::Add {
        path,
        version,
        metadata,
        ..
    }) = steps.first()
    else {
        panic!("{steps:?}");
    };
    StoredFile {
        digest: Digest::of(Algorithm::Sha256, body),
        ..stored(path, version, metadata)
    }
}

#[test]
fn a_zip_file_brings_all_files_of_a_version() {
    let body = module_zip(MODULE, "v1.2.3");
    let steps = steps(MODULE, "v1.2.3", &body, &[]).expect("steps");
    let at: larder_model::Timestamp = "2026-11-29T10:11:12Z".parse().expect("a time");
    let mut files = Vec::new();
    for step in steps {
        let Step::Add {
            path,
            version,
            bytes,
            kind: FileKind::Artifact,
            ..
        } = step.at(at)
        else {
            panic!("a file");
        };
        assert_eq!(version, "v1.2.3");
        files.push((path, bytes));
    }
    let info = r#"{"Time":"2026-11-29T10:11:12Z","Version":"v1.2.3"}"#;
    let expected = [
        ("v1.2.3.zip", Bytes::Part(0, body.len() as u64)),
        (
            "v1.2.3.mod",
            Bytes::Inline(format!("module {MODULE}\n\ngo 1.21\n").into()),
        ),
        ("v1.2.3.info", Bytes::Inline(info.into())),
    ];
    assert_eq!(
        files,
        expected.map(|(path, bytes)| (path.to_owned(), bytes))
    );
}

#[test]
fn the_same_files_again_are_no_change_and_others_a_conflict() {
    let body = module_zip(MODULE, "v1.2.3");
    let first = steps(MODULE, "v1.2.3", &body, &[]).expect("steps");
    let there = [published(&first, &body)];
    assert_eq!(
        steps(MODULE, "v1.2.3", &body, &there).ok(),
        Some(Vec::new())
    );
    let folder = format!("{MODULE}@v1.2.3");
    let go_mod = (
        format!("{folder}/go.mod"),
        format!("module {MODULE}\n\ngo 1.21\n"),
    );
    let file = format!("{folder}/a.go");
    let repacked = zip_of(&[(&file, "package a\n", 0o644), (&go_mod.0, &go_mod.1, 0o644)]);
    assert_ne!(repacked, body);
    assert_eq!(
        steps(MODULE, "v1.2.3", &repacked, &there).ok(),
        Some(Vec::new())
    );
    let other = zip_of(&[(&file, "package b\n", 0), (&go_mod.0, &go_mod.1, 0)]);
    let conflict = steps(MODULE, "v1.2.3", &other, &there).expect_err("other files");
    assert_eq!(conflict.kind, Kind::Conflict);
    let mut tombstone = stored("v1.2.3", "", "");
    tombstone.kind = FileKind::Tombstone;
    let reserved = steps(MODULE, "v1.2.3", &body, &[tombstone]).expect_err("deleted");
    assert_eq!(reserved.kind, Kind::Conflict);
}

#[test]
fn what_does_not_fit_its_address_is_refused() {
    let body = |module: &str, version: &str| module_zip(module, version);
    let without = |module: &str, version: &str| {
        zip_of(&[(&format!("{module}@{version}/a.go"), "package a\n", 0)])
    };
    for (module, version, body, why) in [
        (
            MODULE,
            "v2.0.0",
            body(MODULE, "v2.0.0"),
            "cannot have the version",
        ),
        (MODULE, "v1.2", body(MODULE, "v1.2"), "one spelling"),
        (
            MODULE,
            "v1.2.4",
            body(MODULE, "v1.2.3"),
            "not in the folder",
        ),
        (
            "example.com/b",
            "v1.0.0",
            with_module("example.com/b", "example.com/c"),
            "that of",
        ),
        (
            "example.com/b/v2",
            "v2.0.0",
            without("example.com/b/v2", "v2.0.0"),
            "needs a go.mod",
        ),
        (
            "example.com/b",
            "v2.0.0+incompatible",
            body("example.com/b", "v2.0.0+incompatible"),
            "without a go.mod",
        ),
        (
            "example.com/b",
            "v1.0.0",
            b"<html></html>".to_vec(),
            "not a zip file",
        ),
    ] {
        let problem = steps(module, version, &body, &[]).expect_err(why);
        assert_eq!(problem.kind, Kind::Invalid, "{problem}");
        assert!(problem.detail.contains(why), "{problem}");
    }
    let old = without("example.com/b", "v2.0.0+incompatible");
    assert!(steps("example.com/b", "v2.0.0+incompatible", &old, &[]).is_ok());
}

/// The zip file of `v1.0.0` of a module whose `go.mod` names another one.
fn with_module(module: &str, other: &str) -> Vec<u8> {
    let name = format!("{module}@v1.0.0/go.mod");
    zip_of(&[(&name, &format!("module {other}\n"), 0)])
}

#[test]
fn limits_are_told_with_their_setting() {
    let body = module_zip(MODULE, "v1.2.3");
    let limits = PublishLimits {
        file: Limit::set(100, "server.limits.package_size"),
        ..PublishLimits::default()
    };
    let request = upload(MODULE, "v1.2.3".to_owned());
    assert_eq!(request.action.max_body(&limits).max_bytes, 100);
    let problem = request
        .action
        .steps(&mut Cursor::new(body), &[], &limits)
        .expect_err("too large");
    assert_eq!(problem.kind, Kind::TooLarge);
    assert!(
        problem.detail.contains("server.limits.package_size"),
        "{problem}"
    );
}

#[test]
fn a_version_is_deleted_with_all_its_files() {
    let files: Vec<StoredFile> = ["v1.0.0", "v1.1.0"]
        .iter()
        .flat_map(|version| [ZIP, MOD, INFO].map(|ending| (version, ending)))
        .map(|(version, ending)| stored(&format!("{version}{ending}"), version, ""))
        .collect();
    let remove = |version: Option<&str>| {
        let version = version.map(Into::into);
        let request = change(MODULE, Change::Remove { version }).expect("a request");
        let limits = PublishLimits::default();
        request
            .action
            .steps(&mut Cursor::new(Vec::new()), &files, &limits)
    };
    let steps = remove(Some("v1.0.0")).expect("steps");
    let tombstones = steps.iter().filter(|step| matches!(step, Step::Add { .. }));
    assert_eq!((steps.len(), tombstones.count()), (4, 1));
    assert_eq!(remove(None).expect("steps").len(), 8);
    assert_eq!(
        remove(Some("v9.0.0")).expect_err("none").kind,
        Kind::NotFound
    );
    let yank = Change::Unyank {
        version: "v1.0.0".into(),
    };
    assert_eq!(
        change(MODULE, yank).expect_err("not yanked").kind,
        Kind::Unsupported
    );
}
