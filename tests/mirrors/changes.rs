//! Upstreams that change between two requests: what is newer is found, what is kept stays.

use crate::bed::{Bed, status};
use larder_tests::Fault;
use larder_tests::random::Random;
use std::collections::BTreeMap;

#[test]
fn an_artifact_that_is_newer_than_the_kept_index_is_found() {
    let bed = Bed::new();
    let body = Random::seeded().bytes(200_000);
    for mut shelf in bed.mirrors(b"the first one") {
        bed.get(&shelf.index_here()).expect(200);
        bed.turn(60); // the index is fresh still
        shelf.put(&bed.upstream, "2.0.0", &body);
        bed.right(&shelf.artifact_here("2.0.0"), &body);
        assert_eq!(
            bed.upstream.count(&shelf.index()),
            2,
            "{}: the index was asked for again",
            shelf.protocol
        );
        let index = bed.get(&shelf.index_here()).expect(200);
        assert_eq!(index.header("age"), Some("0"), "{}", shelf.protocol);
    }
}

#[test]
fn what_no_index_names_is_asked_for_once() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"the only one") {
        bed.get(&shelf.index_here()).expect(200);
        bed.upstream.take_asked();
        for _ in 0..20 {
            bed.get(&shelf.artifact_here("9.9.9")).expect(404);
        }
        assert!(bed.upstream.total() <= 1, "{:?}", bed.upstream.take_asked());
        assert_eq!(
            bed.upstream.count(&shelf.artifact("9.9.9")),
            0,
            "{}",
            shelf.protocol
        );
    }
}

/// The same name, other bytes, and an index that says so: who holds the older index asks for it
/// again.
#[test]
fn an_artifact_that_was_replaced_with_its_index_is_found() {
    for size in [700, 200_000, 3 << 20] {
        let bed = Bed::new();
        let mut random = Random::seeded();
        let (old, new) = (random.bytes(size), random.bytes(size));
        for mut shelf in bed.mirrors(&old) {
            let there = shelf.artifact("1.0.0");
            bed.get(&shelf.index_here()).expect(200);
            bed.turn(60);
            shelf.put(&bed.upstream, "1.0.0", &new);
            let here = shelf.artifact_here("1.0.0");
            // What had begun to stream as the one that the older index promised cannot become the
            // other.
            let (answer, whole) = bed.taken(&here);
            assert!(
                !whole || answer.body == new,
                "{here}: a complete answer has other bytes"
            );
            assert!(
                size != 700 || whole,
                "{here}: a small one is only answered once it is right"
            );
            let kept = bed.until(&here, |answer| {
                answer.status == 200 && answer.body.len() == size
            });
            assert!(kept.body == new, "{here}");
            // An address that the older index does not have leads to no older bytes, and a list that was not asked for
            // before is read as it is now.
            let tries = if matches!(shelf.protocol, "composer" | "deb") {
                1
            } else {
                2
            };
            assert_eq!(bed.upstream.count(&there), tries, "{here}");
        }
    }
}

#[test]
fn an_artifact_that_was_replaced_alone_is_refused_and_a_kept_one_stays() {
    let bed = Bed::new();
    let mut random = Random::seeded();
    let (old, new) = (random.bytes(1000), random.bytes(1000));
    for mut shelf in bed.mirrors(&old) {
        shelf.put(&bed.upstream, "2.0.0", &old);
        bed.right(&shelf.artifact_here("1.0.0"), &old);
        for version in ["1.0.0", "2.0.0"] {
            bed.upstream.put(&shelf.artifact(version), new.clone());
        }
        bed.turn(60);
        bed.right(&shelf.artifact_here("1.0.0"), &old);
        assert_eq!(bed.wrong(&shelf.artifact_here("2.0.0")), 502);
        bed.upstream.put(&shelf.artifact("2.0.0"), old.clone());
        bed.right(&shelf.artifact_here("2.0.0"), &old);
    }
}

#[test]
fn what_was_withdrawn_upstream_stays_if_it_is_kept() {
    let bed = Bed::new();
    for mut shelf in bed.mirrors(b"the first one") {
        shelf.put(&bed.upstream, "2.0.0", b"the second one");
        bed.right(&shelf.artifact_here("1.0.0"), b"the first one");
        for version in ["1.0.0", "2.0.0"] {
            bed.upstream.remove(&shelf.artifact(version));
        }
        bed.get(&shelf.artifact_here("2.0.0")).expect(404);
        bed.upstream.remove(&shelf.index());
        bed.turn(10_000);
        bed.get(&shelf.index_here()).expect(404);
        bed.right(&shelf.artifact_here("1.0.0"), b"the first one");
    }
}

