//! Mirrors, groups and settings: who sets what, and what is never told.

use super::{PASSWORD, basic, house};
use larder_model::Role;
use serde_json::json;

const MIRROR: &str = r#"{"protocol":"npm","name":"up","kind":"mirror","upstream":{"url":"https://a.example/x",
    "username":"me","password":"hunter2","allow":["https://files.example:8443"]}}"#;

#[tokio::test]
async fn an_upstreams_password_goes_in_and_never_out() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let (status, made) = house.ask(&admin, "POST", "/repositories", MIRROR).await;
    assert_eq!(status, 201, "{made}");
    let upstream = json!({"url": "https://a.example/x/", "username": "me", "has_password": true, "allow_private": false,
        "allow": ["https://files.example:8443/"], "absent_statuses": [404, 410], "answer_time": null});
    assert_eq!(
        (&made["upstream"], &made["offline"]),
        (&upstream, &json!(false))
    );
    let stored = house
        .metadata
        .repos()
        .await
        .expect("repos")
        .remove(0)
        .settings
        .write();
    assert!(
        !stored.contains("hunter2") && stored.contains("password"),
        "{stored}"
    );
    let header = |url: &str| {
        let mut settings = larder_model::RepoSettings::read(&stored)
            .expect("settings")
            .upstream
            .expect("upstream");
        settings.url = url.to_owned();
        house.gate.open_credentials(&settings)
    };
    assert_eq!(
        header("https://a.example/x/")
            .expect("opens")
            .authorization
            .expect("some"),
        "Basic bWU6aHVudGVyMg=="
    );
    assert!(header("https://b.example/").is_err());
}

