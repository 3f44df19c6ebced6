//! Repositories and grants.

use super::{PASSWORD, basic, house};
use larder_model::Role;
use serde_json::{Value, json};

#[tokio::test]
async fn a_repository_from_its_making_to_its_end() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let body =
        r#"{"protocol":"oci","name":"team","kind":"hosted","description":"Images of the team"}"#;
    let made = house.pass(&admin, "POST", "/repositories", body).await;
    assert_eq!(made.headers["location"], "/api/v1/repositories/oci/team");
    assert_eq!(made.headers["cache-control"], "private, no-store");
    assert_eq!(
        house.ask(&admin, "POST", "/repositories", body).await.0,
        409
    );
    let (_, shown) = house
        .ask(
            &admin,
            "PATCH",
            "/repositories/oci/team",
            r#"{"description":"Ours"}"#,
        )
        .await;
    let created_at = shown["created_at"].clone();
    assert_eq!(
        shown,
        json!({"protocol": "oci", "name": "team", "kind": "hosted", "description": "Ours", "created_at": created_at,
            "open": null, "readable_by": "granted", "immutable": [], "sparse_images": false,
            "quota": {"bytes": null, "versions": null, "warning": false},
            "usage": {"bytes": 0, "unique_bytes": 0, "versions": 0}})
    );
    assert_eq!(
        house.ask(&admin, "GET", "/repositories/oci/team", "").await,
        (200, shown)
    );
    assert_eq!(
        house
            .ask(&admin, "DELETE", "/repositories/oci/team", "")
            .await
            .0,
        204
    );
    for method in ["GET", "DELETE"] {
        let (status, problem) = house
            .ask(&admin, method, "/repositories/oci/team", "")
            .await;
        assert_eq!(
            (status, &problem["code"]),
            (404, &json!("repository_not_found"))
        );
    }
}

