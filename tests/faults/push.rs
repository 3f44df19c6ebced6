//! Pushes of every kind, and what was acknowledged of them.

use larder_model::Digest;
use larder_tests::image::{MANIFEST, digest, push_blob, put_manifest};
use larder_tests::random::Random;
use larder_tests::{Client, Image, Response};
use serde_json::json;

/// The image that is pushed to.
pub const NAME: &str = "team/app";

/// A kind of push: each becomes durable on a way of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A blob that lives in its row.
    Small,
    /// A blob that is an object, in one request.
    Large,
    /// The same in several requests.
    Streamed,
    /// One so large that it is synced while it comes.
    Huge,
    /// A manifest with a tag.
    Manifest,
}

/// All kinds.
pub const KINDS: [Kind; 5] = [
    Kind::Small,
    Kind::Large,
    Kind::Streamed,
    Kind::Huge,
    Kind::Manifest,
];

/// A push and how it went.
pub struct Push {
    /// The answer that decided it.
    pub answer: Response,
    /// Where its bytes are read.
    pub path: String,
    digest: Digest,
}

impl Push {
    /// Whether it was acknowledged.
    pub fn is_kept(&self) -> bool {
        self.answer.status == 201
    }

    /// Fails the test unless the bytes are there.
    #[track_caller]
    pub fn check(&self, client: &Client) {
        let found = client.get(&self.path).expect(200);
        assert_eq!(digest(&found.body), self.digest, "{} is damaged", self.path);
    }

    /// Fails the test unless it was refused with one of these statuses, in the registry API's
    /// words.
    #[track_caller]
    pub fn check_refused(&self, statuses: &[u16]) {
        let answer = &self.answer;
        assert!(
            statuses.contains(&answer.status),
            "{} {}",
            answer.status,
            answer.text()
        );
        let told = answer.json();
        let message = told["errors"][0]["message"].as_str().expect("a message");
        assert!(message.contains("the server's"), "{message}");
        if answer.status == 503 {
            assert_eq!(answer.code(), "UNAVAILABLE");
            let wait: u64 = answer
                .header("retry-after")
                .and_then(|wait| wait.parse().ok())
                .expect("retry-after");
            assert!((1..=60).contains(&wait), "{wait}");
        }
    }
}

/// Fails the test unless all of them are there.
#[track_caller]
pub fn check_all(client: &Client, kept: &[Push]) {
    for push in kept {
        push.check(client);
    }
}

/// Pushes something new of that kind. The config of manifests must be there: see [`prepare`].
pub fn push(client: &Client, kind: Kind, random: &mut Random) -> Push {
    let size = match kind {
        Kind::Small => 1000,
        Kind::Large => 300_000,
        Kind::Streamed => 3_000_000,
        Kind::Huge => 20_000_000,
        Kind::Manifest => return push_manifest(client, random),
    };
    push_bytes(client, kind, &new_bytes(random, size))
}

/// Bytes that were never there; made faster than if all of them were random.
pub fn new_bytes(random: &mut Random, size: usize) -> Vec<u8> {
    let mut bytes = random.bytes(4096).repeat(size.div_ceil(4096));
    bytes.truncate(size);
    bytes
}

/// Pushes these bytes as a blob.
pub fn push_bytes(client: &Client, kind: Kind, bytes: &[u8]) -> Push {
    let digest = digest(bytes);
    let answer = match kind {
        Kind::Streamed | Kind::Huge => stream(client, &digest, bytes),
        _ => push_blob(client, NAME, &digest, bytes),
    };
    Push {
        answer,
        path: format!("/v2/{NAME}/blobs/{digest}"),
        digest,
    }
}

fn stream(client: &Client, digest: &Digest, bytes: &[u8]) -> Response {
    let started = client.send("POST", &format!("/v2/{NAME}/blobs/uploads/"), &[], b"");
    if started.status != 202 {
        return started;
    }
    let patched = client.send(
        "PATCH",
        started.header("location").expect("location"),
        &[],
        bytes,
    );
    if patched.status != 202 {
        return patched;
    }
    let location = patched.header("location").expect("location");
    client.send("PUT", &format!("{location}&digest={digest}"), &[], b"")
}

/// Pushes what manifests of [`push`] are made of.
#[track_caller]
pub fn prepare(client: &Client) {
    push_blob(client, NAME, &digest(b"{}"), b"{}").expect(201);
}

fn push_manifest(client: &Client, random: &mut Random) -> Push {
    let extra = json!({"annotations": {"seed": random.number().to_string()}, "artifactType": "example/fault"});
    let image = Image::of(b"{}".to_vec(), vec![b"{}".to_vec()], &extra);
    let tag = format!("t{}", random.below(1000));
    let answer = put_manifest(client, NAME, &tag, MANIFEST, &image.manifest);
    Push {
        answer,
        path: format!("/v2/{NAME}/manifests/{}", image.digest),
        digest: image.digest,
    }
}
