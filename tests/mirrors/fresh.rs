//! How long an index is taken as it is, and what happens then. The server's clock is turned;
//! `fresh` is five minutes.

use crate::bed::{Bed, status};
use larder_tests::Fault;

const OLD: &[u8] = b"the old one";
const NEW: &[u8] = b"the new one";

#[test]
fn an_index_is_fresh_then_stale_then_asked_for() {
    let bed = Bed::new();
    for mut shelf in bed.mirrors(OLD) {
        let (here, there) = (shelf.index_here(), shelf.index());
        bed.get(&here).expect(200);
        bed.turn(200);
        let answer = bed.get(&here).expect(200);
        assert!(
            status(&answer).starts_with("larder; hit; ttl="),
            "{}",
            status(&answer)
        );
        let age: u64 = answer
            .header("age")
            .and_then(|age| age.parse().ok())
            .expect("age");
        assert!((200..300).contains(&age), "{age}");
        let lasts = answer
            .header("cache-control")
            .expect("cache-control")
            .to_owned();
        let lasts: u64 = lasts
            .rsplit_once("max-age=")
            .and_then(|(_, text)| text.parse().ok())
            .expect("max-age");
        assert!(lasts <= 100, "{lasts}");
        assert_eq!(bed.upstream.count(&there), 1);

        shelf.put(&bed.upstream, "2.0.0", NEW);
        bed.turn(200);
        let answer = bed.get(&here).expect(200);
        assert!(
            status(&answer).ends_with("detail=stale"),
            "{}",
            status(&answer)
        );
        let new_one = bed.until(&here, |answer| !status(answer).ends_with("detail=stale"));
        assert!(
            status(&new_one).starts_with("larder; hit; ttl="),
            "it was fetched behind: {}",
            status(&new_one)
        );
        let told = if shelf.protocol == "rpm" {
            "<revision>2<"
        } else {
            "2.0.0"
        };
        assert!(new_one.text().contains(told), "{}", new_one.text());
        bed.right(&shelf.artifact_here("2.0.0"), NEW);

        // Whatever asks for it from then on, it is asked for once.
        bed.upstream.take_asked();
        bed.turn(1000);
        let answer = bed.get(&here).expect(200);
        assert_eq!(
            status(&answer),
            "larder; hit; fwd=stale; fwd-status=304; detail=revalidated"
        );
        assert_eq!(answer.header("age"), Some("0"));
        let asked: Vec<_> = bed
            .upstream
            .take_asked()
            .into_iter()
            .filter(|asked| asked.path == there)
            .collect();
        assert!(
            asked.len() == 1 && asked[0].header("if-none-match").is_some(),
            "{asked:?}"
        );

        bed.turn(1000);
        shelf.put(&bed.upstream, "3.0.0", NEW);
        let answer = bed.get(&here).expect(200);
        assert_eq!(status(&answer), "larder; fwd=miss; stored", "it changed");
        bed.right(&shelf.artifact_here("3.0.0"), NEW);
    }
}

#[test]
fn while_it_is_asked_for_behind_nobody_waits_and_one_asks() {
    let bed = Bed::with(&[("LARDER_CACHE__UPSTREAM_IDLE_TIME", "60s")]);
    for shelf in bed.mirrors(OLD) {
        let (here, there) = (shelf.index_here(), shelf.index());
        bed.get(&here).expect(200);
        bed.turn(400);
        bed.upstream.take_asked();
        bed.upstream.fail(&there, Fault::Silent);
        for _ in 0..20 {
            let answer = bed.get(&here).expect(200);
            assert!(
                status(&answer).ends_with("detail=stale"),
                "{}",
                status(&answer)
            );
        }
        bed.upstream.await_count(&there, 1);
        bed.upstream.heal();
        bed.upstream.release();
        bed.until(&here, |answer| {
            answer.header("age").is_some_and(|age| age.len() < 3)
        });
        assert_eq!(bed.upstream.count(&there), 1, "{}", shelf.protocol);
    }
}

#[test]
fn patience_ends_and_the_kept_one_is_served() {
    let bed = Bed::with(&[
        ("LARDER_CACHE__UPSTREAM_IDLE_TIME", "60s"),
        ("LARDER_CACHE__REVALIDATE_TIMEOUT", "100ms"),
    ]);
    for shelf in bed.mirrors(OLD) {
        bed.get(&shelf.index_here()).expect(200);
        bed.turn(10_000);
        bed.upstream.fail(&shelf.index(), Fault::Silent);
        let answer = bed.get(&shelf.index_here()).expect(200);
        assert!(
            status(&answer).ends_with("detail=stale"),
            "{}",
            status(&answer)
        );
        bed.upstream.heal();
        bed.upstream.release();
        bed.until(&shelf.index_here(), |answer| {
            !status(answer).ends_with("detail=stale")
        });
    }
}

