use super::*;
use crate::archive::ar::tests::ar;
use crate::deb::Deb;
use crate::deb::testing::{control, gzip, package, tar};
use crate::testing::{self, publish_request};
use http::Method;
use larder_model::{Algorithm, Digest, Limit};
use std::io::Cursor;

const PATH: &str = "pool/stable/main/hello_2.10-3_amd64.deb";

fn hello() -> Vec<u8> {
    package(
        &control("hello", "2.10-3", "amd64"),
        &[("usr/bin/hello", b"hello")],
    )
}

fn steps_within(
    method: &Method,
    path: &str,
    body: &[u8],
    (files, limits): (&[StoredFile], &PublishLimits),
) -> Result<Vec<Step>, Problem> {
    let request = publish_request(&Deb, method, path)?;
    request.action.steps(&mut Cursor::new(body), files, limits)
}

fn put(path: &str, body: &[u8], files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    steps_within(&Method::PUT, path, body, (files, &PublishLimits::default()))
}

fn delete_at(path: &str, files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    steps_within(
        &Method::DELETE,
        path,
        b"",
        (files, &PublishLimits::default()),
    )
}

/// The files that are stored after these steps.
pub(in crate::deb) fn stored(steps: Vec<Step>, body: &[u8]) -> Vec<StoredFile> {
    let file = |step: Step| match step {
        Step::Add {
            kind,
            path,
            version,
            metadata,
            ..
        } => Some(StoredFile {
            kind,
            digest: Digest::of(Algorithm::Sha256, body),
            size: body.len() as u64,
            ..testing::stored(&path, &version, &metadata)
        }),
        _ => None,
    };
    steps.into_iter().filter_map(file).collect()
}

#[test]
fn a_package_is_published_once_with_what_lists_tell() {
    let body = hello();
    let steps = put(PATH, &body, &[]).expect("steps");
    assert_eq!(steps.len(), 2);
    let files = stored(steps, &body);
    let [file] = &files[..] else {
        panic!("{files:?}")
    };
    assert_eq!((&*file.path, &*file.version), (PATH, "2.10-3"));
    let published = Published::read(&file.metadata).expect("metadata");
    assert!(
        published
            .control
            .starts_with("Package: hello\nVersion: 2.10-3\n")
    );
    assert_eq!(published.contents().expect("contents"), "usr/bin/hello\n");
    assert_eq!(published.listed_as, "tests/hello");
    // The same again changes nothing; the same in another suite is another address.
    assert_eq!(put(PATH, &body, &files).expect("again"), []);
    let other = PATH.replace("stable", "testing");
    assert_eq!(
        put(&other, &body, &files).expect("in another suite").len(),
        2
    );
}

#[test]
fn other_bytes_of_what_is_published_are_refused() {
    let body = hello();
    let files = stored(put(PATH, &body, &[]).expect("steps"), &body);
    let other = package(
        &control("hello", "2.10-3", "amd64"),
        &[("usr/bin/hello", b"bye")],
    );
    for path in [PATH.to_owned(), PATH.replace("stable", "testing")] {
        let problem = put(&path, &other, &files).expect_err("a conflict");
        assert_eq!(problem.kind, Kind::Conflict, "{path}");
    }
}

#[test]
fn addresses_say_what_is_published() {
    let body = hello();
    for path in [
        "pool/stable/main/other_2.10-3_amd64.deb",
        "pool/stable/main/hello_2.10-3_arm64.deb",
        "pool/stable/main/hello_2.10-4_amd64.deb",
        "pool/stable/main/hello.deb",
        "pool/main/hello_2.10-3_amd64.deb",
        "pool/stable/main/h/hello_2.10-3_amd64.deb",
        "pool/-x/main/hello_2.10-3_amd64.deb",
        "dists/stable/InRelease",
        "hello_2.10-3_amd64.deb",
    ] {
        let problem = put(path, &body, &[]).expect_err(path);
        assert_eq!(problem.kind, Kind::Invalid, "{path}");
    }
    let problem = put("pool/stable/main/x_1_all.deb", &body, &[]).expect_err("another name");
    assert!(problem.detail.contains(PATH), "{}", problem.detail);
    // An epoch is not in the name.
    let body = package(&control("hello", "1:2.10-3", "amd64"), &[]);
    put(PATH, &body, &[]).expect("an epoch");
}

#[test]
fn what_comes_with_packages_is_let_pass() {
    let signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nFormat: 1.8\nSource: hello (1.0)\n\
        -----BEGIN PGP SIGNATURE-----\n\nAA==\n-----END PGP SIGNATURE-----\n";
    let (changes, buildinfo) = ("hello_1.0_amd64.changes", "hello_1.0_amd64.buildinfo");
    for (name, body, source) in [
        (changes, signed, Some("hello")),
        (buildinfo, "Source: hello\n", Some("hello")),
        (changes, "Format: 1.8\n", None),
        (changes, "<html>", None),
        (changes, "", None),
    ] {
        let path = format!("/pool/stable/main/{name}");
        let request = publish_request(&Deb, &Method::PUT, &path).expect("a place");
        let (mut body, limits) = (Cursor::new(body.as_bytes()), PublishLimits::default());
        let told = request.action.package_in(&mut body, &limits);
        assert_eq!(told.ok().as_deref(), source, "{name}");
        let steps = request.action.steps(&mut body, &[], &limits);
        assert_eq!(steps.expect("steps"), []);
    }
}

