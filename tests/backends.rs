//! The other database and the other store: what each must do, and the whole server on each pair of
//! them.

use larder_metadata::Metadata;
use larder_metadata::database::Database;
use larder_metadata::suite::moves;
use larder_metadata::suite::old_schemas::{self, Databases};
use larder_model::{Algorithm, Clock, Digest, Timestamp};
use larder_storage::open::Provider;
use larder_storage::{BlobStore, Error, ObjectKey};
use larder_tests::bucket::BUCKET;
use larder_tests::image::{MANIFEST, put_manifest};
use larder_tests::random::Random;
use larder_tests::tools::is_long;
use larder_tests::{Bucket, Image, Postgres, Start};
use serde_json::json;
use std::path::Path;
use std::time::SystemTime;

fn clock() -> Clock {
    Clock::new(|| {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(0))
    })
}

fn larder() -> Start {
    Start::of(env!("CARGO_BIN_EXE_larder"))
}

#[tokio::test]
async fn postgres_does_what_a_database_must() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("suite");
    let clock = larder_metadata::suite::clock();
    let first = Metadata::postgres(&url, 8, clock.clone())
        .await
        .expect("open");
    larder_metadata::suite::all(&first).await;
    let second = Metadata::postgres(&url, 8, clock)
        .await
        .expect("open again");
    larder_metadata::suite::all(&second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "a measurement is told")]
async fn postgres_lists_a_million_audit_entries_fast() {
    if !is_long() {
        eprintln!("skipped: it takes a minute; LARDER_TEST_LONG=1 runs it");
        return;
    }
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("million");
    let clock = larder_metadata::suite::clock();
    let metadata = Metadata::postgres(&url, 8, clock).await.expect("open");
    let measures = larder_metadata::suite::million(&metadata).await;
    eprintln!("{measures:#?}");
    let first_page = std::time::Duration::from_millis(50);
    assert!(measures.iter().all(|(_, _, took)| *took < first_page));
}

/// What one database has fills an empty one of the other kind, and that one of the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_database_fills_one_of_the_other_kind() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let clock = larder_metadata::suite::clock();
    let open = |name: &str| Database::postgres(&postgres.database(name), 4, clock.clone());
    let used = Metadata::of(open("used").expect("open"))
        .await
        .expect("migrate");
    larder_metadata::suite::all(&used).await;
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("larder.db");
    let sqlite = || Database::sqlite(&path, 2, clock.clone()).expect("open");
    moves(&used, sqlite()).await;
    let moved = Metadata::of(sqlite()).await.expect("open");
    moves(&moved, open("back").expect("open")).await;
}

/// What older versions kept is found, also where the program was stopped while it was taken over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_of_older_versions_is_brought_up_to_date() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let make = move |name: &str| postgres.database(name);
    old_schemas::all(Databases::Postgres(Box::new(make))).await;
}

/// Servers that start at once on an empty database migrate it once.
#[tokio::test]
async fn postgres_is_migrated_by_one_of_many() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("migrated");
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let url = url.clone();
        starting.spawn(async move { Metadata::postgres(&url, 2, clock()).await.map(drop) });
    }
    while let Some(started) = starting.join_next().await {
        started.expect("task").expect("open");
    }
}

fn store(bucket: &Bucket, prefix: Option<&str>, staging: &Path) -> BlobStore {
    let provider = match bucket.kind() {
        "gcs" => Provider::Gcs,
        "azure" => Provider::Azure,
        _ => Provider::S3,
    };
    let settings = larder_storage::open::Bucket {
        provider,
        name: BUCKET.to_owned(),
        prefix: prefix.map(str::to_owned),
        region: None,
        endpoint: Some(bucket.url().to_owned()),
        access_key_id: bucket.id().map(str::to_owned),
        secret_access_key: Some(bucket.secret().to_owned()),
        allow_http: true,
        path_style: true,
    };
    BlobStore::bucket(&settings, staging).expect("store")
}

async fn runs_the_suite(bucket: &Bucket) {
    let folder = tempfile::tempdir().expect("folder");
    larder_storage::suite::all(&store(bucket, None, folder.path()), 1).await;
    larder_storage::suite::all(&store(bucket, Some("team/larder"), folder.path()), 10).await;
    assert_eq!(files_in(folder.path()), 0, "nothing may stay staged");
    let notes = folder.path().join("multipart");
    assert_eq!(files_in(&notes), 0, "no upload may stay under way");
}

fn files_in(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("folder");
    let files = entries.filter(|entry| entry.as_ref().is_ok_and(|it| it.path().is_file()));
    files.count()
}

