//! Commands about retention and the trash.

use super::commands::{assert_calls, gone, made};
use super::{Machine, fake, json};
use crate::outcome::View;
use serde_json::{Value, json};

fn preview(delete: u64) -> Value {
    json!({"id": "p-1", "items": [], "more": false, "keep": 3, "delete": delete, "bytes": 7})
}

fn job() -> Value {
    json!({
        "id": "41", "kind": "retention", "state": "queued", "dry_run": false,
        "repository": "oci/team", "by": "user:admin", "created_at": "2030-01-01T00:00:00Z",
        "started_at": null, "finished_at": null, "cancel_requested": false, "attempts": 0,
        "progress": null, "result": null, "error": null,
    })
}

#[tokio::test]
async fn commands_of_the_trash_make_their_calls() {
    assert_calls([
        (
            "retention show oci/team",
            made(),
            "GET /api/v1/repositories/oci/team/retention | - | ",
        ),
        (
            "retention set oci/team --none",
            gone(),
            "DELETE /api/v1/repositories/oci/team/retention | - | ",
        ),
        (
            "trash list oci/team",
            json("200 OK", &json!({"items": [], "next": null})),
            "GET /api/v1/repositories/oci/team/trash?limit=1000 | - | ",
        ),
        (
            "trash restore oci/team 7",
            made(),
            "POST /api/v1/repositories/oci/team/trash/7/restore | - | ",
        ),
        (
            "trash delete oci/team 7 --yes",
            gone(),
            "DELETE /api/v1/repositories/oci/team/trash/7 | - | ",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_run_is_of_a_preview() {
    let answers = vec![
        json("200 OK", &preview(4)),
        json("202 Accepted", &job()),
        json("202 Accepted", &job()),
        json("200 OK", &preview(0)),
    ];
    let server = fake(answers).await;
    let machine = Machine::new();
    let mut sentences = Vec::new();
    for line in [
        "retention run oci/team --yes",
        "retention run oci/team --preview p-2 --yes",
        "retention run oci/team --yes",
    ] {
        let line = format!("{line} --server {}", server.url);
        let outcome = machine.run(&line).await.expect(&line);
        if let View::Sentence(sentence) = outcome.view {
            sentences.push(sentence);
        }
    }
    assert_eq!(sentences, ["Nothing of oci/team would go."]);
    assert_eq!(
        server.heard(),
        [
            "POST /api/v1/repositories/oci/team/retention/preview | - | {}",
            r#"POST /api/v1/repositories/oci/team/retention/runs | - | {"preview":"p-1"}"#,
            r#"POST /api/v1/repositories/oci/team/retention/runs | - | {"preview":"p-2"}"#,
            "POST /api/v1/repositories/oci/team/retention/preview | - | {}",
        ]
    );
}
