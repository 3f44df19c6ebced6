//! What a mirror keeps and the disk has damaged comes again from its upstream: by a scrub, or when it is
//! asked for.

use crate::bed::{Bed, status};
use crate::images_wrong::{here, manifest_path, put_image};
use larder_tests::Shelf;
use larder_tests::image::Image;
use larder_tests::random::Random;
use larder_tests::shelf::ALL;
use serde_json::{Value, json};
use std::path::PathBuf;

const LARGE: usize = 100_000;

/// The objects of a server.
fn objects(bed: &Bed) -> Vec<PathBuf> {
    let mut folders = vec![bed.larder.data().join("storage/blobs")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// Flips a bit of each object, or cuts it short.
fn damage(bed: &Bed, cut: bool) -> usize {
    let objects = objects(bed);
    for path in &objects {
        let mut bytes = std::fs::read(path).expect("object");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        if cut {
            bytes.truncate(middle);
        }
        std::fs::write(path, bytes).expect("damage");
    }
    objects.len()
}

/// A scrub that has ended: its result.
#[track_caller]
fn scrub(bed: &Bed) -> Value {
    let job = bed.larder.api("POST", "scrub/runs", "{}", 202);
    let job = bed.larder.await_job(&job);
    assert_eq!(job["state"], "succeeded", "{job}");
    job["result"].clone()
}

/// Mirrors of all protocols, some with an index that is too long for a row.
fn mirrors(bed: &Bed) -> Vec<(Shelf, Vec<u8>)> {
    let mut random = Random::seeded();
    let make = |protocol| {
        let body = random.bytes(LARGE);
        let mut shelf = bed.mirror(protocol, &body);
        let long = match protocol {
            "cargo" | "npm" => format!("-{}", "a".repeat(900)),
            _ => String::new(),
        };
        for number in 0..40 {
            shelf.put(&bed.upstream, &format!("2.0.{number}{long}"), b"small");
        }
        bed.rest(&shelf);
        (shelf, body)
    };
    ALL.into_iter().map(make).collect()
}

/// All that was read before comes as it did.
fn all_right(bed: &Bed, shelves: &[(Shelf, Vec<u8>)], indexes: &[Vec<u8>]) {
    for ((shelf, body), index) in shelves.iter().zip(indexes) {
        bed.right(&shelf.artifact_here("1.0.0"), body);
        let answer = bed.get(&shelf.index_here()).expect(200);
        assert!(answer.body == *index, "the index of {}", shelf.protocol);
    }
}

#[test]
fn what_is_damaged_of_mirrors_comes_again() {
    let mut bed = Bed::new();
    let shelves = mirrors(&bed);
    let index = |(shelf, _): &(Shelf, Vec<u8>)| bed.get(&shelf.index_here()).expect(200).body;
    let indexes: Vec<_> = shelves.iter().map(index).collect();
    all_right(&bed, &shelves, &indexes);
    for (shelf, _) in &shelves {
        // All is kept, a moment after it came.
        for path in [shelf.artifact_here("1.0.0"), shelf.index_here()] {
            bed.until(&path, |answer| status(answer).starts_with("larder; hit"));
        }
    }
    // By a scrub.
    let count = damage(&bed, false);
    assert!(count >= 6, "{count} objects");
    let found = scrub(&bed);
    assert_eq!(
        (&found["healed"], &found["quarantined"]),
        (&json!(count), &json!(0)),
        "{found}"
    );
    all_right(&bed, &shelves, &indexes);
    // While the upstream is away nobody gets what is damaged, and afterwards who asks gets it whole.
    bed.upstream.go();
    damage(&bed, true);
    let found = scrub(&bed);
    assert!(
        found["quarantined"].as_u64().is_some_and(|left| left > 0),
        "{found}"
    );
    for (shelf, _) in &shelves {
        let path = shelf.artifact_here("1.0.0");
        let told = bed.wrong(&path);
        assert!(told >= 500, "{}: {told}", shelf.protocol);
        // No HEAD promises what a GET refuses, once that is known.
        let head = bed.client.send("HEAD", &path, &[], b"").status;
        assert!(head >= 500, "{}: {head}", shelf.protocol);
    }
    bed.upstream.come_back();
    // A server that begins leaves no host alone.
    let before = bed.larder.address().to_string();
    bed.larder.kill();
    bed.start_again();
    let now = bed.larder.address().to_string();
    let moved = |index: &Vec<u8>| {
        String::from_utf8_lossy(index)
            .replace(&before, &now)
            .into_bytes()
    };
    let indexes: Vec<_> = indexes.iter().map(moved).collect();
    all_right(&bed, &shelves, &indexes);
    let found = scrub(&bed);
    assert_eq!(found["quarantined"], 0, "{found}");
}

#[test]
fn what_is_damaged_of_a_mirrored_image_comes_again() {
    let bed = Bed::new();
    let shelf = Shelf::new("oci", &bed.upstream);
    bed.make(
        &shelf,
        &json!({"url": bed.upstream.url(), "allow_private": true}),
    );
    let image = Image::random(&mut Random::seeded(), &[LARGE, 2 * LARGE]);
    put_image(&bed.upstream, "1", &image);
    bed.right(&here(&manifest_path("1")), &image.manifest);
    for (digest, bytes) in &image.blobs {
        let path = format!("/v2/up/team/app/blobs/{digest}");
        bed.right(&path, bytes);
        bed.until(&path, |answer| status(answer) == "larder; hit");
    }
    let count = damage(&bed, true);
    let found = scrub(&bed);
    assert_eq!(
        (&found["healed"], &found["quarantined"]),
        (&json!(count), &json!(0)),
        "{found}"
    );
    bed.upstream.go();
    for (digest, bytes) in &image.blobs {
        bed.right(&format!("/v2/up/team/app/blobs/{digest}"), bytes);
    }
    // Offline what is damaged is told, and not that it is not there.
    damage(&bed, false);
    let found = scrub(&bed);
    assert_eq!(found["quarantined"], count, "{found}");
    bed.change(&shelf, &json!({"offline": true}));
    let (digest, _) = &image.blobs[1];
    let answer = bed
        .get(&format!("/v2/up/team/app/blobs/{digest}"))
        .expect(500);
    assert!(
        answer.text().contains(&digest.to_string()),
        "{}",
        answer.text()
    );
}