#[tokio::test]
async fn s3_of_files_does_what_a_store_must() {
    let Some(s3) = Bucket::s3_files() else { return };
    runs_the_suite(&s3).await;
}

#[tokio::test]
async fn s3_of_memory_does_what_a_store_must() {
    let Some(s3) = Bucket::s3_memory() else {
        return;
    };
    runs_the_suite(&s3).await;
}

#[tokio::test]
async fn gcs_does_what_a_store_must() {
    let Some(gcs) = Bucket::gcs() else { return };
    runs_the_suite(&gcs).await;
}

#[tokio::test]
async fn azure_does_what_a_store_must() {
    let Some(azure) = Bucket::azure() else { return };
    runs_the_suite(&azure).await;
}

/// What another server of the kind has is read as it is meant.
#[tokio::test]
async fn gcs_of_another_server_is_read() {
    let Some(gcs) = Bucket::gcs_to_read() else {
        return;
    };
    let (folder, bytes) = (tempfile::tempdir().expect("folder"), vec![7; 100_000]);
    let key = ObjectKey {
        digest: Digest::of(Algorithm::Sha256, &bytes),
        generation: 1,
    };
    for prefix in [None, Some("team/larder")] {
        let store = store(&gcs, prefix, folder.path());
        assert!(!store.has_objects().await.expect("objects"));
        let below = prefix.map_or_else(String::new, |prefix| format!("{prefix}/"));
        gcs.put(&format!("{below}blobs/{key}"), &bytes);
        let mut found = Vec::new();
        let list = store.list(|key, size| found.push((key, size)));
        list.await.expect("list");
        assert_eq!(found, [(key, 100_000)]);
        let first = key.digest.bytes()[0];
        let listed = store.list_from(Algorithm::Sha256, first).await;
        assert_eq!(listed.expect("list").len(), 1);
        let content = store.open_sized(&key, 100_000, 99_990..100_000).await;
        let read = content.expect("open").collect(10).await.expect("read");
        assert_eq!(read, bytes[99_990..]);
        let other = store.open_sized(&key, 100_001, 0..10).await;
        assert!(matches!(other, Err(Error::Size(100_000))));
        assert!(store.remove(key).await.expect("remove"));
        assert!(!store.remove(key).await.expect("remove again"));
        let gone = store.open(&key, 0..1).await;
        assert!(matches!(gone, Err(Error::Missing)));
        store.ping().await.expect("ping");
    }
}

/// A key that the store does not know opens nothing, and is not taken for a bucket that is missing.
#[tokio::test]
async fn a_wrong_key_is_refused() {
    let (mut azure, gcs) = (Bucket::azure(), Bucket::gcs());
    if let Some(azure) = &mut azure {
        azure.set_secret("AAAA");
    }
    let gcs = gcs.zip(Bucket::gcs()).map(|(mut gcs, other)| {
        gcs.set_secret(other.secret());
        gcs
    });
    for bucket in [azure, gcs].into_iter().flatten() {
        let folder = tempfile::tempdir().expect("folder");
        let asked = store(&bucket, None, folder.path()).ping().await;
        assert!(matches!(asked, Err(Error::Remote(_))), "{}", bucket.kind());
    }
}

/// Pushes, pulls, lists, moves and removes, with a kill between.
fn serves_images(start: Start) {
    let mut larder = start.start();
    let mut random = Random::seeded();
    let sizes: [&[usize]; 4] = [&[], &[0, 1], &[65_536, 65_537, 3_000_000], &[20_000_000]];
    let images: Vec<Image> = sizes.map(|sizes| Image::random(&mut random, sizes)).into();
    for (number, image) in images.iter().enumerate() {
        image.push(&larder.admin(), "team/app", &format!("v{number}"));
    }
    larder.kill();
    larder.start_again();
    let admin = larder.admin();
    for (number, image) in images.iter().enumerate() {
        image.check(&admin, "team/app", &format!("v{number}"));
        image.check(&admin, "team/app", &image.digest.to_string());
    }
    let (layer, bytes) = &images[3].blobs[1];
    let blob = format!("/v2/team/app/blobs/{layer}");
    let part = admin
        .send("GET", &blob, &[("range", "bytes=12000000-12999999")], b"")
        .expect(206);
    assert!(part.body == bytes[12_000_000..13_000_000]);
    let head = admin.send("HEAD", &blob, &[], b"").expect(200);
    assert_eq!(head.header("content-length"), Some("20000000"));
    for (digest, _) in &images[3].blobs {
        let mount = format!("/v2/team/other/blobs/uploads/?mount={digest}&from=team/app");
        admin.send("POST", &mount, &[], b"").expect(201);
    }
    put_manifest(&admin, "team/other", "v1", MANIFEST, &images[3].manifest).expect(201);
    images[3].check(&admin, "team/other", "v1");
    images[0].push(&admin, "team/app", "v1");
    images[0].check(&admin, "team/app", "v1");
    admin
        .send("DELETE", "/v2/team/app/manifests/v0", &[], b"")
        .expect(202);
    admin.get("/v2/team/app/manifests/v0").expect(404);
    let tags = admin.get("/v2/team/app/tags/list").expect(200).json();
    assert_eq!(
        tags,
        json!({"name": "team/app", "tags": ["v1", "v2", "v3"]})
    );
    let catalog = admin.get("/v2/_catalog").expect(200).json();
    assert_eq!(catalog["repositories"], json!(["team/app", "team/other"]));
    larder.anonymous().get("/readyz").expect(200);
    larder.make_user("alice");
    larder.grant("user:alice", "oci/team", "app", "reader");
    larder
        .user("alice", larder_tests::larder::PASSWORD)
        .get("/v2/team/app/manifests/v3")
        .expect(200);
    assert_eq!(larder.stop(), Some(0));
}

