use super::*;
use crate::publishing::{Bytes as Made, PublishRequest, Step, StoredFile};
use blake2::Blake2b;
use blake2::digest::consts::U32;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use larder_model::{Kind, Timestamp, Verb, hex};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use std::io::{Cursor, Write as _};

pub(super) const WHEEL: &str = "my_pkg_x-1.0.0-py3-none-any.whl";
pub(super) const SDIST: &str = "my_pkg_x-1.0.0.tar.gz";
pub(super) const PROJECT: &str = "my-pkg-x";
pub(super) const INFO: &str = "Metadata-Version: 2.5\nName: My-Pkg.x\nVersion: 1.0.0\nClassifier: a\n\tb\n\
                    Requires-Python: >=3.9, <4\n\nName: other\n";
pub(super) const BOUNDARY: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";

/// An entry of a zip file, and ways to spoil it.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    /// The name in the local header.
    pub(super) local: String,
    pub(super) content: Vec<u8>,
    /// The size that is told, if not its own.
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

fn wish_for(content_type: &str) -> Result<Option<PublishRequest>, Problem> {
    let headers: HeaderMap = [(CONTENT_TYPE, content_type.parse().expect("value"))]
        .into_iter()
        .collect();
    Pypi.publish_request(&RepoRequest::new(&Method::POST, "/legacy/", "", &headers)?)
}

