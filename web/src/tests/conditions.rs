//! Entity tags, `If-None-Match` and `If-Match`.

use super::describe::{JSON, operation};
use super::{Answer, Header, House, PASSWORD, basic, house};
use futures_util::future::join_all;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use larder_model::Role;
use serde_json::json;

/// A house with one of each resource, and its superuser.
async fn full_house() -> (House, Header) {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    house.repo("team").await;
    house.user("alice", false).await;
    for (target, body) in [
        ("/groups", r#"{"name":"dev"}"#),
        ("/robots", r#"{"name":"ci","owner":"user:alice"}"#),
    ] {
        let made = house.pass(&admin, "POST", target, body).await;
        assert_eq!(made.status, 201, "{target}");
    }
    (house, admin)
}

/// Resources with a change of each, and whether it can be deleted.
const RESOURCES: [(&str, &str, bool); 5] = [
    ("/repositories/oci/team", r#"{"description":"other"}"#, true),
    ("/users/alice", r#"{"disabled":true}"#, true),
    ("/groups/dev", r#"{"description":"other"}"#, true),
    ("/robots/ci", r#"{"description":"other"}"#, true),
    ("/settings", r#"{"offline":true}"#, false),
];

async fn tag(house: &House, who: &Header, target: &str) -> String {
    let shown = house.pass(who, "GET", target, "").await;
    assert_eq!(shown.status, 200, "{target}");
    shown.header("etag").to_owned()
}

async fn change(house: &House, who: &Header, tag: &str, target: &str, body: &str) -> Answer {
    let condition = [(IF_MATCH, tag)];
    house.with(&condition, who, "PATCH", target, body).await
}

#[tokio::test]
async fn a_resource_has_a_strong_tag_that_follows_its_state() {
    let (house, admin) = full_house().await;
    for (target, body, _) in RESOURCES {
        let first = tag(&house, &admin, target).await;
        assert!(
            first.starts_with('"') && first.ends_with('"') && first.len() > 20,
            "{first}"
        );
        assert_eq!(tag(&house, &admin, target).await, first, "{target}");
        let head = house.pass(&admin, "HEAD", target, "").await;
        assert_eq!(
            (head.header("etag"), head.body.len()),
            (&*first, 0),
            "{target}"
        );
        let changed = house.pass(&admin, "PATCH", target, body).await;
        assert_eq!(changed.status, 200, "{target}");
        assert_ne!(tag(&house, &admin, target).await, first, "{target}");
    }
}

#[tokio::test]
async fn whoever_has_the_state_is_not_sent_it_again() {
    let (house, admin) = full_house().await;
    for (target, body, _) in RESOURCES {
        let first = tag(&house, &admin, target).await;
        for condition in [&*first, "*", &format!("\"x\", W/{first}")] {
            let condition = [(IF_NONE_MATCH, condition)];
            for method in ["GET", "HEAD"] {
                let answer = house.with(&condition, &admin, method, target, "").await;
                assert_eq!(
                    (answer.status, answer.body.len()),
                    (304, 0),
                    "{method} {target}"
                );
                assert_eq!(answer.header("etag"), first, "{method} {target}");
            }
        }
        assert_eq!(house.pass(&admin, "PATCH", target, body).await.status, 200);
        let condition = [(IF_NONE_MATCH, &*first)];
        let answer = house.with(&condition, &admin, "GET", target, "").await;
        assert_eq!(answer.status, 200, "{target}");
    }
}

#[tokio::test]
async fn a_change_of_another_state_is_not_made() {
    let (house, admin) = full_house().await;
    for (target, body, can_be_deleted) in RESOURCES {
        let first = tag(&house, &admin, target).await;
        for condition in ["\"other\"", &format!("W/{first}")] {
            let refused = change(&house, &admin, condition, target, body).await;
            assert_eq!(
                (refused.status, &*refused.code()),
                (412, "precondition_failed")
            );
            let delete = [(IF_MATCH, condition)];
            if can_be_deleted {
                let refused = house.with(&delete, &admin, "DELETE", target, "").await;
                assert_eq!(
                    (refused.status, &*refused.code()),
                    (412, "precondition_failed")
                );
            }
            assert_eq!(
                tag(&house, &admin, target).await,
                first,
                "{target} is as it was"
            );
        }
        let changed = change(&house, &admin, &format!("\"x\", {first}"), target, body).await;
        assert_eq!(changed.status, 200, "{target}");
        let late = change(&house, &admin, &first, target, body).await;
        assert_eq!(late.status, 412, "{target}");
        let second = tag(&house, &admin, target).await;
        let delete = [(IF_MATCH, &*second)];
        if can_be_deleted {
            let deleted = house.with(&delete, &admin, "DELETE", target, "").await;
            assert_eq!(deleted.status, 204, "{target}");
            let gone = change(&house, &admin, "*", target, body).await;
            assert_eq!(gone.status, 404, "{target}");
        }
    }
}

#[tokio::test]
async fn of_changes_of_one_state_one_is_made() {
    let (house, admin) = full_house().await;
    for (target, ..) in &RESOURCES[2..4] {
        let first = tag(&house, &admin, target).await;
        let bodies: Vec<String> = (0..8)
            .map(|number| format!(r#"{{"description":"number {number}"}}"#))
            .collect();
        let all = bodies
            .iter()
            .map(|body| change(&house, &admin, &first, target, body));
        let mut statuses: Vec<u16> = join_all(all).await.iter().map(|it| it.status).collect();
        statuses.sort_unstable();
        assert_eq!(
            statuses,
            [200, 412, 412, 412, 412, 412, 412, 412],
            "{target}"
        );
    }
}

#[tokio::test]
async fn changes_of_other_things_are_in_nobodys_way() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let mut groups = Vec::new();
    for number in 0..8 {
        let body = format!(r#"{{"name":"dev-{number}"}}"#);
        assert_eq!(
            house.pass(&admin, "POST", "/groups", &body).await.status,
            201
        );
        let target = format!("/groups/dev-{number}");
        groups.push((tag(&house, &admin, &target).await, target));
    }
    let body = r#"{"description":"other"}"#;
    let all = groups
        .iter()
        .map(|(tag, target)| change(&house, &admin, tag, target, body));
    for answer in join_all(all).await {
        assert_eq!(answer.status, 200, "{}", answer.json());
    }
}

#[tokio::test]
async fn of_rules_set_in_one_state_one_set_counts() {
    let (house, admin) = full_house().await;
    let target = "/repositories/oci/team/retention";
    let first = tag(&house, &admin, target).await;
    let condition = [(IF_MATCH, &*first)];
    let bodies: Vec<String> = (1..5)
        .map(|count| format!(r#"{{"enabled":true,"rules":[{{"keep":{{"newest":{count}}}}}]}}"#))
        .collect();
    let all = bodies
        .iter()
        .map(|body| house.with(&condition, &admin, "PUT", target, body));
    let mut statuses: Vec<u16> = join_all(all).await.iter().map(|it| it.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);
}

/// Whatever is changed at once, and whoever says nothing of a state.
#[tokio::test]
async fn a_change_leaves_alone_what_others_change_meanwhile() {
    let (house, admin) = full_house().await;
    let target = "/repositories/oci/team";
    for round in 0..4 {
        let (text, pattern, open) = (
            format!("round {round}"),
            format!("v{round}"),
            round % 2 == 0,
        );
        let bodies = [
            json!({"description": text}),
            json!({"immutable": [pattern]}),
            json!({"open": open}),
            json!({"sparse_images": open}),
            json!({"quota": {"bytes": 1000 + round}}),
        ]
        .map(|body| body.to_string());
        let all = bodies
            .iter()
            .map(|body| house.pass(&admin, "PATCH", target, body));
        for answer in join_all(all).await {
            assert_eq!(answer.status, 200, "{}", answer.json());
        }
        let now = house.pass(&admin, "GET", target, "").await.json();
        assert_eq!(
            (&now["description"], &now["immutable"][0], &now["open"]),
            (&json!(text), &json!(pattern), &json!(open))
        );
        assert_eq!(
            (&now["sparse_images"], &now["quota"]["bytes"]),
            (&json!(open), &json!(1000 + round))
        );
    }
}

#[tokio::test]
async fn a_tag_tells_nobody_what_it_may_not_know() {
    let (house, _) = full_house().await;
    let bob = house.user("bob", false).await;
    for (target, body, _) in RESOURCES {
        let plain = house.pass(&bob, "PATCH", target, body).await;
        let hidden = change(&house, &bob, "\"other\"", target, body).await;
        assert_eq!(
            (hidden.status, hidden.code()),
            (plain.status, plain.code()),
            "{target}"
        );
        assert!(matches!(hidden.status, 403 | 404), "{target}");
    }
    // Who may read, and no more, is told so.
    house.admission("user:bob", "oci/team", Role::Reader).await;
    let target = RESOURCES[0].0;
    let own = tag(&house, &bob, target).await;
    let refused = change(&house, &bob, &own, target, RESOURCES[0].1).await;
    assert_eq!((refused.status, &*refused.code()), (403, "not_allowed"));
}

#[tokio::test]
async fn a_condition_that_would_not_be_obeyed_is_refused() {
    let (house, admin) = full_house().await;
    for (method, target, body) in [
        ("GET", "/settings", ""),
        ("POST", "/groups", r#"{"name":"ops"}"#),
        ("PUT", "/groups/dev/members/alice", ""),
        ("DELETE", "/tokens/1", ""),
        (
            "PATCH",
            "/repositories/oci/team/packages/x/versions/1",
            "{}",
        ),
    ] {
        for tag in ["*", "\"x\""] {
            let refused = house
                .with(&[(IF_MATCH, tag)], &admin, method, target, body)
                .await;
            assert_eq!(
                (refused.status, &*refused.code()),
                (400, "if_match_invalid"),
                "{target}"
            );
        }
    }
    let wrong = change(&house, &admin, "no tag", "/groups/dev", "{}").await;
    assert_eq!((wrong.status, &*wrong.code()), (400, "if_match_invalid"));
    let wrong = [(IF_NONE_MATCH, "no tag")];
    let wrong = house.with(&wrong, &admin, "GET", "/groups/dev", "").await;
    assert_eq!(
        (wrong.status, &*wrong.code()),
        (400, "if_none_match_invalid")
    );
}

#[test]
fn the_document_tells_of_conditions() {
    for (target, _, can_be_deleted) in RESOURCES {
        let target = format!("/api/v1{target}");
        let named = |method: &str, name: &str| {
            let operation = operation(method, &target).expect("call");
            let parameters = operation["parameters"].as_array().expect("parameters");
            parameters
                .iter()
                .any(|it| it["name"] == name && it["in"] == "header")
        };
        assert!(
            named("GET", "If-None-Match") && named("PATCH", "If-Match"),
            "{target}"
        );
        assert!(!can_be_deleted || named("DELETE", "If-Match"), "{target}");
    }
    assert!(!JSON.to_string().contains("x-entity-tag"));
}
