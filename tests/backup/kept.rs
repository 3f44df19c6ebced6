//! Backups that the server keeps by itself, and those that are fetched.

use crate::bed::Place;
use crate::contents::check;
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::{Bucket, Image, Larder, Postgres};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn mode(path: &Path) -> u32 {
    let about = path.metadata().expect("file");
    about.permissions().mode() & 0o777
}

fn push(larder: &Larder, tag: &str) {
    let seed = tag.bytes().map(u64::from).sum();
    let image = Image::random(&mut Random::new(seed), &[20, 300_000]);
    image.push(&larder.admin(), "team/app", tag);
}

/// Has the server make a backup as a job and waits for it; its name.
#[track_caller]
fn run(place: &Place, larder: &Larder, token: &str) -> String {
    let asked = place
        .asks(larder, token, &["backup", "run", "--json"])
        .ends(0);
    let job: serde_json::Value = serde_json::from_str(&asked.out).expect("JSON");
    let id = job["id"].as_str().expect("id");
    place.asks(larder, token, &["job", "watch", id]).ends(0);
    let job = larder.api("GET", &format!("jobs/{id}"), "", 200);
    assert_eq!(job["state"], "succeeded", "{job}");
    job["result"]["name"].as_str().expect("name").to_owned()
}

#[track_caller]
fn names(larder: &Larder) -> Vec<String> {
    let list = larder.api("GET", "backups", "", 200);
    let items = list["items"].as_array().expect("items").iter();
    let name = |item: &serde_json::Value| item["name"].as_str().expect("name").to_owned();
    items.map(name).collect()
}

fn keeps(place: &Place) -> (Larder, String) {
    let larder = place.server().start();
    larder.disable_schedules();
    let token = larder.token_of("admin");
    let mut made = Vec::new();
    for tag in ["v1", "v2", "v3"] {
        push(&larder, tag);
        made.insert(0, run(place, &larder, &token));
    }
    assert_eq!(names(&larder), made[..2], "the newest two are kept");
    let listed = place.asks(&larder, &token, &["backup", "list", "-o", "name"]);
    assert_eq!(listed.ends(0).out.lines().collect::<Vec<_>>(), made[..2]);
    (larder, made.remove(0))
}

#[test]
fn the_server_keeps_its_newest_backups() {
    let place = Place::folder().with("LARDER_BACKUP__KEEP", "2");
    let (larder, newest) = keeps(&place);
    let kept = place.data().join("storage/backups").join(&newest);
    assert_eq!(mode(&kept), 0o600);
    // It refers to the blobs: it is restored where they are.
    let token = larder.token_of("admin");
    let file = place.file("fetched.tar");
    let shown = file.to_string_lossy().into_owned();
    let asked = ["backup", "get", &newest, &shown];
    place.asks(&larder, &token, &asked).ends(0).says("sha256:");
    assert_eq!(
        std::fs::read(&file).expect("file"),
        std::fs::read(&kept).expect("kept")
    );
    let elsewhere = Place::folder();
    let missing = elsewhere.restore(&file, &[]).ends(1);
    missing.says("does not have 3 of the blobs");
    std::fs::create_dir_all(elsewhere.data().join("storage")).expect("folder");
    let blobs = |place: &Place| place.data().join("storage/blobs");
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .args([blobs(&place), elsewhere.data().join("storage")])
        .status();
    assert!(copied.expect("cp").success());
    elsewhere.restore(&file, &[]).ends(0);
    check(&elsewhere.server().start());
    // It is deleted, and the trail tells of all.
    let asked = ["backup", "delete", &newest, "--yes"];
    place.asks(&larder, &token, &asked).ends(0);
    assert!(!kept.exists());
    assert_eq!(names(&larder).len(), 1);
    for (action, entries) in [("create", 3), ("read", 1), ("delete", 1)] {
        let path = format!("audit?action=backup.{action}");
        let trail = larder.api("GET", &path, "", 200);
        assert_eq!(
            trail["items"].as_array().map(Vec::len),
            Some(entries),
            "{action}"
        );
    }
}

#[test]
fn the_server_keeps_backups_in_a_bucket() {
    let (Some(postgres), Some(s3)) = (Postgres::start(), Bucket::s3_files()) else {
        return;
    };
    let place = Place::remote(&postgres, &s3, "kept").with("LARDER_BACKUP__KEEP", "2");
    let (larder, newest) = keeps(&place);
    assert!(s3.objects().join("kept/backups").join(&newest).exists());
    let token = larder.token_of("admin");
    let file = place.file("fetched.tar");
    let shown = file.to_string_lossy().into_owned();
    place
        .asks(&larder, &token, &["backup", "get", &newest, &shown])
        .ends(0);
    drop(larder);
    // Another database and another data folder, beside the same bucket.
    let again = Place::remote(&postgres, &s3, "again").with("LARDER_STORAGE__PREFIX", "kept");
    again.restore(&file, &[]).ends(0);
    check(&again.server().start());
}

#[test]
fn a_fetched_backup_is_for_its_owner_alone_and_never_half() {
    let place = Place::folder();
    let larder = place.server().start();
    push(&larder, "v1");
    let file = place.backup(&larder, "backup.tar", "include");
    assert_eq!(mode(&file), 0o600);
    let shown = file.to_string_lossy().into_owned();
    let token = larder.token_of("admin");
    let again = place.asks(&larder, &token, &["backup", &shown]).ends(6);
    again.says("is there already");
    // Who is no superuser gets none, and no file.
    larder.make_user("bob");
    let bob = larder.token_of("bob");
    let other = place.file("other.tar");
    let shown = other.to_string_lossy().into_owned();
    place.asks(&larder, &bob, &["backup", &shown]).ends(4);
    assert!(!other.exists() && !place.file("other.tar.part").exists());
    let nobody = larder.anonymous().get("/api/v1/backup");
    nobody.expect(401);
    larder
        .user("bob", PASSWORD)
        .get("/api/v1/backups")
        .expect(403);
}
