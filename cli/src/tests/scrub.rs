use super::jobs::job;
use super::{Machine, fake, json};
use crate::exit::Exit;
use crate::format::Format;
use serde_json::{Value, json};

/// A run that has ended so.
fn ended(dry_run: bool) -> Value {
    let mut job = job("succeeded", &Value::Null);
    job["dry_run"] = dry_run.into();
    job["result"] = json!({"examined": 9, "healed": 2, "quarantined": 1, "orphans": 3});
    job
}

#[tokio::test]
async fn a_run_is_waited_for() {
    for (words, body, dry_run, told) in [
        (
            "scrub run",
            r#"{"dry_run":false}"#,
            false,
            "9 blobs examined, 2 healed, 1 left damaged, 3 objects without a row.",
        ),
        (
            "scrub run --dry-run sha256:00",
            r#"{"digests":["sha256:00"],"dry_run":true}"#,
            true,
            "Dry run: 9 blobs examined, 1 damaged, 3 objects without a row.",
        ),
    ] {
        let queued = json("202 Accepted", &job("queued", &Value::Null));
        let text = format!("data: {}\n\n", ended(dry_run));
        let server = fake(vec![queued, ("200 OK", "text/event-stream", text)]).await;
        let line = format!("{words} --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("run");
        let note = format!("{told} larder job show 41 --items tells of each.");
        assert_eq!((outcome.exit, outcome.notes), (Exit::Done, vec![note]));
        assert_eq!(
            server.heard(),
            [
                format!("POST /api/v1/scrub/runs | - | {body}"),
                "GET /api/v1/jobs/41/events | - | ".to_owned(),
            ]
        );
    }
}

#[tokio::test]
async fn how_it_goes_on_is_shown() {
    let status =
        json!({"last": ended(false), "next_at": "2030-01-02T04:00:00Z", "quarantined": 77});
    let server = fake(vec![json("200 OK", &status)]).await;
    let line = format!("scrub status --server {}", server.url);
    let outcome = Machine::new().run(&line).await.expect("status");
    let data = outcome.data(Format::Table, None).expect("table");
    for part in ["77", "2030-01-02T04:00:00Z", "succeeded"] {
        assert!(data.contains(part), "{data}");
    }
}

fn damaged() -> Value {
    let holder = json!({"repository": "oci/team", "package": "app", "reference": "v1",
        "why": "the manifest names it"});
    json!({"digest": "sha256:00", "size": 7, "since": "2030-01-02T04:00:00Z", "damage": "changed",
        "held_by": [holder], "has_more_holders": false})
}

#[tokio::test]
async fn damaged_blobs_are_listed_and_shown_with_what_names_them() {
    let list = json!({"items": [damaged()], "next": null});
    let server = fake(vec![json("200 OK", &list), json("200 OK", &damaged())]).await;
    for (words, parts) in [
        ("quarantine list", &["sha256:00", "changed"][..]),
        (
            "quarantine show sha256:00",
            &["sha256:00", "changed", "oci/team", "app", "v1"],
        ),
    ] {
        let line = format!("{words} --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("list");
        let data = outcome.data(Format::Table, None).expect("table");
        for part in parts {
            assert!(data.contains(*part), "{words}: {data}");
        }
    }
}

#[tokio::test]
async fn bytes_are_given_up_after_a_question_that_counts_names() {
    let server = fake(vec![json("200 OK", &damaged()), json("200 OK", &damaged())]).await;
    let line = format!("quarantine delete sha256:00 --yes --server {}", server.url);
    let outcome = Machine::new().run(&line).await.expect("delete");
    assert!(outcome.notes[0].contains("1 names"), "{:?}", outcome.notes);
    assert_eq!(
        server.heard(),
        [
            "GET /api/v1/quarantine/sha256:00 | - | ",
            "DELETE /api/v1/quarantine/sha256:00 | - | ",
        ]
    );
    let server = fake(vec![json("200 OK", &damaged())]).await;
    let line = format!("quarantine delete sha256:00 --server {}", server.url);
    let refused = Machine::new().run(&line).await;
    assert!(refused.is_err(), "nobody was there to say yes");
    assert_eq!(server.heard().len(), 1);
}
