//! Groups, robots, grants to them, and the tokens of both.

use super::{PASSWORD, basic, house};
use serde_json::json;

#[tokio::test]
async fn groups_hold_users_robots_and_groups_and_can_tells_the_way() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let alice = house.user("alice", false).await;
    house.repo("team").await;
    let ask =
        async |method: &str, path: &str, body: &str| house.ask(&admin, method, path, body).await;
    let made = ask(
        "POST",
        "/groups",
        r#"{"name":"dev","description":"builders"}"#,
    )
    .await;
    assert_eq!((made.0, &made.1["description"]), (201, &json!("builders")));
    assert_eq!(ask("POST", "/groups", r#"{"name":"dev"}"#).await.0, 409);
    assert_eq!(ask("POST", "/groups", r#"{"name":"ops"}"#).await.0, 201);
    let robot = r#"{"name":"ci","owner":"user:alice","description":"builds"}"#;
    let (status, robot) = ask("POST", "/robots", robot).await;
    assert_eq!((status, &robot["owner"]), (201, &json!("user:alice")));
    for member in ["alice", "robot:ci", "user:alice"] {
        let put = ask("PUT", &format!("/groups/dev/members/{member}"), "").await;
        assert_eq!(put.0, 204, "{member}");
    }
    assert_eq!(ask("PUT", "/groups/ops/members/group:dev", "").await.0, 204);
    // Neither a second level nor a circle.
    ask("POST", "/groups", r#"{"name":"all"}"#).await;
    for place in [
        "/groups/all/members/group:ops",
        "/groups/dev/members/group:ops",
    ] {
        let (status, answer) = ask("PUT", place, "").await;
        assert_eq!(
            (status, answer["code"].as_str()),
            (409, Some("conflict")),
            "{place}"
        );
    }
    for place in [
        "nobody",
        "robot:alice",
        "user:ci",
        "group:none",
        "authenticated",
    ] {
        let put = ask("PUT", &format!("/groups/dev/members/{place}"), "").await;
        assert_eq!(
            (put.0, put.1["code"].as_str()),
            (404, Some("member_not_found")),
            "{place}"
        );
    }
    let (_, members) = ask("GET", "/groups/dev/members", "").await;
    let names: Vec<_> = members["items"].as_array().expect("items").iter().collect();
    let names: Vec<_> = names
        .iter()
        .map(|it| it["member"].as_str().expect("member"))
        .collect();
    assert_eq!(names, ["user:alice", "robot:ci"]);
    let (_, page) = ask("GET", "/groups/dev/members?limit=1", "").await;
    let next = page["next"].as_str().expect("next").to_owned();
    let (_, page) = ask("GET", &format!("/groups/dev/members?after={next}"), "").await;
    assert_eq!(page["items"][0]["member"], "robot:ci");
    // What the outer group is given, members of the inner one may.
    let read = "/can?subject=user:alice&repository=oci/team&action=read";
    assert_eq!(ask("GET", read, "").await.1["allowed"], false);
    let grant = r#"{"subject":"group:ops","repository":"oci/team","role":"reader"}"#;
    let (_, grant) = ask("POST", "/grants", grant).await;
    let expected = json!({
        "allowed": true, "grant": grant["id"], "through": ["group:dev", "group:ops"],
    });
    assert_eq!(ask("GET", read, "").await.1, expected);
    let of_group = "/can?subject=group:dev&repository=oci/team&action=read";
    assert_eq!(ask("GET", of_group, "").await.1, expected);
    let (_, shown) = ask("GET", "/users/alice", "").await;
    assert_eq!(shown["groups"], json!(["dev", "ops"]));
    assert_eq!(
        house
            .ask(&alice, "GET", "/repositories/oci/team", "")
            .await
            .0,
        200
    );
    // Taken out, she may not at once.
    assert_eq!(ask("DELETE", "/groups/dev/members/alice", "").await.0, 204);
    assert_eq!(
        house
            .ask(&alice, "GET", "/repositories/oci/team", "")
            .await
            .0,
        404
    );
    assert_eq!(ask("DELETE", "/groups/dev/members/alice", "").await.0, 404);
    assert_eq!(ask("DELETE", "/groups/ops", "").await.0, 204);
    let (_, grants) = ask("GET", "/grants", "").await;
    assert_eq!(grants["items"], json!([]), "its grants go with it");
}

#[tokio::test]
async fn a_robot_is_its_owner_s_to_look_after() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let (alice, bob) = (
        house.user("alice", false).await,
        house.user("bob", false).await,
    );
    for name in ["one", "two"] {
        let new = format!(r#"{{"name":"{name}","owner":"user:alice"}}"#);
        assert_eq!(house.ask(&admin, "POST", "/robots", &new).await.0, 201);
    }
    let taken = house
        .ask(&admin, "POST", "/robots", r#"{"name":"bob"}"#)
        .await;
    assert_eq!(taken.0, 409, "users and robots share one set of names");
    for owner in ["robot:one", "group:x", "nobody"] {
        let new = format!(r#"{{"name":"three","owner":"{owner}"}}"#);
        let (status, answer) = house.ask(&admin, "POST", "/robots", &new).await;
        assert_eq!(
            (status, answer["code"].as_str()),
            (400, Some("owner_invalid")),
            "{owner}"
        );
    }
    let names = async |who: &String| {
        let (_, list) = house.ask(who, "GET", "/robots", "").await;
        let items = list["items"].as_array().expect("items").clone();
        items
            .iter()
            .map(|it| it["name"].as_str().expect("name").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&admin).await, ["one", "two"]);
    assert_eq!(names(&alice).await, ["one", "two"]);
    assert!(names(&bob).await.is_empty());
    // The owner makes and ends its tokens; to others there is no such robot.
    let new = r#"{"name":"build","grants":[{"repository":"oci/team","role":"writer"}]}"#;
    let place = "/tokens?owner=robot:one";
    let (status, made) = house.ask(&alice, "POST", place, new).await;
    assert_eq!((status, &made["owner"]), (201, &json!("robot:one")));
    assert_eq!(
        house.ask(&bob, "POST", place, r#"{"name":"x"}"#).await.0,
        404
    );
    assert_eq!(house.ask(&bob, "GET", "/robots/one", "").await.0, 404);
    let robot = format!("Bearer {}", made["secret"].as_str().expect("secret"));
    let (_, who) = house.ask(&robot, "GET", "/whoami", "").await;
    assert_eq!(
        (&who["name"], &who["kind"]),
        (&json!("one"), &json!("robot"))
    );
    assert_eq!(house.ask(&robot, "GET", "/robots/one", "").await.0, 200);
    assert_eq!(house.ask(&robot, "PATCH", "/robots/one", "{}").await.0, 403);
    // Only superusers hand it over; then it is the next one's.
    let hand_over = r#"{"owner":"user:bob"}"#;
    assert_eq!(
        house.ask(&alice, "PATCH", "/robots/one", hand_over).await.0,
        403
    );
    assert_eq!(
        house.ask(&admin, "PATCH", "/robots/one", hand_over).await.0,
        200
    );
    assert_eq!(house.ask(&alice, "GET", "/robots/one", "").await.0, 404);
    let disable = r#"{"disabled":true}"#;
    assert_eq!(
        house.ask(&bob, "PATCH", "/robots/one", disable).await.0,
        200
    );
    assert_eq!(house.ask(&robot, "GET", "/whoami", "").await.0, 401);
    // A deleted owner disables its robots.
    assert_eq!(house.ask(&admin, "DELETE", "/users/alice", "").await.0, 204);
    let (_, two) = house.ask(&admin, "GET", "/robots/two", "").await;
    assert_eq!(two["owner"], json!(null));
    assert_eq!(house.ask(&admin, "DELETE", "/robots/two", "").await.0, 204);
    assert_eq!(house.ask(&admin, "GET", "/robots/two", "").await.0, 404);
}

#[tokio::test]
async fn grants_that_can_match_nothing_are_refused() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let give = async |subject: &str, repository: &str, more: &str| {
        let body = format!(
            r#"{{"subject":"{subject}","repository":"{repository}","role":"reader"{more}}}"#
        );
        house.ask(&admin, "POST", "/grants", &body).await
    };
    let (status, answer) = give("authenticated", "oci/team/*", "").await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (400, Some("repository_invalid"))
    );
    let detail = answer["detail"].as_str().expect("detail");
    assert!(
        detail.contains("repository oci/team, package *"),
        "{detail}"
    );
    let (status, answer) = give("authenticated", "npm/nothere", "").await;
    let warning = answer["warning"].as_str().expect("warning");
    assert!(
        status == 201 && warning.contains("npm/nothere"),
        "{warning}"
    );
    let (status, answer) = give("authenticated", "oci/nothere", "").await;
    assert_eq!(
        (status, answer.get("warning")),
        (201, None),
        "a push makes it"
    );
    // Networks are for those of whom nothing else is known.
    let networks = r#","networks":["10.0.0.0/8","192.0.2.7"]"#;
    let (status, answer) = give("anonymous", "oci/team", networks).await;
    assert_eq!(
        (status, &answer["networks"]),
        (201, &json!(["10.0.0.0/8", "192.0.2.7"]))
    );
    for (subject, networks) in [
        ("authenticated", r#","networks":["10.0.0.0/8"]"#),
        ("anonymous", r#","networks":["10.1.0.0/8"]"#),
        ("anonymous", r#","networks":["home"]"#),
    ] {
        let (status, answer) = give(subject, "oci/other", networks).await;
        assert_eq!(
            (status, answer["code"].as_str()),
            (400, Some("networks_invalid")),
            "{networks}"
        );
    }
}

/// Refs are a limit where there are any, and to what is changed.
#[tokio::test]
async fn a_grant_may_be_limited_to_refs() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let give = async |repository: &str, role: &str, refs: &str| {
        let body = format!(
            r#"{{"subject":"authenticated","repository":"{repository}","role":"{role}",
                "ref":"{refs}"}}"#
        );
        house.ask(&admin, "POST", "/grants", &body).await
    };
    let (status, answer) = give("git/team", "writer", "refs/heads/dev-*").await;
    assert_eq!((status, &answer["ref"]), (201, &json!("refs/heads/dev-*")));
    let (status, _) = give("git/team", "writer", "refs/tags/*").await;
    assert_eq!(status, 201, "another one");
    let (status, _) = give("git/team", "writer", "refs/tags/*").await;
    assert_eq!(status, 409, "the very same");
    for (repository, role, refs, why) in [
        ("npm/local", "writer", "refs/heads/*", "git alone"),
        ("*", "writer", "refs/heads/*", "git alone"),
        ("git/team", "reader", "refs/heads/*", "reads all"),
        ("git/team", "admin", "refs/heads/*", "administers all"),
        ("git/team", "writer", "main", "full name"),
    ] {
        let (status, answer) = give(repository, role, refs).await;
        assert_eq!((status, &answer["code"]), (400, &json!("ref_invalid")));
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(why), "{detail}");
    }
    // A question may be about one ref.
    let alice = house.user("alice", false).await;
    let can = async |refs: &str| {
        let asked = "/can?repository=git/team&package=tool&action=write";
        let (_, answer) = house
            .ask(&alice, "GET", &format!("{asked}{refs}"), "")
            .await;
        answer["allowed"].clone()
    };
    assert_eq!(can("&ref=refs/heads/dev-x").await, true);
    assert_eq!(can("&ref=refs/heads/main").await, false);
    assert_eq!(can("").await, false, "all of it");
}

#[tokio::test]
async fn a_token_does_not_outlive_the_token_that_made_it() {
    let house = house().await;
    let alice = house.user("alice", false).await;
    let first = r#"{"name":"first","expires_at":"2998-01-01T00:00:00Z"}"#;
    let (_, first) = house.ask(&alice, "POST", "/tokens", first).await;
    let first = format!("Bearer {}", first["secret"].as_str().expect("secret"));
    let later = r#"{"name":"later","expires_at":"2999-01-01T00:00:00Z"}"#;
    let (status, answer) = house.ask(&first, "POST", "/tokens", later).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (400, Some("expires_at_invalid"))
    );
    let (status, next) = house
        .ask(&first, "POST", "/tokens", r#"{"name":"next"}"#)
        .await;
    assert_eq!(
        (status, &next["expires_at"]),
        (201, &json!("2998-01-01T00:00:00Z"))
    );
}