/// The list of packages that a new repomd.xml names has the name of the one before.
#[test]
fn a_repository_is_the_old_one_or_the_new_one() {
    let bed = Bed::new();
    let mut shelf = bed.mirror("rpm", b"first");
    let list_here = "/rpm/up/repodata/primary.xml.gz";
    let old_index = bed.get(&shelf.index_here()).expect(200).body;
    let old_list = bed.get(list_here).expect(200);
    assert_eq!(old_list.header("cache-control"), Some("no-cache"));
    let old_list = old_list.body;
    shelf.put(&bed.upstream, "2.0.0", b"second");
    let (new_index, new_list) = (
        bed.upstream.body(&shelf.index()),
        bed.upstream.body(&shelf.list()),
    );
    assert!(old_index != new_index && old_list != new_list);
    // Its list is not there yet: the old one is served, whole.
    for fault in [
        Fault::Status(404),
        Fault::Flipped(20),
        Fault::Truncated(20),
        Fault::Status(500),
    ] {
        bed.upstream.fail(&shelf.list(), fault.clone());
        bed.turn(10_000);
        let answer = bed.right(&shelf.index_here(), &old_index);
        assert!(
            status(&answer).ends_with("detail=stale"),
            "{fault:?}: {}",
            status(&answer)
        );
        bed.right(list_here, &old_list);
        bed.upstream.heal();
        bed.rest(&shelf);
    }
    bed.turn(10_000);
    bed.right(&shelf.index_here(), &new_index);
    bed.right(list_here, &new_list);
    bed.right(&shelf.artifact_here("1.0.0"), b"first");
    bed.right(&shelf.artifact_here("2.0.0"), b"second");
}

#[test]
fn a_signature_comes_and_goes_with_what_it_signs() {
    let bed = Bed::new();
    let mut shelf = bed.mirror("rpm", b"first");
    let signature = |of: &str| {
        format!("-----BEGIN PGP SIGNATURE-----\n{of}\n-----END PGP SIGNATURE-----\n").into_bytes()
    };
    let (here, there) = (
        "/rpm/up/repodata/repomd.xml.asc",
        "/rpm/repodata/repomd.xml.asc",
    );
    bed.upstream.put(there, signature("one"));
    bed.right(here, &signature("one"));
    bed.turn(10_000);
    shelf.put(&bed.upstream, "2.0.0", b"second");
    bed.upstream.put(there, signature("two"));
    bed.right(&shelf.index_here(), &bed.upstream.body(&shelf.index()));
    bed.right(here, &signature("two"));
    bed.turn(10_000);
    shelf.put(&bed.upstream, "3.0.0", b"third");
    bed.upstream.remove(there);
    bed.get(here).expect(404);
    bed.right(&shelf.index_here(), &bed.upstream.body(&shelf.index()));
}

/// An upstream of several servers that are not of one state: every answer is of another of them.
#[test]
fn an_upstream_of_two_minds_gives_one_of_them() {
    for size in [700, 200_000] {
        let bed = Bed::with(&[("LARDER_CACHE__NOT_FOUND", "0s")]);
        let mut random = Random::seeded();
        let states = [random.bytes(size), random.bytes(size)];
        for mut shelf in bed.mirrors(&states[0]) {
            // An address may be one of a state alone.
            let mut kept: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            for round in 0..12 {
                bed.turn(if round % 3 == 0 { 10_000 } else { 20 });
                // The index of one state, the artifact of either.
                shelf.put(&bed.upstream, "1.0.0", &states[(round + 1) % 2]);
                bed.upstream.put(
                    &shelf.artifact("1.0.0"),
                    states[usize::from(random.below(2) == 0)].clone(),
                );
                bed.get(&shelf.index_here()).expect(200);
                let here = shelf.artifact_here("1.0.0");
                let (answer, whole) = bed.taken(&here);
                if whole && answer.status == 200 {
                    assert!(states.contains(&answer.body), "{here}: nobody's bytes");
                    let body = || answer.body.clone();
                    let first = kept.entry(here.clone()).or_insert_with(body);
                    assert!(*first == answer.body, "{here}: what was kept changed");
                } else {
                    assert!(
                        !kept.contains_key(&here),
                        "{here}: what was kept is not served: {}",
                        answer.status
                    );
                    assert!(answer.status == 502 || !whole, "{here}: {}", answer.status);
                }
                bed.rest(&shelf);
            }
            let right = kept.into_values().next();
            let right = right.unwrap_or_else(|| states[0].clone());
            shelf.put(&bed.upstream, "1.0.0", &right);
            bed.turn(10_000);
            bed.right(&shelf.artifact_here("1.0.0"), &right);
        }
    }
}
