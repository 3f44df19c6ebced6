//! Classes 20 and 21: a name in an archive leads out of where it belongs.
//!
//! Archives are read as streams and never unpacked to the disk. Here packages whose members have such
//! names, and links that lead elsewhere, are published with each protocol and read again: whatever
//! becomes of them, the disk has no file then but objects under their digests, and what stood beside
//! the data is as it was.

use crate::callers::start;
use larder_tests::archive::Member;
use larder_tests::parcel::{in_path, package_of, publish_members, version_of};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Stands in each name and in the bytes of each member.
const CANARY: &str = "canary-of-an-archive";

/// All files below a folder, with their bytes, but for what the server itself writes there all the time.
fn files(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, kind) = (entry.path(), entry.file_type().expect("its kind"));
        assert!(!kind.is_symlink(), "a link: {}", path.display());
        let name = path.to_string_lossy();
        if kind.is_dir() {
            files(&path, into);
        } else if !name.contains("larder.db") {
            // Objects come and go: of them the names are looked at.
            let bytes = fs::read(&path).unwrap_or_default();
            into.insert(path, bytes);
        }
    }
}

fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    files(folder, &mut found);
    found
}

/// Whether a file is where objects are: `blobs/sha256/ab/<hex>.<generation>`.
fn is_object(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hex = name.split('.').next().unwrap_or_default();
    let is_below = path.components().any(|part| part.as_os_str() == "blobs");
    is_below && hex.len() >= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn no_member_of_an_archive_becomes_a_file() {
    let around = tempfile::tempdir().expect("a folder");
    let data = around.path().join("one/two/data");
    fs::create_dir_all(&data).expect("the data folder");
    fs::write(around.path().join("beside"), CANARY).expect("a file beside it");
    let larder = start().in_folder(&data).start();
    let admin = larder.admin();
    let before = snapshot(around.path());

    let up = "../".repeat(12);
    let absolute = around.path().join(CANARY);
    let names = [
        format!("../{CANARY}"),
        format!("package/../../{CANARY}"),
        format!("{up}{}", &absolute.to_string_lossy()[1..]),
        absolute.to_string_lossy().into_owned(),
        format!("..\\..\\{CANARY}"),
        format!("C:\\{CANARY}"),
        format!("blobs/sha256/aa/{CANARY}"),
        format!("package/{CANARY}"),
    ];
    // Too large for a row of the database: what is taken becomes an object.
    let noise = larder_tests::random::Random::seeded().bytes(100_000);
    let mut count = 0;
    for protocol in ["npm", "cargo", "pypi", "go", "composer"] {
        for name in &names {
            let target = around.path().join("beside");
            let target = target.to_string_lossy();
            for members in [
                vec![Member::File(name, &noise)],
                vec![Member::Symlink(name, &target), Member::File(name, &noise)],
                vec![
                    Member::Symlink("package/link", ".."),
                    Member::File("package/link/x", &noise),
                ],
                vec![Member::HardLink(name, &target)],
            ] {
                count += 1;
                let (package, repo) = (format!("slip-{count}"), (protocol, "main"));
                let answer = publish_members(&admin, repo, &package, "1.0.0", &members);
                assert!(
                    answer.status < 500,
                    "{protocol} {members:?}: {}",
                    answer.text()
                );
                assert!(!answer.text().contains(CANARY) || answer.status >= 400);
                // What is told of it is read from the archive.
                let called = in_path(&package_of(protocol, &package));
                let version = version_of(protocol, "1.0.0");
                let about = format!(
                    "/api/v1/repositories/{protocol}/local/packages/{called}/versions/{version}"
                );
                let told = admin.send("GET", &about, &[], b"");
                assert!(
                    matches!(told.status, 200 | 404),
                    "{}: {}",
                    told.status,
                    told.text()
                );
            }
        }
    }
    // Some are taken, so there is something that could have been unpacked.
    let listed = larder.api("GET", "repositories/npm/local/packages", "", 200);
    assert!(
        listed["items"]
            .as_array()
            .is_some_and(|items| !items.is_empty()),
        "{listed}"
    );

    for (path, bytes) in snapshot(around.path()) {
        let name = path.to_string_lossy();
        assert!(!name.contains(CANARY), "{name}");
        match before.get(&path) {
            Some(was) => assert!(is_object(&path) || *was == bytes, "{name} has changed"),
            None => assert!(is_object(&path), "{name} is new"),
        }
    }
}
