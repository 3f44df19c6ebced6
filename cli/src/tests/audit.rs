use super::{Machine, fake, json};
use crate::audit::{AuditFilter, export};
use crate::exit::Exit;
use crate::outcome::View;
use serde_json::{Value, json};

fn page(ids: &[&str], next: Option<&str>) -> super::Answer {
    let items: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    json("200 OK", &json!({"items": items, "next": next}))
}

#[tokio::test]
async fn filters_are_asked_for() {
    let server = fake(vec![page(&["2"], Some("2"))]).await;
    let line = "audit list --actor user:* --object oci/team --action tag.set --result refused \
        --since 2030-01-31 --until 2030-02-01T12:00:00Z --limit 7";
    let outcome = Machine::new()
        .run(&format!("{line} --server {}", server.url))
        .await;
    assert!(matches!(outcome.expect("list").view, View::List(_)));
    assert_eq!(
        server.heard(),
        [
            "GET /api/v1/audit?actor=user%3A*&action=tag.set&object=oci%2Fteam&result=refused\
          &since=2030-01-31T00%3A00%3A00Z&until=2030-02-01T12%3A00%3A00Z&limit=7 | - | "
        ]
    );
}

#[tokio::test]
async fn an_export_goes_to_the_end() {
    let server = fake(vec![page(&["3", "2"], Some("2")), page(&["1"], None)]).await;
    let machine = Machine::new();
    let global = crate::Global {
        server: Some(server.url.clone()),
        ..crate::Global::default()
    };
    let client = crate::session::open(&global, machine.config()).expect("client");
    let mut out = Vec::new();
    let exported = export(&client, &AuditFilter::default(), &mut out).await;
    assert_eq!(exported.expect("export"), 3);
    let text = String::from_utf8(out).expect("text");
    assert_eq!(text, "{\"id\":\"3\"}\n{\"id\":\"2\"}\n{\"id\":\"1\"}\n");
    assert_eq!(
        server.heard(),
        [
            "GET /api/v1/audit?limit=1000 | - | ",
            "GET /api/v1/audit?limit=1000&after=2 | - | ",
        ]
    );
}

#[tokio::test]
async fn a_fault_is_a_failure() {
    let fault = json!({"seq": 12, "id": "34", "detail": "entry 12 (id 34) was changed"});
    for (report, failed) in [
        (
            json!({"ok": true, "entries": 3, "head": "sha256:00"}),
            false,
        ),
        (
            json!({"ok": false, "entries": 3, "head": "sha256:00", "fault": fault}),
            true,
        ),
    ] {
        let server = fake(vec![json("200 OK", &report)]).await;
        let outcome = Machine::new()
            .run(&format!("audit verify --server {}", server.url))
            .await
            .expect("verify");
        let exit = if failed { Exit::Integrity } else { Exit::Done };
        assert_eq!((outcome.exit, outcome.json), (exit, Some(report)));
        assert_eq!(server.heard(), ["GET /api/v1/audit/verify | - | "]);
    }
}