#[test]
fn images_with_names_in_postgres() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    serves_images(larder().with("LARDER_DATABASE__URL", &postgres.database("names")));
}

#[test]
fn images_with_blobs_in_s3() {
    let Some(s3) = Bucket::s3_files() else { return };
    serves_images(s3.holds_blobs_of(larder()));
}

#[test]
fn images_with_blobs_in_gcs() {
    let Some(gcs) = Bucket::gcs() else { return };
    serves_images(gcs.holds_blobs_of(larder()));
}

#[test]
fn images_with_blobs_in_azure() {
    let Some(azure) = Bucket::azure() else { return };
    serves_images(azure.holds_blobs_of(larder()));
}

#[test]
fn images_with_names_in_postgres_and_blobs_in_s3() {
    let (Some(postgres), Some(s3)) = (Postgres::start(), Bucket::s3_memory()) else {
        return;
    };
    serves_images(
        s3.holds_blobs_of(larder())
            .with("LARDER_DATABASE__URL", &postgres.database("both")),
    );
}

/// Two servers share one database and one bucket: what one was pushed the other serves.
fn are_one(bucket: &Bucket) {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("shared");
    let start = || {
        let start = bucket.holds_blobs_of(larder());
        postgres.names_of(start, &url).start()
    };
    let (one, two) = (start(), start());
    let image = Image::random(&mut Random::seeded(), &[10, 200_000]);
    image.push(&one.admin(), "team/app", "v1");
    image.push(&two.admin(), "team/more", "v1");
    image.check(&two.admin(), "team/app", "v1");
    image.check(&one.admin(), "team/more", "v1");
}

#[test]
fn two_servers_are_one() {
    let buckets = [Bucket::s3_files(), Bucket::gcs(), Bucket::azure()];
    buckets.iter().flatten().for_each(are_one);
}

/// A place in a list that no list can have is the client's mistake, whichever database it is.
fn odd_places_are_refused(start: Start) {
    let larder = start.start();
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[20]);
    image.push(&admin, "team/app", "v1");
    let referrers = format!("/v2/team/app/referrers/{}?last=%00", image.digest);
    for path in [
        "/v2/_catalog?last=%00",
        "/v2/_catalog?last=team/a%00b",
        "/v2/team/app/tags/list?last=%00",
        "/v2/team/app/tags/list?last=v%00",
        &referrers,
        "/api/v1/users?after=%00",
        "/api/v1/repositories?after=%00",
        "/api/v1/tokens?after=a%00",
        "/api/v1/repositories/oci/team/packages?after=%00",
        "/api/v1/repositories/oci/team/packages/app/versions?after=%00",
        "/api/v1/audit?after=%00",
        "/api/v1/search?q=%00",
    ] {
        let answer = admin.get(path);
        assert!(
            (400..500).contains(&answer.status),
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
    }
    let anonymous = larder.anonymous().get("/api/v1/repositories?after=%00");
    assert_eq!(anonymous.status, 400, "{}", anonymous.text());
}

#[test]
fn odd_places_in_lists_are_refused() {
    odd_places_are_refused(larder());
    let Some(postgres) = Postgres::start() else {
        return;
    };
    odd_places_are_refused(larder().with("LARDER_DATABASE__URL", &postgres.database("odd")));
}
