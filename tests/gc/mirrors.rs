//! What mirrors hold goes by use and by budget, and comes again.

use crate::bed::{Clock, end, objects, quiet, run, start};
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::shelf::{ALL, artifact_at};
use larder_tests::{Client, Image, Larder, Shelf, Upstream};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A scheduled run has ended by then.
const DEADLINE: Duration = Duration::from_mins(1);
const VERSIONS: [&str; 3] = ["1.0.0", "2.0.0", "3.0.0"];
const SIZE: usize = 200_000;
const DAY: u64 = 24 * 60;

/// Reads something whole once it is kept.
#[track_caller]
fn fetch(client: &Client, path: &str, bytes: &[u8]) {
    // Whoever wants a part waits until it is kept.
    let part = client.take(path, &[("range", "bytes=0-9")]).expect(path);
    assert_eq!((part.0.status, part.1), (206, true), "{path}");
    let (whole, is_whole) = client.take(path, &[]).expect(path);
    assert_eq!((whole.status, is_whole), (200, true), "{path}");
    assert!(
        whole.body == artifact_at(path, bytes),
        "{path} has other bytes"
    );
}

/// Packages of each protocol in their versions, and mirrors of them.
fn shelves(
    larder: &Larder,
    upstream: &Upstream,
    random: &mut Random,
) -> Vec<(Shelf, Vec<Vec<u8>>)> {
    let shelf = |protocol: &'static str| {
        let mut shelf = Shelf::new(protocol, upstream);
        let bodies: Vec<Vec<u8>> = VERSIONS.iter().map(|_| random.bytes(SIZE)).collect();
        for (version, body) in VERSIONS.iter().zip(&bodies) {
            shelf.put(upstream, version, body);
        }
        let upstream = json!({"url": shelf.url(upstream), "allow_private": true});
        let mirror =
            json!({"protocol": protocol, "name": "up", "kind": "mirror", "upstream": upstream});
        larder.api("POST", "repositories", &mirror.to_string(), 201);
        (shelf, bodies)
    };
    ALL.into_iter().map(shelf).collect()
}

/// Fetches all versions of all packages, each with its index.
#[track_caller]
fn fetch_all(client: &Client, shelves: &[(Shelf, Vec<Vec<u8>>)]) {
    for (shelf, bodies) in shelves {
        client.get(&shelf.index_here()).expect(200);
        for (version, body) in VERSIONS.iter().zip(bodies) {
            fetch(client, &shelf.artifact_here(version), body);
        }
    }
}

/// A day passes, and the night's run of retention: its job.
#[track_caller]
fn night(clock: &mut Clock) -> Value {
    let newest = |larder: &Larder| {
        let jobs = larder.api("GET", "jobs?kind=retention&limit=1", "", 200);
        jobs["items"].get(0).cloned().unwrap_or_default()
    };
    let before = newest(&clock.larder);
    let nightly = r#"{"cron":"30 2 * * *","enabled":true}"#;
    clock.larder.api("PUT", "schedules/retention", nightly, 200);
    clock.turn(DAY);
    let begun = Instant::now();
    let job = loop {
        let job = newest(&clock.larder);
        if job["id"] != before["id"] {
            break end(&clock.larder, job["id"].as_str().expect("id"));
        }
        assert!(begun.elapsed() < DEADLINE, "no run begins");
        std::thread::yield_now();
    };
    assert_eq!(job["state"], "succeeded", "{job}");
    clock.larder.disable_schedules();
    job
}

