use super::*;
use crate::Protocol as _;
use crate::index::{Index as _, IndexDocument, Signer};
use crate::rpm::Rpm;
use crate::rpm::header::{Header, LEAD_BYTES};
use crate::rpm::index::Repodata;
use crate::testing::{self, call, get, publish_request};
use crate::unpack::unpack;
use http::Method;
use larder_model::{Algorithm, CacheLifetime, Digest, Timestamp};
use std::io::{Cursor, Read as _};

/// A package with a value of every metadata field, made by rpmbuild.
const EVERYTHING: &[u8] = include_bytes!("../testdata/everything.rpm");
const LISTS: [(&str, &str); 3] = [
    (
        "primary",
        include_str!("../testdata/everything.primary.xml"),
    ),
    (
        "filelists",
        include_str!("../testdata/everything.filelists.xml"),
    ),
    ("other", include_str!("../testdata/everything.other.xml")),
];
const PATH: &str = "Packages/everything-1.0~rc1^git2-4.el9.noarch.rpm";
const NOW: Timestamp = Timestamp(1_700_000_100_000_000);

fn steps_of(
    method: &Method,
    path: &str,
    body: &[u8],
    files: &[StoredFile],
) -> Result<Vec<Step>, Problem> {
    let request = publish_request(&Rpm, method, path)?;
    request
        .action
        .steps(&mut Cursor::new(body), files, &PublishLimits::default())
}

/// The files that are stored after these steps.
fn stored(steps: Vec<Step>) -> Vec<StoredFile> {
    let file = |step: Step| match step {
        Step::Add {
            kind,
            path,
            version,
            metadata,
            bytes,
            ..
        } => {
            let bytes = if let Bytes::Inline(bytes) = bytes {
                bytes
            } else {
                EVERYTHING.to_vec()
            };
            Some(StoredFile {
                kind,
                digest: Digest::of(Algorithm::Sha256, &bytes),
                size: bytes.len() as u64,
                created_at: NOW,
                ..testing::stored(&path, &version, &metadata)
            })
        }
        _ => None,
    };
    steps.into_iter().filter_map(file).collect()
}

struct Stamp;

impl Signer for Stamp {
    fn sign(&self, bytes: &[u8]) -> Result<String, Problem> {
        Ok(format!("signed {}", bytes.len()))
    }

    fn sign_within(&self, text: &str) -> Result<String, Problem> {
        Ok(text.to_owned())
    }

    fn public_key(&self) -> &'static str {
        "key"
    }
}

fn compose(files: &[StoredFile], extra: &[(&str, &[u8])]) -> Vec<IndexDocument> {
    let packages = files
        .iter()
        .filter(|file| file.path.ends_with(".rpm"))
        .count() as u64;
    let mut state = Repodata.begin(packages, NOW).expect("state");
    for (path, bytes) in extra {
        state.add_extra(&plain_file(path), bytes).expect("extra");
    }
    for file in files {
        state.add(file).expect("package");
    }
    state.end(Some(&Stamp)).expect("documents")
}

fn plain_file(path: &str) -> StoredFile {
    StoredFile {
        created_at: NOW,
        ..testing::stored(path, "", "")
    }
}

fn text(document: &IndexDocument) -> String {
    let mut text = String::new();
    unpack(&document.bytes)
        .expect("packed")
        .read_to_string(&mut text)
        .expect("text");
    text
}

fn find<'a>(documents: &'a [IndexDocument], ending: &str) -> &'a IndexDocument {
    documents
        .iter()
        .find(|document| document.path.ends_with(ending))
        .unwrap_or_else(|| panic!("no {ending}"))
}

#[test]
fn files_are_put_and_deleted_at_their_paths() {
    let request = |method: &Method, path: &str| {
        let request = publish_request(&Rpm, method, path).expect(path);
        let has_body = request.action.max_body(&PublishLimits::default()).max_bytes > 0;
        (request.action.name(), request.verb, has_body)
    };
    let (put, delete) = (&Method::PUT, &Method::DELETE);
    let package = "/a/b.rpm";
    assert_eq!(request(put, package), ("publish", Verb::Write, true));
    assert_eq!(request(delete, package), ("delete", Verb::Delete, false));
    let metadata = "/repodata/updateinfo.xml.gz";
    assert_eq!(request(put, metadata), ("put metadata", Verb::Write, true));
    let expected = ("delete metadata", Verb::Delete, false);
    assert_eq!(request(delete, metadata), expected);
    let deletion = publish_request(&Rpm, delete, package).expect("a request");
    assert_eq!(deletion.action.address(), Some("a/b.rpm"));
    assert!(get(&Rpm, package).is_ok());
    let post = call(&Rpm, &Method::POST, package, None).err();
    assert_eq!(post.expect("refused").kind, Kind::Unsupported);
    let long = format!("/{}.rpm", "a".repeat(1024));
    for path in [
        "/",
        "/a",
        "/a.rpm/",
        "/a.drpm",
        "/repodata/repomd.xml",
        "/x/repodata/a.rpm",
        "/x/repodata/comps.xml",
        &long,
    ] {
        assert!(call(&Rpm, put, path, None).is_err(), "{path}");
    }
}

