//! What the tests of publishing need: archives, and forms to upload them with.

use super::Pypi;
use crate::Call;
use crate::publishing::{Bytes as Stored, PublishLimits, PublishRequest, Step, StoredFile};
use crate::testing::{self, call};
use blake2::Blake2b;
use blake2::digest::consts::U32;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use http::Method;
use http::header::CONTENT_TYPE;
use larder_model::{Algorithm, Digest, Kind, Problem, Timestamp, hex};
use md5::{Digest as _, Md5};
use std::io::{Cursor, Write as _};

pub(super) const WHEEL: &str = "my_pkg_x-1.0.0-py3-none-any.whl";
pub(super) const SDIST: &str = "my_pkg_x-1.0.0.tar.gz";
pub(super) const PROJECT: &str = "my-pkg-x";
pub(super) const INFO: &str = "Metadata-Version: 2.5\nName: My-Pkg.x\nVersion: 1.0.0\nClassifier: a\n\tb\n\
                    Requires-Python: >=3.9, <4\n\nName: other\n";
pub(super) const BOUNDARY: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

/// An entry of a zip file, and what may be wrong with it.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    /// The name in the local header.
    pub(super) local: String,
    pub(super) content: Vec<u8>,
    /// The size that its headers have, if not its own.
    pub(super) size: Option<u32>,
    pub(super) flags: u16,
    pub(super) method: u16,
    /// Extra fields, in the directory and in the local header.
    pub(super) extra: Vec<u8>,
}

pub(super) fn entry(name: &str, content: &str) -> Entry {
    let (name, content) = (name.to_owned(), content.as_bytes().to_vec());
    Entry {
        local: name.clone(),
        name,
        content,
        size: None,
        flags: 0,
        method: 8,
        extra: Vec::new(),
    }
}

pub(super) fn zipped(entries: &[Entry]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut crc = flate2::Crc::new();
        crc.update(&entry.content);
        let packed = if entry.method == 8 {
            let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
            packer.write_all(&entry.content).expect("packed");
            packer.finish().expect("packed")
        } else {
            entry.content.clone()
        };
        let size = entry
            .size
            .unwrap_or(u32::try_from(entry.content.len()).expect("size"));
        let sizes: Vec<u8> = [crc.sum(), u32::try_from(packed.len()).expect("size"), size]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        let streamed = entry.flags & 8 != 0;
        let head = |name: &str, sizes: &[u8]| {
            let mut head = [20, entry.flags, entry.method, 0, 0]
                .into_iter()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<_>>();
            head.extend(sizes);
            for length in [name.len(), entry.extra.len()] {
                head.extend(u16::try_from(length).expect("short").to_le_bytes());
            }
            head
        };
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(head(&entry.name, &sizes));
        directory.extend([0; 10]);
        directory.extend(u32::try_from(file.len()).expect("offset").to_le_bytes());
        directory.extend(entry.name.as_bytes());
        directory.extend(&entry.extra);
        file.extend(b"PK\x03\x04");
        file.extend(head(&entry.local, if streamed { &[0; 12] } else { &sizes }));
        file.extend(entry.local.as_bytes());
        file.extend(&entry.extra);
        file.extend(packed);
        if streamed {
            file.extend(b"PK\x07\x08");
            file.extend(sizes);
        }
    }
    let (start, length) = (file.len(), directory.len());
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    let count = u16::try_from(entries.len()).expect("count");
    file.extend([count, count].into_iter().flat_map(u16::to_le_bytes));
    file.extend(
        [length, start]
            .into_iter()
            .flat_map(|number| u32::try_from(number).expect("size").to_le_bytes()),
    );
    file.extend([0, 0]);
    file
}

pub(super) fn wheel_entries(folder: &str, info: &str) -> Vec<Entry> {
    vec![
        entry("my_pkg/__init__.py", "print('hello')\n"),
        entry(&format!("{folder}/METADATA"), info),
        entry(&format!("{folder}/WHEEL"), "Wheel-Version: 1.0\n"),
        entry(&format!("{folder}/RECORD"), ""),
    ]
}

pub(super) fn wheel() -> Vec<u8> {
    zipped(&wheel_entries("my_pkg_x-1.0.0.dist-info", INFO))
}

