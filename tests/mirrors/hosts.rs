//! Other hosts than the upstream's own, where an index or a redirect says that files are: what they
//! do is their own doing.

use crate::bed::{Bed, status};
use crate::security::{BODY, apart};
use larder_tests::upstream::Asked;
use larder_tests::{Fault, Shelf, Upstream};
use serde_json::{Value, json};

fn allowed(bed: &Bed, shelf: &Shelf, other: &Upstream) -> Value {
    json!({"url": shelf.url(&bed.upstream), "allow_private": true, "allow": [other.url()]})
}

/// The index comes from the upstream itself, asked for anew.
#[track_caller]
fn upstream_answers(bed: &Bed, shelf: &Shelf) {
    bed.turn(10_000);
    let index = bed.get(&shelf.index_here()).expect(200);
    assert!(
        !status(&index).ends_with("detail=stale"),
        "{}",
        status(&index)
    );
    let state = bed.state(shelf);
    assert_eq!(
        (&state["state"], &state["failures"], &state["paused_until"]),
        (&json!("answering"), &json!(0), &json!(null)),
        "{state}"
    );
}

#[test]
fn a_host_that_is_dead_stops_no_other() {
    let (bed, other) = (Bed::new(), Upstream::start());
    let origin = other.url().trim_end_matches('/').to_owned();
    let shelves = apart(&bed, &other, |shelf| allowed(&bed, shelf, &other));
    other.go();
    for shelf in &shelves {
        let text = bed.get(&shelf.artifact_here("1.0.0")).expect(503).text();
        let host = format!(
            "a host that the upstream of {}/up names cannot be reached",
            shelf.protocol
        );
        assert!(text.contains(&host) && !text.contains(&origin), "{text}");
        let state = bed.until_state(shelf, |state| {
            state["paused_origins"] != json!([]) || {
                bed.get(&shelf.artifact_here("1.0.0")).expect(503);
                false
            }
        });
        let paused = &state["paused_origins"][0];
        assert_eq!(
            (&paused["origin"], &paused["reason"]),
            (&json!(origin), &json!("it cannot be reached"))
        );
        assert!(paused["paused_until"].is_string(), "{paused}");
        upstream_answers(&bed, shelf);
    }
    // It is tried by its root, with nothing of ours to show.
    other.come_back();
    other.take_asked();
    bed.turn(60);
    for shelf in &shelves {
        let here = shelf.artifact_here("1.0.0");
        bed.until(&here, |answer| answer.status == 200);
        let asked = other.take_asked();
        let (method, path) = (asked[0].method.as_str(), asked[0].path.as_str());
        assert_eq!((method, path), ("HEAD", "/"), "{asked:?}");
        assert_eq!(
            asked.last().map(|asked| asked.path.clone()),
            Some(shelf.artifact("1.0.0"))
        );
        assert_eq!(bed.state(shelf)["paused_origins"], json!([]));
    }
}

/// Nor with what an index has of its own to show.
#[test]
fn a_trial_shows_nobodys_credentials() {
    let (bed, other) = (Bed::new(), Upstream::start());
    let mut shelf = Shelf::new("npm", &bed.upstream);
    let files = other
        .url()
        .replacen("http://", "http://stranger:theirs@", 1);
    shelf.files = format!("{files}npm/");
    shelf.put(&bed.upstream, "1.0.0", BODY);
    other.put(&shelf.artifact("1.0.0"), BODY);
    bed.make(&shelf, &allowed(&bed, &shelf, &other));
    let here = shelf.artifact_here("1.0.0");
    other.fail_all(Fault::Later(429, 300));
    bed.get(&here).expect(503);
    other.heal();
    bed.turn(300);
    bed.until(&here, |answer| answer.status == 200);
    let asked = other.take_asked();
    assert_eq!(asked[1].method, "HEAD", "{asked:?}");
    let nobody = |asked: &Asked| asked.header("authorization").is_none();
    assert!(asked.iter().all(nobody), "{asked:?}");
}

