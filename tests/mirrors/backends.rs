//! Mirrors whose names are in PostgreSQL and whose bytes are in a bucket do as all others do.

use crate::bed::{Bed, start, status};
use crate::hostile::{all_is_right, objects, rage};
use crate::kept::{LARGE, fill, warm};
use crate::stampede::a_hundred;
use larder_tests::parcel::publish;
use larder_tests::random::Random;
use larder_tests::{Bucket, Fault, Postgres, Upstream};
use serde_json::json;
use std::sync::Arc;

/// Both, and a mirror's server on them.
fn bed(settings: &[(&str, &str)]) -> Option<(Postgres, Bucket, Bed)> {
    bed_over(Bucket::s3_files()?, settings)
}

fn bed_over(bucket: Bucket, settings: &[(&str, &str)]) -> Option<(Postgres, Bucket, Bed)> {
    let postgres = Postgres::start()?;
    let url = postgres.database("mirrors");
    let start = bucket
        .holds_blobs_of(start(settings))
        .with("LARDER_DATABASE__URL", &url);
    Some((postgres, bucket, Bed::of(start, Upstream::start())))
}

#[test]
fn cold_warm_stale_offline_and_wrong_in_s3() {
    cold_warm_stale_offline_and_wrong(Bucket::s3_files());
}

#[test]
fn cold_warm_stale_offline_and_wrong_in_gcs() {
    cold_warm_stale_offline_and_wrong(Bucket::gcs());
}

#[test]
fn cold_warm_stale_offline_and_wrong_in_azure() {
    cold_warm_stale_offline_and_wrong(Bucket::azure());
}

fn cold_warm_stale_offline_and_wrong(bucket: Option<Bucket>) {
    let over = |bucket| bed_over(bucket, &[("LARDER_CACHE__NOT_FOUND", "0s")]);
    let Some((_postgres, _bucket, mut bed)) = bucket.and_then(over) else {
        return;
    };
    let body = Random::seeded().bytes(LARGE);
    let mut shelves = bed.mirrors(&body);
    for shelf in &shelves {
        fill(&bed, shelf, &body);
    }
    bed.larder.kill();
    bed.start_again();
    for shelf in &shelves {
        warm(&bed, shelf, &body);
    }
    for shelf in &mut shelves {
        let kept = bed.get(&shelf.index_here()).expect(200).body;
        bed.turn(10_000);
        bed.upstream.fail_all(Fault::Status(500));
        let stale = bed.right(&shelf.index_here(), &kept);
        assert!(
            status(&stale).ends_with("detail=stale"),
            "{}",
            status(&stale)
        );
        bed.right(&shelf.artifact_here("1.0.0"), &body);
        bed.upstream.heal();
        bed.rest(shelf);
        let again = bed.right(&shelf.index_here(), &kept);
        assert!(
            status(&again).ends_with("detail=revalidated"),
            "{}",
            status(&again)
        );

        shelf.put(&bed.upstream, "2.0.0", &body);
        bed.turn(60);
        for fault in [
            Fault::Flipped(LARGE / 2),
            Fault::Truncated(LARGE / 2),
            Fault::Status(404),
        ] {
            bed.upstream.fail(&shelf.artifact("2.0.0"), fault);
            bed.wrong(&shelf.artifact_here("2.0.0"));
            bed.upstream.heal();
            bed.rest(shelf);
        }
        bed.right(&shelf.artifact_here("2.0.0"), &body);
        bed.change(shelf, &json!({"offline": true}));
    }
    bed.turn(10_000);
    bed.upstream.take_asked();
    for shelf in &shelves {
        let index = bed.get(&shelf.index_here()).expect(200);
        assert_eq!(status(&index), "larder; hit; detail=offline");
        bed.right(&shelf.artifact_here("1.0.0"), &body);
        assert!(
            bed.get(&shelf.artifact_here("3.0.0"))
                .expect(403)
                .text()
                .contains("offline")
        );
    }
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
}

#[test]
fn a_stampede() {
    let Some((_postgres, _s3, bed)) = bed(&[]) else {
        return;
    };
    let body = Arc::new(Random::seeded().bytes(8 << 20));
    let shelves = bed.mirrors(&body);
    a_hundred(&bed, &shelves, &body);
    for shelf in &shelves {
        let here = shelf.artifact_here("1.0.0");
        bed.until(&here, |answer| {
            status(answer) == "larder; hit" && answer.body == *body
        });
    }
}

#[test]
fn what_is_published_comes_before_what_is_mirrored() {
    let Some((_postgres, _s3, mut bed)) = bed(&[]) else {
        return;
    };
    let bytes = Random::seeded().bytes(200_000);
    let protocols = [
        ("cargo", "de/mo/demo"),
        ("npm", "demo"),
        ("pypi", "simple/demo/"),
        ("composer", "p2/acme/demo.json"),
    ];
    for (protocol, index) in protocols {
        let mut shelf = larder_tests::Shelf::new(protocol, &bed.upstream);
        shelf.put(&bed.upstream, "9.0.0", b"what the world has");
        let upstream =
            json!({"upstream": {"url": shelf.url(&bed.upstream), "allow_private": true}});
        bed.larder.api(
            "PATCH",
            &format!("repositories/{protocol}/upstream"),
            &upstream.to_string(),
            200,
        );
        let index = format!("/{protocol}/main/{index}");
        assert!(bed.get(&index).expect(200).text().contains("9.0.0"));
        let made = publish(&bed.larder.admin(), protocol, "demo", "1.0.0", &bytes);
        assert!(
            matches!(made.status, 200 | 201),
            "{protocol}: {}",
            made.text()
        );
    }
    for _ in ["as it runs", "after a kill"] {
        for (protocol, index) in protocols {
            let told = bed
                .larder
                .admin()
                .get(&format!("/{protocol}/main/{index}"))
                .expect(200)
                .text();
            assert!(told.contains("1.0.0") && !told.contains("9.0.0"), "{told}");
            // The archive's address has its digest.
            if let Some(at) = told.find("/composer/main/dist/") {
                let path = told[at..].split('"').next().expect("its end");
                bed.larder.admin().get(path).expect(200);
            }
        }
        let admin = bed.larder.admin();
        admin.get("/npm/main/demo/-/demo-1.0.0.tgz").expect(200);
        admin
            .get("/cargo/main/api/v1/crates/demo/1.0.0/download")
            .expect(200);
        admin
            .get("/pypi/main/packages/demo/demo-1.0.0-py3-none-any.whl")
            .expect(200);
        bed.larder.kill();
        bed.start_again();
    }
}

#[test]
fn hostile_requests() {
    let Some((_postgres, s3, bed)) = bed(&[("LARDER_CACHE__NOT_FOUND", "0s")]) else {
        return;
    };
    let (world, shelves) = rage(&bed, 2000);
    all_is_right(&bed, &world, &shelves);
    assert!(
        objects(&s3.objects().join("blobs")) > 20,
        "large ones are in the bucket"
    );
}
