//! The audit trail: who may ask is told of every change, page by page or whole.

use super::{House, basic, house};
use larder_access::Gate;
use larder_metadata::audit::Event;
use larder_model::{Action, Outcome};
use serde_json::{Value, json};

fn admin() -> String {
    basic("admin", super::PASSWORD)
}

async fn get(house: &House, target: &str) -> Value {
    let answer = house.pass(&admin(), "GET", target, "").await;
    assert_eq!(answer.status, 200, "{target}");
    answer.json()
}

async fn items(house: &House, query: &str) -> Vec<Value> {
    let page = get(house, &format!("/audit?{query}")).await;
    page["items"].as_array().expect("items").clone()
}

fn record(gate: &Gate, actor: &str) {
    let event = Event {
        actor: actor.into(),
        action: Action::Access,
        object: "oci/team".into(),
        outcome: Outcome::Refused,
        address: Some([192, 0, 2, 7].into()),
        details: "{}".into(),
    };
    gate.events().record(event, "r-7");
}

#[tokio::test]
async fn changes_are_told_with_who_and_from_where() {
    let house = house().await;
    let new = r#"{"protocol":"oci","name":"new","description":"words"}"#;
    let made = house.pass(&admin(), "POST", "/repositories", new).await;
    assert_eq!(made.status, 201);
    let [entry] = &items(&house, "object=oci/new").await[..] else {
        panic!("one entry");
    };
    let expected = json!({
        "id": entry["id"], "at": entry["at"], "actor": "user:admin", "action": "repository.create",
        "object": "oci/new", "result": "ok", "address": "127.0.0.1", "request_id": null,
        "count": 1, "details": {"kind": "hosted"},
    });
    assert_eq!(*entry, expected);
}

#[tokio::test]
async fn what_was_recorded_is_in_the_next_answer() {
    let house = house().await;
    for _ in 0..3 {
        record(&house.gate, "user:mallory");
    }
    let found = items(&house, "result=refused&actor=user:mal*").await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["count"], &found[0]["request_id"]),
        (&json!(3), &json!("r-7"))
    );
    assert_eq!(items(&house, "result=failed").await.len(), 0);
}

#[tokio::test]
async fn pages_and_lines_tell_the_same() {
    let house = house().await;
    for number in 0..7 {
        record(&house.gate, &format!("user:u{number}"));
    }
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = get(&house, &format!("/audit?limit=3{after}")).await;
        paged.extend(page["items"].as_array().expect("items").clone());
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!("&after={next}");
    }
    let id = |entry: &Value| {
        entry["id"]
            .as_str()
            .expect("id")
            .parse::<i64>()
            .expect("id")
    };
    assert!(paged.is_sorted_by(|a, b| id(a) > id(b)), "the newest first");
    assert!(paged.len() >= 7);
    let lines = house
        .accepting(
            &admin(),
            "/audit?limit=3",
            "text/x, application/x-ndjson;q=1",
        )
        .await;
    assert_eq!(
        (lines.status, lines.header("content-type")),
        (200, "application/x-ndjson")
    );
    let text = String::from_utf8(lines.body.to_vec()).expect("text");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines, paged);
}

#[tokio::test]
async fn wrong_filters_are_told() {
    let house = house().await;
    for (query, code) in [
        ("result=maybe", "result_invalid"),
        ("since=yesterday", "since_invalid"),
        ("until=1", "until_invalid"),
        ("after=x", "after_invalid"),
    ] {
        let answer = house
            .pass(&admin(), "GET", &format!("/audit?{query}"), "")
            .await;
        assert_eq!((answer.status, answer.code()), (400, code.to_owned()));
    }
}

#[tokio::test]
async fn a_trail_in_order_is_told_with_its_head() {
    let house = house().await;
    record(&house.gate, "user:mallory");
    let entries = items(&house, "").await.len();
    let report = get(&house, "/audit/verify").await;
    assert_eq!(
        (&report["ok"], &report["entries"]),
        (&json!(true), &json!(entries))
    );
    let head = report["head"].as_str().expect("head");
    assert!(head.starts_with("sha256:") && head.len() == 71, "{head}");
    assert_eq!(report.get("fault"), None);
}

#[tokio::test]
async fn logins_refusals_and_new_addresses_are_told() {
    let house = house().await;
    house.user("alice", false).await;
    house.repo("team").await;
    // Whoever shows nothing is asked for credentials: that is no refusal.
    assert_eq!(house.ask(&String::new(), "GET", "/users", "").await.0, 401);
    let before = items(&house, "result=refused").await;
    assert_eq!(before, Vec::<Value>::new());
    for _ in 0..3 {
        let guess = basic("alice", "a guess");
        assert_eq!(house.ask(&guess, "GET", "/whoami", "").await.0, 401);
    }
    let refused = items(&house, "action=login&result=refused").await;
    let told: Vec<_> = refused
        .iter()
        .map(|entry| (&entry["actor"], &entry["object"], &entry["address"]))
        .collect();
    let expected = (
        &json!("anonymous"),
        &json!("user:alice"),
        &json!("127.0.0.1"),
    );
    assert!(told.iter().all(|told| *told == expected), "{told:?}");
    let count: u64 = refused.iter().filter_map(|it| it["count"].as_u64()).sum();
    assert_eq!(count, 3);
    // A password that holds is a login; what may not be is a refusal.
    let alice = basic("alice", super::PASSWORD);
    let place = "/repositories/oci/team";
    assert_eq!(house.ask(&alice, "PATCH", place, "{}").await.0, 403);
    assert_eq!(house.ask(&alice, "GET", place, "").await.0, 404);
    let logins = items(&house, "action=login&result=ok&actor=user:alice").await;
    assert_eq!(logins.len(), 1, "{logins:?}");
    let refusals = items(&house, "action=access&actor=user:alice").await;
    let told: Vec<_> = refusals
        .iter()
        .map(|entry| (&entry["object"], &entry["details"]["verb"]))
        .collect();
    let team = json!("oci/team");
    assert!(told.contains(&(&team, &json!("administer"))), "{told:?}");
    assert!(told.contains(&(&team, &json!("read"))), "{told:?}");
    // A token's first use from an address, and when it was used last.
    let (id, token) = house.token("alice", None).await;
    for _ in 0..2 {
        assert_eq!(house.ask(&token, "GET", "/whoami", "").await.0, 200);
    }
    let uses = items(&house, "action=token.use").await;
    assert_eq!(uses.len(), 1, "{uses:?}");
    assert_eq!(uses[0]["object"], format!("token:{id}"));
    let (_, list) = house.ask(&alice, "GET", "/tokens", "").await;
    assert_eq!(list["items"][0]["last_used_from"], "127.0.0.1");
    assert!(list["items"][0]["last_used_at"].is_string());
    // An unknown token is a login that failed, and nothing of it is told.
    let unknown = "Bearer lrd_0000000000000000000000000000000000000000000".to_owned();
    assert_eq!(house.ask(&unknown, "GET", "/whoami", "").await.0, 401);
    let all = items(&house, "").await;
    assert!(!json!(all).to_string().contains("lrd_"), "no secret");
    assert_eq!(items(&house, "object=token&result=refused").await.len(), 1);
}
