//! Whether all that a server has can be pulled, and is in one state.

use crate::load::{PAIR, WRITERS};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::{Algorithm, Digest};
use larder_tests::image::digest;
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder};
use serde_json::Value;

/// What was read.
#[derive(Default, Debug)]
pub(crate) struct Read {
    pub(crate) manifests: u64,
    pub(crate) blobs: u64,
    pub(crate) tarballs: u64,
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The blobs that a manifest names.
fn blobs(manifest: &Value) -> Vec<String> {
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let all = std::iter::once(&manifest["config"]).chain(layers);
    all.filter_map(|blob| blob["digest"].as_str().map(str::to_owned))
        .collect()
}

/// Pulls every tag of every image, with all its blobs.
fn pull_images(client: &Client, read: &mut Read) {
    let catalog = client.get("/v2/_catalog?n=1000").expect(200).json();
    for name in texts(&catalog["repositories"]) {
        let tags = client
            .get(&format!("/v2/{name}/tags/list?n=1000"))
            .expect(200);
        for tag in texts(&tags.json()["tags"]) {
            let manifest = client
                .get(&format!("/v2/{name}/manifests/{tag}"))
                .expect(200);
            let told = manifest.header("docker-content-digest").expect("digest");
            assert_eq!(digest(&manifest.body).to_string(), told, "{name}:{tag}");
            read.manifests += 1;
            for blob in blobs(&manifest.json()) {
                let answer = client.get(&format!("/v2/{name}/blobs/{blob}")).expect(200);
                assert_eq!(digest(&answer.body).to_string(), blob, "{name}:{tag}");
                read.blobs += 1;
            }
        }
    }
}

/// Installs every version of every writer's package.
fn pull_packages(client: &Client, read: &mut Read) {
    for writer in 0..WRITERS {
        let packument = client.get(&format!("/npm/local/load-w{writer}"));
        if packument.status == 404 {
            continue; // it had published nothing yet
        }
        let packument = packument.expect(200).json();
        for version in packument["versions"]
            .as_object()
            .expect("versions")
            .values()
        {
            let url = version["dist"]["tarball"].as_str().expect("address");
            let at = url.find("/npm/").expect("path");
            let tarball = client.get(&url[at..]).expect(200).body;
            let sum = Digest::of(Algorithm::Sha512, &tarball);
            let told = format!("sha512-{}", STANDARD.encode(sum.bytes()));
            assert_eq!(version["dist"]["integrity"].as_str(), Some(&*told));
            read.tarballs += 1;
        }
    }
}

/// The number that an image tells.
fn number(client: &Client, name: &str) -> u64 {
    let manifest = client.get(&format!("/v2/{name}/manifests/current"));
    if manifest.status == 404 {
        return 0;
    }
    let manifest = manifest.expect(200).json();
    let number = manifest["annotations"]["number"].as_str().expect("number");
    number.parse().expect("number")
}

/// Each writer pushed the second of its images after the first, and the next first after the second.
fn is_one_state(client: &Client) {
    for writer in 0..WRITERS {
        let [first, second] = PAIR.map(|side| number(client, &format!("team/w{writer}-{side}")));
        let told = format!("writer {writer}: {first} and {second}");
        assert!(first == second || first == second + 1, "{told}");
    }
}

/// Reads all that a server has; the trail holds, and it takes more.
#[track_caller]
pub(crate) fn check(larder: &Larder) -> Read {
    let (client, mut read) = (larder.admin(), Read::default());
    pull_images(&client, &mut read);
    pull_packages(&client, &mut read);
    is_one_state(&client);
    let report = larder.api("GET", "audit/verify", "", 200);
    assert_eq!(report["ok"], true, "{report}");
    let image = Image::random(&mut Random::new(7), &[10, 300_000]);
    image.push(&client, "team/after", "v1");
    image.check(&client, "team/after", "v1");
    read
}