#[tokio::test]
async fn credentials_stay_with_their_address() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    house.ask(&admin, "POST", "/repositories", MIRROR).await;
    let change = |body: &'static str| house.ask(&admin, "PATCH", "/repositories/npm/up", body);
    let (_, same) = change(r#"{"upstream":{"allow_private":true}}"#).await;
    assert_eq!(
        (
            &same["upstream"]["has_password"],
            &same["upstream"]["allow_private"]
        ),
        (&json!(true), &json!(true))
    );
    let (_, moved) = change(r#"{"upstream":{"url":"https://b.example/"}}"#).await;
    let bare = json!({"url": "https://b.example/", "username": null, "has_password": false, "allow_private": false,
        "absent_statuses": [404, 410], "answer_time": null});
    assert_eq!(moved["upstream"], bare);
    // What came while there was a login is still for those who had a grant.
    assert_eq!(moved["open"], json!(false));
    let (_, offline) = change(r#"{"offline":true,"fresh_seconds":7}"#).await;
    assert_eq!(
        (
            &offline["offline"],
            &offline["fresh_seconds"],
            &offline["upstream"]
        ),
        (&json!(true), &json!(7), &bare)
    );
}

#[tokio::test]
async fn what_is_absent_and_how_slow_it_is_are_set_and_taken_back() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    house.ask(&admin, "POST", "/repositories", MIRROR).await;
    let change = |body: String| {
        let (house, admin) = (&house, &admin);
        async move {
            house
                .ask(admin, "PATCH", "/repositories/npm/up", &body)
                .await
        }
    };
    let set = |field: &str, value: &str| change(format!(r#"{{"upstream":{{"{field}":{value}}}}}"#));
    let (status, now) = set("absent_statuses", "[403,404,403]").await;
    assert_eq!(
        (status, &now["upstream"]["absent_statuses"]),
        (200, &json!([403, 404, 410]))
    );
    let (_, now) = set("answer_time", r#""60s""#).await;
    assert_eq!(now["upstream"]["answer_time"], json!("1m"));
    assert_eq!(
        now["upstream"]["absent_statuses"],
        json!([403, 404, 410]),
        "what is not given stays"
    );
    let (_, now) = set("absent_statuses", "[]").await;
    assert_eq!(now["upstream"]["absent_statuses"], json!([404, 410]));
    assert_eq!(now["upstream"]["answer_time"], json!("1m"));
    let (_, now) = set("answer_time", "null").await;
    assert_eq!(now["upstream"]["answer_time"], json!(null));
    for (field, bad) in [
        ("token_origins", r#"["https://login.example"]"#),
        ("absent_statuses", "[500]"),
        ("absent_statuses", "[404,200]"),
        ("absent_statuses", "403"),
        ("absent_statuses", r#"["403"]"#),
        ("answer_time", "45"),
        ("answer_time", r#""45""#),
        ("answer_time", r#""999ms""#),
        ("answer_time", r#""11m""#),
    ] {
        let (status, problem) = set(field, bad).await;
        let code = format!("{field}_invalid");
        assert_eq!(
            (status, problem["code"].as_str()),
            (400, Some(code.as_str())),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn only_a_superuser_says_where_a_server_reaches() {
    let house = house().await;
    house
        .ask(&basic("admin", PASSWORD), "POST", "/repositories", MIRROR)
        .await;
    let maker = house.user("maker", false).await;
    house.admission("user:maker", "npm/*", Role::Admin).await;
    let (status, _) = house
        .ask(
            &maker,
            "PATCH",
            "/repositories/npm/up",
            r#"{"offline":true}"#,
        )
        .await;
    assert_eq!(status, 200);
    for (method, target, body) in [
        (
            "PATCH",
            "/repositories/npm/up",
            r#"{"upstream":{"url":"https://c.example/"}}"#,
        ),
        (
            "POST",
            "/repositories",
            r#"{"protocol":"npm","name":"b","kind":"mirror","upstream":{"url":"https://c.example/"}}"#,
        ),
    ] {
        let (status, problem) = house.ask(&maker, method, target, body).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (403, Some("not_allowed")),
            "{target}"
        );
    }
}

#[tokio::test]
async fn a_group_has_members_that_are_there() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    house.ask(&admin, "POST", "/repositories", MIRROR).await;
    let create = |members: &str| {
        let body =
            format!(r#"{{"protocol":"npm","name":"all","kind":"group","members":{members}}}"#);
        let (house, admin) = (&house, &admin);
        async move { house.ask(admin, "POST", "/repositories", &body).await }
    };
    for bad in ["[]", r#"["none"]"#, r#"["up","up"]"#, r#"["all"]"#] {
        let (status, problem) = create(bad).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (400, Some("members_invalid")),
            "{bad}"
        );
    }
    let (status, made) = create(r#"["up"]"#).await;
    assert_eq!((status, &made["members"]), (201, &json!(["up"])));
    let nested = r#"{"protocol":"npm","name":"more","kind":"group","members":["all"]}"#;
    assert_eq!(
        house.ask(&admin, "POST", "/repositories", nested).await.0,
        400
    );
    let misplaced = r#"{"upstream":{"url":"https://c.example/"}}"#;
    let (status, problem) = house
        .ask(&admin, "PATCH", "/repositories/npm/all", misplaced)
        .await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (400, Some("upstream_invalid"))
    );
}

#[tokio::test]
async fn upstreams_are_told_to_those_who_look_after_them() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    house.ask(&admin, "POST", "/repositories", MIRROR).await;
    let idle = r#"{"protocol":"npm","name":"idle","kind":"mirror","upstream":{"url":"https://b.example/"}}"#;
    house.ask(&admin, "POST", "/repositories", idle).await;
    house.make("npm/empty", "mirror", "{}").await;
    let (status, list) = house.ask(&admin, "GET", "/upstreams", "").await;
    let fares: Vec<_> = list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["state"].as_str())
        .collect();
    assert_eq!(
        (status, fares),
        (200, vec![Some("unasked"), Some("paused")]),
        "{list}"
    );
    let up = &list["items"][1];
    assert_eq!(
        (&up["repository"], &up["url"], &up["failures"]),
        (&json!("npm/up"), &json!("https://a.example/x/"), &json!(3))
    );
    assert!(
        up["paused_until"].is_string() && up["last_error"]["at"].is_string(),
        "{up}"
    );
    assert_eq!(up["last_error"]["reason"], json!("it answered 500"));
    let files = &up["paused_origins"][0];
    assert_eq!(
        (
            &files["origin"],
            &files["reason"],
            files["paused_until"].is_string()
        ),
        (
            &json!("https://files.example"),
            &json!("cannot be reached"),
            true
        )
    );
    assert_eq!(list["items"][0]["paused_origins"], json!([]));
    let (_, page) = house.ask(&admin, "GET", "/upstreams?limit=1", "").await;
    assert_eq!(
        (page["items"].as_array().map(Vec::len), &page["next"]),
        (Some(1), &json!("npm/idle"))
    );
    house
        .ask(
            &admin,
            "PATCH",
            "/repositories/npm/up",
            r#"{"offline":true}"#,
        )
        .await;
    let (_, list) = house
        .ask(&admin, "GET", "/upstreams?after=npm/idle", "")
        .await;
    assert_eq!(list["items"][0]["state"], json!("offline"));
}

#[tokio::test]
async fn an_upstream_is_checked_for_those_who_look_after_it() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    house.ask(&admin, "POST", "/repositories", MIRROR).await;
    let reader = house.user("reader", false).await;
    house
        .admission("user:reader", "npm/*", Role::Maintainer)
        .await;
    assert_eq!(
        house.ask(&reader, "GET", "/upstreams", "").await.1["items"],
        json!([])
    );
    assert_eq!(
        house
            .ask(&reader, "POST", "/repositories/npm/up/upstream/check", "{}")
            .await
            .0,
        403
    );
    let (status, checked) = house
        .ask(&admin, "POST", "/repositories/npm/up/upstream/check", "{}")
        .await;
    let told = (
        &checked["repository"],
        &checked["url"],
        &checked["status"],
        &checked["ok"],
    );
    assert_eq!(
        told,
        (
            &json!("npm/up"),
            &json!("https://a.example/x/"),
            &json!(401),
            &json!(false)
        )
    );
    assert_eq!(
        (status, &checked["problem"]),
        (200, &json!("it wants a login"))
    );
    assert_eq!(
        checked["paused_origins"][0]["origin"],
        json!("https://files.example")
    );
    assert_eq!(*house.engine.log.lock().expect("log"), ["check up"]);
}

#[tokio::test]
async fn blocked_packages_are_told_and_checked() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    house.ask(&admin, "POST", "/repositories", MIRROR).await;
    house.repo("ours").await;
    let change =
        |target: &'static str, body: &'static str| house.ask(&admin, "PATCH", target, body);
    let list = json!([{"package": "evil-*", "reason": "known malware"}, {"package": "@evil/*"}]);
    let body = r#"{"blocked":[{"package":"evil-*","reason":"known malware"},{"package":"@evil/*","reason":""}]}"#;
    let (status, now) = change("/repositories/npm/up", body).await;
    assert_eq!((status, &now["blocked"]), (200, &list));
    let (_, other) = change("/repositories/npm/up", r#"{"offline":true}"#).await;
    assert_eq!(other["blocked"], list, "what is not given stays");
    let (_, none) = change("/repositories/npm/up", r#"{"blocked":[]}"#).await;
    assert_eq!(none["blocked"], json!([]));
    for (target, bad) in [
        ("/repositories/npm/up", r#"{"blocked":["evil-*"]}"#),
        ("/repositories/npm/up", r#"{"blocked":[{"package":""}]}"#),
        (
            "/repositories/npm/up",
            r#"{"blocked":[{"package":"*********"}]}"#,
        ),
        ("/repositories/npm/up", r#"{"blocked":[{"reason":"x"}]}"#),
        (
            "/repositories/npm/up",
            r#"{"blocked":[{"package":"x","reason":"a\nb"}]}"#,
        ),
        (
            "/repositories/npm/up",
            r#"{"blocked":[{"package":"x","reasons":"y"}]}"#,
        ),
        ("/repositories/oci/ours", r#"{"blocked":[{"package":"x"}]}"#),
    ] {
        let (status, problem) = change(target, bad).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (400, Some("blocked_invalid")),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn settings_are_changed_one_by_one() {
    let house = house().await;
    house.repo("docker.io").await;
    let admin = basic("admin", PASSWORD);
    let change = |body: &'static str| house.ask(&admin, "PATCH", "/settings", body);
    assert_eq!(
        change(r#"{"oci":{"default_mirror":"docker.io"}}"#).await.0,
        200
    );
    let (_, now) = change(r#"{"offline":true}"#).await;
    assert_eq!(
        now,
        json!({"offline": true, "oci": {"default_mirror": "docker.io"}})
    );
    assert_eq!(house.ask(&admin, "GET", "/settings", "").await.1, now);
    let (status, problem) = change(r#"{"oci":{"default_mirror":"none"}}"#).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (400, Some("default_mirror_invalid"))
    );
    for none in [
        r#"{"oci":{"default_mirror":""}}"#,
        r#"{"oci":{"default_mirror":null}}"#,
    ] {
        change(r#"{"oci":{"default_mirror":"docker.io"}}"#).await;
        let (_, now) = change(r#"{"offline":true}"#).await;
        assert_eq!(now["oci"]["default_mirror"], json!("docker.io"));
        let (_, now) = change(none).await;
        assert_eq!(now["oci"]["default_mirror"], json!(null), "{none}");
    }
}

#[tokio::test]
async fn health_tells_of_each_part() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let (status, health) = house.ask(&admin, "GET", "/system/health", "").await;
    assert_eq!(status, 200);
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    let well = json!({"ok": true, "problem": null});
    assert_eq!((&health["database"], &health["storage"]), (&well, &well));
    assert_eq!(
        health["disk"],
        json!({"free_bytes": 1000, "total_bytes": 4000})
    );
    // This engine's store is away once something was asked of it.
    house.engine.log.lock().expect("log").push("x".to_owned());
    let (status, health) = house.ask(&admin, "GET", "/system/health", "").await;
    assert_eq!(status, 200);
    assert_eq!(
        health["storage"],
        json!({"ok": false, "problem": "the store is away"})
    );
    assert_eq!(health["database"], well);
}

#[tokio::test]
async fn the_configuration_and_the_authority_are_told() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    let (status, config) = house.ask(&admin, "GET", "/system/config", "").await;
    let threads = json!({
        "key": "server.threads",
        "value": "2",
        "default": "0",
        "set_by": "larder.toml:3:1",
    });
    assert_eq!((status, &config["items"]), (200, &json!([threads])));
    let (status, authority) = house
        .ask(&String::new(), "GET", "/system/authority", "")
        .await;
    let pem = "-----BEGIN CERTIFICATE-----\n";
    assert_eq!((status, &authority["certificate"]), (200, &json!(pem)));
}

#[tokio::test]
async fn what_anyone_reads_upstream_anyone_reads_here() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    house.ask(&admin, "POST", "/repositories", MIRROR).await;
    let open = r#"{"protocol":"npm","name":"open","kind":"mirror","upstream":{"url":"https://a.example/"}}"#;
    house.ask(&admin, "POST", "/repositories", open).await;
    for (name, status) in [("open", 200), ("up", 401)] {
        let target = format!("/repositories/npm/{name}");
        assert_eq!(
            house.ask(&String::new(), "GET", &target, "").await.0,
            status,
            "{name}"
        );
    }
    let (_, shown) = house
        .ask(&String::new(), "GET", "/repositories/npm/open", "")
        .await;
    assert_eq!(
        shown.get("upstream"),
        None,
        "where it comes from is for those who look after it"
    );
    assert_eq!(
        house
            .ask(&admin, "DELETE", "/repositories/npm/open", "")
            .await
            .0,
        204
    );
    let (_, left) = house.ask(&admin, "GET", "/grants", "").await;
    assert_eq!(
        left["items"],
        json!([]),
        "the next repository of that name begins without it"
    );
}
