//! What a client was told of a blob holds for a while, however short the grace is.

use crate::bed::{Clock, LARGE, objects, run, start};
use larder_tests::image::{digest, push_blob};
use larder_tests::random::Random;
use larder_tests::{Client, Image};

fn head(client: &Client, name: &str, digest: &larder_model::Digest, status: u16) {
    let path = format!("/v2/{name}/blobs/{digest}");
    client.send("HEAD", &path, &[], b"").expect(status);
}

/// Two runs: the first condemns, the second deletes.
fn look_twice(clock: &mut Clock) -> u64 {
    let mut deleted = run(&clock.larder, "{}").count("deleted");
    clock.turn(1);
    deleted += run(&clock.larder, "{}").count("deleted");
    deleted
}

#[test]
fn who_is_told_that_a_blob_is_there_may_rely_on_it() {
    let start = start()
        .with("LARDER_GC__GRACE", "1ms")
        .with("LARDER_GC__LEASE", "1h");
    let mut clock = Clock::of(start);
    let admin = clock.larder.admin();
    let mut random = Random::seeded();
    let [told, untold] = [(); 2].map(|()| random.bytes(LARGE));
    for bytes in [&told, &untold] {
        push_blob(&admin, "team/app", &digest(bytes), bytes).expect(201);
    }
    // To have uploaded them was a promise too.
    let did = run(&clock.larder, "{}");
    assert_eq!(did.count("unlinked"), 0, "{did:?}");
    for _ in 0..4 {
        clock.turn(40);
        head(&admin, "team/app", &digest(&told), 200);
    }
    clock.turn(10);
    assert_eq!(look_twice(&mut clock), 1);
    assert_eq!(objects(&clock.larder), [digest(&told).to_string()].into());
    head(&admin, "team/app", &digest(&untold), 404);
    // The client names what it was told of.
    let config = br#"{"architecture":"amd64","os":"linux"}"#.to_vec();
    let image = Image::of(config, vec![told], &serde_json::json!({}));
    let (config, bytes) = &image.blobs[0];
    push_blob(&admin, "team/app", config, bytes).expect(201);
    let manifest = larder_tests::image::MANIFEST;
    larder_tests::image::put_manifest(&admin, "team/app", "v1", manifest, &image.manifest)
        .expect(201);
    clock.turn(24 * 60);
    assert_eq!(look_twice(&mut clock), 0);
    image.check(&admin, "team/app", "v1");
}

#[test]
fn a_promise_ends_with_its_time() {
    let start = start()
        .with("LARDER_GC__GRACE", "1ms")
        .with("LARDER_GC__LEASE", "1h");
    let mut clock = Clock::of(start);
    let admin = clock.larder.admin();
    let bytes = Random::seeded().bytes(LARGE);
    push_blob(&admin, "team/app", &digest(&bytes), &bytes).expect(201);
    clock.turn(50);
    head(&admin, "team/app", &digest(&bytes), 200);
    clock.turn(59);
    let did = run(&clock.larder, "{}");
    assert_eq!(did.count("unlinked"), 0, "{did:?}");
    assert_eq!(objects(&clock.larder).len(), 1);
    clock.turn(70);
    assert_eq!(look_twice(&mut clock), 1);
    head(&admin, "team/app", &digest(&bytes), 404);
    assert!(objects(&clock.larder).is_empty());
}
