//! Runs of the collector that a setting asks for, whatever the schedules say.

use crate::bed::{LARGE, objects, quiet, start};
use larder_tests::image::push_blob;
use larder_tests::random::Random;
use larder_tests::{Image, Larder, Shelf, Upstream};
use serde_json::json;
use std::time::{Duration, Instant};

/// Some runs have ended by then.
const DEADLINE: Duration = Duration::from_mins(1);

/// Waits until so many objects are left at most.
#[track_caller]
fn await_objects(larder: &Larder, most: usize) {
    let begun = Instant::now();
    while objects(larder).len() > most {
        assert!(begun.elapsed() < DEADLINE, "{:?}", objects(larder));
        std::thread::yield_now();
    }
}

#[test]
fn what_is_deleted_is_freed_without_a_schedule() {
    let start = start().with("LARDER_GC__EVERY", "1s");
    let larder = quiet(start.with("LARDER_GC__GRACE", "1s").start());
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[LARGE]);
    let (digest, bytes) = &image.blobs[1];
    push_blob(&admin, "team/app", digest, bytes).expect(201);
    assert_eq!(objects(&larder).len(), 1);
    let blob = format!("/v2/team/app/blobs/{digest}");
    admin.send("DELETE", &blob, &[], b"").expect(202);
    await_objects(&larder, 0);
    let told = larder.api("GET", "gc", "", 200);
    assert!(told["next_at"].is_string(), "{told}");
    let last = &told["last"];
    assert_eq!(
        (&last["kind"], &last["by"]),
        (&json!("gc"), &json!("larder"))
    );
}

#[test]
fn mirrors_come_back_to_their_size_without_a_schedule() {
    let upstream = Upstream::start();
    let start = start()
        .with("LARDER_GC__EVERY", "1s")
        .with("LARDER_GC__GRACE", "1s")
        .with("LARDER_CACHE__SIZE", "350KB");
    let larder = quiet(start.start());
    let mut shelf = Shelf::new("npm", &upstream);
    let mut random = Random::seeded();
    let versions = ["1.0.0", "2.0.0", "3.0.0"];
    for version in versions {
        shelf.put(&upstream, version, &random.bytes(200_000));
    }
    let mirror = json!({"protocol": "npm", "name": "up", "kind": "mirror",
        "upstream": {"url": shelf.url(&upstream), "allow_private": true}});
    larder.api("POST", "repositories", &mirror.to_string(), 201);
    for version in versions {
        let path = shelf.artifact_here(version);
        larder.admin().get(&path).expect(200);
    }
    await_objects(&larder, 1);
}
