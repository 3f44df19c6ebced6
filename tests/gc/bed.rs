//! A server, runs of its collector, and what lies in its folder.

use larder_tests::{Client, Image, Larder, Start};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// The built binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_larder");
/// Larger than what lives in the database.
pub(crate) const LARGE: usize = 100_000;

pub(crate) fn start() -> Start {
    // Whatever time the tests turn the clock to, no run begins by itself.
    Start::of(BINARY).with("LARDER_SERVER__LIMITS__API_REQUESTS_PER_SECOND", "0")
}

pub(crate) fn larder() -> Larder {
    quiet(start().start())
}

/// The same, and no run begins by itself.
pub(crate) fn quiet(larder: Larder) -> Larder {
    larder.disable_schedules();
    larder
}

/// A server whose clock a test turns.
pub(crate) struct Clock {
    pub(crate) larder: Larder,
    file: tempfile::NamedTempFile,
    seconds: u64,
}

impl Clock {
    pub(crate) fn of(start: Start) -> Self {
        let file = tempfile::NamedTempFile::new().expect("clock");
        let path = file.path().to_str().expect("path");
        let larder = quiet(start.with("LARDER_TEST_CLOCK", path).start());
        Self {
            larder,
            file,
            seconds: 0,
        }
    }

    /// So many minutes pass.
    pub(crate) fn turn(&mut self, minutes: u64) {
        self.seconds += minutes * 60;
        // A reader sees the old time or the new one.
        let folder = self.file.path().parent().expect("folder");
        let new = tempfile::NamedTempFile::new_in(folder).expect("clock");
        std::fs::write(new.path(), self.seconds.to_string()).expect("clock");
        std::fs::rename(new.path(), self.file.path()).expect("clock");
    }
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) job: Value,
    pub(crate) items: Vec<Value>,
}

impl Run {
    pub(crate) fn count(&self, name: &str) -> u64 {
        let count = self.job["result"][name].as_u64();
        count.unwrap_or_else(|| panic!("no {name} in {}", self.job))
    }

    /// Digests that it deleted, or would, with their bytes.
    pub(crate) fn deleted(&self) -> BTreeSet<(String, u64)> {
        let is_deletion = |item: &&Value| item["action"] == "delete";
        let told = |item: &Value| {
            let digest = item["digest"].as_str().expect("digest").to_owned();
            assert!(!item["reason"].as_str().expect("reason").is_empty());
            (digest, item["bytes"].as_u64().expect("bytes"))
        };
        let items = self.items.iter().filter(is_deletion);
        let deleted: BTreeSet<_> = items.clone().map(told).collect();
        assert_eq!(deleted.len(), items.count(), "one is told twice: {self:?}");
        deleted
    }
}

/// Waits for the end of a job.
#[track_caller]
pub(crate) fn end(larder: &Larder, id: &str) -> Value {
    let path = format!("/api/v1/jobs/{id}/events");
    let (response, whole) = larder.admin().take(&path, &[]).expect("events");
    assert!(whole, "the events broke off");
    let text = response.expect(200).text();
    let mut states = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let last = states.next_back().expect("an event");
    serde_json::from_str(last).expect("job")
}

/// Asks for a run and waits for its end.
#[track_caller]
pub(crate) fn run(larder: &Larder, body: &str) -> Run {
    let job = larder.api("POST", "gc/runs", body, 202);
    let id = job["id"].as_str().expect("id").to_owned();
    let job = end(larder, &id);
    assert_eq!(job["state"], "succeeded", "{job}");
    let items = larder.api("GET", &format!("jobs/{id}/items?limit=1000"), "", 200);
    let run = Run {
        job,
        items: items["items"].as_array().expect("items").clone(),
    };
    // What is counted is what is told.
    let (deleted, bytes) = (run.deleted(), run.count("bytes_freed"));
    assert_eq!(run.count("deleted"), deleted.len() as u64, "{run:?}");
    if run.count("uploads") == 0 {
        let told: u64 = deleted.iter().map(|(_, bytes)| bytes).sum();
        assert_eq!(bytes, told, "{run:?}");
    }
    run
}

