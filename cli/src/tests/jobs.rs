use super::{Answer, Machine, fake, json};
use crate::exit::Exit;
use crate::outcome::View;
use serde_json::{Value, json};

/// A job in this state, with what comes of it.
pub(super) fn job(state: &str, error: &Value) -> Value {
    json!({
        "id": "41", "kind": "upstream-check", "state": state, "dry_run": false,
        "repository": null, "by": "user:admin", "created_at": "2030-01-01T00:00:00Z",
        "started_at": null, "finished_at": null, "cancel_requested": false, "attempts": 1,
        "progress": null, "result": null, "error": error,
    })
}

pub(super) fn events(states: &[(&str, Value)]) -> Answer {
    let event = |(state, error): &(&str, Value)| format!("data: {}\n\n", job(state, error));
    let text: String = states.iter().map(event).collect();
    ("200 OK", "text/event-stream", format!(": alive\n\n{text}"))
}

#[tokio::test]
async fn jobs_are_asked_for() {
    let page = || json("200 OK", &json!({"items": [], "next": null}));
    let shown = json("200 OK", &job("running", &Value::Null));
    let cancelled = || json("200 OK", &job("cancelled", &Value::Null));
    let running = json("200 OK", &job("running", &Value::Null));
    let script = vec![page(), page(), shown, page(), cancelled(), running];
    let server = fake(script).await;
    let machine = Machine::new();
    let mut told = Vec::new();
    for line in [
        "job list",
        "job list --kind gc --state running --limit 7",
        "job show 41",
        "job show 41 --items",
        "job cancel 41 --yes",
        "job cancel 41 --yes",
    ] {
        let line = format!("{line} --server {}", server.url);
        let outcome = machine.run(&line).await.expect(&line);
        if let View::Sentence(sentence) = outcome.view {
            told.push(sentence);
        }
    }
    assert_eq!(
        told,
        [
            "Job 41 is cancelled.",
            "Job 41 is asked to end: larder job watch 41 tells when it has.",
        ]
    );
    assert_eq!(
        server.heard(),
        [
            "GET /api/v1/jobs?limit=100 | - | ",
            "GET /api/v1/jobs?kind=gc&state=running&limit=7 | - | ",
            "GET /api/v1/jobs/41 | - | ",
            "GET /api/v1/jobs/41/items?limit=1000 | - | ",
            "POST /api/v1/jobs/41/cancel | - | ",
            "POST /api/v1/jobs/41/cancel | - | ",
        ]
    );
}

#[tokio::test]
async fn watching_ends_as_the_job_does() {
    let error = |code: &str| json!({"code": code, "detail": "no luck"});
    for (state, error, exit) in [
        ("succeeded", Value::Null, Exit::Done),
        ("failed", error("upstream_failed"), Exit::Failed),
        ("failed", error("offline"), Exit::Offline),
        ("cancelled", Value::Null, Exit::Failed),
    ] {
        let script = vec![events(&[
            ("queued", Value::Null),
            ("running", Value::Null),
            (state, error.clone()),
            ("running", Value::Null), // nobody looks at what comes after its end
        ])];
        let server = fake(script).await;
        let line = format!("job watch 41 --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("watch");
        assert_eq!(outcome.exit, exit);
        assert_eq!(outcome.json, Some(job(state, &error)));
        assert_eq!(server.heard(), ["GET /api/v1/jobs/41/events | - | "]);
    }
}

#[tokio::test]
async fn events_that_break_off_are_asked_for_again() {
    let script = vec![
        events(&[("running", Value::Null)]),
        events(&[("running", Value::Null), ("succeeded", Value::Null)]),
    ];
    let server = fake(script).await;
    let line = format!("job watch 41 --server {}", server.url);
    let outcome = Machine::new().run(&line).await.expect("watch");
    assert_eq!(outcome.exit, Exit::Done);
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_watched_fails_at_once() {
    let problem = json!({"type": "about:blank", "status": 404, "code": "job_not_found",
        "detail": "there is no such job"});
    let absent = (
        "404 Not Found",
        "application/problem+json",
        problem.to_string(),
    );
    let strange = (
        "200 OK",
        "text/event-stream",
        "data: {\"id\":\"41\"}\n\n".to_owned(),
    );
    for (answer, exit) in [(absent, Exit::NotFound), (strange, Exit::Failed)] {
        let server = fake(vec![answer]).await;
        let line = format!("job watch 41 --server {}", server.url);
        let failure = Machine::new().run(&line).await.expect_err("no job");
        assert_eq!(failure.exit(), exit, "{failure}");
        assert_eq!(server.heard().len(), 1);
    }
}

#[tokio::test]
async fn upstreams_are_checked_as_a_job() {
    let server = fake(vec![json("202 Accepted", &job("queued", &Value::Null))]).await;
    let line = format!("upstream check --job --server {}", server.url);
    let outcome = Machine::new().run(&line).await.expect("queued");
    assert_eq!(outcome.notes, ["larder job watch 41 waits for its end."]);
    let asked = "POST /api/v1/upstream-check/runs | - | {}";
    assert_eq!(server.heard(), [asked]);
}

#[tokio::test]
async fn schedules_are_listed_and_set() {
    let list = json("200 OK", &json!({"items": [], "next": null}));
    let set = || json("200 OK", &json!({"kind": "gc", "cron": "0 3 * * 0"}));
    let server = fake(vec![list, set(), set()]).await;
    let machine = Machine::new();
    let run = async |words: &[&str]| {
        let words = [words, &["--server", &server.url]].concat();
        machine.run_words(&words).await
    };
    run(&["schedule", "list"]).await.expect("list");
    run(&["schedule", "set", "gc", "0 3 * *  0"])
        .await
        .expect("set");
    let off = ["schedule", "set", "gc", "0 3 * * 0", "--disable"];
    run(&off).await.expect("set");
    assert_eq!(
        server.heard(),
        [
            "GET /api/v1/schedules?limit=1000 | - | ",
            r#"PUT /api/v1/schedules/gc | - | {"cron":"0 3 * * 0","enabled":true}"#,
            r#"PUT /api/v1/schedules/gc | - | {"cron":"0 3 * * 0","enabled":false}"#,
        ]
    );
}
