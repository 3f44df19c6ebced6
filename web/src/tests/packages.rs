//! Packages, versions and files: what is told of them to whom, and what is changed.

use super::{House, PASSWORD, basic, house};
use larder_model::Role;
use serde_json::{Value, json};

/// A group of a hosted repository and two mirrors, which all have something.
pub(super) async fn full() -> House {
    let house = house().await;
    house.make("npm/local", "hosted", "{}").await;
    house.make("npm/up", "mirror", r#"{"open":false}"#).await;
    house.make("npm/far", "mirror", r#"{"open":false}"#).await;
    house
        .make("npm/main", "group", r#"{"members":["up","local","far"]}"#)
        .await;
    house
        .publish(
            "npm/local",
            "@acme/app",
            &[("-/app-1.tgz", "1", ""), ("-/app-2.tgz", "2", "")],
        )
        .await;
    house
        .publish("npm/local", "taken", &[("gone/1", "", "")])
        .await;
    house
        .keep("npm/up", "@acme/app", &[("-/app-9.tgz", "9")])
        .await;
    house
        .keep("npm/up", "taken", &[("-/taken-9.tgz", "9")])
        .await;
    house
        .keep(
            "npm/up",
            "both",
            &[("packument", ""), ("-/both-1.tgz", "1")],
        )
        .await;
    house
        .keep(
            "npm/far",
            "both",
            &[("-/both-1.tgz", "1"), ("-/both-2.tgz", "2")],
        )
        .await;
    house.keep("npm/far", "zeta", &[("packument", "")]).await;
    house
}

pub(super) fn names(list: &Value, field: &str) -> Vec<String> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("{list}"));
    items
        .iter()
        .map(|item| item[field].as_str().expect("name").to_owned())
        .collect()
}

#[tokio::test]
async fn a_group_lists_what_its_members_have_and_hides_what_they_may_not_give() {
    let house = full().await;
    let admin = basic("admin", PASSWORD);
    let get = |target: &'static str| house.ask(&admin, "GET", target, "");
    let (status, all) = get("/repositories/npm/main/packages").await;
    assert_eq!(
        (status, names(&all, "name")),
        (200, vec!["@acme/app".into(), "both".into(), "zeta".into()])
    );
    let told = |at: usize| {
        (
            all["items"][at]["hosted"].clone(),
            all["items"][at]["repositories"].clone(),
        )
    };
    assert_eq!(
        told(0),
        (json!(true), json!(["npm/local"])),
        "the mirror's of that name is nobody's"
    );
    assert_eq!(told(1), (json!(false), json!(["npm/up", "npm/far"])));
    let mut walked = Vec::new();
    let mut target = "/repositories/npm/main/packages?limit=1".to_owned();
    loop {
        let (_, page) = house.ask(&admin, "GET", &target, "").await;
        walked.extend(names(&page, "name"));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        target = format!(
            "/repositories/npm/main/packages?limit=1&after={}",
            next.replace('/', "%2F")
        );
    }
    assert_eq!(walked, names(&all, "name"), "page by page it is the same");
    let (_, found) = get("/repositories/npm/main/packages?q=ET").await;
    assert_eq!(names(&found, "name"), ["zeta"]);
    let (_, versions) = get("/repositories/npm/main/packages/@acme%2Fapp/versions").await;
    assert_eq!(names(&versions, "version"), ["1", "2"]);
    let (_, versions) = get("/repositories/npm/main/packages/both/versions").await;
    assert_eq!(
        (names(&versions, "version"), names(&versions, "repository")),
        (
            vec!["1".into(), "2".into()],
            vec!["npm/up".into(), "npm/far".into()]
        )
    );
    let (_, page) = get("/repositories/npm/main/packages/both/versions?limit=1").await;
    assert_eq!(
        (names(&page, "version"), &page["next"]),
        (vec!["1".into()], &json!("1"))
    );
    let (status, problem) = get("/repositories/npm/main/packages/none/versions").await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (404, Some("package_not_found"))
    );
}

