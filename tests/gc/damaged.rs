//! What is pushed here and damaged on the disk is given out to nobody, told, and healed by who pushes it
//! again; and a scrub takes nothing from those who push meanwhile.

use crate::bed::{BINARY, LARGE, end, larder, objects, quiet, start};
use larder_tests::image::{Image, push_blob, put_manifest};
use larder_tests::random::Random;
use larder_tests::{Client, Larder};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_mins(1);

/// Where the object of a blob lies.
fn object(larder: &Larder, digest: &impl ToString) -> PathBuf {
    let digest = digest.to_string();
    let hex = digest.strip_prefix("sha256:").expect("sha256");
    let folder = larder.data().join("storage/blobs/sha256").join(&hex[..2]);
    let files = std::fs::read_dir(folder).expect("folder");
    let mut paths = files.map(|file| file.expect("file").path());
    let is_it = |path: &PathBuf| path.to_string_lossy().contains(hex);
    paths.find(is_it).expect("an object")
}

fn flip(larder: &Larder, digest: &impl ToString) {
    let path = object(larder, digest);
    let mut bytes = std::fs::read(&path).expect("object");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("flip");
}

/// A scrub that has ended: its result.
#[track_caller]
fn scrub(larder: &Larder) -> Value {
    let job = larder.api("POST", "scrub/runs", "{}", 202);
    let job = end(larder, job["id"].as_str().expect("id"));
    assert_eq!(job["state"], "succeeded", "{job}");
    job["result"].clone()
}

/// A run of the collector, which also frees what scrubs hand it.
#[track_caller]
fn collect(larder: &Larder, body: &str) {
    let job = larder.api("POST", "gc/runs", body, 202);
    let job = end(larder, job["id"].as_str().expect("id"));
    assert_eq!(job["state"], "succeeded", "{job}");
}

fn quarantine(larder: &Larder) -> Vec<Value> {
    let all = larder.api("GET", "quarantine", "", 200);
    all["items"].as_array().expect("items").clone()
}

/// Nobody gets any of it, in whichever way.
#[track_caller]
fn is_damaged(client: &Client, name: &str, digest: &impl ToString) {
    let digest = digest.to_string();
    let path = format!("/v2/{name}/blobs/{digest}");
    for headers in [&[][..], &[("range", "bytes=0-9")], &[("range", "bytes=-5")]] {
        let answer = client.send("GET", &path, headers, b"").expect(500);
        assert_eq!(answer.code(), "UNKNOWN");
        assert!(answer.text().contains(&digest), "{}", answer.text());
    }
    // Whoever pushes brings it: it is neither there nor can it be mounted.
    client.send("HEAD", &path, &[], b"").expect(404);
    let mount = format!("/v2/team/other/blobs/uploads/?mount={digest}&from={name}");
    client.send("POST", &mount, &[], b"").expect(202);
}

#[test]
fn a_damaged_layer_is_given_to_nobody_and_healed_by_a_push() {
    let larder = larder();
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[10, LARGE, 2 * LARGE]);
    image.push(&admin, "team/app", "v1");
    let whole = scrub(&larder);
    assert_eq!(
        (&whole["quarantined"], &whole["healed"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(whole["mark"]["unbound"], 0, "{whole}");
    let (layer, bytes) = &image.blobs[2];
    flip(&larder, layer);
    let found = scrub(&larder);
    assert_eq!(
        (&found["quarantined"], &found["missing"]),
        (&json!(1), &json!(0))
    );
    is_damaged(&admin, "team/app", layer);
    // The rest of the image is as it was.
    admin.get("/v2/team/app/manifests/v1").expect(200);
    let told = quarantine(&larder);
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["digest"], &told[0]["damage"]),
        (&json!(layer.to_string()), &json!("changed"))
    );
    assert_eq!(told[0]["held_by"][0]["repository"], "oci/team");
    assert_eq!(told[0]["held_by"][0]["reference"], "v1");
    let status = larder.api("GET", "scrub", "", 200);
    assert_eq!(
        (
            &status["quarantined"],
            &status["last"]["result"]["quarantined"]
        ),
        (&json!(1), &json!(1))
    );
    // No manifest is taken that needs it, in another image either.
    for (digest, bytes) in image.blobs.iter().filter(|(digest, _)| digest != layer) {
        push_blob(&admin, "team/other", digest, bytes).expect(201);
    }
    let pushed = put_manifest(
        &admin,
        "team/app",
        "v2",
        larder_tests::image::MANIFEST,
        &image.manifest,
    );
    let told = pushed.expect(400).text();
    assert!(told.contains(&layer.to_string()), "{told}");
    // It stays over a restart, and goes with a push of the same bytes.
    let damaged = object(&larder, layer);
    push_blob(&admin, "team/elsewhere", layer, bytes).expect(201);
    image.check(&admin, "team/app", "v1");
    assert!(quarantine(&larder).is_empty());
    assert!(damaged.exists());
    collect(&larder, "{}");
    assert!(
        !damaged.exists(),
        "what was kept aside goes with the collector"
    );
    let last = scrub(&larder);
    assert_eq!(
        (&last["quarantined"], &last["orphans"]),
        (&json!(0), &json!(0))
    );
    image.check(&admin, "team/app", "v1");
}

