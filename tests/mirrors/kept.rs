//! What was fetched once stays: over restarts, crashes and the upstream's end.

use crate::bed::{Bed, status};
use larder_tests::Shelf;
use larder_tests::random::Random;
use larder_tests::shelf::artifact_at;
use serde_json::json;

pub(crate) const LARGE: usize = 300_000;

/// Both parts of a package, cold and then warm.
pub(crate) fn fill(bed: &Bed, shelf: &Shelf, body: &[u8]) {
    let (index, artifact) = (shelf.index_here(), shelf.artifact_here("1.0.0"));
    bed.upstream.take_asked();
    let answer = bed.get(&index).expect(200);
    assert_eq!(status(&answer), "larder; fwd=miss; stored", "{index}");
    assert_eq!(answer.header("age"), Some("0"), "{index}");
    let answer = bed.right(&artifact, body);
    assert_eq!(status(&answer), "larder; fwd=miss; stored", "{artifact}");
    for path in [shelf.index(), shelf.artifact("1.0.0")] {
        assert_eq!(bed.upstream.count(&path), 1, "{path}");
    }
    bed.until(&artifact, |answer| status(answer) == "larder; hit"); // it is kept a moment after its last byte
    warm(bed, shelf, body);
}

/// Nothing is asked for.
pub(crate) fn warm(bed: &Bed, shelf: &Shelf, body: &[u8]) {
    bed.upstream.take_asked();
    let index = bed.get(&shelf.index_here()).expect(200);
    assert!(status(&index).starts_with("larder; hit; ttl="), "{index:?}");
    assert!(index.header("age").is_some(), "{index:?}");
    let answer = bed.right(&shelf.artifact_here("1.0.0"), body);
    assert_eq!(status(&answer), "larder; hit");
    assert_eq!(
        answer.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
}

#[test]
fn what_is_kept_is_not_asked_for_again() {
    for size in [700, LARGE] {
        let mut bed = Bed::new();
        let body = Random::seeded().bytes(size);
        let shelves = bed.all_mirrors(&body);
        for shelf in &shelves {
            fill(&bed, shelf, &body);
        }
        assert_eq!(bed.larder.stop(), Some(0));
        bed.start_again();
        for shelf in &shelves {
            warm(&bed, shelf, &body);
        }
        bed.larder.kill();
        bed.start_again();
        for shelf in &shelves {
            warm(&bed, shelf, &body);
        }
        bed.upstream.go();
        for shelf in &shelves {
            warm(&bed, shelf, &body);
        }
    }
}

#[test]
fn what_was_acknowledged_outlives_a_kill_at_once() {
    for size in [700, LARGE] {
        let mut bed = Bed::new();
        let body = Random::seeded().bytes(size);
        for shelf in bed.all_mirrors(&body) {
            // Whoever has a part knows that all is kept.
            let (part, whole) = bed
                .client
                .take(&shelf.artifact_here("1.0.0"), &[("range", "bytes=0-9")])
                .expect("part");
            assert!(
                part.status == 206
                    && whole
                    && part.body == artifact_at(&shelf.artifact_here("1.0.0"), &body)[..10],
                "{}",
                shelf.protocol
            );
            bed.larder.kill();
            bed.start_again();
            bed.upstream.take_asked();
            bed.right(&shelf.artifact_here("1.0.0"), &body);
            assert_eq!(
                bed.upstream.count(&shelf.artifact("1.0.0")),
                0,
                "{}",
                shelf.protocol
            );
        }
    }
}

#[test]
fn a_kill_in_the_middle_of_a_fill_leaves_nothing_behind() {
    use larder_tests::Fault;
    let mut bed = Bed::new();
    let body = Random::seeded().bytes(3 << 20);
    for shelf in bed.all_mirrors(&body) {
        bed.upstream
            .fail(&shelf.artifact("1.0.0"), Fault::Held(2 << 20));
        let client = bed.client.clone();
        let path = shelf.artifact_here("1.0.0");
        let asking =
            std::thread::spawn(move || client.take(&path, &[]).is_ok_and(|(_, whole)| whole));
        bed.upstream.await_count(&shelf.artifact("1.0.0"), 1);
        bed.larder.kill();
        assert!(
            !asking.join().expect("client"),
            "what did not come is not complete"
        );
        bed.upstream.release();
        bed.upstream.heal();
        bed.start_again();
        bed.right(&shelf.artifact_here("1.0.0"), &body);
        assert_eq!(
            bed.upstream.count(&shelf.artifact("1.0.0")),
            2,
            "{}",
            shelf.protocol
        );
    }
}

#[test]
fn an_offline_mirror_asks_nobody_and_says_so() {
    let bed = Bed::new();
    let body = Random::seeded().bytes(LARGE);
    let mut shelves = bed.all_mirrors(&body);
    for shelf in &mut shelves {
        fill(&bed, shelf, &body);
        shelf.put(&bed.upstream, "2.0.0", &body);
        bed.change(shelf, &json!({"offline": true}));
    }
    bed.turn(100_000);
    bed.upstream.take_asked();
    for shelf in &shelves {
        let index = bed.get(&shelf.index_here()).expect(200);
        assert_eq!(status(&index), "larder; hit; detail=offline");
        let age: u64 = index
            .header("age")
            .and_then(|age| age.parse().ok())
            .expect("age");
        assert!((100_000..101_000).contains(&age), "{age}");
        let answer = bed.right(&shelf.artifact_here("1.0.0"), &body);
        assert_eq!(status(&answer), "larder; hit; detail=offline");
        let refused = bed.get(&shelf.artifact_here("2.0.0")).expect(403);
        assert!(refused.text().contains("offline"), "{}", refused.text());
    }
    for path in [
        "/cargo/up/ot/he/other",
        "/npm/up/other",
        "/pypi/up/simple/other/",
        "/rpm/up/other/repodata/repomd.xml",
        "/deb/up/dists/other/InRelease",
        "/composer/up/p2/acme/other.json",
        "/go/up/other.example/@v/list",
        "/go/up/other.example/@v/v1.0.0.info",
    ] {
        let refused = bed.get(path).expect(403);
        assert!(refused.text().contains("offline"), "{}", refused.text());
    }
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
    for shelf in &shelves {
        bed.change(shelf, &json!({"offline": false}));
        bed.get(&shelf.index_here()).expect(200);
        bed.right(&shelf.artifact_here("2.0.0"), &body);
    }
}

#[test]
fn an_upstream_that_is_gone_is_a_503_for_what_is_not_kept() {
    let bed = Bed::new();
    let shelves = bed.all_mirrors(b"never fetched");
    bed.upstream.go();
    for shelf in &shelves {
        for path in [shelf.index_here(), shelf.artifact_here("1.0.0")] {
            let refused = bed.get(&path).expect(503);
            assert!(
                refused.header("retry-after").is_some(),
                "{path}: {:?}",
                refused.headers
            );
        }
    }
    bed.upstream.come_back();
    for shelf in &shelves {
        bed.rest(shelf);
        bed.get(&shelf.index_here()).expect(200);
        bed.right(&shelf.artifact_here("1.0.0"), b"never fetched");
    }
}