#[test]
fn a_package_is_listed_with_its_metadata() {
    let steps = steps_of(&Method::PUT, &format!("/{PATH}"), EVERYTHING, &[]).expect("steps");
    assert!(matches!(&steps[1], Step::AddAddress { path, at } if path == PATH && at == PATH));
    let request = publish_request(&Rpm, &Method::PUT, "/x.rpm").expect("a request");
    let name = request
        .action
        .package_in(&mut Cursor::new(EVERYTHING), &PublishLimits::default());
    assert_eq!(&*name.expect("a name"), "everything");
    let files = stored(steps);
    assert_eq!(&*files[0].version, "3:1.0~rc1^git2-4.el9.noarch");
    let documents = compose(&files, &[]);
    for (list, expected) in LISTS {
        assert_eq!(
            text(find(&documents, &format!("-{list}.xml.gz"))),
            expected,
            "{list}"
        );
    }
}

#[test]
fn the_head_names_the_lists_that_exist() {
    let files =
        stored(steps_of(&Method::PUT, &format!("/{PATH}"), EVERYTHING, &[]).expect("steps"));
    let extra: [(&str, &[u8]); 3] = [
        ("repodata/updateinfo.xml", b"<updates/>"),
        ("repodata/comps.xml", b"<comps/>"),
        ("repodata/modules.yaml", b"document: modulemd"),
    ];
    let documents = compose(&files, &extra);
    let head = find(&documents, "repodata/repomd.xml");
    Rpm.check(&Document::new("", "repodata/repomd.xml"), &head.bytes)
        .expect("a repomd.xml");
    let records = super::super::repomd::read(&head.bytes).expect("records");
    let kinds: Vec<&str> = records.iter().map(|record| &*record.kind).collect();
    assert_eq!(
        kinds,
        [
            "primary",
            "filelists",
            "other",
            "updateinfo",
            "group",
            "group_gz",
            "modules"
        ]
    );
    for record in &records {
        let document = find(&documents, &record.item.path);
        assert!(
            document.lifetime == CacheLifetime::Longer
                && record.item.size == Some(document.bytes.len() as u64)
        );
        assert_eq!(
            record.item.integrity,
            crate::Integrity::Digest(Digest::of(Algorithm::Sha256, &document.bytes))
        );
    }
    let text = text(head);
    assert!(text.contains("<revision>1700000100</revision>"), "{text}");
    assert_eq!(
        find(&documents, ".asc").bytes,
        format!("signed {}", text.len()).as_bytes()
    );
    let key = find(&documents, ".key");
    assert_eq!(
        (head.lifetime, key.lifetime, &*key.bytes),
        (
            CacheLifetime::UntilChange,
            CacheLifetime::UntilNext,
            &b"key"[..]
        )
    );
    // The same state comes out the same.
    assert_eq!(compose(&files, &extra), documents);
}

#[test]
fn without_packages_lists_are_empty() {
    let documents = compose(&[], &[]);
    assert!(text(find(&documents, "-primary.xml.gz")).contains("packages=\"0\""));
    let state = Repodata.begin(1, NOW).expect("state");
    assert!(state.end(None).is_err(), "one package is missing");
}

#[test]
fn a_release_is_published_once() {
    let path = format!("/{PATH}");
    let files = stored(steps_of(&Method::PUT, &path, EVERYTHING, &[]).expect("steps"));
    assert_eq!(
        steps_of(&Method::PUT, &path, EVERYTHING, &files).expect("steps"),
        []
    );
    let other = steps_of(&Method::PUT, "/other.rpm", EVERYTHING, &files).expect_err("elsewhere");
    assert!(
        other.kind == Kind::Conflict && other.detail.contains(PATH),
        "{other}"
    );

    let steps = steps_of(&Method::DELETE, &path, b"", &files).expect("steps");
    assert!(matches!(&steps[0], Step::RemoveAddress { path } if path == PATH));
    assert!(matches!(&steps[1], Step::Remove { path, .. } if path == PATH));
    let gone = stored(steps);
    let again = steps_of(&Method::PUT, &path, EVERYTHING, &gone).expect_err("gone");
    assert!(
        again.kind == Kind::Conflict && again.detail.contains("was deleted"),
        "{again}"
    );
    assert_eq!(
        steps_of(&Method::DELETE, &path, b"", &gone)
            .expect_err("gone")
            .kind,
        Kind::NotFound
    );
    assert_eq!(compose(&gone, &[]).len(), compose(&[], &[]).len());
}

