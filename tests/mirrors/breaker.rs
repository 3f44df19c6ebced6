//! What fails is left alone for a while, and nothing else is; what asks for time gets it. Whether it
//! is back the server finds out by itself.

use crate::bed::{Bed, status};
use crate::check::{BODY, mirrors, probe};
use larder_tests::http::Response;
use larder_tests::{Fault, Shelf};
use serde_json::json;

/// Seconds after which to come again.
#[track_caller]
pub(crate) fn retry_after(answer: &Response) -> u64 {
    let told = answer
        .header("retry-after")
        .and_then(|text| text.parse().ok());
    told.unwrap_or_else(|| panic!("{} {:?}", answer.status, answer.headers))
}

/// Puts so many versions more, and tells their numbers.
fn put_more(bed: &Bed, shelf: &mut Shelf, count: usize) -> Vec<String> {
    let versions: Vec<String> = (0..count).map(|at| format!("2.{at}.0")).collect();
    for version in &versions {
        shelf.put(&bed.upstream, version, b"another body");
    }
    versions
}

#[test]
fn what_fails_at_one_address_stops_no_other() {
    let bed = Bed::new();
    for mut shelf in mirrors(&bed) {
        let versions = put_more(&bed, &mut shelf, 30);
        let (broken, here) = (shelf.artifact("1.0.0"), shelf.artifact_here("1.0.0"));
        bed.upstream.fail(&broken, Fault::Later(500, 300));
        bed.upstream.take_asked();
        for version in &versions {
            let refused = bed.get(&here).expect(503);
            assert!(
                (290..=300).contains(&retry_after(&refused)),
                "{:?}",
                refused.headers
            );
            bed.right(&shelf.artifact_here(version), b"another body");
        }
        assert_eq!(bed.upstream.count(&broken), 1, "{}", shelf.protocol);
        let state = bed.state(&shelf);
        assert_eq!(
            (&state["state"], &state["failures"], &state["paused_until"]),
            (&json!("failing"), &json!(1), &json!(null))
        );
        let reason = format!("it answered 500 for {broken}");
        assert_eq!(state["last_error"]["reason"], json!(reason));
        bed.upstream.heal();
        bed.turn(300);
        bed.right(&here, BODY);
        assert_eq!(bed.state(&shelf)["state"], json!("answering"));
    }
}

#[test]
fn many_who_ask_for_what_is_broken_stop_nobody() {
    let bed = Bed::new();
    for mut shelf in mirrors(&bed) {
        let versions = put_more(&bed, &mut shelf, 20);
        let broken = shelf.artifact("1.0.0");
        bed.upstream.fail(&broken, Fault::Status(500));
        let hammer = || {
            let (client, path) = (bed.client.clone(), shelf.artifact_here("1.0.0"));
            std::thread::spawn(move || (0..50).map(|_| client.get(&path).status).collect())
        };
        let hammers: Vec<std::thread::JoinHandle<Vec<u16>>> = vec![hammer(), hammer()];
        for version in &versions {
            bed.right(&shelf.artifact_here(version), b"another body");
        }
        for hammer in hammers {
            let statuses = hammer.join().expect("client");
            assert!(statuses.iter().all(|status| *status == 503), "{statuses:?}");
        }
        assert_eq!(bed.state(&shelf)["paused_until"], json!(null));
        bed.upstream.heal();
    }
}

/// However many addresses fail: while the upstream answers when it is tried, it is asked.
#[test]
fn many_broken_addresses_stop_no_other_while_the_upstream_answers() {
    let bed = Bed::new();
    for mut shelf in mirrors(&bed) {
        let versions = put_more(&bed, &mut shelf, 31);
        let (good, bad) = versions.split_last().expect("versions");
        bed.get(&shelf.index_here()).expect(200);
        for version in bad {
            bed.upstream
                .fail(&shelf.artifact(version), Fault::Later(500, 300));
        }
        for version in bad {
            bed.get(&shelf.artifact_here(version)).expect(503);
        }
        bed.right(&shelf.artifact_here(good), b"another body");
        assert_eq!(bed.state(&shelf)["paused_until"], json!(null));
        bed.upstream.heal();
    }
}

