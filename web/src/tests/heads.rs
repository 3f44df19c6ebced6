//! Heads of requests: paths, methods, queries, media types, and what the log is told.

use super::{Answer, House, PASSWORD, basic, house};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use larder_model::{Kind, Role};

/// A superuser's call.
async fn as_admin(house: &House, method: &str, target: &str) -> Answer {
    house
        .pass(&basic("admin", PASSWORD), method, target, "{}")
        .await
}

#[tokio::test]
async fn a_path_is_read_once_and_strictly() {
    let house = house().await;
    house.repo("team").await;
    for target in [
        "/users",
        "/%75sers",
        "/repositories/oc%69/t%65am",
        "/users/%61dmin",
    ] {
        assert_eq!(
            as_admin(&house, "GET", target).await.status,
            200,
            "{target}"
        );
    }
    for target in [
        "/users/",
        "//users",
        "/nowhere",
        "/users/a/b",
        "/openapi.json/",
        "x/users",
    ] {
        let answer = as_admin(&house, "GET", target).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (404, "path_not_found"),
            "{target}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_a_name_is_the_name_of_nothing() {
    let house = house().await;
    for (target, expected) in [
        ("/repositories/oci/Team", "repository_not_found"),
        ("/repositories/x/team", "repository_not_found"),
        ("/repositories/OCI/team", "repository_not_found"),
        ("/connect/gem/oci/team", "client_not_found"),
        ("/connect/podman/oci/Team", "repository_not_found"),
        ("/users/a%20b", "user_not_found"),
        ("/users/..", "user_not_found"),
    ] {
        let answer = as_admin(&house, "GET", target).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (404, expected),
            "{target}"
        );
    }
    for id in ["x", "-1", "+1", "01", "0", "99999999999999999999"] {
        let answer = as_admin(&house, "DELETE", &format!("/tokens/{id}")).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (404, "token_not_found"),
            "{id}"
        );
    }
    for target in [
        "/repositories/oci/a%2Fb",
        "/repositories/npm/a/packages/b/versions/1%2F2",
        "/repositories/npm/a/packages/%2Fb/versions",
        "/repositories/npm/a/packages/b%2F..%2Fc/versions",
        "/users/%zz",
        "/users/a%5Cb",
        "/nowhere/%ff",
    ] {
        let answer = as_admin(&house, "GET", target).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (400, "path_invalid"),
            "{target}"
        );
    }
}

#[tokio::test]
async fn a_path_tells_its_methods() {
    let house = house().await;
    house.repo("team").await;
    for (method, target, allow) in [
        ("PUT", "/users", "GET, HEAD, POST"),
        ("OPTIONS", "/users", "GET, HEAD, POST"),
        ("GET", "/tokens/1", "DELETE"),
        ("POST", "/repositories/oci/team", "GET, HEAD, PATCH, DELETE"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("DELETE", "/", "GET, HEAD"),
        ("PATCH", "/settings/../users?x=%zz", ""),
    ] {
        let answer = as_admin(&house, method, target).await;
        if allow.is_empty() {
            assert_eq!(answer.status, 404, "{target}");
            continue;
        }
        assert_eq!(
            (answer.status, &*answer.code()),
            (405, "method_not_allowed"),
            "{target}"
        );
        assert_eq!(answer.header("allow"), allow, "{method} {target}");
        assert!(
            answer.json()["detail"]
                .as_str()
                .expect("detail")
                .ends_with(allow),
            "{target}"
        );
        assert_eq!(answer.problem.expect("problem").kind, Kind::Method);
    }
    // What a protocol does not know is no method of the path either.
    let version = "/repositories/oci/team/packages/app/versions/1";
    let answer = house
        .pass(
            &basic("admin", PASSWORD),
            "PATCH",
            version,
            r#"{"yanked":true}"#,
        )
        .await;
    assert_eq!((answer.status, &*answer.code()), (405, "unsupported"));
    assert_eq!(answer.header("allow"), "GET, HEAD, PATCH, DELETE");
    let full = as_admin(&house, "GET", "/users").await;
    let head = as_admin(&house, "HEAD", "/users").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), full.body.len().to_string());
}

