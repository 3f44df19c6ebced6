//! Users and tokens.

use super::{House, PASSWORD, basic, house};
use larder_model::Role;
use serde_json::json;

#[tokio::test]
async fn a_user_from_its_making_to_its_end() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let body = r#"{"name":"alice","password":"correct horse"}"#;
    let made = house.pass(&admin, "POST", "/users", body).await;
    assert_eq!(made.headers["location"], "/api/v1/users/alice");
    assert!(!String::from_utf8_lossy(&made.body).contains("correct"));
    assert_eq!(house.ask(&admin, "POST", "/users", body).await.0, 409);
    let alice = basic("alice", "correct horse");
    let (_, shown) = house.ask(&alice, "GET", "/users/alice", "").await;
    let created_at = shown["created_at"].clone();
    let expected = json!({
        "name": "alice", "kind": "person", "superuser": false, "disabled": false,
        "created_at": created_at, "groups": [],
    });
    assert_eq!(shown, expected);
    let (_, list) = house.ask(&admin, "GET", "/users?limit=1", "").await;
    assert_eq!(
        (&list["items"][0]["name"], &list["next"]),
        (&json!("admin"), &json!("admin"))
    );
    let (_, list) = house
        .ask(&admin, "GET", "/users?limit=1&after=admin", "")
        .await;
    assert_eq!(
        (&list["items"][0]["name"], &list["next"]),
        (&json!("alice"), &json!(null))
    );
    assert_eq!(house.ask(&alice, "DELETE", "/users/alice", "").await.0, 403);
    assert_eq!(house.ask(&admin, "DELETE", "/users/alice", "").await.0, 204);
    assert_eq!(house.ask(&alice, "GET", "/whoami", "").await.0, 401);
    assert_eq!(house.ask(&admin, "GET", "/users/alice", "").await.0, 404);
}

