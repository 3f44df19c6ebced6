//! How much repositories may have, and what they have.

use super::{PASSWORD, basic, house};
use futures_util::future::join_all;
use larder_model::Role;
use serde_json::{Value, json};

const TEAM: &str = "/repositories/oci/team";

#[tokio::test]
async fn what_a_repository_has_is_shown_to_who_administers_it() {
    let house = house().await;
    house.repo("team").await;
    let root = basic("admin", PASSWORD);
    let [keeper, reader] = [
        house.user("keeper", false).await,
        house.user("reader", false).await,
    ];
    house
        .admission("user:keeper", "oci/team", Role::Admin)
        .await;
    house
        .admission("user:reader", "oci/team", Role::Reader)
        .await;
    let none = json!({"bytes": null, "versions": null, "warning": false});
    let (status, shown) = house.ask(&root, "GET", TEAM, "").await;
    assert_eq!((status, &shown["quota"]), (200, &none));
    let nothing = json!({"bytes": 0, "unique_bytes": 0, "versions": 0});
    assert_eq!(shown["usage"], nothing);
    let (_, shown) = house.ask(&keeper, "GET", TEAM, "").await;
    let usage = json!({"bytes": 0, "unique_bytes": null, "versions": 0});
    assert_eq!(shown["usage"], usage);
    let (_, shown) = house.ask(&reader, "GET", TEAM, "").await;
    assert_eq!(shown["usage"], Value::Null);
}

#[tokio::test]
async fn a_quota_is_changed_field_by_field() {
    let house = house().await;
    house.repo("team").await;
    let root = basic("admin", PASSWORD);
    for (change, bytes, versions) in [
        (r#"{"quota":{"bytes":10,"versions":5}}"#, Some(10), Some(5)),
        (r#"{"quota":{"versions":null}}"#, Some(10), None),
        (r#"{"description":"ours"}"#, Some(10), None),
        (r#"{"quota":null}"#, None, None),
    ] {
        let (status, shown) = house.ask(&root, "PATCH", TEAM, change).await;
        assert_eq!(status, 200, "{shown}");
        assert_eq!(
            shown["quota"],
            json!({"bytes": bytes, "versions": versions, "warning": false}),
            "{change}"
        );
    }
    for (path, body) in [
        (TEAM, r#"{"quota":{"bytes":9007199254740992}}"#),
        (TEAM, r#"{"quota":{"bytes":-1}}"#),
        (TEAM, r#"{"quota":{"gigabytes":1}}"#),
        ("/quotas/7", r#"{"bytes":"much"}"#),
    ] {
        let answer = house.pass(&root, "PATCH", path, body).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    house.make("npm/up", "mirror", "{}").await;
    let quota = r#"{"quota":{"bytes":1}}"#;
    let answer = house
        .pass(&root, "PATCH", "/repositories/npm/up", quota)
        .await;
    assert_eq!((answer.status, &*answer.code()), (400, "quota_invalid"));
}

#[tokio::test]
async fn repositories_share_quotas() {
    let house = house().await;
    house.repo("team").await;
    let root = basic("admin", PASSWORD);
    let new = r#"{"repositories":"oci/team*","bytes":10}"#;
    let (status, made) = house.ask(&root, "POST", "/quotas", new).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["usage"], json!({"bytes": 0, "versions": 0}));
    let id = made["id"].as_str().expect("id");
    let path = format!("/quotas/{id}");
    let (status, set) = house.ask(&root, "PATCH", &path, r#"{"versions":3}"#).await;
    assert_eq!(
        (status, &set["bytes"], &set["versions"]),
        (200, &json!(10), &json!(3))
    );
    let (_, listed) = house.ask(&root, "GET", "/quotas", "").await;
    assert_eq!(listed["items"], json!([set]));
    // Of two changes at once neither undoes the other.
    for round in 11..15 {
        let bodies = [json!({"bytes": round}), json!({"versions": round})];
        let bodies = bodies.map(|body| body.to_string());
        let all = bodies
            .iter()
            .map(|body| house.pass(&root, "PATCH", &path, body));
        for answer in join_all(all).await {
            assert_eq!(answer.status, 200, "{}", answer.json());
        }
        let (_, listed) = house.ask(&root, "GET", "/quotas", "").await;
        let now = &listed["items"][0];
        assert_eq!(
            (&now["bytes"], &now["versions"]),
            (&json!(round), &json!(round))
        );
    }
    for body in [r#"{"repositories":"oci/*"}"#, r#"{"bytes":1}"#] {
        assert_eq!(
            house.pass(&root, "POST", "/quotas", body).await.status,
            400,
            "{body}"
        );
    }
    let neither = r#"{"bytes":null,"versions":null}"#;
    assert_eq!(house.pass(&root, "PATCH", &path, neither).await.status, 400);
    for status in [204, 404] {
        assert_eq!(house.pass(&root, "DELETE", &path, "").await.status, status);
    }
}
