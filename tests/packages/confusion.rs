//! A name that is published here is never taken from a mirror: whatever version is there, however it is spelled, whoever
//! asks, and when the hosted repo has it no more.

use crate::larder;
use larder_tests::shelf::Shelf;
use larder_tests::upstream::Upstream;
use larder_tests::{Larder, Response};
use serde_json::json;

/// A tarball with the package.json of `demo` 1.0.0 alone.
pub(crate) const TARBALL: &str = "\
    H4sIAAAAAAACAytITM5OTE/VL4DQelnF+XkMVAYGQGBmYgKmgQCdNjBAyEHEDQ3NjEwYFAwY6ABKi0sSi4DWM4xMUK2Ul5ibqmSl\
    oJSSmpuvpKOgVJZaVJyZnwcSMtQz0DNQqmUYBaNgFIyCUTDsAAA5ZTgJAAgAAA==";

/// The group `main` over a mirror of an upstream that has `demo` in version 9.
pub(crate) fn with_upstream(larder: &Larder, protocol: &'static str) -> (Upstream, Shelf) {
    let upstream = Upstream::start();
    let mut shelf = Shelf::new(protocol, &upstream);
    shelf.put(&upstream, "9.0.0", b"what the world has");
    let body = json!({"upstream": {"url": shelf.url(&upstream), "allow_private": true}});
    larder.api("PATCH", &format!("repositories/{protocol}/upstream"), &body.to_string(), 200);
    (upstream, shelf)
}

pub(crate) fn publish_npm(larder: &Larder) -> Response {
    let body = json!({
        "_id": "demo", "name": "demo", "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {"name": "demo", "version": "1.0.0", "dist": {}}},
        "_attachments": {"demo-1.0.0.tgz": {"content_type": "application/octet-stream", "data": TARBALL, "length": 121}},
    });
    larder.admin().send("PUT", "/npm/main/demo", &[("content-type", "application/json")], body.to_string().as_bytes())
}

/// A crate without anything but its manifest.
pub(crate) fn publish_cargo(larder: &Larder, name: &str) -> Response {
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\n");
    let path = format!("{name}-1.0.0/Cargo.toml");
    let mut header = [0_u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", manifest.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = header.to_vec();
    archive.extend(manifest.as_bytes());
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    let packed = larder_tests::shelf::gzip(&archive);
    let words = json!({"name": name, "vers": "1.0.0", "deps": [], "features": {}}).to_string();
    let length = |count: usize| u32::try_from(count).expect("small").to_le_bytes();
    let body = [&length(words.len())[..], words.as_bytes(), &length(packed.len()), &packed].concat();
    larder.admin().send("PUT", "/cargo/main/api/v1/crates/new", &[], &body)
}

#[test]
fn a_published_crate_hides_the_worlds() {
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "cargo");
    let index = "/cargo/main/de/mo/demo";
    assert!(larder.anonymous().get(index).expect(200).text().contains("9.0.0"), "as long as nothing is published");
    publish_cargo(&larder, "DEMO").expect(200);
    let told = larder.admin().get(index).expect(200).text();
    assert!(told.contains("1.0.0") && !told.contains("9.0.0"), "{told}");
    let asked = upstream.total();
    // Nobody who may not read it is given the other instead, not even its bytes.
    larder.anonymous().get(index).expect(401);
    for version in ["1.0.0", "9.0.0"] {
        larder.anonymous().get(&format!("/cargo/main/api/v1/crates/demo/{version}/download")).expect(401);
    }
    larder.admin().get("/cargo/main/api/v1/crates/demo/9.0.0/download").expect(404);
    larder.admin().get("/cargo/main/api/v1/crates/Demo/1.0.0/download").expect(200);
    assert_eq!(upstream.total(), asked, "the upstream is not even asked");
    larder.anonymous().get("/cargo/upstream/de/mo/demo").expect(200);
}

#[test]
fn spellings_of_one_crate_are_one_name() {
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "cargo");
    publish_cargo(&larder, "left-pad").expect(200);
    let line = json!({"name": "left_pad", "vers": "9.0.0", "deps": [], "cksum": "00", "features": {}, "yanked": false});
    upstream.put("/cargo/le/ft/left_pad", format!("{line}\n"));
    larder.admin().get("/cargo/main/le/ft/left_pad").expect(404);
    larder.admin().get("/cargo/main/le/ft/left-pad").expect(200);
    assert_eq!(upstream.count("/cargo/le/ft/left_pad"), 0);
    let told = publish_cargo(&larder, "left_pad").expect(409).text();
    assert!(told.contains("published as `left-pad`"), "{told}");
}

#[test]
fn a_published_npm_package_hides_the_worlds_even_when_it_is_gone() {
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "npm");
    assert!(larder.anonymous().get("/npm/main/demo").expect(200).text().contains("9.0.0"));
    let answer = publish_npm(&larder);
    assert!([200, 201].contains(&answer.status), "{} {}", answer.status, answer.text());
    for spelling in ["demo", "%64emo"] {
        let told = larder.admin().get(&format!("/npm/main/{spelling}")).expect(200).text();
        assert!(told.contains("1.0.0") && !told.contains("9.0.0"), "{told}");
        larder.anonymous().get(&format!("/npm/main/{spelling}")).expect(401);
    }
    larder.admin().get("/npm/main/demo/-/demo-9.0.0.tgz").expect(404);
    let packument = larder.admin().get("/npm/main/demo?write=true").expect(200).json();
    let rev = packument["_rev"].as_str().expect("rev");
    larder.admin().send("DELETE", &format!("/npm/main/demo/-rev/{rev}"), &[], b"").expect(200);
    let asked = upstream.total();
    larder.admin().get("/npm/main/demo").expect(404);
    assert_eq!(upstream.total(), asked, "a name that was published stays ours");
}