/// Where many addresses fail and the trial does too, the upstream is left alone as a whole.
#[test]
fn an_upstream_that_fails_as_a_whole_is_left_alone() {
    let bed = Bed::new();
    for mut shelf in mirrors(&bed) {
        let versions = put_more(&bed, &mut shelf, 31);
        let (unasked, others) = versions.split_last().expect("versions");
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
        // The trial asks one of these again, too.
        bed.upstream.fail_all(Fault::Later(500, 300));
        for version in others {
            bed.get(&shelf.artifact_here(version)).expect(503);
        }
        // While the upstream is asked, this one is left alone for itself, and for longer.
        bed.until(&shelf.artifact_here(&others[0]), |answer| {
            retry_after(answer) <= 60
        });
        let refused = bed.get(&shelf.artifact_here(unasked)).expect(503);
        assert!(
            refused.text().contains("answered 500"),
            "{}",
            refused.text()
        );
        assert_eq!(bed.upstream.count(&shelf.artifact(unasked)), 0);
        bed.upstream.heal();
        bed.turn(600);
        bed.until(&shelf.artifact_here(unasked), |answer| answer.status == 200);
    }
}

/// A request is tried three times, and counts once.
#[test]
fn a_request_counts_once_however_often_it_is_tried() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        let there = shelf.artifact("1.0.0");
        bed.get(&shelf.index_here()).expect(200);
        bed.upstream.fail(&there, Fault::Status(502));
        bed.get(&shelf.artifact_here("1.0.0")).expect(503);
        assert_eq!(bed.upstream.count(&there), 3);
        assert_eq!(bed.state(&shelf)["failures"], json!(1));
        bed.upstream.heal();
    }
}

#[test]
fn what_fails_is_named_and_where_it_is_is_not() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        let (there, root) = (shelf.artifact("1.0.0"), format!("{}/", shelf.root));
        // Of what is not below the upstream's address the file's name alone.
        let file = match shelf.protocol {
            "pypi" => there.rsplit('/').next(),
            _ => there.strip_prefix(&root),
        };
        let file = file.expect("file");
        let (here, name) = (
            shelf.artifact_here("1.0.0"),
            format!("{}/up", shelf.protocol),
        );
        bed.get(&shelf.index_here()).expect(200);
        for (fault, what) in [
            (Fault::Later(500, 8), "answered 500"),
            (Fault::Closed, "cannot be reached"),
            (Fault::Later(429, 8), "answered 429"),
        ] {
            bed.upstream.fail(&shelf.artifact("1.0.0"), fault);
            for _ in ["as it fails", "in the pause"] {
                let refused = bed.get(&here).expect(503);
                let (text, wait) = (refused.text(), retry_after(&refused));
                let sentence =
                    format!("the upstream of {name} {what}; {file} is asked for again in {wait} s");
                assert!(text.contains(&sentence), "{text}");
                assert!(!text.contains("127.0.0.1"), "{text}");
            }
            bed.upstream.heal();
            bed.rest(&shelf);
        }
        bed.upstream
            .fail(&shelf.artifact("1.0.0"), Fault::Status(418));
        let text = bed.get(&here).expect(502).text();
        assert!(
            text.contains(&format!("the upstream of {name} answered 418 for {file}")),
            "{text}"
        );
        bed.upstream.heal();
    }
    let log = bed.larder.log_text();
    let host = format!("at {}", bed.upstream.url().trim_end_matches('/'));
    assert!(log.contains(&host), "the log tells where: {log}");
}