fn request() -> PublishRequest {
    wish_for(&format!("multipart/form-data; boundary={BOUNDARY}"))
        .expect("request")
        .expect("a request")
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

fn without(mut fields: Fields, name: &str) -> Fields {
    fields.retain(|(known, _)| *known != name);
    fields
}

fn text_part(name: &str, value: &str) -> Vec<u8> {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        .into_bytes()
}

fn file_part(file: &str, content: &[u8]) -> Vec<u8> {
    let mut part = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{file}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    part.extend(content);
    part.extend(b"\r\n");
    part
}

fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
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

pub(super) fn receive(body: &[u8], files: &[StoredFile]) -> Result<Vec<Step>, Problem> {
    Pypi.receive(&request(), &mut Cursor::new(body.to_vec()), files)
}

pub(super) fn upload(
    file: &str,
    content: &[u8],
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    receive(&body_of(&fields(file, content), file, content), files)
}

pub(super) fn refusal(outcome: Result<Vec<Step>, Problem>) -> String {
    let problem = outcome.expect_err("refused");
    assert!(
        matches!(problem.kind, Kind::Invalid | Kind::DigestMismatch),
        "{problem}"
    );
    problem.detail.into_owned()
}

/// What would be kept of the steps.
pub(super) fn kept(steps: &[Step], body: &[u8]) -> Vec<StoredFile> {
    let kept = |step: &Step| {
        let Step::Add {
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
            Made::Part(start, length) => body[usize::try_from(*start).expect("start")..]
                [..usize::try_from(*length).expect("length")]
                .to_vec(),
            Made::Made(bytes) => bytes.clone(),
            Made::Base64(..) => panic!("base64"),
        };
        StoredFile {
            path: path.as_str().into(),
            version: version.as_str().into(),
            digest: Digest::of(Algorithm::Sha256, &bytes),
            size: bytes.len() as u64,
            metadata: metadata.as_str().into(),
            created_at: Timestamp(1_772_366_645_000_006),
            created_by: "user:alice".into(),
        }
    };
    steps.iter().map(kept).collect()
}

#[test]
fn only_a_form_sent_to_its_address_publishes() {
    let wanted = request();
    assert_eq!(
        (wanted.act, &*wanted.package, wanted.verb, wanted.max_bytes),
        ("upload", "", Verb::Write, 2 << 30)
    );
    assert_eq!(wanted.arguments, [BOUNDARY.into()]);
    let quoted = wish_for("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:=\"");
    assert!(quoted.is_err());
    let quoted = wish_for("Multipart/Form-Data; charset=utf-8; Boundary=\"==a:b'==\"")
        .expect("wish")
        .expect("a wish");
    assert_eq!(quoted.arguments, ["==a:b'==".into()]);
    for bad in [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=\"a\\\"b\"",
        "multipart/form-data; boundary=\"a",
        "multipart/mixed; boundary=a",
        &format!("multipart/form-data; boundary={}", "a".repeat(71)),
    ] {
        assert_eq!(wish_for(bad).expect_err(bad).kind, Kind::Invalid, "{bad}");
    }
    let headers = HeaderMap::new();
    for (method, path) in [
        (Method::GET, "/legacy/"),
        (Method::POST, "/"),
        (Method::POST, "/simple/"),
        (Method::PUT, "/legacy/"),
        (Method::POST, "/legacy/a"),
    ] {
        let line = RepoRequest::new(&method, path, "", &headers).expect("line");
        assert!(
            Pypi.publish_request(&line).expect("line").is_none(),
            "{method} {path}"
        );
    }
    let reply = Pypi.accept(&wanted);
    assert_eq!(
        (reply.status, &reply.body[..]),
        (StatusCode::OK, &b"accepted\n"[..])
    );
}

#[test]
fn a_wheel_brings_its_metadata() {
    let wheel = wheel();
    let body = body_of(&fields(WHEEL, &wheel), WHEEL, &wheel);
    assert_eq!(
        &*Publishing::name(&Pypi, &request(), &mut Cursor::new(body.clone())).expect("name"),
        PROJECT
    );
    let steps = receive(&body, &[]).expect("steps");
    let [
        Step::Add {
            path,
            version,
            metadata,
            content_type,
            ..
        },
        Step::Add {
            path: beside,
            bytes,
            ..
        },
    ] = &steps[..]
    else {
        panic!("{steps:?}")
    };
    assert_eq!(
        (&**path, &**version, *content_type),
        (WHEEL, "1.0.0", "application/octet-stream")
    );
    assert_eq!(
        (&**beside, bytes),
        (
            &*format!("{WHEEL}.metadata"),
            &Made::Made(INFO.as_bytes().to_vec())
        )
    );
    let metadata: Value = serde_json::from_str(metadata).expect("facts");
    let digest = Digest::of(Algorithm::Sha256, INFO.as_bytes()).hex();
    assert_eq!(
        metadata,
        json!({"requires_python": ">=3.9, <4", "metadata_sha256": digest, "size": wheel.len(), "yanked": null})
    );
    assert_eq!(
        kept(&steps, &body)[0].digest,
        Digest::of(Algorithm::Sha256, &wheel)
    );
}

#[test]
fn a_source_archive_comes_alone() {
    let zip = zipped(&[
        entry("My-Pkg.x-1.0/PKG-INFO", INFO),
        entry("My-Pkg.x-1.0/egg/PKG-INFO", ""),
    ]);
    for (file, content) in [(SDIST, sdist()), ("My.Pkg-x-1.0.zip", zip)] {
        let steps = upload(file, &content, &[]).expect(file);
        let [Step::Add { path, metadata, .. }] = &steps[..] else {
            panic!("{steps:?}")
        };
        assert_eq!(path, file);
        assert!(
            metadata.contains("\"metadata_sha256\":null") && metadata.contains("\">=3.9, <4\""),
            "{metadata}"
        );
    }
}

#[test]
fn fields_come_in_any_order() {
    let wheel = wheel();
    let mut parts: Vec<_> = fields(WHEEL, &wheel)
        .iter()
        .map(|(name, value)| text_part(name, value))
        .collect();
    parts.push(file_part(WHEEL, &wheel));
    for _ in 0..parts.len() {
        parts.rotate_right(1);
        let body = joined(&parts);
        assert_eq!(
            &*Publishing::name(&Pypi, &request(), &mut Cursor::new(body.clone())).expect("name"),
            PROJECT
        );
        assert_eq!(receive(&body, &[]).expect("steps").len(), 2);
    }
    // As uv does: no digest but one, heads in small letters; as distutils did: a line's end first.
    let least = without(
        without(fields(WHEEL, &wheel), "md5_digest"),
        "blake2_256_digest",
    );
    let body = body_of(&least, WHEEL, &wheel);
    let small = String::from_utf8_lossy(&body).contains("Content-Disposition");
    assert!(small && receive(&body, &[]).is_ok());
    assert!(receive(&[b"\r\n", &body[..]].concat(), &[]).is_ok());
    assert!(receive(&body[..body.len() - 2], &[]).is_ok());
}

/// Whatever piece of the boundary stands at the end of what was read at once.
#[test]
fn a_boundary_is_found_wherever_it_stands() {
    let head = file_part("a", b"").len() - 2;
    for length in (256 << 10) - head - 40..(256 << 10) - head + 3 {
        let content = vec![b'\r'; length];
        let mut body = file_part("a", &content);
        body.extend(text_part("name", "My-Pkg.x"));
        let mut body = Cursor::new(joined(&[body]));
        let mut parts = multipart::Parts::new(&mut body, BOUNDARY).expect("parts");
        let part = parts.next().expect("part").expect("a part");
        assert_eq!(part.length, length as u64);
        assert_eq!(parts.next().expect("part").map(|part| part.length), Some(8));
        assert!(parts.next().expect("end").is_none());
    }
}

#[test]
fn a_form_that_can_be_read_in_two_ways_is_refused() {
    let wheel = wheel();
    let all = fields(WHEEL, &wheel);
    let body = body_of(&all, WHEEL, &wheel);
    for length in (0..body.len() - 2)
        .step_by(7)
        .chain(body.len() - 40..body.len() - 2)
    {
        refusal(receive(&body[..length], &[]));
    }
    let spoilt = |more: Vec<u8>| {
        let parts = [more, body.clone()].concat();
        refusal(receive(&parts, &[]))
    };
    assert!(spoilt(text_part("name", "other")).contains("twice"));
    assert!(spoilt(text_part("description", "other")).contains("twice"));
    assert!(spoilt(file_part(WHEEL, &wheel)).contains("twice"));
    assert!(spoilt(text_part("keywords", &"a".repeat((64 << 10) + 1))).contains("too long"));
    assert!(spoilt(text_part("a", "b").repeat(2000)).contains("too many"));
    assert!(spoilt(b"preamble\r\n".to_vec()).contains("begin"));
    let head = |head: &str| spoilt(format!("--{BOUNDARY}\r\n{head}\r\n\r\nvalue\r\n").into_bytes());
    for unclear in [
        "",
        "Content-Type: text/plain",
        "Content-Disposition: form-data",
        "Content-Disposition: form-data; name*=utf-8''a",
        "Content-Disposition: form-data; name=a; name=b",
        "Content-Disposition: form-data; name=\"a\\\"\"",
        "Content-Disposition: form-data; name=\"a",
        "Content-Disposition: attachment; name=a",
        "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=a",
        "Content-Disposition: form-data;\r\n name=a",
        "Content-Disposition: form-data; name=\"a\"; filename=b; filename=c",
    ] {
        assert!(head(unclear).contains("no clear name"), "{unclear}");
    }
    assert!(
        head("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64")
            .contains("encoded")
    );
    assert!(
        head(&format!(
            "Content-Disposition: form-data; name=a\r\nX: {}",
            "a".repeat(5000)
        ))
        .contains("head")
    );
    assert!(refusal(receive(&[&body[..], b"more"].concat(), &[])).contains("behind"));
    let within = text_part("keywords", &format!("a\r\n--{BOUNDARY}b"));
    assert!(spoilt(within).contains("within"));
    assert!(refusal(receive(&joined(&[text_part("name", "a")]), &[])).contains("content"));
    let nameless = joined(&[text_part("content", "a")]);
    assert!(refusal(receive(&nameless, &[])).contains("file name"));
    assert!(Publishing::name(&Pypi, &request(), &mut Cursor::new(nameless)).is_err());
}

#[test]
fn a_form_agrees_with_its_file() {
    let wheel = wheel();
    let all = || fields(WHEEL, &wheel);
    for name in [":action", "protocol_version", "name", "version", "filetype"] {
        assert!(
            refusal(receive(&body_of(&without(all(), name), WHEEL, &wheel), &[])).contains(name)
        );
    }
    for (name, value) in [
        (":action", "submit"),
        ("protocol_version", "2"),
        ("name", "other"),
        ("name", "../my-pkg-x"),
        ("version", "1.0.1"),
        ("version", "one"),
        ("filetype", "sdist"),
        ("sha256_digest", "00"),
        ("md5_digest", "00"),
        ("blake2_256_digest", &"0".repeat(64)),
    ] {
        refusal(receive(
            &body_of(&with(all(), name, value), WHEEL, &wheel),
            &[],
        ));
    }
    let upper = all()
        .iter()
        .map(|(name, value)| (*name, value.clone()))
        .collect::<Fields>();
    let digest = Digest::of(Algorithm::Sha256, &wheel)
        .hex()
        .to_ascii_uppercase();
    assert!(
        receive(
            &body_of(&with(upper, "sha256_digest", &digest), WHEEL, &wheel),
            &[]
        )
        .is_ok()
    );
    assert!(receive(&body_of(&with(all(), "version", "1.0"), WHEEL, &wheel), &[]).is_ok());
    for file in [
        "my_pkg_x-1.0.1-py3-none-any.whl",
        "other-1.0.0-py3-none-any.whl",
        "my-pkg-x-1.0.0-py3-none-any.whl",
        "my_pkg_x-1.0.0-py3-none.whl",
        "my_pkg_x-1.0.0-build-py3-none-any.whl",
        "my_pkg_x-1.0.0-1-2-py3-none-any.whl",
        "my_pkg_x-1.0.0-py3..py2-none-any.whl",
        "my_pkg_x-1.0.0-py3--any.whl",
        "my_pkg_x-1.0.0-py3-none-any.whl/",
        "../my_pkg_x-1.0.0-py3-none-any.whl",
        "my_pkg_x-1.0.0-py3-none-any.WHL",
        "my_pkg_x-1.0.0-py3-none-any.egg",
        "my_pkg_x-1.0.0-py3-none-any%20.whl",
        "",
        ".whl",
    ] {
        refusal(upload(file, &wheel, &[]));
    }
    let local = INFO.replace("1.0.0", "1.0.0+ubuntu-1");
    let wheel = zipped(&wheel_entries("My.pkg_x-1.0.0+ubuntu_1.dist-info", &local));
    let file = "My.pkg_x-1.0.0+ubuntu.1-1a-py2.py3-none-manylinux_2_17_x86_64.whl";
    let steps = receive(
        &body_of(
            &with(fields(file, &wheel), "version", "1.0.0+ubuntu-1"),
            file,
            &wheel,
        ),
        &[],
    );
    assert!(
        matches!(&steps.expect("local")[0], Step::Add { version, .. } if version == "1.0.0+ubuntu.1")
    );
}

#[test]
fn metadata_is_that_of_the_file() {
    let folder = "my_pkg_x-1.0.0.dist-info";
    let told = |info: &str| upload(WHEEL, &zipped(&wheel_entries(folder, info)), &[]);
    assert!(told("name: my_pkg_x\r\nVERSION: 1.0\r\n\r\n").is_ok());
    for bad in [
        "",
        "Name: my-pkg-x\n",
        "Name: other\nVersion: 1.0.0\n",
        "Name: my-pkg-x\nVersion: 2\n",
        "Name: my-pkg-x\nName: my-pkg-x\nVersion: 1.0.0\n",
        "Name: my-pkg-x\n\nVersion: 1.0.0\n",
        "Name: my-pkg-x\n y\nVersion: 1.0.0\n",
        "Name: my-pkg-x\rName: other\nVersion: 1.0.0\n",
        "Name: my-pkg-x\nVersion: 1.0.0\nno colon\n",
        "Name: my-pkg-x\nVersion: 1.0.0\nRequires-Python: {sha256}\n",
    ] {
        refusal(told(bad));
        refusal(upload(
            SDIST,
            &tarred(&[("my_pkg_x-1.0.0/PKG-INFO", b'0', bad)]),
            &[],
        ));
    }
    let of = |entries: &[Entry]| refusal(upload(WHEEL, &zipped(entries), &[]));
    assert!(of(&wheel_entries("my_pkg_x-1.0.1.dist-info", INFO)).contains("another"));
    assert!(of(&wheel_entries("my_pkg_x.dist-info", INFO)).contains("another"));
    let mut two = wheel_entries(folder, INFO);
    two.push(entry("other-1.dist-info/METADATA", INFO));
    assert!(of(&two).contains("two"));
    assert!(of(&[entry("a", "")]).contains("no .dist-info"));
    for missing in 1..4 {
        let mut entries = wheel_entries(folder, INFO);
        entries.remove(missing);
        assert!(of(&entries).contains("has no"));
    }
    let mut long = wheel_entries(folder, INFO);
    long[1].content.resize((4 << 20) + 1, b'a');
    assert!(of(&long).contains("too long"));
}
