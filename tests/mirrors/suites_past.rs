//! Suites of Debian archives as they were.

use crate::bed::Bed;
use larder_tests::debs::{Archive, Deb, Keys};
use serde_json::json;

const LIST: &str = "dists/stable/InRelease";
const PACKAGES: &str = "dists/stable/main/binary-amd64/Packages.gz";
const DAY: u64 = 86_400;

/// The day that the server believes in.
fn today(bed: &Bed, version: &str) -> String {
    let body = json!({"protocol": "deb", "name": format!("at-{version}"), "kind": "hosted"});
    let made = bed
        .larder
        .api("POST", "repositories", &body.to_string(), 201);
    made["created_at"].as_str().expect("time")[..10].to_owned()
}

#[test]
fn a_mirror_is_read_as_it_was_at_the_end_of_a_day() {
    let bed = Bed::new();
    let Some(keys) = Keys::make(&bed.larder.folder().join("keys"), "never") else {
        return;
    };
    let mut archive = Archive::new(&bed.upstream);
    let body = json!({"protocol": "deb", "name": "up", "kind": "mirror",
        "upstream": {"url": archive.url(), "allow_private": true}});
    bed.larder
        .api("POST", "repositories", &body.to_string(), 201);
    // Three states, two days apart.
    let mut states = Vec::new();
    for version in ["1.0", "2.0", "3.0"] {
        archive.date = format!("Thu, 0{} Jan 2026 00:00:00 UTC", &version[..1]);
        let deb = Deb::new("demo", version);
        archive.put("stable", std::slice::from_ref(&deb), &keys);
        let mut one = Vec::new();
        for path in [LIST, PACKAGES, &deb.path()] {
            let there = bed.upstream.body(&format!("/debian/{path}"));
            bed.right(&format!("/deb/up/{path}"), &there);
            one.push((path.to_owned(), there));
        }
        states.push((today(&bed, version), one));
        bed.turn(2 * DAY);
    }
    bed.upstream.go();
    for (day, state) in &states {
        for (path, bytes) in state {
            let view = format!("/deb/up@{day}/{path}");
            bed.right(&view, bytes);
        }
    }
    let (first, _) = &states[0];
    let told = bed
        .get(&format!("/deb/up@2020-01-01/{LIST}"))
        .expect(404)
        .text();
    assert!(told.contains("no state"), "{told}");
    bed.get(&format!("/deb/up@{first}/dists/testing/InRelease"))
        .expect(404);
    // What is published is not read so, nor is anything published.
    let told = bed
        .get(&format!("/deb/local@{first}/{LIST}"))
        .expect(405)
        .text();
    assert!(told.contains("deb/local"), "{told}");
    let path = format!("/deb/local@{first}/pool/stable/main/demo_1.0_all.deb");
    bed.larder.admin().send("PUT", &path, &[], b"x").expect(405);
    bed.upstream.come_back();
}
