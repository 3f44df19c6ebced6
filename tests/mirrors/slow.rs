//! Upstreams that take their time: how much of it they may take is a setting of the mirror.

use crate::bed::Bed;
use larder_tests::{Fault, Upstream};
use serde_json::json;

/// A mirror of npm of this upstream that gives it so much time.
fn mirror(bed: &Bed, name: &str, upstream: &Upstream, answer_time: &serde_json::Value) {
    let settings =
        json!({"url": upstream.url(), "allow_private": true, "answer_time": answer_time});
    let body = json!({"protocol": "npm", "name": name, "kind": "mirror", "upstream": settings});
    bed.larder
        .api("POST", "repositories", &body.to_string(), 201);
}

/// Of two mirrors of one silent upstream the one gives up while the other still waits.
fn gives_up_first(server: &str, hasty: &serde_json::Value, patient: &serde_json::Value) {
    let bed = Bed::with(&[("LARDER_CACHE__UPSTREAM_ANSWER_TIME", server)]);
    let (one, other) = (Upstream::start(), Upstream::start());
    mirror(&bed, "hasty", &one, hasty);
    mirror(&bed, "patient", &other, patient);
    for upstream in [&one, &other] {
        upstream.put("/slow", json!({"name": "slow", "versions": {}}).to_string());
        upstream.fail("/slow", Fault::Silent);
    }
    let client = bed.client.clone();
    let waiting = std::thread::spawn(move || client.get("/npm/patient/slow").status);
    other.await_count("/slow", 1);
    let refused = bed.get("/npm/hasty/slow").expect(503);
    assert!(
        refused.text().contains("did not answer in time"),
        "{}",
        refused.text()
    );
    assert_eq!(one.count("/slow"), 3, "it was tried again");
    assert!(!waiting.is_finished());
    assert_eq!(
        other.count("/slow"),
        1,
        "it has all the time of its first try"
    );
    other.heal();
    other.release();
    assert_eq!(waiting.join().expect("client"), 200);
}

#[test]
fn a_mirror_may_give_its_upstream_more_time_than_the_server() {
    gives_up_first("1s", &json!(null), &json!("10m"));
}

#[test]
fn a_mirror_may_give_its_upstream_less_time_than_the_server() {
    gives_up_first("10m", &json!("1s"), &json!(null));
}

/// How long it may be silent within an answer is another time.
#[test]
fn an_answer_may_begin_late_and_must_go_on() {
    let bed = Bed::with(&[
        ("LARDER_CACHE__UPSTREAM_ANSWER_TIME", "10m"),
        ("LARDER_CACHE__UPSTREAM_IDLE_TIME", "1s"),
    ]);
    let shelf = bed.mirror("npm", &vec![b'x'; 200_000]);
    bed.get(&shelf.index_here()).expect(200);
    bed.upstream
        .fail(&shelf.artifact("1.0.0"), Fault::Held(100_000));
    let (_, whole) = bed.taken(&shelf.artifact_here("1.0.0"));
    assert!(!whole, "it breaks off");
    let state = bed.state(&shelf);
    let reason = "it broke off in the middle of an answer for /npm/demo/-/demo-1.0.0.tgz";
    assert_eq!(state["last_error"]["reason"], json!(reason));
    bed.upstream.heal();
    bed.upstream.release();
}