#[tokio::test]
async fn a_version_tells_its_files() {
    let house = full().await;
    let admin = basic("admin", PASSWORD);
    let (status, told) = house
        .ask(
            &admin,
            "GET",
            "/repositories/npm/main/packages/%40acme%2Fapp/versions/2",
            "",
        )
        .await;
    let file = &told["files"][0];
    assert_eq!(
        (status, &told["hosted"], &told["yanked"]),
        (200, &json!(true), &json!(false))
    );
    assert_eq!(
        (&told["package"], &told["repository"]),
        (&json!("@acme/app"), &json!("npm/local"))
    );
    assert_eq!(
        (&file["path"], &file["size_bytes"]),
        (&json!("-/app-2.tgz"), &json!(11))
    );
    assert_eq!(
        (&file["created_by"], &file["media_type"]),
        (&json!("user:admin"), &json!("text/plain"))
    );
    assert_eq!(
        (&told["bytes"], &told["created_by"], &told["created_at"]),
        (&json!(11), &json!("user:admin"), &file["created_at"])
    );
    assert_eq!(
        (&told["last_used_at"], &file["last_used_at"]),
        (&Value::Null, &Value::Null),
        "nobody has read it"
    );
    assert!(
        file["digest"]
            .as_str()
            .is_some_and(|digest| digest.starts_with("sha256:")),
        "{file}"
    );
    let (status, _) = house
        .ask(
            &admin,
            "GET",
            "/repositories/npm/main/packages/@acme%2Fapp/versions/9",
            "",
        )
        .await;
    assert_eq!(status, 404);
    house.make("pypi/local", "hosted", "{}").await;
    let metadata = r#"{"yanked":"broken"}"#;
    house
        .publish(
            "pypi/local",
            "my-app",
            &[("my_app-1.tar.gz", "1", metadata)],
        )
        .await;
    let (_, told) = house
        .ask(
            &admin,
            "GET",
            "/repositories/pypi/local/packages/My_App/versions/1",
            "",
        )
        .await;
    assert_eq!(
        (&told["package"], &told["yanked"]),
        (&json!("my-app"), &json!("broken"))
    );
    house.repo("team").await;
    house
        .keep(
            "oci/team",
            "a/b",
            &[("tags/v1", ""), ("tags/v2", ""), ("manifests/x", "")],
        )
        .await;
    let (_, tags) = house
        .ask(
            &admin,
            "GET",
            "/repositories/oci/team/packages/a%2Fb/versions",
            "",
        )
        .await;
    assert_eq!(names(&tags, "version"), ["v1", "v2"]);
    let (_, tag) = house
        .ask(
            &admin,
            "GET",
            "/repositories/oci/team/packages/a%2Fb/versions/v2",
            "",
        )
        .await;
    assert_eq!(tag["files"][0]["path"], json!("tags/v2"));
}