#[test]
fn a_read_that_finds_too_little_is_refused_and_looked_into() {
    let mut larder = larder();
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[LARGE, 2 * LARGE]);
    image.push(&admin, "team/app", "v1");
    let (cut, gone) = (&image.blobs[1].0, &image.blobs[2].0);
    let file = std::fs::File::options()
        .write(true)
        .open(object(&larder, cut));
    file.expect("object").set_len(70_000).expect("cut");
    std::fs::remove_file(object(&larder, gone)).expect("remove");
    for digest in [cut, gone] {
        let path = format!("/v2/team/app/blobs/{digest}");
        let (answer, _) = admin.take(&path, &[]).expect("answer");
        assert_eq!(answer.expect(500).code(), "UNKNOWN");
    }
    // That is noted at once, and the server looks into it by itself.
    assert_eq!(quarantine(&larder).len(), 2);
    let begun = Instant::now();
    loop {
        let jobs = larder.api("GET", "jobs?kind=scrub", "", 200);
        let job = &jobs["items"][0];
        if job["state"] == "succeeded" {
            assert_eq!(job["by"], "larder", "{jobs}");
            break;
        }
        assert!(begun.elapsed() < DEADLINE, "nobody looked: {jobs}");
        std::thread::yield_now();
    }
    assert_eq!(quarantine(&larder).len(), 2);
    larder.kill();
    larder.start_again();
    let admin = larder.admin();
    is_damaged(&admin, "team/app", cut);
    is_damaged(&admin, "team/app", gone);
    // Given up, they are answered as before; deleted with the image, nothing is left of them.
    let larder_says = |words: &[&str]| {
        let output = Command::new(BINARY)
            .args(words)
            .args(["--server", larder.url(), "--yes"])
            .env("LARDER_TOKEN", larder.token_of("admin"))
            .output();
        let output = output.expect("larder");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        String::from_utf8_lossy(&output.stdout).into_owned() + &text
    };
    let digest = cut.to_string();
    let list = larder_says(&["quarantine", "list"]);
    assert!(list.contains(&digest) && list.contains("missing"), "{list}");
    let told = larder_says(&["quarantine", "delete", &digest]);
    assert!(told.contains("gone for good"), "{told}");
    is_damaged(&admin, "team/app", cut);
    assert_eq!(
        larder.api("GET", &format!("quarantine/{digest}"), "", 200)["damage"],
        "deleted"
    );
    assert!(larder_says(&["scrub", "status"]).contains("Quarantined"));
    crate::bed::delete_manifest(&admin, "team/app", &image);
    collect(&larder, crate::bed::AT_ONCE);
    assert!(quarantine(&larder).is_empty());
    assert!(objects(&larder).is_empty());
}

#[test]
fn a_scrub_and_the_collector_take_nothing_from_who_pushes() {
    let larder = quiet(
        start()
            .with("LARDER_GC__GRACE", "1ms")
            .with("LARDER_GC__LEASE", "1s")
            .start(),
    );
    let admin = larder.admin();
    let is_over = AtomicBool::new(false);
    let (mut pushed, mut scrubs) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let pushing = scope.spawn(|| {
            let mut random = Random::seeded();
            let mut images = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let image = Image::random(&mut random, &[LARGE, 10]);
                let name = format!("team/app{}", images.len() % 5);
                let tag = format!("v{}", images.len());
                image.push(&admin, &name, &tag);
                if images.len() % 3 == 2 {
                    crate::bed::delete_manifest(&admin, &name, &image);
                } else {
                    images.push((name, tag, image));
                    continue;
                }
                images.push((String::new(), String::new(), image));
            }
            images
        });
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(2) {
            let found = scrub(&larder);
            assert_eq!(
                (&found["quarantined"], &found["healed"]),
                (&json!(0), &json!(0)),
                "{found}"
            );
            assert_eq!(found["mark"]["unbound"], 0, "{found}");
            collect(&larder, "{}");
            scrubs += 1;
        }
        is_over.store(true, Ordering::Relaxed);
        pushed = pushing.join().expect("pushes");
    });
    assert!(
        scrubs > 0 && pushed.len() > 3,
        "{scrubs} scrubs, {} pushes",
        pushed.len()
    );
    for (name, tag, image) in pushed.iter().filter(|(name, ..)| !name.is_empty()) {
        image.check(&admin, name, tag);
    }
    assert!(quarantine(&larder).is_empty());
}