#[tokio::test]
async fn what_cannot_be_made() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    for (body, code) in [
        (r#"{"protocol":"oci"}"#, "name_invalid"),
        (r#"{"protocol":"ocy","name":"a"}"#, "protocol_invalid"),
        (r#"{"protocol":"oci","name":"A"}"#, "name_invalid"),
        (
            r#"{"protocol":"oci","name":"a","kind":"mirror"}"#,
            "kind_invalid",
        ),
        (
            r#"{"protocol":"npm","name":"a","kind":"hosted"}"#,
            "kind_invalid",
        ),
        (
            r#"{"protocol":"oci","name":"a","members":[]}"#,
            "members_invalid",
        ),
        (
            r#"{"protocol":"oci","name":"a","colour":"red"}"#,
            "body_invalid",
        ),
        (
            r#"{"protocol":"oci","name":"a","description":"a\nb"}"#,
            "description_invalid",
        ),
        ("", "body_invalid"),
    ] {
        let (status, problem) = house.ask(&admin, "POST", "/repositories", body).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (400, Some(code)),
            "{body}"
        );
    }
    let (_, problem) = house
        .ask(
            &admin,
            "POST",
            "/repositories",
            r#"{"protocol":"npm","name":"a"}"#,
        )
        .await;
    assert_eq!(
        problem["detail"],
        "no npm repository of this kind can be made here; \
         what can be made: oci hosted, npm mirror, npm group, rpm hosted"
    );
}

#[tokio::test]
async fn lists_show_what_may_be_seen_page_by_page() {
    let house = house().await;
    for name in ["a", "b", "c", "d", "e"] {
        house.repo(name).await;
    }
    let reader = house.user("reader", false).await;
    for repository in ["oci/a", "oci/c", "oci/e"] {
        house
            .admission("user:reader", repository, Role::Reader)
            .await;
    }
    let mut seen = Vec::new();
    let mut target = "/repositories?limit=2".to_owned();
    loop {
        let (_, list) = house.ask(&reader, "GET", &target, "").await;
        seen.push(
            list["items"]
                .as_array()
                .expect("items")
                .iter()
                .map(|item| item["name"].clone())
                .collect::<Vec<_>>(),
        );
        let Some(next) = list["next"].as_str() else {
            break;
        };
        target = format!("/repositories?limit=2&after={next}");
    }
    assert_eq!(json!(seen), json!([["a", "c"], ["e"]]));
    let (_, nothing) = house.ask(&String::new(), "GET", "/repositories", "").await;
    assert_eq!(nothing, json!({"items": [], "next": null}));
    house.admission("anonymous", "oci/b", Role::Reader).await;
    let (_, public) = house.ask(&String::new(), "GET", "/repositories", "").await;
    assert_eq!(public["items"][0]["name"], "b");
}

#[tokio::test]
async fn grants_are_given_by_who_administers_all_of_the_pattern() {
    let house = house().await;
    let keeper = house.user("keeper", false).await;
    house.user("alice", false).await;
    house.group("dev").await;
    house
        .admission("user:keeper", "oci/team-*", Role::Admin)
        .await;
    let give = |subject: &str, repository: &str| {
        format!(
            r#"{{"subject":"{subject}","repository":"{repository}","role":"writer","package":"app*"}}"#
        )
    };
    for (subject, repository, expected) in [
        ("user:alice", "oci/team-a", (201, None)),
        ("user:alice", "oci/team-a", (409, Some("conflict"))),
        ("user:alice", "oci/team-*", (201, None)),
        ("user:alice", "oci/*", (403, Some("not_allowed"))),
        ("user:alice", "*", (403, Some("not_allowed"))),
        ("user:alice", "oci/tea*", (403, Some("not_allowed"))),
        // Who may not see users is not told which there are.
        ("user:nobody", "oci/team-a", (201, None)),
        ("robot:alice", "oci/team-a", (201, None)),
        ("robot:nobody", "oci/team-a", (201, None)),
        ("group:dev", "oci/team-a", (201, None)),
        ("group:nobody", "oci/team-a", (404, Some("group_not_found"))),
        ("authenticated", "oci/team-a", (201, None)),
        ("alice", "oci/team-a", (400, Some("subject_invalid"))),
        ("group:a b", "oci/team-a", (400, Some("subject_invalid"))),
        ("user:alice", "team", (400, Some("repository_invalid"))),
    ] {
        let (status, answer) = house
            .ask(&keeper, "POST", "/grants", &give(subject, repository))
            .await;
        assert_eq!(
            (status, answer["code"].as_str()),
            expected,
            "{subject} {repository}: {answer}"
        );
    }
    let admin = basic("admin", PASSWORD);
    for (subject, code) in [
        ("user:none", "user_not_found"),
        ("robot:alice", "subject_invalid"),
    ] {
        let grant = give(subject, "oci/team-a");
        let (_, answer) = house.ask(&admin, "POST", "/grants", &grant).await;
        assert_eq!(answer["code"], code, "{answer}");
    }
    let (_, all) = house
        .ask(&admin, "POST", "/grants", &give("user:alice", "*"))
        .await;
    let all = format!("/grants/{}", all["id"].as_str().expect("id"));
    assert_eq!(house.ask(&keeper, "DELETE", &all, "").await.0, 404);
    let (_, first) = house.ask(&keeper, "GET", "/grants?limit=2", "").await;
    let (_, rest) = house
        .ask(
            &keeper,
            "GET",
            &format!("/grants?after={}", first["next"].as_str().expect("next")),
            "",
        )
        .await;
    let shown = [&first, &rest].map(|list| list["items"].as_array().expect("items").len());
    assert_eq!((shown, &rest["next"]), ([2, 6], &json!(null)));
    assert_eq!(first["items"][1]["subject"], "user:alice");
    assert_eq!(first["items"][1]["created_by"], "user:keeper");
    let (_, everything) = house.ask(&admin, "GET", "/grants", "").await;
    assert_eq!(everything["items"].as_array().expect("items").len(), 9);
    let (_, mine) = house
        .ask(&basic("alice", PASSWORD), "GET", "/grants", "")
        .await;
    assert_eq!(mine["items"], json!([]));
}

#[tokio::test]
async fn who_can_and_by_which_grant() {
    let house = house().await;
    let alice = house.user("alice", false).await;
    let admin = basic("admin", PASSWORD);
    let id = house
        .admission("user:alice", "oci/team", Role::Writer)
        .await
        .to_string();
    let can = |who: &str, action: &str| {
        format!("/can?subject={who}&repository=oci/team&package=app&action={action}")
    };
    let yes = json!({"allowed": true, "grant": id, "through": []});
    let no = json!({"allowed": false, "grant": null, "through": []});
    assert_eq!(
        house
            .ask(&admin, "GET", &can("user:alice", "write"), "")
            .await,
        (200, yes.clone())
    );
    assert_eq!(
        house
            .ask(&alice, "GET", &can("user:alice", "read"), "")
            .await,
        (200, yes)
    );
    assert_eq!(
        house
            .ask(&admin, "GET", &can("user:alice", "delete"), "")
            .await,
        (200, no.clone())
    );
    assert_eq!(
        house
            .ask(&admin, "GET", &can("anonymous", "read"), "")
            .await,
        (200, no.clone())
    );
    assert_eq!(
        house
            .ask(&String::new(), "GET", &can("anonymous", "read"), "")
            .await,
        (200, no.clone())
    );
    let by_right = json!({"allowed": true, "grant": null, "through": []});
    assert_eq!(
        house
            .ask(&admin, "GET", &can("user:admin", "administer"), "")
            .await,
        (200, by_right)
    );
    assert_eq!(
        house
            .ask(&admin, "GET", &can("user:nobody", "read"), "")
            .await
            .0,
        404
    );
    assert_eq!(
        house
            .ask(&admin, "GET", &can("group:dev", "read"), "")
            .await
            .0,
        404
    );
    let (_, limited) = house.token("alice", Some(("oci/team", Role::Reader))).await;
    assert_eq!(
        house
            .ask(&limited, "GET", &can("user:alice", "write"), "")
            .await,
        (200, no.clone())
    );
    house
        .ask(&admin, "PATCH", "/users/alice", r#"{"disabled":true}"#)
        .await;
    assert_eq!(
        house
            .ask(&admin, "GET", &can("user:alice", "read"), "")
            .await,
        (200, no)
    );
}

#[tokio::test]
async fn grants_are_sought_by_subject_and_repository() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let alice = house.user("alice", false).await;
    let first = house.admission("user:alice", "oci/team", Role::Admin).await;
    let second = house.admission("user:bob", "oci/team", Role::Reader).await;
    let all = house.admission("user:bob", "oci/*", Role::Reader).await;
    let found = async |who: &String, query: &str| {
        let (status, list) = house.ask(who, "GET", &format!("/grants?{query}"), "").await;
        assert_eq!(status, 200, "{query}");
        let items = list["items"].as_array().expect("items").iter();
        let ids = items.map(|item| item["id"].as_str().expect("id").parse::<i64>());
        ids.collect::<Result<Vec<_>, _>>().expect("ids")
    };
    assert_eq!(found(&admin, "subject=user:bob").await, [all, second]);
    assert_eq!(found(&admin, "repository=oci/team").await, [first, second]);
    assert_eq!(
        found(&admin, "repository=oci/*&subject=user:bob").await,
        [all]
    );
    assert_eq!(found(&admin, "subject=user:bob&limit=1").await, [all]);
    let target = "/grants?subject=user:bob&limit=1";
    let (_, page) = house.ask(&admin, "GET", target, "").await;
    let next = page["next"].as_str().expect("next");
    let next = format!("subject=user:bob&limit=1&after={next}");
    assert_eq!(found(&admin, &next).await, [second]);
    assert!(found(&admin, "subject=anonymous").await.is_empty());
    // A filter shows nobody more.
    assert_eq!(found(&alice, "subject=user:bob").await, [second]);
    let wrong = house.pass(&admin, "GET", "/grants?subject=bob", "").await;
    assert_eq!((wrong.status, &*wrong.code()), (400, "subject_invalid"));
}

/// Members that a caller may not know of are not told, not taken, and not put out by it.
#[tokio::test]
async fn members_that_are_hidden_stay_hidden() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    for name in ["hidden", "seen"] {
        let body = format!(r#"{{"protocol":"npm","name":"{name}","kind":"mirror","open":false}}"#);
        assert_eq!(
            house.ask(&admin, "POST", "/repositories", &body).await.0,
            201
        );
    }
    let keeper = house.user("keeper", false).await;
    for repository in ["npm/mine", "npm/both", "npm/seen"] {
        house
            .admission("user:keeper", repository, Role::Admin)
            .await;
    }
    let mine = |member: &str| {
        format!(r#"{{"protocol":"npm","name":"mine","kind":"group","members":["{member}"]}}"#)
    };
    let (hidden, missing) = (mine("hidden"), mine("hiddem"));
    let (status, told) = house.ask(&keeper, "POST", "/repositories", &hidden).await;
    let other = house.ask(&keeper, "POST", "/repositories", &missing).await;
    assert_eq!((status, other.0), (400, 400));
    let as_text = |told: &Value| told["detail"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        as_text(&told),
        as_text(&other.1).replace("hiddem", "hidden")
    );
    let both = r#"{"protocol":"npm","name":"both","kind":"group","members":["hidden","seen"]}"#;
    assert_eq!(
        house.ask(&admin, "POST", "/repositories", both).await.0,
        201
    );
    let path = "/repositories/npm/both";
    let (_, shown) = house.ask(&keeper, "GET", path, "").await;
    assert_eq!(shown["members"], json!(["seen"]));
    let set = r#"{"members":["seen"]}"#;
    assert_eq!(house.ask(&keeper, "PATCH", path, set).await.0, 200);
    let (_, shown) = house.ask(&admin, "GET", path, "").await;
    assert_eq!(shown["members"], json!(["hidden", "seen"]));
}
