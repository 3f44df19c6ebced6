//! Other databases and stores, several servers, runs that are cancelled.

use crate::bed::{
    AT_ONCE, LARGE, all_of, collect, delete_manifest, end, explain, large_of, objects_in, quiet,
    run, start,
};
use larder_tests::random::Random;
use larder_tests::{Bucket, Image, Larder, Postgres};
use serde_json::json;
use std::path::Path;

/// What is pushed, shared and deleted goes as it should; `objects`: where they lie.
fn frees(larder: &Larder, objects: &Path) {
    let admin = larder.admin();
    let mut random = Random::seeded();
    let gone = Image::random(&mut random, &[10, LARGE, 2 * LARGE]);
    let stays = Image::of(
        b"{\"architecture\":\"arm64\",\"os\":\"linux\"}".to_vec(),
        vec![random.bytes(LARGE), gone.blobs[3].1.clone()],
        &json!({}),
    );
    gone.push(&admin, "team/app", "v1");
    stays.push(&admin, "team/app", "v2");
    assert_eq!(collect(larder).count("deleted"), 0);
    delete_manifest(&admin, "team/app", &gone);
    let reclaimable = larder.api("GET", "gc", "", 200)["reclaimable_bytes"].clone();
    let did = collect(larder);
    assert_eq!(reclaimable, did.count("bytes_freed"));
    let mut expected = all_of(&gone);
    expected.retain(|blob| !all_of(&stays).contains(blob));
    assert_eq!(did.deleted(), expected);
    assert_eq!(objects_in(objects), large_of(&[&stays]));
    stays.check(&admin, "team/app", "v2");
    let told = explain(larder, &stays.blobs[1].0);
    assert_eq!(told["held_by"][0]["reference"], "v2");
    assert_eq!(collect(larder).count("deleted"), 0);
    // What comes again is a new object.
    gone.push(&admin, "team/app", "v1");
    gone.check(&admin, "team/app", "v1");
    assert_eq!(objects_in(objects), large_of(&[&gone, &stays]));
}

#[test]
fn names_in_postgres() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("gc");
    let larder = quiet(start().with("LARDER_DATABASE__URL", &url).start());
    frees(&larder, &larder.data().join("storage/blobs"));
}

#[test]
fn blobs_in_s3() {
    let Some(s3) = Bucket::s3_files() else { return };
    let larder = quiet(s3.holds_blobs_of(start()).start());
    frees(&larder, &s3.objects().join("blobs"));
}

#[test]
fn names_in_postgres_and_blobs_in_s3_of_two_servers() {
    let (Some(postgres), Some(s3)) = (Postgres::start(), Bucket::s3_files()) else {
        return;
    };
    let url = postgres.database("gc");
    let start = || s3.holds_blobs_of(postgres.names_of(start(), &url));
    let one = quiet(start().start());
    // A server learns of what another one makes within a moment, or as it starts.
    let team = r#"{"protocol":"oci","name":"team"}"#;
    one.api("POST", "repositories", team, 201);
    let servers = [one, quiet(start().start())];
    frees(&servers[0], &s3.objects().join("blobs"));
    // Whichever server does it: it is done once, and both know of it.
    let image = Image::random(&mut Random::seeded(), &[7 * LARGE]);
    image.push(&servers[0].admin(), "team/once", "v1");
    delete_manifest(&servers[1].admin(), "team/once", &image);
    let asked = [&servers[0], &servers[1]].map(|server| {
        let job = server.api("POST", "gc/runs", AT_ONCE, 202);
        job["id"].as_str().expect("id").to_owned()
    });
    let runs = asked.map(|id| end(&servers[1], &id));
    let deleted = runs.each_ref().map(|job| job["result"]["deleted"].as_u64());
    assert_eq!(deleted, [Some(3), Some(0)], "{runs:?}");
    for server in &servers {
        let path = format!("/v2/team/once/blobs/{}", image.blobs[1].0);
        server.admin().get(&path).expect(404);
        assert_eq!(server.api("GET", "gc", "", 200)["reclaimable_bytes"], 0);
    }
}

#[test]
fn a_cancelled_run_frees_nothing_more() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("gc");
    let larder = quiet(start().with("LARDER_DATABASE__URL", &url).start());
    let image = Image::random(&mut Random::seeded(), &[LARGE]);
    image.push(&larder.admin(), "team/app", "v1");
    let first = run(&larder, "{}");
    let first = first.job["id"].as_str().expect("id");
    delete_manifest(&larder.admin(), "team/app", &image);
    // As if another server were at a run.
    let hold = format!(
        "update jobs set state = 'running', held_until = 9000000000000000 where id = {first}"
    );
    postgres.tell("gc", &hold);
    let ask = || {
        let job = larder.api("POST", "gc/runs", AT_ONCE, 202);
        assert_eq!(job["state"], "queued");
        job["id"].as_str().expect("id").to_owned()
    };
    let (waits, runs) = (ask(), ask());
    let cancelled = larder.api("POST", &format!("jobs/{waits}/cancel"), "", 200);
    assert_eq!(cancelled["state"], "cancelled");
    // As if this one were cancelled the moment it began.
    postgres.tell(
        "gc",
        &format!("update jobs set cancelled = 1 where id = {runs}"),
    );
    let release = format!("update jobs set state = 'succeeded', held_until = 0 where id = {first}");
    postgres.tell("gc", &release);
    let job = end(&larder, &runs);
    assert_eq!(
        (&job["state"], &job["result"]["deleted"]),
        (&json!("cancelled"), &json!(0))
    );
    let folder = larder.data().join("storage/blobs");
    assert_eq!(objects_in(&folder), large_of(&[&image]));
    assert_eq!(collect(&larder).deleted(), all_of(&image));
    assert!(objects_in(&folder).is_empty());
}