#[test]
fn truncated_and_changed_packages_are_refused() {
    let read = |bytes: &[u8]| Package::read(&mut Cursor::new(bytes));
    for length in (0..EVERYTHING.len())
        .step_by(7)
        .chain([EVERYTHING.len() - 1])
    {
        let problem = read(&EVERYTHING[..length])
            .err()
            .unwrap_or_else(|| panic!("{length} bytes are enough"));
        assert_eq!(problem.kind, Kind::Invalid, "{length}");
    }
    let start = usize::try_from(read(EVERYTHING).expect("sound").header_range.0).expect("small");
    for at in (0..EVERYTHING.len()).step_by(3) {
        let mut bytes = EVERYTHING.to_vec();
        bytes[at] ^= 0x40;
        // What is before the header has no digest but that over the header.
        assert!(read(&bytes).is_err() || at < start, "{at}");
    }
}

#[test]
fn headers_with_too_many_bytes_or_tags_are_refused() {
    let header = |entries: u32, size: u32, rest: &[u8]| {
        let intro = [
            &[0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0][..],
            &entries.to_be_bytes(),
            &size.to_be_bytes(),
        ]
        .concat();
        [&EVERYTHING[..LEAD_BYTES], &intro, rest].concat()
    };
    for (entries, size) in [
        (0, 0),
        (1, u32::MAX),
        (u32::MAX, 1),
        (0x1_0000, 1),
        (1, 8 << 20),
        (0xffff, 0),
    ] {
        assert!(
            Package::read(&mut Cursor::new(header(entries, size, &[0; 64]))).is_err(),
            "{entries} {size}"
        );
    }
}

/// A header with one entry.
fn with_entry(kind: u32, offset: u32, count: u32, data: &[u8]) -> Result<Header, Problem> {
    let size = u32::try_from(data.len()).expect("small");
    let words = [1, size, 1000, kind, offset, count]
        .map(u32::to_be_bytes)
        .concat();
    let header = [&[0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0][..], &words, data].concat();
    Header::read(&mut Cursor::new(header), 1 << 20)
}

#[test]
fn values_are_within_their_header() {
    let sound = |kind, offset, count, data| with_entry(kind, offset, count, data).expect("header");
    assert_eq!(
        sound(4, 0, 1, &[0, 0, 1, 2])
            .numbers(1000)
            .expect("numbers"),
        [258]
    );
    assert_eq!(
        sound(3, 2, 2, &[9, 9, 0, 1, 0, 2])
            .numbers(1000)
            .expect("numbers"),
        [1, 2]
    );
    assert_eq!(
        sound(8, 0, 2, b"a\0b\0").texts(1000).expect("texts"),
        ["a", "b"]
    );
    assert_eq!(
        sound(6, 0, 1, b"Gr\xfc\xdfe\0").texts(1000).expect("texts"),
        ["Grüße"]
    );
    assert_eq!(
        sound(6, 0, 1, b"a\0").texts(1001).expect("texts"),
        Vec::<String>::new()
    );
    for (kind, offset, count, data) in [
        (4, 1, 1, &[0; 4][..]),
        (4, 0, 2, &[0; 4]),
        (5, 0, u32::MAX, &[0; 8]),
        (2, u32::MAX, 1, &[0; 8]),
        (6, 0, 1, &[0; 4]),
    ] {
        let read = with_entry(kind, offset, count, data).and_then(|header| header.numbers(1000));
        assert!(read.is_err(), "{kind} {offset} {count}");
    }
    for (kind, offset, count, data) in [
        (6, 0, 1, &b"abc"[..]),
        (8, 0, 2, b"abc\0"),
        (8, 0, u32::MAX, b"\0\0"),
        (6, 9, 1, b"a\0"),
        (4, 0, 1, &[0; 4]),
    ] {
        let read = with_entry(kind, offset, count, data).and_then(|header| header.texts(1000));
        assert!(read.is_err(), "{kind} {offset} {count}");
    }
}

#[test]
fn duplicate_tags_are_refused() {
    let read = |tags: [u32; 3]| {
        let entries = tags
            .map(|tag| [tag, 6, 0, 1].map(u32::to_be_bytes).concat())
            .concat();
        let intro = [
            &[0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0][..],
            &3_u32.to_be_bytes(),
            &4_u32.to_be_bytes(),
        ]
        .concat();
        Header::read(
            &mut Cursor::new([&intro[..], &entries, b"a\0\0\0"].concat()),
            1 << 20,
        )
    };
    assert_eq!(
        read([1000, 1002, 1001])
            .expect("header")
            .text(1002)
            .expect("text"),
        "a"
    );
    // Many tags that share one text are more than there is room for.
    let shared = [8_u32, 2].map(u32::to_be_bytes).concat();
    let entries = (1000..1008_u32).flat_map(|tag| [tag, 6, 0, 1].map(u32::to_be_bytes).concat());
    let header = [
        &[0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0][..],
        &shared,
        &entries.collect::<Vec<u8>>(),
        b"a\0",
    ]
    .concat();
    assert!(Header::read(&mut Cursor::new(header), 1 << 20).is_err());
    let problem = read([1000, 1001, 1000]).err().expect("twice");
    assert!(problem.detail.contains("of the same tag"), "{problem}");
}
