use super::ReadyMemory;
use crate::document::job::RepresentationRequest;
use crate::leads::Leads;
use bytes::Bytes;
use larder_door::Overlay;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Document, RepoUrl, Representation};
use larder_model::{Algorithm, Digest};
use std::sync::Arc;

fn record(body: &'static [u8]) -> Arc<FileRecord> {
    let digest = Digest::of(Algorithm::Sha256, body);
    let mut record = FileRecord::transient("application/json", digest, body.len() as u64);
    record.body = Some(Bytes::from_static(body));
    Arc::new(record)
}

fn request<'a>(
    (repo, document): (i64, &'a Document),
    name: &'static str,
    origin: &'a str,
    leads: &'a Arc<Leads>,
) -> RepresentationRequest<'a> {
    RepresentationRequest {
        repo,
        document,
        representation: Representation {
            name,
            content_type: "application/json",
            has_absolute_urls: true,
            compressible: true,
        },
        part: None,
        gzip: false,
        repo_url: RepoUrl {
            origin,
            path: "/npm/main",
            rest: "",
            public: true,
            identified: false,
        },
        leads,
    }
}

#[test]
fn what_goes_out_is_found_for_the_same_request_alone() {
    let (memory, none) = (ReadyMemory::default(), Arc::default());
    let stored = record(b"{}");
    let kept = record(b"to ____ and what tells of it");
    let overlay = Overlay {
        size: 7,
        tag: Digest::of(Algorithm::Sha256, b"shown"),
        places: Arc::new([3]),
        filling: Bytes::from_static(b"here"),
        last: None,
        head: Bytes::new(),
    };
    let (demo, other) = (Document::new("demo", "index"), Document::new("o", "index"));
    let asked = request((1, &demo), "small", "http://a", &none);
    memory.keep(&asked, (&stored, false), (&kept, 0), Some(&overlay));

    // The bytes as they are shown, with the tag of that, and the file for whoever counts its uses.
    let ready = memory.get(&asked, (&stored, false)).expect("ready");
    assert_eq!(ready.sent.body.as_deref(), Some(&b"to here"[..]));
    assert_eq!((ready.sent.digest, ready.sent.size), (overlay.tag, 7));
    assert_eq!(&*ready.sent.content_type, "application/json");
    assert!(Arc::ptr_eq(&ready.kept, &kept));
    let key = ready.key(1);
    assert_eq!((key.package.package, key.path), ("demo", "small/index"));

    // Whatever else is asked for is something else.
    let leads = Arc::new(Leads {
        mark: "+1".into(),
        ..Leads::default()
    });
    for asked in [
        request((2, &demo), "small", "http://a", &none),
        request((1, &other), "small", "http://a", &none),
        request((1, &demo), "full", "http://a", &none),
        request((1, &demo), "small", "http://b", &none),
        request((1, &demo), "small", "http://a", &leads),
    ] {
        assert!(memory.get(&asked, (&stored, false)).is_none());
    }
    assert!(memory.get(&asked, (&stored, true)).is_none(), "compressed");
    let newer = record(b"{ }");
    assert!(memory.get(&asked, (&newer, false)).is_none(), "newer bytes");
}

#[test]
fn what_is_large_is_not_remembered() {
    let (memory, none) = (ReadyMemory::default(), Arc::default());
    let (stored, digest) = (record(b"{}"), Digest::of(Algorithm::Sha256, b"large"));
    let kept = Arc::new(FileRecord::transient("application/json", digest, 1 << 20));
    let demo = Document::new("demo", "index");
    let asked = request((1, &demo), "small", "http://a", &none);
    memory.keep(&asked, (&stored, false), (&kept, 0), None);
    assert!(memory.get(&asked, (&stored, false)).is_none());
}