/// An upstream that is gone is not asked until a trial of ours finds it back.
#[test]
fn an_upstream_that_is_gone_is_tried_by_the_server_itself() {
    let bed = Bed::new();
    for mut shelf in mirrors(&bed) {
        let versions = put_more(&bed, &mut shelf, 5);
        bed.get(&shelf.index_here()).expect(200);
        bed.upstream.go();
        bed.get(&shelf.artifact_here("1.0.0")).expect(503);
        // The request, and the trial.
        bed.until_state(&shelf, |state| state["failures"].as_u64() >= Some(2));
        for version in &versions {
            let refused = bed.get(&shelf.artifact_here(version)).expect(503);
            assert!(
                refused.text().contains("cannot be reached"),
                "{}",
                refused.text()
            );
            assert!(retry_after(&refused) <= 60);
        }
        bed.upstream.come_back();
        bed.upstream.take_asked();
        bed.turn(60);
        bed.until(&shelf.artifact_here("2.0.0"), |answer| {
            assert!(matches!(answer.status, 200 | 503), "{}", answer.status);
            answer.status == 200
        });
        let asked = bed.upstream.take_asked();
        assert_eq!(asked[0].path, probe(&shelf), "{asked:?}");
        assert_eq!(bed.state(&shelf)["paused_until"], json!(null));
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
    }
}

/// One that answers some addresses with silence is there all the same.
#[test]
fn an_address_that_is_silent_stops_no_other() {
    let bed = Bed::with(&[("LARDER_CACHE__UPSTREAM_ANSWER_TIME", "2s")]);
    let shelves = mirrors(&bed);
    for shelf in &shelves {
        bed.get(&shelf.index_here()).expect(200);
        bed.upstream.fail(&shelf.artifact("1.0.0"), Fault::Silent);
    }
    let ask = |shelf: &Shelf| {
        let (client, path) = (bed.client.clone(), shelf.artifact_here("1.0.0"));
        std::thread::spawn(move || client.get(&path).expect(503).text())
    };
    let waiting: Vec<_> = shelves.iter().map(ask).collect();
    for told in waiting {
        let text = told.join().expect("client");
        assert!(text.contains("did not answer in time"), "{text}");
    }
    for shelf in &shelves {
        let state = bed.state(shelf);
        let told = (&state["failures"], &state["paused_until"]);
        assert_eq!(told, (&json!(1), &json!(null)), "{state}");
    }
    for mut shelf in shelves {
        shelf.put(&bed.upstream, "2.0.0", b"another body");
        bed.turn(10_000);
        bed.right(&shelf.artifact_here("2.0.0"), b"another body");
    }
}

#[test]
fn what_is_kept_does_not_notice() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
        for fault in [Fault::Status(503), Fault::Later(503, 60), Fault::Closed] {
            bed.upstream.fail_all(fault);
            for at in 0..3 {
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
        }
        bed.upstream.heal();
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

/// No longer than that, whatever it says.
#[test]
fn who_asks_for_all_time_gets_some() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        for status in [429, 500] {
            bed.rest(&shelf);
            bed.upstream.fail_all(Fault::Later(status, u64::MAX));
            let refused = bed.get(&shelf.index_here()).expect(503);
            assert_eq!(retry_after(&refused), 600);
            bed.upstream.heal();
        }
    }
}

#[test]
fn after_its_time_it_is_tried_and_then_asked_again() {
    let bed = Bed::new();
    for shelf in mirrors(&bed) {
        bed.upstream.fail_all(Fault::Later(429, 300));
        bed.get(&shelf.index_here()).expect(503);
        // A trial finds that it is still busy.
        bed.turn(300);
        bed.upstream.take_asked();
        bed.get(&shelf.index_here()).expect(503);
        bed.upstream.await_count(&probe(&shelf), 1);
        bed.until_state(&shelf, |state| state["paused_until"] != json!(null));
        bed.upstream.heal();
        bed.upstream.take_asked();
        bed.turn(300);
        bed.get(&shelf.index_here()).expect(503); // whoever asks first has it tried
        bed.until(&shelf.index_here(), |answer| {
            assert!(matches!(answer.status, 200 | 503), "{}", answer.status);
            answer.status == 200
        });
        let asked = bed.upstream.take_asked();
        assert_eq!(asked[0].path, probe(&shelf), "{asked:?}");
        let trials = usize::from(shelf.protocol == "rpm");
        let index = shelf.index();
        let count = asked.iter().filter(|asked| asked.path == index).count();
        assert_eq!(count, 1 + trials, "{asked:?}");
        bed.right(&shelf.artifact_here("1.0.0"), BODY);
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
        assert_eq!(bed.state(&shelf)["state"], json!("answering"));
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
        assert_eq!(bed.state(&shelf)["failures"], json!(0));
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
