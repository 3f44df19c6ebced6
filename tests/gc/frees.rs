//! What nothing names any more goes, all of it and nothing else.

use crate::bed::{
    AT_ONCE, Clock, LARGE, all_of, collect, delete_manifest, explain, holders, larder, large_of,
    objects, run, start,
};
use larder_tests::Image;
use larder_tests::image::push_blob;
use larder_tests::random::Random;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const HOUR: u64 = 60;

/// An image of its own layers and some of another.
fn sharing(random: &mut Random, other: &Image) -> Image {
    let shared = other.blobs.last().expect("a layer").1.clone();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","seed":{}}}"#,
        random.number()
    );
    Image::of(
        config.into_bytes(),
        vec![random.bytes(LARGE), shared],
        &json!({}),
    )
}

fn without(all: &BTreeSet<(String, u64)>, kept: &[&Image]) -> BTreeSet<(String, u64)> {
    let kept: BTreeSet<_> = kept.iter().flat_map(|image| all_of(image)).collect();
    all.difference(&kept).cloned().collect()
}

#[test]
fn a_deleted_image_goes_but_for_what_others_share() {
    let larder = larder();
    let admin = larder.admin();
    let mut random = Random::seeded();
    let gone = Image::random(&mut random, &[10, LARGE, LARGE + 1, 2 * LARGE]);
    let shares = sharing(&mut random, &gone);
    let elsewhere = Image::of(
        b"{\"architecture\":\"arm64\",\"os\":\"linux\"}".to_vec(),
        vec![gone.blobs[3].1.clone()],
        &json!({}),
    );
    gone.push(&admin, "team/app", "v1");
    shares.push(&admin, "team/app", "v2");
    elsewhere.push(&admin, "other/app", "v1");
    // All of it is named: nothing goes.
    assert_eq!(collect(&larder).count("deleted"), 0);
    assert_eq!(objects(&larder), large_of(&[&gone, &shares, &elsewhere]));

    delete_manifest(&admin, "team/app", &gone);
    let did = collect(&larder);
    assert_eq!(
        did.deleted(),
        without(&all_of(&gone), &[&shares, &elsewhere])
    );
    assert_eq!(objects(&larder), large_of(&[&shares, &elsewhere]));
    shares.check(&admin, "team/app", "v2");
    elsewhere.check(&admin, "other/app", "v1");
    for (digest, _) in &gone.blobs[..3] {
        let path = format!("/v2/team/app/blobs/{digest}");
        assert_eq!(admin.get(&path).expect(404).code(), "BLOB_UNKNOWN");
        larder.api("GET", &format!("blobs/{digest}"), "", 404);
    }
    // There is nothing more to do, and nothing more waits.
    let again = collect(&larder);
    assert_eq!((again.count("deleted"), again.count("unlinked")), (0, 0));
    let status = larder.api("GET", "gc", "", 200);
    assert_eq!(
        (
            &status["reclaimable_bytes"],
            &status["queue"],
            &status["last"]["id"]
        ),
        (&json!(0), &json!(0), &again.job["id"])
    );
    // It comes back as it was.
    gone.push(&admin, "team/app", "v1");
    gone.check(&admin, "team/app", "v1");
    assert_eq!(collect(&larder).count("deleted"), 0);
    gone.check(&admin, "team/app", "v1");
}

#[test]
fn what_would_go_is_known_before() {
    let larder = larder();
    let image = Image::random(&mut Random::seeded(), &[LARGE, 10]);
    image.push(&larder.admin(), "team/app", "v1");
    assert_eq!(larder.api("GET", "gc", "", 200)["reclaimable_bytes"], 0);
    delete_manifest(&larder.admin(), "team/app", &image);
    let bytes: u64 = all_of(&image).iter().map(|(_, bytes)| bytes).sum();
    assert_eq!(larder.api("GET", "gc", "", 200)["reclaimable_bytes"], bytes);
    assert_eq!(collect(&larder).count("bytes_freed"), bytes);
    assert!(objects(&larder).is_empty());
}