#[test]
fn a_host_that_asks_for_time_gets_it_alone() {
    let (bed, other) = (Bed::new(), Upstream::start());
    let shelves = apart(&bed, &other, |shelf| allowed(&bed, shelf, &other));
    for shelf in &shelves {
        let here = shelf.artifact_here("1.0.0");
        other.fail_all(Fault::Later(503, 500));
        bed.get(&here).expect(503);
        other.heal();
        other.take_asked();
        let text = bed.get(&here).expect(503).text();
        assert!(text.contains("answered 503"), "{text}");
        assert_eq!(other.total(), 0, "{:?}", other.take_asked());
        upstream_answers(&bed, shelf);
        bed.until(&here, |answer| answer.status == 200);
    }
}

#[test]
fn a_redirect_to_a_host_that_is_dead_is_not_the_upstreams_failure() {
    let (bed, other) = (Bed::new(), Upstream::start());
    for shelf in bed.mirrors(BODY) {
        bed.change(&shelf, &json!({"upstream": {"allow": [other.url()]}}));
    }
    other.go();
    for protocol in larder_tests::shelf::PROTOCOLS {
        let mut shelf = Shelf::new(protocol, &bed.upstream);
        shelf.remember("1.0.0", BODY);
        let there = shelf.artifact("1.0.0");
        bed.upstream
            .fail(&there, Fault::Redirect(format!("{}gone", other.url())));
        bed.get(&shelf.artifact_here("1.0.0")).expect(503);
        upstream_answers(&bed, &shelf);
        bed.upstream.heal();
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
    }
}

/// What our own guard refuses is nobody's failure.
#[test]
fn what_is_not_allowed_pauses_nothing() {
    let (bed, other) = (Bed::new(), Upstream::start());
    let shelves = apart(
        &bed,
        &other,
        |shelf| json!({"url": shelf.url(&bed.upstream), "allow_private": true}),
    );
    let port = other.port();
    for mut shelf in shelves {
        for host in ["127.0.0.1", "localhost"] {
            shelf.files = format!("http://{host}:{port}/{}/", shelf.protocol);
            shelf.put_index(&bed.upstream);
            bed.turn(10_000);
            for _ in 0..5 {
                let refused = bed.get(&shelf.artifact_here("1.0.0")).expect(502);
                assert!(refused.text().contains("(allow)"), "{}", refused.text());
            }
            assert_eq!(bed.state(&shelf)["paused_origins"], json!([]));
            upstream_answers(&bed, &shelf);
        }
        // Nor is the upstream's own address allowed.
        bed.change(&shelf, &json!({"upstream": {"allow_private": false}}));
        bed.upstream.take_asked();
        for _ in 0..5 {
            let refused = bed.get(&shelf.artifact_here("1.0.0")).expect(502);
            assert!(refused.text().contains("(allow"), "{}", refused.text());
        }
        assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
        let state = bed.state(&shelf);
        assert_eq!(
            (&state["failures"], &state["paused_until"]),
            (&json!(0), &json!(null))
        );
    }
    assert_eq!(other.total(), 0, "{:?}", other.take_asked());
}

/// Places for requests are by host: one that keeps us waiting takes none from others.
#[test]
fn a_host_that_is_silent_takes_no_place_from_others() {
    let (bed, other) = (
        Bed::with(&[
            ("LARDER_CACHE__UPSTREAM_ANSWER_TIME", "50s"),
            ("LARDER_CACHE__UPSTREAM_REQUESTS", "2"),
        ]),
        Upstream::start(),
    );
    let shelves = apart(&bed, &other, |shelf| allowed(&bed, shelf, &other));
    let mut waiting = Vec::new();
    for mut shelf in shelves {
        for version in ["2.0.0", "2.1.0", "2.2.0"] {
            shelf.put(&bed.upstream, version, BODY);
            other.put(&shelf.artifact(version), BODY);
            other.fail(&shelf.artifact(version), Fault::Silent);
        }
        for version in ["2.0.0", "2.1.0", "2.2.0"] {
            let (client, path) = (bed.client.clone(), shelf.artifact_here(version));
            waiting.push(std::thread::spawn(move || client.get(&path).status));
        }
        // Two of the three have a place.
        let paths = ["2.0.0", "2.1.0", "2.2.0"].map(|version| shelf.artifact(version));
        other.await_counts(&paths, 2);
        upstream_answers(&bed, &shelf);
    }
    assert!(waiting.iter().all(|client| !client.is_finished()));
    other.heal();
    other.release();
    for client in waiting {
        assert_eq!(client.join().expect("client"), 200);
    }
}