#[test]
fn a_name_stays_reserved_once_no_suite_has_it() {
    let body = hello();
    let other = PATH.replace("stable", "testing");
    let mut files = stored(put(PATH, &body, &[]).expect("steps"), &body);
    files.extend(stored(put(&other, &body, &files).expect("steps"), &body));
    let steps = delete_at(&other, &files).expect("one of two");
    assert!(
        !steps.iter().any(|step| matches!(step, Step::Add { .. })),
        "{steps:?}"
    );
    files.truncate(1);
    let steps = delete_at(PATH, &files).expect("the last");
    let gone = stored(steps, b"");
    let [tombstone] = &gone[..] else {
        panic!("{gone:?}")
    };
    assert_eq!(&*tombstone.path, "hello_2.10-3_amd64.deb");
    assert!(Packages.is_tombstone_of("hello", "1:2.10-3", &tombstone.path));
    assert!(!Packages.is_tombstone_of("hello", "2.10", &tombstone.path));
    let problem = put(PATH, &body, &gone).expect_err("reserved");
    assert!(problem.detail.contains("was deleted"), "{}", problem.detail);
    assert_eq!(
        delete_at(PATH, &[]).expect_err("nothing").kind,
        Kind::NotFound
    );
}

#[test]
fn versions_are_deleted_with_all_their_files() {
    let body = hello();
    let files = stored(put(PATH, &body, &[]).expect("steps"), &body);
    let remove = |version: Option<&str>| {
        let change = Change::Remove {
            version: version.map(Into::into),
        };
        let request = Packages.change("hello", change).expect("a change");
        let action = request.action;
        action.steps(&mut Cursor::new(b""), &files, &PublishLimits::default())
    };
    assert_eq!(remove(Some("2.10-3")).expect("it").len(), 3);
    assert_eq!(remove(None).expect("all").len(), 3);
    assert_eq!(
        remove(Some("2.10")).expect_err("another").kind,
        Kind::NotFound
    );
    let yank = Change::Yank {
        version: "2.10-3".into(),
        reason: "".into(),
    };
    assert_eq!(
        Packages.change("hello", yank).expect_err("no yanks").kind,
        Kind::Unsupported
    );
}

#[test]
fn what_is_no_package_is_refused() {
    let text = control("hello", "2.10-3", "amd64");
    let (inner, data) = (gzip(&tar(&[("control", text.as_bytes())])), gzip(&tar(&[])));
    let (format, name): (&[u8], _) = (b"2.0\n", "control.tar.gz");
    let all: [(&str, Vec<u8>); 9] = [
        ("no archive", b"PK".to_vec()),
        ("no data", ar(&[("debian-binary", format), (name, &inner)])),
        (
            "no control",
            ar(&[("debian-binary", format), ("data.tar.gz", &data)]),
        ),
        (
            "another order",
            ar(&[
                (name, &inner),
                ("debian-binary", format),
                ("data.tar", &data),
            ]),
        ),
        (
            "another format",
            ar(&[
                ("debian-binary", b"3.0\n"),
                (name, &inner),
                ("data.tar", &data),
            ]),
        ),
        (
            "more after it",
            ar(&[
                ("debian-binary", format),
                (name, &inner),
                ("data.tar", &data),
                ("x", b""),
            ]),
        ),
        (
            "no control file",
            ar(&[
                ("debian-binary", format),
                (name, &data),
                ("data.tar", &data),
            ]),
        ),
        (
            "two control files",
            ar(&[
                ("debian-binary", format),
                (
                    name,
                    &gzip(&tar(&[("control", text.as_bytes()), ("control", b"x")])),
                ),
                ("data.tar", &data),
            ]),
        ),
        (
            "damaged",
            ar(&[
                ("debian-binary", format),
                (name, &inner[..inner.len() / 2]),
                ("data.tar", &data),
            ]),
        ),
    ];
    for (what, body) in all {
        let problem = put(PATH, &body, &[]).expect_err(what);
        assert_eq!(problem.kind, Kind::Invalid, "{what}: {}", problem.detail);
    }
    // Signatures and the like are passed over.
    let signed = ar(&[
        ("debian-binary", format),
        ("_gpgorigin", b"x"),
        (name, &inner),
        ("data.tar", &data),
    ]);
    put(PATH, &signed, &[]).expect("a signed one");
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let text = control("hello", "2.10-3", "amd64");
    let limits = PublishLimits {
        unpacked: Limit::set(1 << 20, "server.limits.package_unpacked_size"),
        metadata: Limit::set(100, "server.limits.package_metadata_size"),
        ..PublishLimits::default()
    };
    let zeros = vec![0; 2 << 20];
    let bomb = package(&text, &[("zeros", &zeros)]);
    assert!(bomb.len() < 50_000);
    for (what, body, setting) in [
        ("data", &bomb, "package_metadata_size"),
        ("control", &hello(), "package_metadata_size"),
    ] {
        let problem = steps_within(&Method::PUT, PATH, body, (&[], &limits)).expect_err(what);
        assert_eq!(problem.kind, Kind::TooLarge, "{what}");
        assert!(problem.detail.contains(setting), "{}", problem.detail);
    }
    let limits = PublishLimits {
        metadata: PublishLimits::default().metadata,
        ..limits
    };
    let problem = steps_within(&Method::PUT, PATH, &bomb, (&[], &limits)).expect_err("data");
    assert!(
        problem.detail.contains("package_unpacked_size"),
        "{}",
        problem.detail
    );
}
