//! Writers push, mount, tag, delete and publish, readers pull and install, and the collector runs
//! without pause and with next to no wait: no client ever misses anything, and at the end the store
//! holds what is named and nothing else.
//!
//! A round takes 20 seconds; with `LARDER_TEST_LONG=1`, as a release is tested, 20 minutes.

#![expect(clippy::print_stdout, reason = "what a run was like")]

mod reader;
mod shared;
mod writer;

use larder_tests::parcel::JSON;
use larder_tests::random::Random;
use larder_tests::tools::is_long;
use larder_tests::{Bucket, Client, Larder, Lossy, Postgres, Start};
use serde_json::{Value, json};
use shared::{LEASE, NEWEST, Servers, Shared};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

const WRITERS: usize = 16;
const READERS: usize = 32;
/// Blobs up to this size live in the database.
const INLINE: u64 = 64 * 1024;

fn length() -> Duration {
    Duration::from_secs(if is_long() { 20 * 60 } else { 20 })
}

fn larder() -> Start {
    Start::of(env!("CARGO_BIN_EXE_larder"))
        .with("LARDER_GC__GRACE", "1ms")
        .with("LARDER_GC__LEASE", &format!("{}s", LEASE.as_secs()))
        .with("LARDER_SERVER__LIMITS__API_REQUESTS_PER_SECOND", "0")
}

/// What is deleted can be collected at once, where writers delete.
fn without_trash(larder: &Larder) {
    for name in ["team", "ruled"] {
        let repo = json!({"protocol": "oci", "name": name}).to_string();
        larder.api("POST", "repositories", &repo, 201);
    }
    for repo in ["oci/team", "npm/local", "cargo/local", "pypi/local"] {
        let path = format!("repositories/{repo}/retention");
        larder.api("PUT", &path, r#"{"trash":"0s"}"#, 200);
    }
    let newest = json!({"rules": [{"keep": {"newest": NEWEST}}], "trash": "0s"}).to_string();
    larder.api("PUT", "repositories/oci/ruled/retention", &newest, 200);
}

/// A run of the collector, to its end: its result.
fn collect(client: &Client, body: &Value) -> Option<Value> {
    run(client, "gc/runs", body)
}

/// What the rules let go now, to the end of the run. Another preview is made where more was pushed
/// meanwhile than it may be wrong by.
fn retain(client: &Client) -> Option<Value> {
    let preview = "/api/v1/repositories/oci/ruled/retention/preview";
    let preview = client
        .try_send("POST", preview, &JSON, b"")
        .ok()?
        .expect(200)
        .json();
    let body = json!({"preview": preview["id"]}).to_string();
    let path = "/api/v1/repositories/oci/ruled/retention/runs";
    let answer = client.try_send("POST", path, &JSON, body.as_bytes()).ok()?;
    if answer.status == 409 {
        return None;
    }
    ended(client, &answer.expect(202).json())
}

/// Lets rules go once more where nobody pushes any more, so that what is left is little.
fn let_go_to_the_end(client: &Client) {
    assert!(retain(client).is_some(), "a preview of what stands still");
}

/// A job that is asked for with these words, to its end: its result; `None`: the server ended.
fn run(client: &Client, path: &str, body: &Value) -> Option<Value> {
    let path = format!("/api/v1/{path}");
    let text = body.to_string();
    let job = client.try_send("POST", &path, &JSON, text.as_bytes());
    ended(client, &job.ok()?.expect(202).json())
}

fn ended(client: &Client, job: &Value) -> Option<Value> {
    let path = format!("/api/v1/jobs/{}/events", job["id"].as_str()?);
    let (events, _) = client.take(&path, &[]).ok()?;
    let text = events.text();
    let last = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .next_back()?;
    let job: Value = serde_json::from_str(last).ok()?;
    match job["state"].as_str()? {
        "succeeded" => Some(job["result"].clone()),
        "queued" | "running" => None, // the server ended in between
        other => panic!("a job {other}: {job}"),
    }
}

/// Runs the collector again and again, a few times at least; runs that ended, and bytes that they freed.
fn collector(shared: &Shared) -> (u64, u64) {
    let (mut runs, mut freed) = (0, 0);
    while !shared.is_over() || runs <= 3 {
        if let Some(result) = collect(&shared.client(0), &json!({})) {
            runs += 1;
            freed += result["bytes_freed"].as_u64().unwrap_or(0);
        }
    }
    (runs, freed)
}

/// Lets rules go on and on, and scrubs, once at least: how often each came to its end.
fn rules_and_scrubs(shared: &Shared) -> (u64, u64) {
    let (mut rules, mut scrubs) = (0, 0);
    while !shared.is_over() || rules == 0 || scrubs == 0 {
        let client = shared.client(1);
        rules += u64::from(retain(&client).is_some());
        if let Some(result) = run(&client, "scrub/runs", &json!({})) {
            assert_eq!(result["quarantined"], 0, "{result}");
            scrubs += 1;
        }
    }
    (rules, scrubs)
}

/// All do what they do until the time is over. `meanwhile` runs beside them. The bytes that were freed.
fn soak(shared: &Shared, random: &mut Random, meanwhile: impl FnOnce()) -> u64 {
    let seeds: Vec<u64> = (0..WRITERS + READERS).map(|_| random.number()).collect();
    std::thread::scope(|scope| {
        let collecting = scope.spawn(|| collector(shared));
        let ruling = scope.spawn(|| {
            let _over = shared.over_on_panic();
            rules_and_scrubs(shared)
        });
        for (number, seed) in seeds.into_iter().enumerate() {
            scope.spawn(move || {
                // A failure ends the round for all.
                let _over = shared.over_on_panic();
                if number < WRITERS {
                    writer::run(shared, number, seed);
                } else {
                    reader::run(shared, number, seed);
                }
            });
        }
        meanwhile();
        let (runs, freed) = collecting.join().expect("collector");
        let (rules, scrubs) = ruling.join().expect("rules and scrubs");
        println!(
            "{rules} runs of rules, {scrubs} scrubs, {runs} runs of the collector freed {freed} bytes; {}",
            shared.told()
        );
        freed
    })
}

/// Collects all that nobody needs any more, after `freed` bytes that went before.
fn collect_all(client: &Client, freed: u64) {
    let result = collect(client, &json!({"grace": "0s"})).expect("a run");
    let now = result["bytes_freed"].as_u64().expect("bytes");
    assert!(freed + now > 0, "nothing was freed");
}

/// What is left is what is named: nothing is missing, and nothing too much.
fn assert_exact(larder: &Larder, shared: &Shared, (objects, freed): (&Path, u64)) {
    let client = larder.admin();
    shared.check_all(&client);
    let_go_to_the_end(&client);
    shared.forget_ruled(&client);
    collect_all(&client, freed);
    shared.check_all(&client);
    let needed = shared.needed(INLINE);
    let kept = stored(objects);
    let lost: Vec<_> = needed.difference(&kept).collect();
    let left: Vec<_> = kept.difference(&needed).collect();
    assert!(lost.is_empty(), "lost: {lost:#?}");
    assert!(left.is_empty(), "left: {left:#?}");
    let queue = larder.api("GET", "gc", "", 200);
    assert_eq!(
        (&queue["queue"], &queue["reclaimable_bytes"]),
        (&json!(0), &json!(0)),
        "{queue}"
    );
}

/// The digests of all objects in a folder, whose names are `<hex>.<generation>`.
fn stored(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .expect("name");
            if let Some((hex, _)) = name.split_once('.').filter(|(hex, _)| hex.len() == 64) {
                assert!(found.insert(format!("sha256:{hex}")), "twice: {name}");
            }
        }
    }
    found
}

