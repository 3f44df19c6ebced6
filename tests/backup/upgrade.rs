//! A database of an older version is copied before it is migrated; one of a newer is left alone.

use crate::bed::Place;
use crate::contents::check;
use larder_archive::verify;
use larder_metadata::database::Database;
use larder_metadata::suite::one_before;
use larder_model::{Clock, Timestamp};
use larder_tests::{Bucket, Postgres};
use std::fs::File;
use std::path::{Path, PathBuf};

fn clock() -> Clock {
    Clock::new(|| Timestamp(1_800_000_000_000_000))
}

fn sqlite(path: &Path) -> Database {
    Database::sqlite(path, 1, clock()).expect("database")
}

/// The copies in a data folder.
fn copies(place: &Place) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place.data()).expect("folder");
    let paths = entries.map(|entry| entry.expect("entry").path());
    let is_copy = |path: &PathBuf| path.to_string_lossy().contains(".before-");
    let mut copies: Vec<_> = paths.filter(is_copy).collect();
    copies.sort();
    copies
}

/// The key of the server that was here before.
fn leave_key(place: &Place) {
    let key = "5e".repeat(32) + "\n";
    std::fs::write(place.data().join("token.key"), key).expect("key");
}

#[tokio::test]
async fn a_sqlite_database_is_copied_before_it_is_migrated() {
    let place = Place::folder();
    std::fs::create_dir_all(place.data()).expect("folder");
    let path = place.data().join("larder.db");
    let database = sqlite(&path);
    let before = one_before(&database).await;
    drop(database);
    // What is to be read with a key is not touched without it.
    let said = place.server().refuses();
    assert!(said.contains("token.key is missing"), "{said}");
    assert_eq!(copies(&place), Vec::<PathBuf>::new());
    let found = sqlite(&path).version_before().await.expect("version");
    assert_eq!(found, Some(before));
    leave_key(&place);
    // Of older upgrades two are kept, with the new one.
    for version in [1, 2] {
        std::fs::write(place.data().join(format!("larder.db.before-{version}")), "")
            .expect("write");
    }
    let mut larder = place.server().start();
    let copy = place.data().join(format!("larder.db.before-{before}"));
    let older = place.data().join("larder.db.before-2");
    let mut wanted = vec![older, copy.clone()];
    wanted.sort();
    assert_eq!(copies(&place), wanted);
    assert!(larder.log_text().contains("this copy is the way back"));
    larder.kill();
    // It is opened elsewhere, for that makes other files beside it.
    let opened = place.file("copy.db");
    std::fs::copy(&copy, &opened).expect("copy");
    let found = sqlite(&opened).version_before().await.expect("version");
    assert_eq!(found, Some(before));
    assert_eq!(sqlite(&path).version_before().await.expect("version"), None);
    // The next start has nothing to copy.
    std::fs::remove_file(&copy).expect("remove");
    let larder = place.server().start();
    assert_eq!(copies(&place).len(), 1);
    check(&larder);
}

#[tokio::test]
async fn a_database_elsewhere_is_backed_up_before_it_is_migrated() {
    let (Some(postgres), Some(s3)) = (Postgres::start(), Bucket::s3_files()) else {
        return;
    };
    let place = Place::remote(&postgres, &s3, "older");
    let url = place.database_url();
    let database = Database::postgres(&url, 2, clock()).expect("database");
    let before = one_before(&database).await;
    drop(database);
    std::fs::create_dir_all(place.data()).expect("folder");
    leave_key(&place);
    let larder = place.server().start();
    let copy = place.data().join(format!("database.before-{before}.tar"));
    assert_eq!(copies(&place), std::slice::from_ref(&copy));
    let verified = verify(File::open(&copy).expect("copy")).expect("backup");
    assert_eq!(verified.manifest.schema, before);
    check(&larder);
    drop(larder);
    // It is restored with the same program, and migrated.
    let again = Place::folder();
    again.restore(&copy, &[]).ends(0);
    check(&again.server().start());
}

#[test]
fn a_newer_database_is_left_alone_with_what_to_do() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("newer");
    let place = Place::folder().with("LARDER_DATABASE__URL", &url);
    drop(place.server().start());
    postgres.tell("newer", "insert into schema_version values (999)");
    let said = place.server().refuses();
    for text in [
        "schema version 999",
        "knows versions up to",
        "run the newer larder",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    assert_eq!(copies(&place), Vec::<PathBuf>::new());
}