#[tokio::test]
async fn ones_own_password_needs_the_one_before() {
    let house = house().await;
    let alice = house.user("alice", false).await;
    let change = async |who: &String, name: &str, body: &str| {
        let (status, answer) = house
            .ask(who, "PATCH", &format!("/users/{name}"), body)
            .await;
        (
            status,
            answer["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let told = |status: u16, code: &str| (status, code.to_owned());
    let lacks = change(&alice, "alice", r#"{"password":"another one"}"#).await;
    assert_eq!(lacks, told(400, "current_password_invalid"));
    let wrong = change(
        &alice,
        "alice",
        r#"{"password":"another one","current_password":"guess"}"#,
    )
    .await;
    assert_eq!(wrong, told(403, "current_password_wrong"));
    let right = format!(r#"{{"password":"another one","current_password":"{PASSWORD}"}}"#);
    assert_eq!(change(&alice, "alice", &right).await, told(200, ""));
    assert_eq!(
        house.ask(&alice, "GET", "/whoami", "").await.0,
        401,
        "the old password holds no more"
    );
    let alice = basic("alice", "another one");
    assert_eq!(house.ask(&alice, "GET", "/whoami", "").await.0, 200);
    assert_eq!(
        change(&alice, "alice", r#"{"superuser":true}"#).await,
        told(403, "not_allowed")
    );
    assert_eq!(
        change(&alice, "alice", r#"{"disabled":false}"#).await,
        told(403, "not_allowed")
    );
    let (_, limited) = house.token("alice", Some(("*", Role::Admin))).await;
    let again = r#"{"password":"a third one","current_password":"another one"}"#;
    assert_eq!(
        change(&limited, "alice", again).await,
        told(403, "not_allowed")
    );
    let admin = basic("admin", PASSWORD);
    assert_eq!(
        change(&admin, "alice", r#"{"password":"set by admin"}"#).await,
        told(200, "")
    );
    assert_eq!(
        change(&admin, "admin", r#"{"password":"set by admin"}"#).await,
        told(400, "current_password_invalid")
    );
    assert_eq!(
        change(&admin, "alice", r#"{"password":"alice"}"#).await,
        told(400, "password_invalid")
    );
}

#[tokio::test]
async fn guesses_at_the_current_password_are_counted() {
    let house = house().await;
    let (_, alice) = {
        house.user("alice", false).await;
        house.token("alice", None).await
    };
    let guess = r#"{"password":"another one","current_password":"guess"}"#;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(house.ask(&alice, "PATCH", "/users/alice", guess).await.0);
    }
    assert_eq!((statuses[0], statuses[11]), (403, 429));
}

#[tokio::test]
async fn one_superuser_stays() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let last = async |method: &str, body: &str| {
        let (status, answer) = house.ask(&admin, method, "/users/admin", body).await;
        assert_eq!(
            (status, answer["code"].as_str()),
            (409, Some("last_superuser")),
            "{method} {body}"
        );
    };
    last("DELETE", "").await;
    last("PATCH", r#"{"disabled":true}"#).await;
    last("PATCH", r#"{"superuser":false}"#).await;
    let second = house.user("second", true).await;
    assert_eq!(
        house
            .ask(&admin, "PATCH", "/users/second", r#"{"disabled":true}"#)
            .await
            .0,
        200
    );
    last("DELETE", "").await;
    assert_eq!(
        house
            .ask(&admin, "PATCH", "/users/second", r#"{"disabled":false}"#)
            .await
            .0,
        200
    );
    assert_eq!(house.ask(&admin, "DELETE", "/users/admin", "").await.0, 204);
    assert_eq!(house.ask(&second, "GET", "/users", "").await.0, 200);
}

#[tokio::test]
async fn tokens_act_for_their_owner_within_their_limits() {
    let house = house().await;
    let alice = house.user("alice", false).await;
    house.repo("team").await;
    house.repo("other").await;
    house.admission("user:alice", "oci/*", Role::Admin).await;
    let secret = async |body: &str| {
        let (status, made) = house.ask(&alice, "POST", "/tokens", body).await;
        assert_eq!(status, 201, "{made}");
        (
            made["id"].as_str().expect("id").to_owned(),
            format!("Bearer {}", made["secret"].as_str().expect("secret")),
        )
    };
    let (_, whole) = secret(r#"{"name":"laptop"}"#).await;
    let (id, narrow) = secret(
        r#"{"name":"ci","expires_at":"2999-01-01T00:00:00Z","grants":[{"repository":"oci/team","role":"reader"}]}"#,
    )
    .await;
    let (_, me) = house.ask(&narrow, "GET", "/whoami", "").await;
    assert_eq!(
        me,
        json!({"name": "alice", "anonymous": false, "kind": "person", "superuser": false, "limited": true})
    );
    assert_eq!(
        house
            .ask(&whole, "GET", "/repositories/oci/other", "")
            .await
            .0,
        200
    );
    assert_eq!(
        house
            .ask(&narrow, "GET", "/repositories/oci/team", "")
            .await
            .0,
        200
    );
    assert_eq!(
        house
            .ask(&narrow, "GET", "/repositories/oci/other", "")
            .await
            .0,
        404
    );
    assert_eq!(
        house
            .ask(&narrow, "PATCH", "/repositories/oci/team", "{}")
            .await
            .0,
        403
    );
    let (_, list) = house.ask(&alice, "GET", "/tokens?limit=1", "").await;
    let next = list["next"].as_str().expect("next");
    let (_, list) = house
        .ask(&alice, "GET", &format!("/tokens?after={next}"), "")
        .await;
    let created_at = list["items"][0]["created_at"].clone();
    // It was just used, and the list tells so at once.
    let last_used_at = list["items"][0]["last_used_at"].clone();
    assert!(last_used_at.is_string(), "{list}");
    let grants = json!([{"repository": "oci/team", "package": "*", "role": "reader"}]);
    let expected = json!({"id": id, "name": "ci", "kind": "access", "grants": grants, "created_at": created_at,
        "expires_at": "2999-01-01T00:00:00Z", "owner": "user:alice",
        "last_used_at": last_used_at, "last_used_from": "127.0.0.1"});
    assert_eq!(
        list["items"],
        json!([expected]),
        "and the secret is not shown again"
    );
    assert_eq!(
        house
            .ask(&alice, "DELETE", &format!("/tokens/{id}"), "")
            .await
            .0,
        204
    );
    assert_eq!(house.ask(&narrow, "GET", "/whoami", "").await.0, 401);
}

#[tokio::test]
async fn whoever_shows_nothing_is_anonymous() {
    let house: House = house().await;
    let (status, me) = house.ask(&String::new(), "GET", "/whoami", "").await;
    assert_eq!(
        (status, me),
        (
            200,
            json!({"name": null, "anonymous": true, "superuser": false, "limited": false})
        )
    );
    let (_, me) = house
        .ask(&basic("admin", PASSWORD), "GET", "/whoami", "")
        .await;
    assert_eq!(
        me,
        json!({"name": "admin", "anonymous": false, "kind": "person", "superuser": true, "limited": false})
    );
    assert_eq!(
        house
            .ask(&basic("admin", "wrong"), "GET", "/whoami", "")
            .await
            .0,
        401
    );
}

#[tokio::test]
async fn people_are_sought_by_name_state_and_owner() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let alice = house.user("alice", false).await;
    house.user("alan", true).await;
    house.user("bob", false).await;
    for (path, body) in [
        ("/groups", r#"{"name":"dev"}"#),
        ("/groups", r#"{"name":"devs"}"#),
        ("/groups", r#"{"name":"ops"}"#),
        ("/robots", r#"{"name":"ci-a","owner":"user:alice"}"#),
        ("/robots", r#"{"name":"ci-b","owner":"user:bob"}"#),
        ("/robots", r#"{"name":"dock","owner":"user:alice"}"#),
        ("/tokens", r#"{"name":"laptop"}"#),
        ("/tokens", r#"{"name":"phone"}"#),
    ] {
        assert_eq!(house.ask(&admin, "POST", path, body).await.0, 201, "{body}");
    }
    let disabled = r#"{"disabled":true}"#;
    for path in ["/users/bob", "/robots/dock"] {
        assert_eq!(house.ask(&admin, "PATCH", path, disabled).await.0, 200);
    }
    let found = async |who: &String, query: &str| {
        let (status, list) = house.ask(who, "GET", query, "").await;
        assert_eq!(status, 200, "{query}");
        let items = list["items"].as_array().expect("items").iter();
        let names = items.map(|item| item["name"].as_str().expect("name").to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    for (query, names) in [
        ("/users?prefix=al", "alan alice"),
        ("/users?prefix=al&limit=1&after=alan", "alice"),
        ("/users?prefix=al&superuser=true", "alan"),
        ("/users?superuser=true", "admin alan"),
        ("/users?disabled=true", "bob"),
        ("/users?disabled=false&superuser=false", "alice"),
        ("/groups?prefix=dev", "dev devs"),
        ("/groups?prefix=x", ""),
        ("/robots?prefix=ci", "ci-a ci-b"),
        ("/robots?owner=user:alice", "ci-a dock"),
        ("/robots?owner=alice&disabled=true", "dock"),
        ("/robots?owner=nobody", ""),
        ("/robots?disabled=false", "ci-a ci-b"),
        ("/tokens?prefix=lap", "laptop"),
        ("/tokens?expired=true", ""),
        ("/tokens?expired=false", "laptop phone"),
    ] {
        assert_eq!(found(&admin, query).await, names, "{query}");
    }
    // A filter shows nobody more.
    for (query, names) in [
        ("/robots", "ci-a dock"),
        ("/robots?owner=user:alice&prefix=ci", "ci-a"),
        ("/robots?owner=user:bob", ""),
        ("/robots?prefix=ci-b", ""),
    ] {
        assert_eq!(found(&alice, query).await, names, "{query}");
    }
    for (query, code) in [
        ("/users?disabled=1", "disabled_invalid"),
        ("/users?superuser=", "superuser_invalid"),
        ("/robots?owner=group:dev", "owner_invalid"),
        ("/tokens?expired=maybe", "expired_invalid"),
    ] {
        let wrong = house.pass(&admin, "GET", query, "").await;
        assert_eq!((wrong.status, &*wrong.code()), (400, code), "{query}");
    }
}

#[tokio::test]
async fn a_first_password_that_holds_no_more_is_forgotten() {
    let house = house().await;
    let second = house.user("second", true).await;
    let told = || std::mem::take(&mut *house.engine.log.lock().expect("log"));
    let change = async |body: &str, status: u16| {
        let changed = house.ask(&second, "PATCH", "/users/admin", body).await;
        assert_eq!(changed.0, status);
        told()
    };
    let forgotten = ["forget the first password of admin"];
    assert_eq!(change(r#"{"superuser":true}"#, 200).await, [""; 0]);
    assert_eq!(change(r#"{"password":"short"}"#, 400).await, [""; 0]);
    assert_eq!(
        change(r#"{"password":"long enough"}"#, 200).await,
        forgotten
    );
    house.ask(&second, "DELETE", "/users/admin", "").await;
    assert_eq!(told(), forgotten);
}
