//! Calls that are sent again.

use super::commands::made;
use super::{Fake, Machine, fake};
use crate::exit::Exit;
use serde_json::json;

/// A server that was asked too often, and waits no longer than this.
fn too_many(head: &'static str) -> super::Answer {
    let problem = json!({"type": "about:blank", "status": 429, "code": "too_many_requests",
        "detail": "you ask too often"});
    (head, "application/problem+json", problem.to_string())
}

/// The keys of the requests so far.
fn keys(server: &Fake) -> Vec<Option<String>> {
    let key = |request: &String| {
        let mut lines = request.lines();
        let key = lines.find_map(|line| line.strip_prefix("idempotency-key: "));
        key.map(str::to_owned)
    };
    server.heard.lock().expect("log").iter().map(key).collect()
}

#[tokio::test]
async fn a_call_that_came_too_early_is_made_again_under_its_key() {
    const NOW: &str = "429 Too Many Requests\r\nretry-after: 0";
    let server = fake(vec![too_many(NOW), too_many(NOW), made()]).await;
    let line = format!("group create dev --server {}", server.url);
    Machine::new().run(&line).await.expect("made");
    let keys = keys(&server);
    assert_eq!(keys.len(), 3);
    assert!(
        keys[0].is_some() && keys.iter().all(|key| *key == keys[0]),
        "{keys:?}"
    );
    let heard = server.heard();
    assert_eq!(heard[0], heard[2]);
}

#[tokio::test]
async fn a_long_pause_is_told_and_not_waited_for() {
    const LATER: &str = "429 Too Many Requests\r\nretry-after: 3600";
    let server = fake(vec![too_many(LATER)]).await;
    let line = format!("user list --server {}", server.url);
    let failure = Machine::new().run(&line).await.expect_err("too often");
    assert_eq!(failure.exit(), Exit::Failed);
    assert_eq!(failure.to_string(), "you ask too often");
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn what_changes_nothing_has_no_key_and_every_post_another() {
    let list = super::json("200 OK", &json!({"items": [], "next": null}));
    let server = fake(vec![made(), made(), list]).await;
    for line in ["group create a", "group create b", "group list"] {
        let line = format!("{line} --server {}", server.url);
        Machine::new().run(&line).await.expect(&line);
    }
    let keys = keys(&server);
    assert!(
        keys[0].is_some() && keys[1].is_some() && keys[0] != keys[1],
        "{keys:?}"
    );
    assert_eq!(keys[2], None);
}
