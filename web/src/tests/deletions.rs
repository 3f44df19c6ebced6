//! Many packages or versions deleted in one call.

use super::packages::full;
use super::{Header, House, PASSWORD, basic};
use larder_model::Role;
use serde_json::{Value, json};

/// Deletes things in a repository: the status of each with its code, and how many are gone and not.
async fn delete(
    house: &House,
    who: &Header,
    repository: &str,
    items: Value,
) -> (Vec<(u64, String)>, [u64; 2]) {
    let target = format!("/repositories/{repository}/deletions");
    let body = json!({ "items": items }).to_string();
    let answer = house.pass(who, "POST", &target, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let told = answer.json();
    let outcome = |item: &Value| {
        let code = item["code"].as_str().unwrap_or_default();
        assert_eq!(item["code"].is_null(), item["detail"].is_null(), "{item}");
        (item["status"].as_u64().expect("status"), code.to_owned())
    };
    let items = told["items"].as_array().expect("items");
    let counts = ["deleted", "failed"].map(|name| told[name].as_u64().expect("count"));
    (items.iter().map(outcome).collect(), counts)
}

fn gone() -> (u64, String) {
    (204, String::new())
}

#[tokio::test]
async fn each_is_told_of_and_none_keeps_the_others() {
    let house = full().await;
    let admin = basic("admin", PASSWORD);
    let items = json!([
        {"package": "both", "version": "1"},
        {"package": "both", "version": "7"},
        {"package": "nothing"},
        {"package": ""},
        {"package": "zeta"},
    ]);
    let (outcomes, counts) = delete(&house, &admin, "npm/far", items).await;
    let missing = |code: &str| (404, code.to_owned());
    let expected = [
        gone(),
        missing("version_not_found"),
        missing("package_not_found"),
        missing("package_not_found"),
        gone(),
    ];
    assert_eq!((&*outcomes, counts), (&expected[..], [2, 3]));
    let get = |target: &'static str| house.ask(&admin, "GET", target, "");
    let (_, versions) = get("/repositories/npm/far/packages/both/versions").await;
    assert_eq!(super::packages::names(&versions, "version"), ["2"]);
    let (_, packages) = get("/repositories/npm/far/packages").await;
    assert_eq!(super::packages::names(&packages, "name"), ["both"]);
}

#[tokio::test]
async fn each_is_judged_by_its_own_right() {
    let house = full().await;
    let bob = house.user("bob", false).await;
    let items = json!([{"package": "both"}, {"package": "nothing"}]);
    // Who may nothing there cannot tell what is there.
    let (hidden, counts) = delete(&house, &bob, "npm/far", items.clone()).await;
    assert_eq!((hidden[0].clone(), counts), (hidden[1].clone(), [0, 2]));
    let (nowhere, _) = delete(&house, &bob, "npm/nowhere", items.clone()).await;
    assert_eq!(nowhere, hidden);
    let grant = json!({"subject": "user:bob", "repository": "npm/far", "package": "zeta",
        "role": "maintainer"});
    let admin = basic("admin", PASSWORD);
    let made = house
        .pass(&admin, "POST", "/grants", &grant.to_string())
        .await;
    assert_eq!(made.status, 201);
    let items = json!([{"package": "both"}, {"package": "zeta"}]);
    let (outcomes, counts) = delete(&house, &bob, "npm/far", items).await;
    assert_eq!(
        (outcomes[0].0, &outcomes[1], counts),
        (hidden[0].0, &gone(), [1, 1])
    );
    let both = house.pass(
        &admin,
        "GET",
        "/repositories/npm/far/packages/both/versions",
        "",
    );
    assert_eq!(both.await.status, 200);
}

#[tokio::test]
async fn what_is_published_is_taken_back_by_the_engine() {
    let house = full().await;
    let maintainer = house.user("bob", false).await;
    house
        .admission("user:bob", "npm/local", Role::Maintainer)
        .await;
    let items = json!([{"package": "@acme/app", "version": "1"}, {"package": "@acme/app"}]);
    let (outcomes, _) = delete(&house, &maintainer, "npm/local", items).await;
    assert_eq!(outcomes, [gone(), gone()]);
    let log = house.engine.log.lock().expect("log").clone();
    assert_eq!(
        log,
        [
            r#"user:bob npm/local @acme/app Remove { version: Some("1") }"#,
            "user:bob npm/local @acme/app Remove { version: None }",
        ]
    );
}

#[tokio::test]
async fn there_is_something_not_too_much_and_each_once() {
    let house = full().await;
    let admin = basic("admin", PASSWORD);
    let many: Vec<Value> = (0..1001)
        .map(|number| json!({"package": format!("p{number}")}))
        .collect();
    for items in [
        json!([]),
        json!(many),
        json!([{"package": "zeta"}, {"package": "zeta"}]),
    ] {
        let body = json!({ "items": items }).to_string();
        let refused = house
            .pass(&admin, "POST", "/repositories/npm/far/deletions", &body)
            .await;
        assert_eq!((refused.status, &*refused.code()), (400, "items_invalid"));
    }
    let anonymous = Header::new();
    let body = r#"{"items":[{"package":"zeta"}]}"#;
    let refused = house
        .pass(&anonymous, "POST", "/repositories/npm/far/deletions", body)
        .await;
    assert_eq!(refused.status, 401);
}