pub(super) fn header(name: &str, kind: u8, size: usize) -> Vec<u8> {
    let mut head = vec![0; 512];
    head[..name.len()].copy_from_slice(name.as_bytes());
    head[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    head[156] = kind;
    head[257..265].copy_from_slice(b"ustar\x0000");
    head[148..156].copy_from_slice(b"        ");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    head
}

pub(super) fn packed(tar: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(tar).expect("packed");
    packer.finish().expect("packed")
}

pub(super) fn tarred(entries: &[(&str, u8, &str)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, kind, content) in entries {
        tar.extend(header(name, *kind, content.len()));
        tar.extend(content.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    packed(&tar)
}

pub(super) fn sdist() -> Vec<u8> {
    tarred(&[
        ("my_pkg_x-1.0.0/", b'5', ""),
        ("my_pkg_x-1.0.0/setup.py", b'0', "pass"),
        ("my_pkg_x-1.0.0/PKG-INFO", b'0', INFO),
    ])
}

pub(super) type Fields = Vec<(&'static str, String)>;

/// The fields as twine sends them: the file comes last.
pub(super) fn fields(file: &str, content: &[u8]) -> Fields {
    let kind = if file.strip_suffix(".whl").is_some() {
        "bdist_wheel"
    } else {
        "sdist"
    };
    [
        ("name", "My-Pkg.x".to_owned()),
        ("version", "1.0.0".to_owned()),
        ("filetype", kind.to_owned()),
        ("pyversion", "py3".to_owned()),
        ("metadata_version", "2.5".to_owned()),
        ("summary", String::new()),
        ("description", "lines\r\n--\r\n--0a1b\r\n".to_owned()),
        ("classifiers", "a".to_owned()),
        ("classifiers", "b".to_owned()),
        ("requires_python", ">=2".to_owned()),
        ("md5_digest", hex::encode(&Md5::digest(content))),
        (
            "sha256_digest",
            Digest::of(Algorithm::Sha256, content).hex(),
        ),
        (
            "blake2_256_digest",
            hex::encode(&Blake2b::<U32>::digest(content)),
        ),
        (":action", "file_upload".to_owned()),
        ("protocol_version", "1".to_owned()),
    ]
    .into()
}

pub(super) fn with(mut fields: Fields, name: &'static str, value: &str) -> Fields {
    fields
        .iter_mut()
        .filter(|(known, _)| *known == name)
        .for_each(|(_, old)| value.clone_into(old));
    fields
}

pub(super) fn without(mut fields: Fields, name: &str) -> Fields {
    fields.retain(|(known, _)| *known != name);
    fields
}

pub(super) fn text_part(name: &str, value: &str) -> Vec<u8> {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        .into_bytes()
}

pub(super) fn file_part(file: &str, content: &[u8]) -> Vec<u8> {
    let mut part = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{file}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    part.extend(content);
    part.extend(b"\r\n");
    part
}

pub(super) fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut body = parts.concat();
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    body
}

pub(super) fn body_of(fields: &Fields, file: &str, content: &[u8]) -> Vec<u8> {
    let mut parts: Vec<_> = fields
        .iter()
        .map(|(name, value)| text_part(name, value))
        .collect();
    parts.push(file_part(file, content));
    joined(&parts)
}

/// The request that uploads a form of this media type.
pub(super) fn request_of(content_type: &str) -> Result<PublishRequest, Problem> {
    let header = Some((CONTENT_TYPE, content_type));
    match call(&Pypi, &Method::POST, "/legacy/", header)? {
        Call::Publish(request) => Ok(request),
        _ => panic!("{content_type}"),
    }
}

pub(super) fn request() -> PublishRequest {
    request_of(&format!("multipart/form-data; boundary={BOUNDARY}")).expect("a request")
}

/// The steps of an upload.
pub(super) fn steps(body: &[u8], files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    request().action.steps(
        &mut Cursor::new(body.to_vec()),
        files,
        &PublishLimits::default(),
    )
}

pub(super) fn publish_file(
    file: &str,
    content: &[u8],
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    steps(&body_of(&fields(file, content), file, content), files)
}

pub(super) fn refusal(outcome: Result<Vec<Step>, Problem>) -> String {
    let problem = outcome.expect_err("refused");
    assert!(
        matches!(problem.kind, Kind::Invalid | Kind::DigestMismatch),
        "{problem}"
    );
    problem.detail.into_owned()
}

/// The files that the steps add.
pub(super) fn stored(steps: &[Step], body: &[u8]) -> Vec<StoredFile> {
    let file = |step: &Step| {
        let Step::Add {
            kind,
            path,
            version,
            metadata,
            bytes,
            ..
        } = step
        else {
            panic!("{step:?}")
        };
        let bytes = match bytes {
            Stored::Part(start, length) => body[usize::try_from(*start).expect("start")..]
                [..usize::try_from(*length).expect("length")]
                .to_vec(),
            Stored::Inline(bytes) => bytes.clone(),
            Stored::Base64(..) | Stored::Dated(..) | Stored::Joined(_) | Stored::Same(_) => {
                panic!("{bytes:?}")
            }
        };
        StoredFile {
            kind: *kind,
            digest: Digest::of(Algorithm::Sha256, &bytes),
            size: bytes.len() as u64,
            created_at: Timestamp(1_772_366_645_000_006),
            created_by: "user:alice".into(),
            ..testing::stored(path, version, metadata)
        }
    };
    steps.iter().map(file).collect()
}