#[tokio::test]
async fn a_query_is_known_to_its_call() {
    let house = house().await;
    for (target, expected) in [
        ("/whoami?x=1", "query_invalid"),
        ("/users?limit=1&limit=2", "query_invalid"),
        ("/users?limit=%zz", "query_invalid"),
        ("/users?owner=alice", "query_invalid"),
        ("/openapi.json?x", "query_invalid"),
        ("/users?limit=0", "limit_invalid"),
        ("/tokens?after=x", "after_invalid"),
        ("/can?action=read", "repository_invalid"),
        ("/can?repository=team&action=read", "repository_invalid"),
        ("/can?repository=oci/a&action=list", "action_invalid"),
    ] {
        let answer = as_admin(&house, "GET", target).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (400, expected),
            "{target}"
        );
    }
    let answer = house
        .pass(&String::new(), "GET", "/users?limit=0", "")
        .await;
    assert_eq!(
        answer.status, 400,
        "the head is read before anyone is asked for a right"
    );
}

#[tokio::test]
async fn a_body_is_read_by_those_who_may_only() {
    let house = house().await;
    house.repo("team").await;
    let reader = house.user("reader", false).await;
    house
        .admission("user:reader", "oci/team", Role::Reader)
        .await;
    let send = async |who: &str, media_type: &'static str, body: String| {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::try_from(who).expect("header"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        let answer = house
            .send(headers, "PATCH", "/api/v1/repositories/oci/team", body)
            .await;
        (answer.status, answer.code())
    };
    let admin = basic("admin", PASSWORD);
    let large = format!(r#"{{"description":"{}"}}"#, "x".repeat(64 * 1024));
    let told = |status, code: &str| (status, code.to_owned());
    assert_eq!(
        send(&admin, "application/json", large.clone()).await,
        told(413, "too_large")
    );
    assert_eq!(
        send(&admin, "text/plain", "{}".into()).await,
        told(400, "content_type_invalid")
    );
    assert_eq!(
        send(&admin, "application/json", "{".into()).await,
        told(400, "body_invalid")
    );
    for (media_type, body) in [
        ("application/json", large),
        ("text/plain", "{}".into()),
        ("application/json", "{".into()),
    ] {
        assert_eq!(
            send(&reader, media_type, body).await,
            told(403, "not_allowed"),
            "{media_type}"
        );
    }
}

#[tokio::test]
async fn the_log_is_told_what_was_required_and_what_went_wrong() {
    let house = house().await;
    house.repo("team").await;
    let user = house.user("user", false).await;
    let required = |told: &Answer| {
        told.permissions
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let answer = as_admin(&house, "GET", "/repositories/oci/team").await;
    assert_eq!(
        (required(&answer), answer.problem.is_none()),
        (vec!["read oci/team".to_owned()], true)
    );
    let answer = house
        .pass(&user, "DELETE", "/repositories/oci/team/packages/a%2Fb", "")
        .await;
    assert_eq!(required(&answer), ["delete oci/team a/b"]);
    assert_eq!(answer.problem.expect("problem").kind, Kind::Denied);
    let body = r#"{"protocol":"oci","name":"new"}"#;
    let answer = house.pass(&user, "POST", "/repositories", body).await;
    assert_eq!(
        (answer.status, required(&answer)),
        (403, vec!["administer oci/new".to_owned()])
    );
}

#[tokio::test]
async fn a_call_that_panics_is_answered_and_told_to_the_log() {
    let house = house().await;
    house.make("npm/broken", "mirror", "{}").await;
    let target = "/repositories/npm/broken/upstream/check";
    let answer = as_admin(&house, "POST", target).await;
    assert_eq!((answer.status, &*answer.code()), (500, "internal"));
    assert!(!String::from_utf8_lossy(&answer.body).contains("breaks"));
    let problem = answer.problem.expect("problem");
    assert_eq!(problem.kind, Kind::Internal);
    assert!(problem.with_causes().contains("this engine breaks"));
    assert_eq!(as_admin(&house, "GET", "/whoami").await.status, 200);
}