#[test]
fn nobody_misses_anything_while_the_collector_runs() {
    let mut random = Random::seeded();
    let larder = larder().start();
    without_trash(&larder);
    let shared = Shared::new(Servers::of(&[&larder]), length(), false);
    let freed = soak(&shared, &mut random, || {});
    let objects = larder.data().join("storage").join("blobs");
    assert_exact(&larder, &shared, (&objects, freed));
}

#[test]
fn two_servers_of_one_database_miss_nothing() {
    let mut random = Random::seeded();
    let (Some(postgres), Some(s3)) = (Postgres::start(), Bucket::s3_files()) else {
        return;
    };
    let url = postgres.database("soak");
    let start = || s3.holds_blobs_of(postgres.names_of(larder(), &url));
    let one = start().start();
    without_trash(&one);
    let two = start().start();
    let shared = Shared::new(Servers::of(&[&one, &two]), length(), false);
    let freed = soak(&shared, &mut random, || {});
    assert_exact(&one, &shared, (&s3.objects(), freed));
}

/// A server ends again and again, in its way; what was acknowledged is there.
fn assert_nothing_lost(mut larder: Larder, mut random: Random, mut end: impl FnMut(&mut Larder)) {
    without_trash(&larder);
    let shared = Shared::new(Servers::of(&[&larder]), length(), true);
    let mut ends = 0;
    let every = if length() > Duration::from_mins(1) {
        20
    } else {
        6
    };
    let freed = soak(&shared, &mut random, || {
        let mut next = Instant::now() + Duration::from_secs(every);
        while shared.wait_until(next) {
            end(&mut larder);
            larder.start_again();
            shared.moved(0, larder.address());
            ends += 1;
            next = Instant::now() + Duration::from_secs(every);
        }
    });
    println!("{ends} ends");
    assert!(ends > 1);
    // An upload whose server was killed may have left an object that no row names.
    let client = larder.admin();
    shared.check_all(&client);
    let_go_to_the_end(&client);
    shared.forget_ruled(&client);
    collect_all(&client, freed);
    shared.check_all(&client);
    let kept = stored(&larder.data().join("storage").join("blobs"));
    let needed = shared.needed(INLINE);
    assert!(needed.is_subset(&kept));
}

#[test]
fn kills_lose_nothing_that_was_acknowledged() {
    assert_nothing_lost(larder().start(), Random::seeded(), Larder::kill);
}

#[test]
fn power_cuts_lose_nothing_that_was_acknowledged() {
    let Some(mut lossy) = Lossy::mount() else {
        return;
    };
    let mut random = Random::seeded();
    let data = lossy.folder().join("data");
    let (seed, mut lost) = (Random::new(random.number()), 0);
    let start = larder().in_folder(data).start();
    assert_nothing_lost(start, seed, |larder| {
        larder.kill();
        lost += lossy.cut(&mut random).lost;
    });
    println!("{lost} changes were lost");
    assert!(lost > 0, "nothing was at stake");
}
