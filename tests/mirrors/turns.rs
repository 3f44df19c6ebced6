//! How often upstreams are asked, and how much at once: whoever waits for one takes no place from
//! those who need not.

use crate::bed::Bed;
use crate::breaker::retry_after;
use larder_tests::{Fault, Upstream};
use serde_json::json;

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
