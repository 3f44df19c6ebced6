//! Backups at random moments under load.

use crate::bed::Place;
use crate::contents::check;
use crate::load::{WRITERS, under};
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::tools::is_long;
use larder_tests::{Bucket, Client, Larder, Postgres};
use std::path::Path;

fn backups() -> u64 {
    let given = std::env::var("LARDER_TEST_BACKUPS").ok();
    given
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| if is_long() { 20 } else { 5 })
}

/// Whoever could do something can do it in the restored server, and nobody else.
fn check_people(larder: &Larder, token: &str) {
    let alice = larder.user("alice", PASSWORD);
    alice.get("/v2/team/w0-first/tags/list").expect(200);
    larder
        .user("alice", "another")
        .get("/api/v1/tokens")
        .expect(401);
    let bearer = Client::with_authorization(larder.address(), &format!("Bearer {token}"));
    let who = bearer.get("/api/v1/whoami").expect(200).json();
    assert_eq!(
        who["user"].as_str().or(who["name"].as_str()),
        Some("alice"),
        "{who}"
    );
    larder
        .anonymous()
        .get("/v2/team/w0-first/tags/list")
        .expect(401);
}

/// Restores a backup and reads all that is there.
fn restores(file: &Path, place: &Place, token: &str) {
    place.restore(file, &[]).ends(0).says("restored into");
    let larder = place.server().start();
    check_people(&larder, token);
    let read = check(&larder);
    println!("{read:?}");
    assert!(
        read.manifests > 0 && read.blobs >= read.manifests,
        "{read:?}"
    );
    let trail = larder.api("GET", "audit?action=backup.restore", "", 200);
    assert_eq!(trail["items"].as_array().expect("items").len(), 1);
}

/// Makes backups of a server under load, and restores each into a place of its own.
fn survives(source: &Place, count: u64, mut target: impl FnMut(u64) -> Place) {
    let mut random = Random::seeded();
    let larder = source.server().start();
    larder.make_user("alice");
    larder.grant("user:alice", "oci/team", "*", "reader");
    let token = larder.token_of("alice");
    let mut numbers = [0; 4];
    assert_eq!(numbers.len() as u64, WRITERS);
    for number in 0..count {
        let moment = 8 + random.below(40);
        let file = under(&larder, &mut random, &mut numbers, |load| {
            load.wait_for(moment);
            let file = source.backup(&larder, &format!("{number}.tar"), "include");
            load.wait_for(1);
            file
        });
        restores(&file, &target(number), &token);
        std::fs::remove_file(file).expect("remove");
    }
    // The server itself goes on, and holds nothing any more.
    check(&larder);
    println!("{count} backups, writers were at {numbers:?}");
}

#[test]
fn backups_at_random_moments_are_restored_wholly() {
    survives(&Place::folder(), backups(), |_| Place::folder());
}

/// Buckets of each provider.
fn buckets() -> impl Iterator<Item = Bucket> {
    let buckets = [Bucket::s3_files, Bucket::gcs, Bucket::azure];
    buckets.into_iter().filter_map(|start| start())
}

#[test]
fn a_backup_of_files_is_restored_into_postgres_and_a_bucket() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    for bucket in buckets() {
        survives(&Place::folder(), 1, |_| {
            Place::remote(&postgres, &bucket, &format!("to-{}", bucket.kind()))
        });
    }
}

#[test]
fn a_backup_of_postgres_and_a_bucket_is_restored_into_files() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    for bucket in buckets() {
        let source = Place::remote(&postgres, &bucket, &format!("from-{}", bucket.kind()));
        survives(&source, 2, |_| Place::folder());
    }
}
