//! What the tests of this protocol need: zip files, and requests.

use super::Composer;
use crate::publishing::{PublishLimits, Step, StoredFile};
use crate::testing::publish_request;
use http::Method;
use larder_model::{Algorithm, Digest, FileKind, Problem, Timestamp};
use serde_json::Value;
use std::io::Cursor;

/// A regular file, and a symbolic link, as Unix has their modes.
pub(super) const FILE: u32 = 0o100_644;
pub(super) const LINK: u32 = 0o120_777;

/// A zip file of entries: the mode, the name and the content of each.
pub(super) fn zip(entries: &[(u32, &str, &str)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (mode, name, content) in entries {
        let mut crc = flate2::Crc::new();
        crc.update(content.as_bytes());
        let (at, size) = (long(file.len()), long(content.len()));
        let sums = [crc.sum().to_le_bytes(), size, size].concat();
        let lengths = [short(name.len()), short(0)].concat();
        let head = [short(10), short(0), short(0), [0; 2], [0; 2]].concat();
        file.extend([&b"PK\x03\x04"[..], &head, &sums, &lengths].concat());
        file.extend([name.as_bytes(), content.as_bytes()].concat());
        let tail = [short(0), short(0), short(0)].concat();
        let mode = (mode << 16).to_le_bytes();
        directory.extend([&b"PK\x01\x02"[..], &short(0x0314), &head, &sums].concat());
        directory.extend([&lengths[..], &tail, &mode, &at, name.as_bytes()].concat());
    }
    let count = short(entries.len());
    let (size, at) = (long(directory.len()), long(file.len()));
    file.extend(&directory);
    let end = [[0; 2], [0; 2], count, count].concat();
    file.extend([&b"PK\x05\x06"[..], &end, &size, &at, &[0; 2]].concat());
    file
}

fn short(number: usize) -> [u8; 2] {
    u16::try_from(number).expect("small").to_le_bytes()
}

fn long(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("small").to_le_bytes()
}

/// A zip file with a manifest and a file beside it.
pub(super) fn package(manifest: &Value) -> Vec<u8> {
    let manifest = manifest.to_string();
    let files = [
        (FILE, "composer.json", &*manifest),
        (FILE, "src/a.php", "<?php\n"),
    ];
    zip(&files)
}

/// The steps that publish a zip file.
pub(super) fn publish(
    query: &str,
    body: &[u8],
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    let request = publish_request(&Composer, &Method::PUT, &format!("/upload{query}"))?;
    let (mut body, limits) = (Cursor::new(body.to_vec()), PublishLimits::default());
    let named = request.action.package_in(&mut body, &limits)?;
    assert!(!named.is_empty());
    request.action.steps(&mut body, files, &limits)
}

/// The files of a package after steps, the new ones at a time.
pub(super) fn after(mut files: Vec<StoredFile>, steps: Vec<Step>, at: i64) -> Vec<StoredFile> {
    for step in steps {
        match step {
            Step::Add {
                kind,
                path,
                version,
                content_type,
                metadata,
                ..
            } => files.push(StoredFile {
                kind,
                digest: Digest::of(Algorithm::Sha256, path.as_bytes()),
                path: path.into(),
                version: version.into(),
                size: 0,
                content_type: content_type.into(),
                metadata: metadata.into(),
                created_at: Timestamp(at * 1_000_000),
                created_by: "user:admin".into(),
                used_at: Timestamp(0),
            }),
            Step::Remove { kind, path } => {
                files.retain(|file| file.kind != kind || *file.path != *path);
            }
            other => panic!("{other:?}"),
        }
    }
    files
}

/// How many artifacts there are.
pub(super) fn archives(files: &[StoredFile]) -> usize {
    let files = files.iter();
    files.filter(|file| file.kind == FileKind::Artifact).count()
}