/// Whatever becomes of the upstream, what is kept is served, and says its age.
#[test]
fn a_kept_index_outlives_its_upstreams_troubles() {
    let bed = Bed::with(&[("LARDER_CACHE__UPSTREAM_ANSWER_TIME", "1s")]);
    let faults = [
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(418),
        Fault::Status(451),
        Fault::Status(500),
        Fault::Later(503, 60),
        Fault::Later(429, 60),
        Fault::Truncated(5),
        Fault::TooLong(5),
        Fault::TooShort(20),
        Fault::ChunkedCut(5),
        Fault::Encoding("gzip"),
        Fault::Encoding("br"),
        Fault::Redirect("http://10.0.0.1/".to_owned()),
        Fault::Held(5),
        Fault::Silent,
        Fault::Closed,
        Fault::Login,
    ];
    for shelf in bed.mirrors(OLD) {
        let here = shelf.index_here();
        let kept = bed.get(&here).expect(200).body;
        let mut age = 0;
        for fault in &faults {
            bed.turn(10_000);
            age += 10_000;
            bed.upstream.take_asked();
            bed.upstream.fail(&shelf.index(), fault.clone());
            let answer = bed.right(&here, &kept);
            assert!(
                status(&answer).ends_with("detail=stale"),
                "{here} {fault:?}: {}",
                status(&answer)
            );
            let told: u64 = answer
                .header("age")
                .and_then(|age| age.parse().ok())
                .expect("age");
            assert!(
                (age..age + 1000).contains(&told),
                "{here} {fault:?}: {told}"
            );
            // Where none comes, the server tries by itself whether the upstream answers at all: with
            // rpm by asking for the same file.
            let silent = matches!(fault, Fault::Silent | Fault::Closed);
            let trials = usize::from(silent && shelf.protocol == "rpm");
            let asked = bed.upstream.count(&shelf.index());
            assert!(
                (1..=1 + trials).contains(&asked),
                "{here} {fault:?}: {asked}"
            );
            bed.upstream.heal();
            bed.upstream.release();
            bed.rest(&shelf);
        }
        bed.right(&here, &kept);
        bed.right(&shelf.artifact_here("1.0.0"), OLD);
        bed.turn(10_000);
    }
    bed.upstream.go();
    bed.turn(10_000);
    for protocol in larder_tests::shelf::PROTOCOLS {
        let mut shelf = larder_tests::Shelf::new(protocol, &bed.upstream);
        shelf.remember("1.0.0", OLD);
        let answer = bed.get(&shelf.index_here()).expect(200);
        assert!(
            status(&answer).ends_with("detail=stale"),
            "{}",
            status(&answer)
        );
        bed.right(&shelf.artifact_here("1.0.0"), OLD);
    }
}

#[test]
fn an_index_that_is_gone_upstream_is_gone_here() {
    let bed = Bed::with(&[("LARDER_CACHE__NOT_FOUND", "0s")]);
    for shelf in bed.mirrors(OLD) {
        let here = shelf.index_here();
        let kept = bed.get(&here).expect(200).body;
        for status in [404, 410] {
            bed.turn(10_000);
            bed.upstream.fail(&shelf.index(), Fault::Status(status));
            bed.get(&here).expect(404);
            bed.upstream.heal();
            bed.right(&here, &kept);
        }
    }
}

#[test]
fn what_is_gone_is_not_asked_for_again_and_again() {
    let bed = Bed::new();
    for shelf in bed.mirrors(OLD) {
        bed.right(&shelf.artifact_here("1.0.0"), OLD);
        bed.upstream.remove(&shelf.index());
        bed.turn(10_000);
        bed.upstream.take_asked();
        for _ in 0..20 {
            bed.get(&shelf.index_here()).expect(404);
        }
        assert_eq!(bed.upstream.count(&shelf.index()), 1, "{}", shelf.protocol);
        bed.right(&shelf.artifact_here("1.0.0"), OLD);
    }
}

/// Who asked too early does not keep those waiting whom a newer index tells of it.
#[test]
fn what_an_index_tells_is_not_missing_any_more() {
    let bed = Bed::new();
    for mut shelf in bed.mirrors(OLD) {
        bed.get(&shelf.artifact_here("2.0.0")).expect(404);
        bed.turn(10_000);
        shelf.put(&bed.upstream, "2.0.0", NEW);
        bed.get(&shelf.index_here()).expect(200);
        bed.right(&shelf.artifact_here("2.0.0"), NEW);
    }
}

#[test]
fn what_is_missing_is_remembered_for_a_while() {
    for (time, is_over) in [("1h", false), ("1s", true)] {
        let bed = Bed::with(&[("LARDER_CACHE__NOT_FOUND", time)]);
        for protocol in larder_tests::shelf::ALL {
            let mut shelf = larder_tests::Shelf::new(protocol, &bed.upstream);
            bed.make(
                &shelf,
                &serde_json::json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
            );
            shelf.put_root(&bed.upstream);
            bed.get(&shelf.index_here()).expect(404);
            shelf.put(&bed.upstream, "1.0.0", NEW);
            if is_over {
                let answer = bed.until(&shelf.index_here(), |answer| answer.status == 200);
                assert_eq!(status(&answer), "larder; fwd=miss; stored");
                bed.right(&shelf.artifact_here("1.0.0"), NEW);
            } else {
                bed.get(&shelf.index_here()).expect(404);
            }
            assert_eq!(
                bed.upstream.count(&shelf.index()),
                1 + usize::from(is_over),
                "{protocol}"
            );
        }
    }
}