/// By the waits of a new server something goes within days, and not before.
#[test]
fn what_nothing_names_waits_for_a_day_at_each_look() {
    let mut clock = Clock::of(start());
    let image = Image::random(&mut Random::seeded(), &[LARGE]);
    image.push(&clock.larder.admin(), "team/app", "v1");
    let abandoned = Random::seeded().bytes(LARGE + 7);
    let digest = larder_tests::image::digest(&abandoned);
    push_blob(&clock.larder.admin(), "team/app", &digest, &abandoned).expect(201);
    delete_manifest(&clock.larder.admin(), "team/app", &image);
    let mut all = large_of(&[&image]);
    all.insert(digest.to_string());
    let look = |clock: &Clock| {
        let told = run(&clock.larder, r#"{"dry_run":true}"#);
        let did = run(&clock.larder, "{}");
        let counts = |run: &crate::bed::Run| {
            ["deleted", "condemned", "bytes_freed"].map(|name| run.count(name))
        };
        assert_eq!(counts(&told), counts(&did), "{told:?} {did:?}");
        did
    };
    let did = look(&clock);
    assert_eq!((did.count("deleted"), did.count("unlinked")), (0, 0));
    clock.turn(23 * HOUR);
    assert_eq!(look(&clock).count("unlinked"), 0);
    assert_eq!(explain(&clock.larder, &digest)["state"], "kept");
    // A day after the last name it is condemned, and a day later it goes.
    clock.turn(2 * HOUR);
    let did = look(&clock);
    assert_eq!(
        (did.count("deleted"), did.count("condemned")),
        (0, 4),
        "{did:?}"
    );
    assert_eq!(objects(&clock.larder), all);
    let told = explain(&clock.larder, &digest);
    assert_eq!(
        (&told["state"], &told["held_by"]),
        (&json!("condemned"), &json!([]))
    );
    assert!(told["due_at"].is_string());
    clock.turn(23 * HOUR);
    assert_eq!(look(&clock).count("deleted"), 0);
    clock.turn(2 * HOUR);
    assert_eq!(look(&clock).count("deleted"), 4);
    assert!(objects(&clock.larder).is_empty());
}

/// What is condemned and comes back before it goes is kept, without its bytes.
#[test]
fn what_is_named_again_in_time_stays() {
    let mut clock = Clock::of(start());
    let image = Image::random(&mut Random::seeded(), &[LARGE]);
    image.push(&clock.larder.admin(), "team/app", "v1");
    delete_manifest(&clock.larder.admin(), "team/app", &image);
    clock.turn(25 * 60);
    assert_eq!(run(&clock.larder, "{}").count("condemned"), 3);
    image.push(&clock.larder.admin(), "team/app", "v1");
    assert_eq!(explain(&clock.larder, &image.digest)["state"], "kept");
    clock.turn(50 * 60);
    assert_eq!(run(&clock.larder, "{}").count("deleted"), 0);
    assert_eq!(run(&clock.larder, AT_ONCE).count("deleted"), 0);
    image.check(&clock.larder.admin(), "team/app", "v1");
}

#[test]
fn a_blob_tells_what_keeps_it_until_it_goes() {
    let larder = larder();
    let image = Image::random(&mut Random::seeded(), &[LARGE]);
    let layer = &image.blobs[1].0;
    image.push(&larder.admin(), "team/app", "v1");
    let told = explain(&larder, layer);
    assert_eq!(
        holders(&told),
        [("oci/team/app".to_owned(), "v1".to_owned())].into()
    );
    assert_eq!(
        (&told["state"], &told["size"], &told["due_at"]),
        (&json!("kept"), &json!(LARGE), &Value::Null)
    );
    delete_manifest(&larder.admin(), "team/app", &image);
    let told = explain(&larder, layer);
    assert_eq!(
        holders(&told),
        [("oci/team/app".to_owned(), layer.to_string())].into()
    );
    assert!(told["due_at"].is_string());
    collect(&larder);
    let path = format!("blobs/{layer}");
    assert_eq!(larder.api("GET", &path, "", 404)["code"], "blob_not_found");
}

#[test]
fn a_deleted_repository_leaves_nothing() {
    let larder = larder();
    let image = Image::random(&mut Random::seeded(), &[LARGE, 10]);
    image.push(&larder.admin(), "team/app", "v1");
    image.push(&larder.admin(), "other/app", "v1");
    larder.api("DELETE", "repositories/oci/team", "", 204);
    assert_eq!(collect(&larder).count("deleted"), 0);
    image.check(&larder.admin(), "other/app", "v1");
    larder.api("DELETE", "repositories/oci/other", "", 204);
    assert_eq!(collect(&larder).deleted(), all_of(&image));
    assert!(objects(&larder).is_empty());
}

#[test]
fn what_was_freed_is_measured() {
    let larder = larder();
    let image = Image::random(&mut Random::seeded(), &[LARGE]);
    image.push(&larder.admin(), "team/app", "v1");
    delete_manifest(&larder.admin(), "team/app", &image);
    let did = collect(&larder);
    let metrics = larder.admin().get("/metrics").expect(200).text();
    for (name, count) in [("blobs", "deleted"), ("bytes", "bytes_freed")] {
        let line = format!("larder_collected_{name}_total {}", did.count(count));
        assert!(metrics.lines().any(|told| told == line), "{line}");
    }
}
