//! A real engine's images: 50 versions that share layers, a rule that keeps five, and what is on
//! the disk then.

use crate::bed::{collect, end, larder, objects};
use larder_tests::archive::tar;
use larder_tests::engine::{Docker, WORD, program};
use larder_tests::image::digest;
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::{Larder, run};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const VERSIONS: usize = 50;
const KEPT: usize = 5;
/// Ten versions share a layer, and all share the first.
const SHARED: usize = 10;

fn tag(version: usize) -> String {
    format!("v{version:02}")
}

/// The layers that a version is made of, as tar archives.
struct Layers {
    base: Vec<u8>,
    shared: Vec<Vec<u8>>,
    own: Vec<Vec<u8>>,
}

impl Layers {
    fn new(program: &[u8], random: &mut Random) -> Self {
        let mut layer = |name: &str, size| tar(&[(name, &random.bytes(size))]);
        Self {
            shared: (0..VERSIONS / SHARED)
                .map(|_| layer("lib", 400_000))
                .collect(),
            own: (0..VERSIONS).map(|_| layer("app", 150_000)).collect(),
            base: tar(&[("hello", program)]),
        }
    }

    fn of(&self, version: usize) -> [&[u8]; 3] {
        [
            &self.base,
            &self.shared[version / SHARED],
            &self.own[version],
        ]
    }

    /// What `docker load` reads: these versions, each layer once.
    fn archive(&self, name: &str, versions: std::ops::Range<usize>) -> Vec<u8> {
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut manifest = Vec::new();
        for version in versions {
            let layers = self.of(version).map(|layer| {
                let path = format!("{}.tar", digest(layer).hex());
                files.entry(path.clone()).or_insert_with(|| layer.to_vec());
                (path, digest(layer).to_string())
            });
            let config = json!({"architecture": "amd64", "os": "linux",
                "config": {"Entrypoint": ["/hello"], "Labels": {"version": tag(version)}},
                "rootfs": {"type": "layers", "diff_ids": layers.each_ref().map(|it| &it.1)}});
            let config = config.to_string().into_bytes();
            let path = format!("{}.json", digest(&config).hex());
            manifest.push(
                json!({"Config": path, "RepoTags": [format!("{name}:{}", tag(version))],
                "Layers": layers.each_ref().map(|it| &it.0)}),
            );
            files.insert(path, config);
        }
        files.insert("manifest.json".into(), json!(manifest).to_string().into());
        let files: Vec<_> = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), &bytes[..]))
            .collect();
        tar(&files)
    }
}

/// Digests and sizes of all that the tags of an image need and that is larger than what lives in
/// the database.
fn needed(larder: &Larder, image: &str, tags: &[String]) -> BTreeMap<String, u64> {
    let mut needed = BTreeMap::new();
    for tag in tags {
        let accept = [(
            "accept",
            "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json",
        )];
        let path = format!("/v2/{image}/manifests/{tag}");
        let manifest = larder
            .admin()
            .send("GET", &path, &accept, b"")
            .expect(200)
            .json();
        let layers = manifest["layers"].as_array().expect("layers");
        for blob in layers.iter().chain([&manifest["config"]]) {
            let size = blob["size"].as_u64().expect("size");
            if size > 64 * 1024 {
                needed.insert(blob["digest"].as_str().expect("digest").to_owned(), size);
            }
        }
    }
    needed
}

/// Bytes of all files below a folder, as `du` counts them.
fn du(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("folder");
    let bytes = entries.map(|entry| {
        let entry = entry.expect("entry");
        let about = entry.metadata().expect("metadata");
        if about.is_dir() {
            du(&entry.path())
        } else {
            about.len()
        }
    });
    bytes.sum()
}

fn tags(larder: &Larder, image: &str) -> Vec<String> {
    let list = larder
        .admin()
        .get(&format!("/v2/{image}/tags/list"))
        .expect(200)
        .json();
    let tags = list["tags"].as_array().expect("tags");
    tags.iter()
        .map(|it| it.as_str().expect("tag").to_owned())
        .collect()
}

#[test]
fn of_fifty_versions_five_are_left_and_run() {
    let Some(engine) = Docker::start() else {
        return;
    };
    let home = tempfile::tempdir().expect("temporary folder");
    let Some(hello) = program(home.path()) else {
        return;
    };
    let larder = larder();
    let docker = |words: &[&str]| run(engine.command(home.path()).args(words));
    docker(&["login", "-u", "admin", "-p", PASSWORD, larder.host()]);
    let layers = Layers::new(
        &std::fs::read(hello).expect("program"),
        &mut Random::seeded(),
    );
    let name = format!("{}/team/app", larder.host());
    // The last are pushed after all others, one by one.
    let first = VERSIONS - KEPT;
    let archive = home.path().join("images.tar");
    let load = |versions| {
        std::fs::write(&archive, layers.archive(&name, versions)).expect("archive");
        docker(&["load", "-i", archive.to_str().expect("path")]);
    };
    load(0..first);
    docker(&["push", "--all-tags", &name]);
    load(first..VERSIONS);
    let last: Vec<String> = (first..VERSIONS).map(tag).collect();
    for tag in &last {
        docker(&["push", &format!("{name}:{tag}")]);
    }
    assert_eq!(tags(&larder, "team/app").len(), VERSIONS);
    let blobs = larder.data().join("storage/blobs");
    let before = du(&blobs);

    let policy = json!({"rules": [{"packages": "*", "versions": "*", "keep": {"newest": KEPT}}], "trash": "0s"});
    larder.api(
        "PUT",
        "repositories/oci/team/retention",
        &policy.to_string(),
        200,
    );
    let preview = larder.api("POST", "repositories/oci/team/retention/preview", "", 200);
    assert_eq!(
        (&preview["keep"], &preview["delete"]),
        (&json!(KEPT), &json!(first))
    );
    let asked = json!({"preview": preview["id"]}).to_string();
    let job = larder.api("POST", "repositories/oci/team/retention/runs", &asked, 202);
    let ended: Value = end(&larder, job["id"].as_str().expect("id"));
    assert_eq!(ended["state"], "succeeded", "{ended}");
    assert_eq!(tags(&larder, "team/app"), last);

    let freed = collect(&larder).count("bytes_freed");
    let needed = needed(&larder, "team/app", &last);
    assert_eq!(
        objects(&larder),
        needed.keys().cloned().collect::<BTreeSet<_>>()
    );
    let after = du(&blobs);
    assert_eq!(after, needed.values().sum::<u64>());
    assert!(
        freed >= before - after,
        "{freed} freed, {before} before, {after} after"
    );

    docker(&["image", "prune", "--all", "--force"]);
    assert_eq!(docker(&["image", "ls", "--quiet"]), "");
    for tag in &last {
        let image = format!("{name}:{tag}");
        let said = docker(&["run", "--rm", "--network", "none", &image]);
        assert!(said.contains(WORD), "{said}");
    }
}
