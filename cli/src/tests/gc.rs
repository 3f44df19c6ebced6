use super::jobs::{events, job};
use super::{Machine, fake, json};
use crate::exit::Exit;
use crate::format::Format;
use serde_json::{Value, json};

/// A run that has ended so.
fn ended(dry_run: bool) -> Value {
    let mut job = job("succeeded", &Value::Null);
    job["dry_run"] = dry_run.into();
    job["result"] = json!({"examined": 9, "deleted": 3, "bytes_freed": 4096, "kept": {}});
    job
}

#[tokio::test]
async fn a_run_is_waited_for() {
    for (words, body, dry_run, told) in [
        (
            "gc run",
            r#"{"dry_run":false}"#,
            false,
            "3 blobs deleted, 4096 bytes free. larder job show 41 --items tells of each.",
        ),
        (
            "gc run --dry-run --grace 0s",
            r#"{"dry_run":true,"grace":"0s"}"#,
            true,
            "Dry run: 3 blobs would go, 4096 bytes would be free. larder job show 41 --items tells of each.",
        ),
    ] {
        let queued = json("202 Accepted", &job("queued", &Value::Null));
        let text = format!("data: {}\n\n", ended(dry_run));
        let server = fake(vec![queued, ("200 OK", "text/event-stream", text)]).await;
        let line = format!("{words} --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("run");
        assert_eq!(
            (outcome.exit, &outcome.notes[..]),
            (Exit::Done, &[told.to_owned()][..])
        );
        assert_eq!(outcome.json, Some(ended(dry_run)));
        assert_eq!(
            server.heard(),
            [
                format!("POST /api/v1/gc/runs | - | {body}"),
                "GET /api/v1/jobs/41/events | - | ".to_owned(),
            ]
        );
    }
}

#[tokio::test]
async fn a_run_that_fails_fails_the_command() {
    let error = json!({"code": "internal", "detail": "no luck"});
    for (state, error) in [("failed", error), ("cancelled", Value::Null)] {
        let queued = json("202 Accepted", &job("queued", &Value::Null));
        let server = fake(vec![queued, events(&[(state, error)])]).await;
        let line = format!("gc run --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("run");
        assert_eq!(outcome.exit, Exit::Failed, "{state}");
    }
}

#[tokio::test]
async fn a_run_is_left_to_the_server() {
    let queued = job("queued", &Value::Null);
    let server = fake(vec![json("202 Accepted", &queued)]).await;
    let line = format!("gc run --no-wait --server {}", server.url);
    let outcome = Machine::new().run(&line).await.expect("run");
    assert_eq!((outcome.exit, &outcome.json), (Exit::Done, &Some(queued)));
    assert_eq!(outcome.data(Format::Name, None).expect("name"), "41\n");
    assert_eq!(outcome.notes, ["larder job watch 41 waits for its end."]);
}

#[tokio::test]
async fn what_waits_is_shown() {
    let status = json!({"last": ended(false), "next_at": "2030-01-02T03:00:00Z",
        "reclaimable_bytes": 5000, "queue": 2});
    let server = fake(vec![json("200 OK", &status)]).await;
    let line = format!("gc status --server {}", server.url);
    let outcome = Machine::new().run(&line).await.expect("status");
    let data = outcome.data(Format::Table, None).expect("table");
    for part in ["5000", "2030-01-02T03:00:00Z", "succeeded", "4096"] {
        assert!(data.contains(part), "{data}");
    }
    assert_eq!(server.heard(), ["GET /api/v1/gc | - | "]);
}

#[tokio::test]
async fn what_keeps_a_blob_is_shown() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let holder = json!({"repository": "oci/team", "package": "app", "reference": "v1",
        "why": "the manifest names it"});
    let blob = |holders: &[Value], more: bool| {
        json!({"digest": digest, "size": 7, "state": "kept", "held_by": holders,
            "has_more_holders": more, "due_at": null})
    };
    let line = format!("gc explain {digest}");
    for (answer, rows, notes) in [
        (blob(std::slice::from_ref(&holder), false), 1, &[][..]),
        (
            blob(&[holder.clone(), holder.clone()], true),
            2,
            &["More than these name it."],
        ),
        (blob(&[], false), 0, &["Nothing names it."]),
    ] {
        let server = fake(vec![json("200 OK", &answer)]).await;
        let line = format!("{line} --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("explain");
        assert_eq!(outcome.notes, notes);
        let data = outcome.data(Format::Table, None).expect("table");
        assert_eq!(
            data.matches("the manifest names it").count(),
            rows,
            "{data}"
        );
        assert_eq!(data.contains("REFERENCE"), rows > 0, "{data}");
        let csv = outcome.data(Format::Csv, None).expect("csv");
        assert_eq!(csv.lines().count(), rows + 1, "{csv}");
        let name = outcome.data(Format::Name, None).expect("name");
        assert_eq!(name, format!("{digest}\n"));
        assert_eq!(outcome.json, Some(answer));
        assert_eq!(
            server.heard(),
            [format!("GET /api/v1/blobs/{digest} | - | ")]
        );
    }
}

#[tokio::test]
async fn a_blob_that_is_not_there_is_not_found() {
    let problem = json!({"type": "about:blank", "status": 404, "code": "blob_not_found",
        "detail": "no blob is kept here"});
    let absent = (
        "404 Not Found",
        "application/problem+json",
        problem.to_string(),
    );
    let server = fake(vec![absent]).await;
    let line = format!("gc explain sha256:00 --server {}", server.url);
    let failure = Machine::new().run(&line).await.expect_err("absent");
    assert_eq!(failure.exit(), Exit::NotFound);
}
