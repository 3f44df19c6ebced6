//! An upstream that fails is left alone for a while; one that asks for time gets it.

use crate::bed::{Bed, status};
use larder_tests::http::Response;
use larder_tests::{Fault, Shelf, Upstream};
use serde_json::json;

/// Seconds after which to come again.
#[track_caller]
fn retry_after(answer: &Response) -> u64 {
    let told = answer
        .header("retry-after")
        .and_then(|text| text.parse().ok());
    told.unwrap_or_else(|| panic!("{} {:?}", answer.status, answer.headers))
}

#[test]
fn after_some_failures_the_upstream_has_a_rest() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        for fault in [Fault::Status(500), Fault::Closed] {
            bed.rest(&shelf);
            bed.upstream.fail_all(fault.clone());
            let refused = bed.get(&shelf.artifact_here("1.0.0")).expect(503);
            assert!(
                (1..10).contains(&retry_after(&refused)),
                "{:?}",
                refused.headers
            );
            bed.upstream.take_asked();
            let mut refusals = Vec::new();
            for at in 0..20 {
                refusals.push(
                    bed.get(&shelf.artifact_here(&format!("3.{at}.0")))
                        .expect(503),
                );
            }
            // The first pause is a second: on a slow machine it may end meanwhile, and one tries.
            assert!(bed.upstream.total() <= 3, "{:?}", bed.upstream.take_asked());
            assert!(refusals.iter().all(|refused| retry_after(refused) <= 60));
            bed.upstream.heal();
        }
        let answer = bed.until(&shelf.artifact_here("1.0.0"), |answer| {
            assert!(matches!(answer.status, 200 | 503), "{}", answer.status);
            answer.status == 200
        });
        assert!(answer.body == b"a body");
    }
}

#[test]
fn what_is_kept_does_not_notice() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
        bed.upstream.fail_all(Fault::Status(503));
        for at in 0..5 {
            bed.turn(10_000);
            bed.get(&shelf.artifact_here(&format!("3.{at}.0")));
            let answer = bed.get(&shelf.index_here()).expect(200);
            assert!(
                status(&answer).ends_with("detail=stale"),
                "{}",
                status(&answer)
            );
            bed.right(&shelf.artifact_here("1.0.0"), b"a body");
        }
        assert!(bed.upstream.total() < 20, "{}", bed.upstream.total());
        bed.upstream.heal();
        bed.upstream.take_asked();
    }
}

#[test]
fn who_asks_for_time_gets_it() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        for status in [429, 503] {
            bed.rest(&shelf);
            bed.upstream.take_asked();
            bed.upstream.fail_all(Fault::Later(status, 300));
            for path in [
                shelf.index_here(),
                shelf.artifact_here("1.0.0"),
                shelf.index_here(),
            ] {
                let refused = bed.get(&path).expect(503);
                assert!(
                    (290..=300).contains(&retry_after(&refused)),
                    "{path}: {:?}",
                    refused.headers
                );
            }
            assert_eq!(bed.upstream.total(), 1, "{:?}", bed.upstream.take_asked());
            bed.upstream.heal();
            bed.get(&shelf.index_here()).expect(503);
            assert_eq!(bed.upstream.total(), 1, "it is not asked before its time");
        }
    }
}

#[test]
fn after_its_time_it_is_asked_again() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        let begun = std::time::Instant::now();
        bed.upstream.fail_all(Fault::Later(429, 1));
        bed.get(&shelf.index_here()).expect(503);
        bed.upstream.heal();
        bed.upstream.take_asked();
        bed.until(&shelf.index_here(), |answer| {
            assert!(matches!(answer.status, 200 | 503), "{}", answer.status);
            answer.status == 200
        });
        assert!(begun.elapsed().as_millis() >= 1000);
        assert_eq!(bed.upstream.count(&shelf.index()), 1);
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
    }
}

/// Neither what is missing nor what is forbidden is the upstream's failure.
#[test]
fn a_refusal_is_no_failure() {
    let bed = Bed::with(&[("LARDER_CACHE__NOT_FOUND", "0s")]);
    for shelf in bed.mirrors(b"a body") {
        for fault in [
            Fault::Status(404),
            Fault::Status(403),
            Fault::Status(410),
            Fault::Flipped(0),
        ] {
            bed.upstream.fail(&shelf.artifact("1.0.0"), fault);
            for _ in 0..10 {
                assert!(bed.wrong(&shelf.artifact_here("1.0.0")) != 503);
            }
        }
        bed.upstream.heal();
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
    }
}

#[test]
fn an_accident_is_not_noticed() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        for fault in [Fault::Status(500), Fault::Closed] {
            bed.rest(&shelf);
            for path in [shelf.index(), shelf.artifact("1.0.0")] {
                bed.upstream.fail_times(&path, fault.clone(), 2);
            }
        }
        bed.get(&shelf.index_here()).expect(200);
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
        assert_eq!(bed.upstream.count(&shelf.artifact("1.0.0")), 3);
    }
}