/// A run that waits for nothing.
pub(crate) const AT_ONCE: &str = r#"{"grace":"0s"}"#;
/// What such a run would do.
pub(crate) const DRY: &str = r#"{"dry_run":true,"grace":"0s"}"#;

/// A dry run, then one that frees: both must tell the same.
#[track_caller]
pub(crate) fn collect(larder: &Larder) -> Run {
    let before = larder.api("GET", "gc", "", 200);
    let would = run(larder, DRY);
    let after = larder.api("GET", "gc", "", 200);
    for field in ["reclaimable_bytes", "queue"] {
        assert_eq!(before[field], after[field], "a dry run changes nothing");
    }
    let did = run(larder, AT_ONCE);
    assert_eq!(would.deleted(), did.deleted());
    for name in ["deleted", "bytes_freed", "unlinked", "uploads"] {
        assert_eq!(would.count(name), did.count(name), "{name}");
    }
    did
}

/// The digests of all objects in a folder of `<hex>.<generation>`, one for each object.
#[track_caller]
pub(crate) fn objects_in(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().and_then(|name| name.to_str());
            let hex = name
                .and_then(|name| name.split_once('.'))
                .expect("object")
                .0;
            assert!(
                found.insert(format!("sha256:{hex}")),
                "{hex} is there twice"
            );
        }
    }
    found
}

/// The digests of all objects of a server.
#[track_caller]
pub(crate) fn objects(larder: &Larder) -> BTreeSet<String> {
    objects_in(&larder.data().join("storage/blobs"))
}

/// Uploads that are staged at a server.
pub(crate) fn staged(larder: &Larder) -> usize {
    let staging = larder.data().join("storage/staging");
    std::fs::read_dir(staging).expect("staging").count()
}

/// The blobs of images that are objects.
pub(crate) fn large_of(images: &[&Image]) -> BTreeSet<String> {
    let blobs = images.iter().flat_map(|image| &image.blobs);
    let large = blobs.filter(|(_, bytes)| bytes.len() > 65_536);
    large.map(|(digest, _)| digest.to_string()).collect()
}

/// Everything of an image with its bytes: blobs and manifest.
pub(crate) fn all_of(image: &Image) -> BTreeSet<(String, u64)> {
    let blobs = image
        .blobs
        .iter()
        .map(|(digest, bytes)| (digest, bytes.len()));
    let all = blobs.chain([(&image.digest, image.manifest.len())]);
    all.map(|(digest, bytes)| (digest.to_string(), bytes as u64))
        .collect()
}

/// Deletes a manifest for good.
#[track_caller]
pub(crate) fn delete_manifest(client: &Client, name: &str, image: &Image) {
    delete_digest(client, name, &image.digest);
}

/// The same by its digest.
#[track_caller]
pub(crate) fn delete_digest(client: &Client, name: &str, digest: &larder_model::Digest) {
    let (repo, _) = name.split_once('/').expect("a repository");
    let policy = format!("/api/v1/repositories/oci/{repo}/retention");
    let json = [("content-type", "application/json")];
    client
        .send("PUT", &policy, &json, br#"{"trash":"0s"}"#)
        .expect(200);
    let path = format!("/v2/{name}/manifests/{digest}");
    client.send("DELETE", &path, &[], b"").expect(202);
}

/// What the API tells of a blob.
#[track_caller]
pub(crate) fn explain(larder: &Larder, digest: &impl std::fmt::Display) -> Value {
    larder.api("GET", &format!("blobs/{digest}"), "", 200)
}

/// What keeps a blob, as people know it: place and reference.
pub(crate) fn holders(told: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let holders = told["held_by"].as_array().expect("holders").iter();
    let place = |it: &Value| format!("{}/{}", text(&it["repository"]), text(&it["package"]));
    holders
        .map(|it| (place(it), text(&it["reference"])))
        .collect()
}
