//! Packages that are brought up to date, and versions that are copied.

use super::packages::{full, names};
use super::{Header, House, PASSWORD, basic};
use larder_model::Role;
use serde_json::{Value, json};

/// What is posted is refused, with a status and a code.
async fn refuses(
    house: &House,
    who: &Header,
    (target, body): (&str, &str),
    (status, code): (u16, &str),
) {
    let (answered, problem) = house.ask(who, "POST", target, body).await;
    assert_eq!(
        (answered, problem["code"].as_str()),
        (status, Some(code)),
        "{body}: {problem}"
    );
}

#[tokio::test]
async fn the_upstream_of_a_package_is_asked_now() {
    let house = full().await;
    let admin = basic("admin", PASSWORD);
    let ask = |target: &'static str| house.ask(&admin, "POST", target, "{}");
    let (status, told) = ask("/repositories/npm/up/packages/both/refresh").await;
    assert_eq!((status, &told["changed"]), (200, &json!(true)), "{told}");
    assert_eq!(
        names(&json!({"items": told["documents"]}), "outcome"),
        ["new", "changed", "gone"]
    );
    let gone = &told["documents"][2];
    assert_eq!(
        (&gone["path"], &gone["digest"], &gone["previous_digest"]),
        (
            &json!("gone"),
            &Value::Null,
            &json!(super::blob("a").digest.to_string())
        )
    );
    house
        .make("oci/images", "mirror", r#"{"open":false}"#)
        .await;
    let (status, told) = ask("/repositories/oci/images/packages/a%2Fb/refresh?version=v1").await;
    assert_eq!(
        (status, &told["changed"], &told["version"], &told["package"]),
        (200, &json!(false), &json!("v1"), &json!("a/b"))
    );
    for (target, status, code, detail) in [
        (
            "/repositories/npm/local/packages/x/refresh",
            409,
            "conflict",
            "is hosted",
        ),
        (
            "/repositories/npm/main/packages/x/refresh",
            409,
            "conflict",
            "(npm/up, npm/far)",
        ),
        (
            "/repositories/npm/up/packages/none/refresh",
            404,
            "package_not_found",
            "no such package",
        ),
    ] {
        let (answered, problem) = ask(target).await;
        assert_eq!(
            (answered, problem["code"].as_str()),
            (status, Some(code)),
            "{target}"
        );
        let told = problem["detail"].as_str().expect("detail");
        assert!(told.contains(detail), "{target}: {told}");
    }
    let expected = [
        "refresh up both None",
        "refresh images a/b Some(\"v1\")",
        "refresh up none None",
    ];
    assert_eq!(*house.engine.log.lock().expect("log"), expected);
    let reader = house.user("reader", false).await;
    house.admission("user:reader", "npm/up", Role::Reader).await;
    let target = "/repositories/npm/up/packages/both/refresh";
    assert_eq!(house.ask(&reader, "POST", target, "{}").await.0, 403);
}

#[tokio::test]
async fn a_version_is_copied_by_who_may_read_and_publish() {
    let house = full().await;
    house.make("npm/prod", "hosted", "{}").await;
    let admin = basic("admin", PASSWORD);
    let version = "/repositories/npm/main/packages/@acme%2Fapp/versions/1/copy";
    let body = r#"{"to":{"repository":"npm/prod"}}"#;
    let (status, told) = house.ask(&admin, "POST", version, body).await;
    assert_eq!(
        (status, told),
        (
            200,
            json!({"repository": "npm/prod", "package": "@acme/app", "version": "1",
                "digest": null, "files": 2, "bytes": 7})
        )
    );
    let elsewhere = r#"{"to":{"repository":"npm/prod","package":"b","version":"2"}}"#;
    assert_eq!(house.ask(&admin, "POST", version, elsewhere).await.0, 200);
    // The group's hosted member has it.
    let expected = [
        "copy npm/local @acme/app 1 to npm/prod @acme/app 1",
        "copy npm/local @acme/app 1 to npm/prod b 2",
    ];
    assert_eq!(*house.engine.log.lock().expect("log"), expected);
    for (body, status, code) in [
        ("{}", 400, "to_invalid"),
        (r#"{"to":{}}"#, 400, "repository_invalid"),
        (
            r#"{"to":{"repository":"npm/prod","package":""}}"#,
            400,
            "package_invalid",
        ),
        (
            r#"{"to":{"repository":"npm/none"}}"#,
            404,
            "repository_not_found",
        ),
    ] {
        refuses(&house, &admin, (version, body), (status, code)).await;
    }
    let reader = house.user("reader", false).await;
    house.admission("user:reader", "npm/*", Role::Reader).await;
    let (status, problem) = house.ask(&reader, "POST", version, body).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (403, Some("not_allowed"))
    );
    let writer = house.user("writer", false).await;
    house
        .admission("user:writer", "npm/prod", Role::Writer)
        .await;
    assert_eq!(house.ask(&writer, "POST", version, body).await.0, 404);
    assert_eq!(house.engine.log.lock().expect("log").len(), expected.len());
}

#[tokio::test]
async fn a_tag_is_published_where_who_asks_may_publish() {
    let house = full().await;
    let admin = basic("admin", PASSWORD);
    let packages = "/repositories/npm/local/packages";
    let body =
        r#"{"from":{"repository":"git/own","package":"team/tool","tag":"refs/tags/v1.2.3"}}"#;
    let (status, told) = house.ask(&admin, "POST", packages, body).await;
    assert_eq!(
        (status, told),
        (
            201,
            json!({"repository": "npm/local", "package": "of/the-sources", "version": "v1.2.3",
                "commit": "0123"})
        )
    );
    let named = r#"{"package":"b","from":{"repository":"git/own","package":"a","tag":"b/v1.2.3"}}"#;
    assert_eq!(house.ask(&admin, "POST", packages, named).await.0, 201);
    let log = house.engine.log.lock().expect("log").clone();
    assert!(
        log[0].starts_with("tag v1.2.3 of git/own team/tool to local of/the-sources at http"),
        "{log:?}"
    );
    assert!(
        log[1].starts_with("tag b/v1.2.3 of git/own a to local b at "),
        "{log:?}"
    );
    for (body, status, code) in [
        ("{}", 400, "from_invalid"),
        (r#"{"from":{}}"#, 400, "repository_invalid"),
        (
            r#"{"from":{"repository":"git/own","package":"a"}}"#,
            400,
            "tag_invalid",
        ),
    ] {
        refuses(&house, &admin, (packages, body), (status, code)).await;
    }
    let reader = house.user("reader", false).await;
    house.admission("user:reader", "npm/*", Role::Reader).await;
    assert_eq!(house.ask(&reader, "POST", packages, body).await.0, 403);
}
