//! What is damaged is found, and healed where that can be.

use super::house::{House, bytes, digest};
use bytes::Bytes;
use larder_metadata::jobs::NewJob;
use larder_metadata::scrub::Damage;
use larder_model::{Digest, JobKind, JobState};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// A generator of numbers that are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("number") % end
    }
}

/// What is done to the objects of two blobs; how many of them are damaged by it, and how.
fn damage(numbers: &mut Numbers, [one, other]: [&Path; 2]) -> (usize, Damage) {
    let whole = std::fs::read(one).expect("object");
    match numbers.below(5) {
        0 => {
            let mut flipped = whole;
            let at = numbers.below(flipped.len());
            flipped[at] ^= 1 << numbers.below(8);
            std::fs::write(one, flipped).expect("flip");
            (1, Damage::Changed)
        }
        1 => {
            let left = numbers.below(whole.len());
            std::fs::write(one, &whole[..left]).expect("truncate");
            (1, Damage::Size)
        }
        2 => {
            std::fs::write(one, [whole, vec![0]].concat()).expect("extend");
            (1, Damage::Size)
        }
        3 => {
            std::fs::remove_file(one).expect("delete");
            (1, Damage::Missing)
        }
        _ => {
            let others = std::fs::read(other).expect("object");
            std::fs::write(one, others).expect("swap");
            std::fs::write(other, whole).expect("swap");
            (2, Damage::Changed)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_two_hundred_faults_are_found() {
    let house = House::new().await;
    let (mut hosted, mut mirrored) = (Vec::new(), BTreeMap::new());
    for number in 0..150 {
        // All of one length: two that are swapped have the size that they should have.
        let seed = format!("{number:04}");
        hosted.push(house.upload("app", &bytes(&seed, true)).await);
        let (path, own) = (format!("m{seed}"), bytes(&format!("m{seed}"), true));
        mirrored.insert(house.mirror(&path, &own).await, (path, own));
    }
    let whole = house.scrub().await;
    assert_eq!(whole.count("examined"), 300);
    assert!(whole.items.is_empty(), "{:?}", whole.items);
    // Of each, a hundred.
    let mut numbers = Numbers(0x5eed);
    let (mut left, mut healed) = (BTreeMap::new(), BTreeSet::new());
    let all: Vec<Digest> = mirrored.keys().copied().collect();
    let mut at = 0;
    while left.len() < 100 {
        let pair = [
            &house.object(hosted[at]).await,
            &house.object(hosted[at + 1]).await,
        ];
        let (count, how) = damage(&mut numbers, pair.map(PathBuf::as_path));
        left.extend(hosted[at..at + count].iter().map(|it| (*it, how)));
        at += count;
    }
    at = 0;
    while healed.len() < 100 {
        let pair = [
            &house.object(all[at]).await,
            &house.object(all[at + 1]).await,
        ];
        let (count, _) = damage(&mut numbers, pair.map(PathBuf::as_path));
        healed.extend(&all[at..at + count]);
        at += count;
    }
    let run = house.scrub().await;
    assert_eq!(run.did("quarantine"), left.keys().copied().collect());
    assert_eq!(run.did("heal"), healed);
    assert_eq!(house.quarantine().await, left);
    assert_eq!(run.count("quarantined"), left.len() as u64);
    assert_eq!(run.count("healed"), healed.len() as u64);
    assert!(run.count("missing") > 0);
    for (path, own) in mirrored.values() {
        assert_eq!(house.read_mirrored(path).await, own, "{path}");
    }
    // Found once more, and no others; brought again they are right.
    let again = house.scrub().await;
    assert_eq!(again.did("quarantine"), left.keys().copied().collect());
    assert_eq!(again.count("healed"), 0);
    for number in 0..150 {
        house
            .upload("app", &bytes(&format!("{number:04}"), true))
            .await;
    }
    assert_eq!(house.quarantine().await, BTreeMap::new());
    let last = house.scrub().await;
    assert!(last.items.is_empty(), "{:?}", last.items);
    house.end().await;
}

#[tokio::test]
async fn rows_with_other_bytes_are_found() {
    let house = House::new().await;
    let right = house.upload("app", &bytes("right", false)).await;
    let changed = bytes("changed", false);
    let mut flipped = changed.to_vec();
    flipped[50] ^= 4;
    let flipped = house.upload_wrong("app", &changed, flipped.into()).await;
    let short = bytes("short", false);
    let short = house.upload_wrong("app", &short, short.slice(..7)).await;
    let run = house.scrub().await;
    let found = BTreeMap::from([(flipped, Damage::Changed), (short, Damage::Size)]);
    assert_eq!(house.quarantine().await, found);
    assert_eq!(run.count("examined"), 3);
    assert!(!run.did("quarantine").contains(&right));
    house.upload("app", &changed).await;
    house.upload("app", &bytes("short", false)).await;
    assert!(house.scrub().await.items.is_empty());
    house.end().await;
}

#[tokio::test]
async fn a_second_copy_heals() {
    let house = House::new().await;
    for (seed, long) in [("long", true), ("short", false)] {
        let own = bytes(seed, long);
        let blob = if long {
            let blob = house.upload("app", &own).await;
            std::fs::remove_file(house.object(blob).await).expect("delete");
            blob
        } else {
            house
                .upload_wrong("app", &own, Bytes::from_static(b"no"))
                .await
        };
        // One of its copies is wrong too.
        let wrong = house.orphan(&own).await;
        std::fs::write(house.path(wrong), vec![1; own.len()]).expect("flip");
        house.orphan(&own).await;
        let run = house.scrub().await;
        assert_eq!(run.did("heal"), BTreeSet::from([blob]));
        assert_eq!(house.quarantine().await, BTreeMap::new());
        let prepared = house.metadata.bytes_of(&blob).await.expect("row");
        assert!(prepared.is_some());
        assert!(house.scrub().await.did("heal").is_empty());
    }
    house.end().await;
}

#[tokio::test]
async fn what_an_upstream_does_not_give_stays_damaged_until_it_does() {
    let house = House::new().await;
    let own = bytes("mirrored", true);
    let blob = house.mirror("m", &own).await;
    std::fs::write(house.object(blob).await, vec![0; own.len()]).expect("flip");
    house.upstream.answers.store(false, Ordering::SeqCst);
    let run = house.scrub().await;
    assert_eq!(run.did("quarantine"), BTreeSet::from([blob]));
    assert!(run.reasons[0].contains("it is away"), "{:?}", run.reasons);
    assert_eq!(house.quarantine().await.len(), 1);
    house.upstream.answers.store(true, Ordering::SeqCst);
    let run = house.scrub().await;
    assert_eq!(run.did("heal"), BTreeSet::from([blob]));
    assert_eq!(house.read_mirrored("m").await, own);
    house.end().await;
}

#[tokio::test]
async fn bytes_that_come_back_are_released() {
    let house = House::new().await;
    let (own, others) = (bytes("own", true), bytes("others", true));
    let blob = house.upload("app", &own).await;
    house.upload("app", &others).await;
    let path = house.object(blob).await;
    let aside = path.with_extension("aside");
    std::fs::rename(&path, &aside).expect("away");
    let run = house.scrub().await;
    assert_eq!((run.count("missing"), run.count("quarantined")), (1, 1));
    std::fs::rename(&aside, &path).expect("back");
    let run = house.scrub().await;
    assert_eq!(run.did("heal"), BTreeSet::from([blob]));
    assert_eq!(house.quarantine().await, BTreeMap::new());
    house.end().await;
}

#[tokio::test]
async fn a_store_that_is_not_there_is_no_damage() {
    let house = House::new().await;
    let blob = house.upload("app", &bytes("own", true)).await;
    std::fs::remove_file(house.object(blob).await).expect("delete");
    let id = house.ask(NewJob::of(JobKind::Scrub)).await;
    let ran = house.end_of(id).await;
    let error = ran.job.error.expect("an error");
    assert_eq!(
        (ran.job.state, &*error.code),
        (JobState::Failed, "storage_empty")
    );
    assert_eq!(house.quarantine().await, BTreeMap::new());
    house.end().await;
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let house = House::new().await;
    let own = bytes("mirrored", true);
    let blob = house.mirror("m", &own).await;
    let hosted = house.upload("app", &bytes("hosted", true)).await;
    house.upload("app", &bytes("whole", true)).await;
    for digest in [blob, hosted] {
        std::fs::remove_file(house.object(digest).await).expect("delete");
    }
    let run = house.scrub_with(true, json!({})).await;
    assert_eq!(run.did("quarantine"), BTreeSet::from([blob, hosted]));
    assert_eq!((run.count("quarantined"), run.count("missing")), (2, 2));
    assert_eq!(house.quarantine().await, BTreeMap::new());
    house.end().await;
}

#[tokio::test]
async fn a_run_of_some_blobs_looks_at_no_other() {
    let house = House::new().await;
    let (one, other) = (bytes("one", true), bytes("other", true));
    let (one, other) = (
        house.upload("app", &one).await,
        house.upload("app", &other).await,
    );
    let gone = digest(b"nowhere");
    for digest in [one, other] {
        std::fs::write(house.object(digest).await, b"short").expect("truncate");
    }
    let parameters = json!({"digests": [gone.to_string(), one.to_string()]});
    let run = house.scrub_with(false, parameters).await;
    assert_eq!((run.count("examined"), run.count("quarantined")), (1, 1));
    let found = BTreeMap::from([(one, Damage::Size)]);
    assert_eq!(house.quarantine().await, found);
    house.end().await;
}