#[tokio::test]
async fn lists_show_what_the_caller_may_read() {
    let house = full().await;
    let reader = house.user("reader", false).await;
    let get = |target: &'static str| house.ask(&reader, "GET", target, "");
    for target in [
        "/repositories/npm/main/packages",
        "/repositories/npm/none/packages?after=x",
    ] {
        assert_eq!(get(target).await.0, 404, "{target}");
    }
    house
        .admission("user:reader", "npm/main", Role::Reader)
        .await;
    let (status, list) = get("/repositories/npm/main/packages").await;
    assert_eq!(
        (status, names(&list, "name")),
        (200, vec![]),
        "the group alone opens no member"
    );
    house.admission("user:reader", "npm/up", Role::Reader).await;
    let (_, list) = get("/repositories/npm/main/packages").await;
    assert_eq!(
        names(&list, "name"),
        ["both"],
        "of names that are published elsewhere the mirror's are not shown"
    );
    assert_eq!(list["items"][0]["repositories"], json!(["npm/up"]));
    let (_, versions) = get("/repositories/npm/main/packages/both/versions").await;
    assert_eq!(names(&versions, "version"), ["1"]);
    assert_eq!(
        get("/repositories/npm/main/packages/@acme%2Fapp/versions")
            .await
            .0,
        404
    );
    assert_eq!(
        get("/repositories/npm/local/packages/@acme%2Fapp/versions")
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn changes_reach_the_engine_and_mirrors_forget() {
    let house = full().await;
    let admin = basic("admin", PASSWORD);
    let ask = |method: &'static str, target: &'static str, body: &'static str| {
        house.ask(&admin, method, target, body)
    };
    let version = "/repositories/npm/main/packages/@acme%2Fapp/versions/1";
    let (status, told) = ask("PATCH", version, r#"{"yanked":"broken"}"#).await;
    assert_eq!(
        (status, &told["yanked"], &told["version"]),
        (200, &json!("broken"), &json!("1"))
    );
    assert_eq!(ask("PATCH", version, r#"{"yanked":false}"#).await.0, 200);
    assert_eq!(ask("DELETE", version, "").await.0, 204);
    assert_eq!(
        ask("DELETE", "/repositories/npm/local/packages/@acme%2Fapp", "")
            .await
            .0,
        204
    );
    let expected = [
        r#"user:admin npm/main @acme/app Yank { version: "1", reason: "broken" }"#,
        r#"user:admin npm/main @acme/app Unyank { version: "1" }"#,
        r#"user:admin npm/main @acme/app Remove { version: Some("1") }"#,
        "user:admin npm/local @acme/app Remove { version: None }",
    ];
    assert_eq!(*house.engine.log.lock().expect("log"), expected);
    for bad in [
        r"{}",
        r#"{"yanked":1}"#,
        r#"{"yanked":"a\nb"}"#,
        r#"{"yanked":null}"#,
        r#"{"yanked":true,"x":1}"#,
    ] {
        assert_eq!(ask("PATCH", version, bad).await.0, 400, "{bad}");
    }
    let kept = "/repositories/npm/far/packages/both";
    assert_eq!(
        ask(
            "DELETE",
            "/repositories/npm/far/packages/both/versions/1",
            ""
        )
        .await
        .0,
        204
    );
    let (_, left) = ask("GET", "/repositories/npm/far/packages/both/versions", "").await;
    assert_eq!(names(&left, "version"), ["2"]);
    let (status, problem) = ask(
        "DELETE",
        "/repositories/npm/far/packages/both/versions/1",
        "",
    )
    .await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (404, Some("version_not_found"))
    );
    assert_eq!(ask("DELETE", kept, "").await.0, 204);
    let (status, problem) = ask("DELETE", kept, "").await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (404, Some("package_not_found"))
    );
    assert_eq!(
        house.engine.log.lock().expect("log").len(),
        expected.len(),
        "no mirror is published to"
    );
}

#[tokio::test]
async fn an_image_has_its_versions_by_tag_and_by_digest() {
    let house = house().await;
    house.repo("team").await;
    let manifest = super::blob("tags/v1").digest.to_string();
    let path: &'static str = Box::leak(format!("manifests/{manifest}").into_boxed_str());
    let files = [
        ("tags/v1", ""),
        ("tags/v10", ""),
        ("tags/v2", ""),
        (path, ""),
        ("manifests/x", ""),
    ];
    house.keep("oci/team", "a/b", &files).await;
    let admin = basic("admin", PASSWORD);
    let versions = "/repositories/oci/team/packages/a%2Fb/versions";
    let get = async |target: &str| house.ask(&admin, "GET", target, "").await;
    let (_, list) = get(&format!("{versions}?q=v1")).await;
    assert_eq!(names(&list, "version"), ["v1", "v10"]);
    let first = &list["items"][0];
    assert_eq!(
        (&first["digest"], &first["files"], &first["bytes"]),
        (&json!(manifest), &json!(1), &json!(7))
    );
    let (_, rest) = get(&format!("{versions}?q=v1&limit=1&after=v1")).await;
    assert_eq!(
        (names(&rest, "version"), &rest["next"]),
        (vec!["v10".into()], &json!(null))
    );
    // The manifest by its digest, and that digest where it is not.
    let by_digest = format!("{versions}/{manifest}");
    let (status, told) = get(&by_digest).await;
    assert_eq!(
        (status, &told["version"], &told["files"][0]["path"]),
        (200, &json!(manifest), &json!(path))
    );
    house.keep("oci/team", "other", &[("tags/v1", "")]).await;
    let elsewhere = format!("/repositories/oci/team/packages/other/versions/{manifest}");
    let (status, problem) = get(&elsewhere).await;
    assert_eq!(
        (status, &problem["code"]),
        (404, &json!("version_not_found"))
    );
    // Its deletion takes its tags with it.
    assert_eq!(house.ask(&admin, "DELETE", &by_digest, "").await.0, 204);
    assert_eq!(get(&by_digest).await.0, 404);
    let (_, left) = get(versions).await;
    assert!(
        !names(&left, "version").contains(&"v1".to_owned()),
        "{left}"
    );
}

#[tokio::test]
async fn a_package_tells_its_tags_and_the_rules_that_refuse_it() {
    let house = full().await;
    let admin = basic("admin", PASSWORD);
    house
        .publish(
            "npm/local",
            "left-pad",
            &[("-/left-pad-1.0.0.tgz", "1.0.0", "")],
        )
        .await;
    let get = |target: &'static str| house.ask(&admin, "GET", target, "");
    let (status, package) = get("/repositories/npm/main/packages/left-pad").await;
    let expected = json!({
        "name": "left-pad",
        "hosted": true,
        "repositories": ["npm/local"],
        "tags": {"latest": "1.0.0"},
        "blocked": [],
    });
    assert_eq!((status, package), (200, expected));
    // The list has the same beside the version.
    let (_, list) = get("/repositories/npm/main/packages/left-pad/versions").await;
    let version = &list["items"][0];
    assert_eq!(version["tags"], json!(["latest"]));
    assert_eq!(version["deprecated"], json!("use 2"));
    assert_eq!(version["yanked"], json!(false));
    // A rule of the group that is asked, and not one that means another package.
    let rules = r#"{"blocked":[{"package":"left-*","reason":"too small"},{"package":"x"}]}"#;
    let patched = house
        .ask(&admin, "PATCH", "/repositories/npm/main", rules)
        .await;
    assert_eq!(patched.0, 200);
    let rule = json!([{"repository": "npm/main", "package": "left-*", "reason": "too small"}]);
    let (_, package) = get("/repositories/npm/main/packages/left-pad").await;
    assert_eq!(package["blocked"], rule);
    let (_, version) = get("/repositories/npm/main/packages/left-pad/versions/1.0.0").await;
    assert_eq!(version["blocked"], rule);
    let (_, package) = get("/repositories/npm/local/packages/left-pad").await;
    assert_eq!(package["blocked"], json!([]));
}

#[tokio::test]
async fn a_version_is_described_though_nobody_fetched_it() {
    let house = full().await;
    let admin = basic("admin", PASSWORD);
    let get = |target: &'static str| house.ask(&admin, "GET", target, "");
    let (status, about) = get("/repositories/npm/up/packages/both/versions/known/about").await;
    assert_eq!(status, 200);
    assert_eq!(about["summary"], json!("It is known."));
    assert_eq!(about["file"], json!("not_kept"));
    assert_eq!(about["readme"], Value::Null);
    let (status, problem) = get("/repositories/npm/up/packages/both/versions/7/about").await;
    assert_eq!(
        (status, problem["code"].clone()),
        (404, json!("version_not_found"))
    );
    // Of what has no description only that is told.
    let (status, about) = get("/repositories/npm/up/packages/both/versions/1/about").await;
    assert_eq!((status, about["file"].clone()), (200, json!("none")));
}