#[test]
fn all_mirrors_keep_within_their_budget_and_nothing_is_lost() {
    let upstream = Upstream::start();
    let mut clock = Clock::of(start().with("LARDER_CACHE__SIZE", "1500KB"));
    clock.larder.grant("anonymous", "*", "*", "reader");
    let client = clock.larder.anonymous();
    let shelves = shelves(&clock.larder, &upstream, &mut Random::seeded());
    fetch_all(&client, &shelves);
    // What is read last stays.
    clock.turn(120);
    for (shelf, bodies) in &shelves {
        fetch(&client, &shelf.artifact_here("2.0.0"), &bodies[1]);
    }
    let job = night(&mut clock);
    // 3,600 KB come down to nine tenths of 1,500.
    assert_eq!(job["result"]["deleted"], 12, "{job}");
    let path = format!("jobs/{}/items", job["id"].as_str().expect("id"));
    let items = clock.larder.api("GET", &path, "", 200);
    for item in items["items"].as_array().expect("items") {
        let reason = item["reason"].as_str().expect("reason");
        assert!(
            reason.starts_with("over cache.size, 1500000 bytes"),
            "{item}"
        );
        let name = item["version"].as_str().unwrap_or_default();
        assert!(!name.contains("2.0.0"), "{item}");
    }
    // The bytes go at the next run, whatever its grace is.
    let freed = run(&clock.larder, "{}");
    assert_eq!(
        job["result"]["bytes"],
        freed.count("bytes_freed"),
        "{job} {freed:?}"
    );
    assert!(freed.count("bytes_freed") >= 12 * SIZE as u64, "{freed:?}");
    assert_eq!(objects(&clock.larder).len(), 6);
    let metrics = clock.larder.admin().get("/metrics").expect(200).text();
    let mut metrics = metrics.lines();
    let evicted = metrics.find_map(|line| line.strip_prefix("larder_evicted_total "));
    let told = items["items"]
        .as_array()
        .map(|items| items.len().to_string());
    assert_eq!(evicted, told.as_deref());
    upstream.take_asked();
    for (shelf, bodies) in &shelves {
        fetch(&client, &shelf.artifact_here("2.0.0"), &bodies[1]);
        assert_eq!(
            upstream.count(&shelf.artifact("2.0.0")),
            0,
            "{}",
            shelf.protocol
        );
    }
    // What went comes again.
    fetch_all(&client, &shelves);
    assert_eq!(objects(&clock.larder).len(), 18);
    // Offline it could not: then nothing goes.
    clock
        .larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    let job = night(&mut clock);
    assert_eq!(job["result"]["deleted"], 0, "{job}");
    fetch_all(&client, &shelves);
}

#[test]
fn images_that_nobody_pulls_go_with_what_they_alone_need() {
    let origin = quiet(start().start());
    let mut clock = Clock::of(start());
    let mut random = Random::seeded();
    let shared = random.bytes(SIZE);
    let image = |own: Vec<u8>| {
        let layers = vec![shared.clone(), own];
        Image::of(b"{}".to_vec(), layers, &json!({}))
    };
    let images = [image(random.bytes(SIZE + 1)), image(random.bytes(SIZE + 2))];
    let upstream = json!({
        "url": origin.url(), "username": "admin", "password": PASSWORD, "allow_private": true,
    });
    let mirror = json!({"protocol": "oci", "name": "up", "kind": "mirror", "upstream": upstream});
    let larder = &clock.larder;
    larder.api("POST", "repositories", &mirror.to_string(), 201);
    let admin = larder.admin();
    for (image, tag) in images.iter().zip(["old", "new"]) {
        image.push(&origin.admin(), "team/app", tag);
        image.check(&admin, "up/team/app", tag);
        for (digest, bytes) in &image.blobs {
            if bytes.len() > 10 {
                fetch(&admin, &format!("/v2/up/team/app/blobs/{digest}"), bytes);
            }
        }
    }
    clock.turn(2 * DAY);
    images[1].check(&admin, "up/team/app", "new");
    clock.turn(90);
    let larder = &clock.larder;
    let path = "repositories/oci/up/retention";
    larder.api("PUT", path, r#"{"unused_after":"1d"}"#, 200);
    // What was read within the last half minute may not be written down yet: a run does that.
    let preview = larder.api("POST", &format!("{path}/preview"), "", 200);
    let told = |action: &str| {
        let items = preview["items"].as_array().expect("items").iter();
        let items = items.filter(|item| item["action"] == action);
        items
            .map(|item| item["version"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (told("delete"), told("keep")),
        (vec![json!("old")], vec![json!("new")])
    );
    let reason = preview["items"][0]["reason"].as_str().expect("reason");
    assert!(reason.starts_with("unused since "), "{preview}");
    let body = json!({"preview": preview["id"]}).to_string();
    let job = larder.api("POST", &format!("{path}/runs"), &body, 202);
    let job = end(larder, job["id"].as_str().expect("id"));
    assert_eq!(
        (&job["state"], &job["result"]["deleted"]),
        (&json!("succeeded"), &json!(1))
    );
    let freed = run(larder, "{}");
    let alone = SIZE + 1 + images[0].manifest.len();
    assert_eq!(freed.count("bytes_freed"), alone as u64, "{freed:?}");
    assert_eq!(objects(larder).len(), 2);
    for (image, tag) in images.iter().zip(["old", "new"]) {
        image.check(&admin, "up/team/app", tag);
    }
}