/// Each mirror has its own patience with its upstream.
#[test]
fn one_mirrors_trouble_is_not_anothers() {
    let bed = Bed::new();
    let shelves: Vec<Shelf> = bed.mirrors(b"a body");
    bed.upstream
        .fail(&shelves[0].index(), Fault::Later(503, 300));
    bed.get(&shelves[0].index_here()).expect(503);
    for shelf in &shelves[1..] {
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
    }
    bed.get(&shelves[0].artifact_here("1.0.0")).expect(503);
}

/// Who waits for indexes that do not come takes no place from others.
#[test]
fn one_mirrors_silence_is_not_anothers() {
    let bed = Bed::with(&[("LARDER_CACHE__UPSTREAM_ANSWER_TIME", "50s")]);
    let other = Upstream::start();
    let upstream = json!({"url": format!("{}npm/", other.url()), "allow_private": true});
    let body = json!({"protocol": "npm", "name": "other", "kind": "mirror", "upstream": upstream});
    bed.larder
        .api("POST", "repositories", &body.to_string(), 201);
    let ask = |at: usize| {
        other.fail(&format!("/npm/p{at}"), Fault::Silent);
        let (client, path) = (
            bed.client.clone(),
            format!("/npm/other/p{at}/-/p{at}-1.0.0.tgz"),
        );
        std::thread::spawn(move || client.get(&path).status)
    };
    let waiting: Vec<_> = (0..40).map(ask).collect();
    for at in 0..40 {
        other.await_count(&format!("/npm/p{at}"), 1);
    }
    for shelf in bed.mirrors(b"a body") {
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
    }
    assert!(
        waiting.iter().all(|client| !client.is_finished()),
        "they waited for one another"
    );
    other.release();
    assert!(
        waiting
            .into_iter()
            .all(|client| client.join().expect("client") == 404)
    );
}

#[test]
fn an_upstream_is_asked_no_more_often_than_its_operator_wants() {
    let bed = Bed::new();
    let shelf = bed.mirror("npm", b"a body");
    let upstream = json!({"url": shelf.url(&bed.upstream), "requests_per_minute": 1});
    bed.change(&shelf, &json!({"upstream": upstream}));
    let answers: Vec<_> = (0..15)
        .map(|number| bed.get(&format!("/npm/up/unknown-{number}")))
        .collect();
    assert!(
        answers[..10].iter().all(|answer| answer.status == 404),
        "ten may follow one another"
    );
    for answer in &answers[10..] {
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(
            (11..=60).contains(&retry_after(answer)),
            "{:?}",
            answer.headers
        );
        assert!(
            answer.text().contains("as often as it may"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(bed.upstream.total(), 10);
    let shown = bed.larder.api("GET", "repositories/npm/up", "", 200);
    assert_eq!(shown["upstream"]["requests_per_minute"], 1);
    bed.change(&shelf, &json!({"upstream": {"requests_per_minute": 0}}));
    bed.right(&shelf.artifact_here("1.0.0"), b"a body");
}

/// Large answers wait for places of their own upstream: one that drips takes none from others.
#[test]
fn an_upstream_that_drips_holds_up_no_other() {
    let bed = Bed::with(&[("LARDER_CACHE__UPSTREAM_IDLE_TIME", "60s")]);
    let slow = Upstream::start();
    let body = vec![b'x'; 700_000];
    for name in ["a", "b"] {
        slow.put(
            &format!("/{name}"),
            json!({"name": name, "versions": {}, "pad": "y".repeat(700_000)}).to_string(),
        );
        slow.fail(&format!("/{name}"), Fault::Held(600_000));
    }
    let upstream = json!({"url": slow.url(), "allow_private": true});
    let repo = json!({"protocol": "npm", "name": "slow", "kind": "mirror", "upstream": upstream});
    bed.larder
        .api("POST", "repositories", &repo.to_string(), 201);
    let waiting: Vec<_> = ["a", "b"]
        .map(|name| {
            let client = bed.client.clone();
            std::thread::spawn(move || client.get(&format!("/npm/slow/{name}")).expect(200))
        })
        .into();
    for name in ["a", "b"] {
        slow.await_count(&format!("/{name}"), 1);
    }
    let shelf = bed.mirror("npm", &body);
    bed.upstream.put(
        "/npm/large",
        json!({"name": "large", "versions": {}, "pad": "y".repeat(700_000)}).to_string(),
    );
    bed.get("/npm/up/large").expect(200);
    bed.right(&shelf.artifact_here("1.0.0"), &body);
    slow.release();
    for waiting in waiting {
        waiting.join().expect("client");
    }
}
